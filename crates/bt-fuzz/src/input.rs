//! What holds of every ingest, whatever it is fed.

use bt_bundle::bt_core::{Bundle, BundleName, BundleSource, Error, ErrorKind};
use bt_bundle::{AppendReport, BadRows, FileFormat, Ingest, IngestOptions, IngestReport, Store, fuzzing};

use crate::place;

/// A file, and how it is taken in.
pub(crate) struct Input<'a> {
    pub(crate) format: FileFormat,
    pub(crate) asset: bt_bundle::AssetName,
    pub(crate) options: IngestOptions,
    pub(crate) bytes: &'a [u8],
}

/// Ingests a file into an empty store: a report that adds up and a bundle that verifies, or an error that tells the input's
/// fault.
pub(crate) fn ingest(input: &Input<'_>) {
    let directory = place::directory();
    let path = place::write(directory.path(), "BARS-2024.csv", input.bytes);
    let store = Store::create(directory.path().join("store")).expect("a store for the run");
    let name: BundleName = "daily".parse().expect("a name");
    let options =
        IngestOptions { temporary_directory: Some(directory.path().to_path_buf()), ..input.options.clone() };
    let run = |options: IngestOptions| {
        let ingest = Ingest::new(options).file(&path, input.format, input.asset.clone());
        fuzzing::on_one_thread(|| ingest.into_store(&store, &name))
    };
    match run(options.clone()) {
        Ok(report) => {
            adds_up(&report);
            holds(&store, &name, &report);
            if options.on_bad_row == BadRows::Fail {
                let skipping = run(IngestOptions { on_bad_row: BadRows::Skip, ..options });
                let skipping = skipping.expect("where no row is bad none is left out");
                assert_eq!((report.version, true), (skipping.version, skipping.unchanged));
            }
        }
        Err(error) => is_told(&error),
    }
}

/// Ingests a file with adjustments, and appends another: each publishes a version that verifies, or leaves the current one.
pub(crate) fn ingest_and_append(first: &Input<'_>, adjustments: &[u8], second: &[u8]) {
    let directory = place::directory();
    let write = |name: &str, bytes: &[u8]| place::write(directory.path(), name, bytes);
    let store = Store::create(directory.path().join("store")).expect("a store for the run");
    let name: BundleName = "daily".parse().expect("a name");
    let options =
        IngestOptions { temporary_directory: Some(directory.path().to_path_buf()), ..first.options.clone() };
    let of = |options: IngestOptions, file: &str, bytes: &[u8]| {
        Ingest::new(options).file(write(file, bytes), first.format, first.asset.clone())
    };
    let acting = IngestOptions {
        adjustments: (!adjustments.is_empty()).then(|| write("actions.csv", adjustments)),
        ..options.clone()
    };
    let ingest = of(acting, "BARS-2024.csv", first.bytes);
    let before = match fuzzing::on_one_thread(|| ingest.into_store(&store, &name)) {
        Ok(report) => report,
        Err(error) => return is_told(&error),
    };
    holds(&store, &name, &before);
    let append = of(options, "BARS-2025.csv", second);
    match fuzzing::on_one_thread(|| append.append_to(&store, &name)) {
        Ok(AppendReport { input, appended, .. }) => {
            adds_up(&input);
            assert_eq!(appended.previous, before.version);
            assert_eq!(appended.new_bars + appended.repeated_bars, input.bars, "{input}");
            assert_eq!(appended.published.rows, before.bars + appended.new_bars, "{input}");
            store.verify(&name, Some(appended.published.version)).expect("what was just published");
        }
        Err(error) => {
            is_told(&error);
            holds(&store, &name, &before);
        }
    }
}

/// Every row that was read is a bar, or is told of.
fn adds_up(report: &IngestReport) {
    let told = report.rejected.count + report.unpriced.count + report.repeated.count;
    assert_eq!(report.rows_read, report.bars + told, "{report}");
}

/// The bundle is what the report says, and its content is what its version says.
fn holds(store: &Store, name: &BundleName, report: &IngestReport) {
    let bundle = store.open(name).expect("a bundle that was published");
    assert_eq!(bundle.version(), report.version);
    let ids = bundle.assets().ids();
    let bars: usize = ids.map(|asset| bundle.bars(asset).expect("an asset of the bundle").len()).sum();
    assert_eq!((bars as u64, bundle.assets().len()), (report.bars, report.assets), "{report}");
    let calendar = bundle.calendar();
    assert_eq!((report.first, report.last), (calendar.first().copied(), calendar.last().copied()));
    store.verify(name, Some(report.version)).expect("what was just published");
}

/// An ingest that fails says what is wrong with input or options: no fault of the disk, and none without a kind.
fn is_told(error: &Error) {
    let text = error.to_string();
    assert!(text.len() < 4000, "{} bytes of error: {text}", text.len());
    let kind = error.kind();
    let is_typed = matches!(
        kind,
        ErrorKind::InvalidInput { .. }
            | ErrorKind::InvalidOption { .. }
            | ErrorKind::InvalidAssetName { .. }
            | ErrorKind::Corrupt { .. }
            | ErrorKind::Unreadable { .. }
            | ErrorKind::Unsupported { .. }
    );
    assert!(is_typed, "{kind:?}");
}
