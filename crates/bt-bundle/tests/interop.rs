//! Other Arrow readers open `bars.arrow` as it is.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, TimestampNanosecondType};
use bt_bundle::Store;
use bt_bundle::bt_core::BundleSource;
use common::{Sample, name};

fn published(root: &Path) -> PathBuf {
    let store = Store::create(root).unwrap();
    let published = store.publish(&name("daily"), &Sample::three().open(), "a test").unwrap();
    root.join("daily").join(published.version.to_string())
}

/// Rows of (asset, nanoseconds, close), as they were published.
fn expected() -> Vec<(String, i64, f64)> {
    let sample = Sample::three();
    let rows = sample.assets.iter().flat_map(|(name, asset)| {
        let closes = asset.times.iter().zip(&asset.columns[3]);
        closes.map(move |(&time, &close)| (name.clone(), time, close))
    });
    rows.collect()
}

#[test]
fn the_reader_of_arrow_rs_opens_it_and_checks_every_key() {
    let root = common::root();
    let file = std::fs::File::open(published(root.path()).join("bars.arrow")).unwrap();
    let reader = arrow_ipc::reader::FileReader::try_new(file, None).unwrap();
    let batches: Vec<_> = reader.collect::<Result<_, _>>().unwrap();
    assert_eq!(batches.len(), 1);
    let assets =
        batches[0].column(0).as_dictionary::<Int32Type>().downcast_dict::<arrow_array::StringArray>();
    let times = batches[0].column(1).as_primitive::<TimestampNanosecondType>().values();
    let closes = batches[0].column(5).as_primitive::<Float64Type>().values();
    let assets = assets.unwrap().into_iter().map(|asset| asset.unwrap().to_owned());
    let rows = assets.zip(times).zip(closes).map(|((asset, &time), &close)| (asset, time, close));
    assert_eq!(rows.collect::<Vec<_>>(), expected());
}

#[test]
fn the_reader_of_arrow_rs_opens_the_index() {
    let root = common::root();
    let file = std::fs::File::open(published(root.path()).join("index.arrow")).unwrap();
    let reader = arrow_ipc::reader::FileReader::try_new(file, None).unwrap();
    let batches: Vec<_> = reader.collect::<Result<_, _>>().unwrap();
    assert_eq!((batches.len(), batches[0].num_rows()), (1, 1));
    let names = batches[0].column_by_name("asset").unwrap().as_list::<i64>().value(0);
    assert_eq!(names.as_string::<i32>().iter().flatten().collect::<Vec<_>>(), ["AAA", "BBB", "CCC"]);
}

/// Writes the rows of `bars.arrow` anew, as another program would: so many batches, aligned to 8 bytes.
fn rewrite(path: &Path, batches: usize) {
    let file = std::fs::File::open(path).unwrap();
    let batch = arrow_ipc::reader::FileReader::try_new(file, None).unwrap().next().unwrap().unwrap();
    std::fs::remove_file(path).unwrap();
    let options =
        arrow_ipc::writer::IpcWriteOptions::try_new(8, false, arrow_ipc::MetadataVersion::V5).unwrap();
    let file = std::fs::File::create(path).unwrap();
    let mut writer =
        arrow_ipc::writer::FileWriter::try_new_with_options(file, &batch.schema(), options).unwrap();
    let rows = batch.num_rows().div_ceil(batches);
    for start in (0..batch.num_rows()).step_by(rows) {
        writer.write(&batch.slice(start, rows.min(batch.num_rows() - start))).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn bars_that_another_program_wrote_are_read_where_they_lie_or_copied_once() {
    for batches in [1, 3] {
        let root = common::root();
        let directory = published(root.path());
        rewrite(&directory.join("bars.arrow"), batches);
        let store = Store::open(root.path()).unwrap();
        let bundle = store.open(&name("daily")).unwrap();
        common::assert_same(&*bundle, &Sample::three());
        assert_eq!(store.verify(&name("daily"), None).is_ok(), batches == 1);
    }
}

/// The python of `BT_PYTHON`, or else `python3`, where it has the module.
fn python_with(module: &str) -> Option<String> {
    let python = std::env::var("BT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let imports = Command::new(&python).args(["-c", &format!("import {module}")]).output();
    imports.is_ok_and(|output| output.status.success()).then_some(python)
}

/// Runs a script that prints `asset nanoseconds close` for each row of the file in `sys.argv[1]`.
fn rows_read_by(module: &str, script: &str) -> Option<Vec<(String, i64, f64)>> {
    let Some(python) = python_with(module) else {
        println!("skipped: no python with {module} (set BT_PYTHON to one)");
        return None;
    };
    let root = common::root();
    let output = Command::new(python).args(["-c", script]).arg(published(root.path())).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let parse = |line: &str| {
        let mut words = line.split(' ');
        let mut next = || words.next().unwrap().to_owned();
        (next(), next().parse().unwrap(), next().parse().unwrap())
    };
    Some(String::from_utf8(output.stdout).unwrap().lines().map(parse).collect())
}

#[test]
fn pyarrow_opens_it() {
    let script = "
import sys, pyarrow as pa
path = sys.argv[1]
with pa.memory_map(path + '/bars.arrow') as source:
    table = pa.ipc.open_file(source).read_all()
table.validate(full=True)
assert table.column_names == ['asset', 'timestamp', 'open', 'high', 'low', 'close', 'volume']
for asset, time, close in zip(table['asset'].to_pylist(), table['timestamp'].cast('int64').to_pylist(), table['close'].to_pylist()):
    print(asset, time, close)
with pa.memory_map(path + '/index.arrow') as source:
    index = pa.ipc.open_file(source).read_all()
index.validate(full=True)
assert index['asset'][0].as_py() == ['AAA', 'BBB', 'CCC']
assert index['bars'][0].as_py() == [4, 2, 2]
with pa.memory_map(path + '/digests.arrow') as source:
    digests = pa.ipc.open_file(source).read_all()
digests.validate(full=True)
assert digests.num_rows == 3 and len(digests['close'][0].as_py()) == 32
";
    if let Some(rows) = rows_read_by("pyarrow", script) {
        assert_eq!(rows, expected());
    }
}

#[test]
fn polars_opens_it() {
    let script = "
import sys, polars as pl
path = sys.argv[1]
frame = pl.read_ipc(path + '/bars.arrow')
for asset, time, close in frame.select(pl.col('asset').cast(pl.String), pl.col('timestamp').cast(pl.Int64), 'close').iter_rows():
    print(asset, time, close)
index = pl.read_ipc(path + '/index.arrow').select('asset', 'bars').explode('asset', 'bars')
assert index.rows() == [('AAA', 4), ('BBB', 2), ('CCC', 2)], index
";
    if let Some(rows) = rows_read_by("polars", script) {
        assert_eq!(rows, expected());
    }
}
