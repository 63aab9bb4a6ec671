//! The table as files.

use std::fs;

use bt_sweep::results::Trials;
use bt_sweep::{Error, Names, Params, Status, TrialRecord, Value};

use crate::common::{metrics, names, record};

fn trials() -> Vec<TrialRecord> {
    let failed = Status::Failed("no bars, says \"x\"\nand more".into());
    vec![
        record(0, Status::Done, [5.into(), "close".into()], [1.25, 3.0]),
        record(1, Status::Done, [Value::Float(0.5), "a,b".into()], [f64::NAN, 1e300]),
        record(2, failed, [6.into(), "".into()], [0.0; 2]),
        // The validation of fold 2.
        TrialRecord { part: 7, ..record(3, Status::Deadline, [7.into(), "open".into()], [0.0; 2]) },
    ]
}

#[test]
fn csv_quotes_what_it_has_to_and_leaves_empty_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trials.csv");
    fs::write(&path, "an older one").unwrap();
    let table = Trials::of_records(&names(), &metrics(), &trials()).unwrap();
    table.write_csv(&path).unwrap();
    let expected = "number,fold,role,fidelity,fast,price,status,message,sharpe,trades,worker,started_us,took_us\n\
        0,0,train,1.0,5.0,close,done,,1.25,3.0,1,20,300\n\
        1,0,train,1.0,0.5,\"a,b\",done,,NaN,1e300,1,20,300\n\
        2,0,train,1.0,6.0,\"\",failed,\"no bars, says \"\"x\"\"\nand more\",,,1,20,300\n\
        3,2,validation,1.0,7.0,open,deadline,,,,1,20,300\n";
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
}

#[test]
fn columns_of_one_name_are_told_apart() {
    let names = Names::new(["number", "sharpe", "metric.sharpe"]);
    let metrics = ["sharpe", "status"].map(String::from);
    let mut trial = trials().remove(0);
    trial.params = Params::new(&names, [1.into(), 2.into(), 3.into()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trials.csv");
    Trials::of_records(&names, &metrics, [&trial]).unwrap().write_csv(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let head = "number,fold,role,fidelity,param.number,sharpe,metric.sharpe,status,message,\
        metric.metric.sharpe,metric.status,worker,started_us,took_us";
    assert_eq!(text.lines().next(), Some(head));
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let table = Trials::of_records(&names(), &metrics(), &trials()).unwrap();
    let error = table.write_csv("/nowhere/at/all/trials.csv").unwrap_err();
    assert!(
        matches!(&error, Error::Io { operation, .. } if operation.contains("/nowhere/at/all")),
        "{error}"
    );
}

#[cfg(feature = "parquet")]
mod parquet {
    use ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use arrow_array::cast::AsArray;
    use arrow_array::types::{Float64Type, Int64Type};
    use arrow_array::{Array, RecordBatch};
    use arrow_schema::DataType;

    use super::*;

    fn read(table: &Trials) -> RecordBatch {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.parquet");
        table.write_parquet(&path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).unwrap()).unwrap();
        let mut batches = reader.with_batch_size(1 << 20).build().unwrap();
        let batch = batches.next().unwrap().unwrap();
        assert!(batches.next().is_none());
        batch
    }

    #[test]
    fn parquet_has_typed_columns_and_nulls_for_what_is_missing() {
        let batch = read(&Trials::of_records(&names(), &metrics(), &trials()).unwrap());
        let types: Vec<_> = batch.schema().fields().iter().map(|field| field.data_type().clone()).collect();
        use DataType::{Float64, Int64, Utf8};
        let expected =
            [Int64, Int64, Utf8, Float64, Float64, Utf8, Utf8, Utf8, Float64, Float64, Int64, Int64, Int64];
        assert_eq!(types, expected);
        let column = |name: &str| batch.column_by_name(name).unwrap();
        assert_eq!(column("number").as_primitive::<Int64Type>().values(), &[0, 1, 2, 3]);
        assert_eq!(column("fold").as_primitive::<Int64Type>().values(), &[0, 0, 0, 2]);
        let role = column("role").as_string::<i32>();
        assert_eq!((role.value(0), role.value(3)), ("train", "validation"));
        assert_eq!(column("fast").as_primitive::<Float64Type>().values(), &[5.0, 0.5, 6.0, 7.0]);
        assert_eq!(column("price").as_string::<i32>().value(1), "a,b");
        let message = column("message").as_string::<i32>();
        assert!(message.is_null(0) && message.value(2).starts_with("no bars"));
        let sharpe = column("sharpe").as_primitive::<Float64Type>();
        assert!(sharpe.value(0) == 1.25 && sharpe.is_valid(1) && sharpe.value(1).is_nan());
        assert!(sharpe.is_null(2) && sharpe.is_null(3));
        assert_eq!(column("took_us").as_primitive::<Int64Type>().value(3), 300);
    }

    #[test]
    fn a_parameter_has_the_narrowest_type_that_holds_its_values() {
        let of = |values: [Value; 2]| {
            let names = Names::new(["x"]);
            let trials = values.into_iter().zip(0..).map(|(value, number)| {
                let mut trial = record(number, Status::Done, [1.into(), "".into()], [0.0; 2]);
                trial.params = Params::new(&names, [value]).unwrap();
                trial
            });
            let batch = read(&Trials::of_records(&names, &metrics(), &trials.collect::<Vec<_>>()).unwrap());
            let column = batch.column_by_name("x").unwrap();
            let text = column.as_string_opt::<i32>().map(|column| column.value(0).to_owned());
            (column.data_type().clone(), text)
        };
        let large = Value::Int((1 << 53) + 1);
        assert_eq!(of([1.into(), large.clone()]).0, DataType::Int64);
        assert_eq!(of([1.into(), 0.5.into()]).0, DataType::Float64);
        assert_eq!(of([large, 0.5.into()]), (DataType::Utf8, Some("9007199254740993".into())));
        assert_eq!(of([1.0.into(), "a".into()]), (DataType::Utf8, Some("1.0".into())));
    }

    #[test]
    fn more_trials_than_a_row_group_holds_and_none_at_all_are_files_too() {
        let mut builder = bt_sweep::results::TrialsBuilder::new(&names(), &metrics());
        let empty = Trials::of_records(&names(), &metrics(), &[]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trials.parquet");
        empty.write_parquet(&path).unwrap();
        let rows = |path| {
            let file = fs::File::open(path).unwrap();
            ParquetRecordBatchReaderBuilder::try_new(file).unwrap().metadata().file_metadata().num_rows()
        };
        assert_eq!(rows(&path), 0);
        for number in 0..70_000 {
            builder.push(&record(number, Status::Done, [1.into(), "a".into()], [0.0; 2])).unwrap();
        }
        builder.finish().write_parquet(&path).unwrap();
        assert_eq!(rows(&path), 70_000);
    }

    #[test]
    fn a_count_beyond_what_a_file_holds_is_refused() {
        let trial = record(u64::MAX, Status::Done, [1.into(), "a".into()], [0.0; 2]);
        let table = Trials::of_records(&names(), &metrics(), [&trial]).unwrap();
        let error = table.write_parquet(std::env::temp_dir().join("never.parquet")).unwrap_err();
        assert!(error.to_string().starts_with("number of trial 18446744073709551615"), "{error}");
    }
}
