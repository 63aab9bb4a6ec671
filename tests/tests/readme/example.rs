use bt_bundle::{Ingest, IngestOptions, Store};
use bt_layers::bt_core::Field;
use bt_layers::{Layers, OptimizationConfig, Options};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Once: read a CSV, check it, publish it as one immutable, memory-mapped matrix.
    let (store, name) = (Store::create("target/bundles")?, "us-equities".parse()?);
    let report = Ingest::new(IngestOptions::default()).csv("data/stocks.csv").into_store(&store, &name)?;
    println!("{report}"); // how columns, dates and zone were understood

    // In the sweep: stack the layers; one worker a thread, one trial after the other.
    let layers = Layers::over_bundles(&OptimizationConfig::default(), Options::default(), store)?;
    let mut worker = layers.worker()?;
    let data = worker.trial(&name)?; // one version from here to the end of the trial
    let portal = data.portal();
    let aapl = portal.series(portal.assets().id("AAPL")?, Field::CLOSE)?;
    let mut mean = f64::NAN;
    for moment in portal.moments() {
        let closes = aapl.window(moment, 20)?; // &[f64], never beyond this moment
        mean = closes.iter().sum::<f64>() / closes.len() as f64;
    }
    println!("AAPL, mean of the last 20 closes: {mean:.2}");
    Ok(())
}
