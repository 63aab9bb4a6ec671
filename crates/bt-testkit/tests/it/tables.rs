//! Wrong sources of tables.

use std::collections::HashMap;

use bt_asset_cache::{Table, TableSource};
use bt_core::{BundleName, BundleVersion, Error, Result};
use bt_testkit::{FakeTables, Layout, MarketData, conformance};
use parking_lot::Mutex;

use crate::verdict;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    StaleVersion,
    StaleTable,
    VersionApartFromTheTable,
    VersionOfAMinute,
    LosesARow,
    ShowsARowTwice,
    SwapsAssets,
    SinglePrecision,
    DayTooEarly,
    AnyNameWillDo,
    MissingIsAnotherError,
}

struct Wrong {
    fault: Fault,
    right: FakeTables,
    first: Mutex<HashMap<BundleName, Table>>,
    latest: Mutex<Option<BundleName>>,
}

impl Wrong {
    fn new(fault: Fault) -> Self {
        Self { fault, right: FakeTables::default(), first: Mutex::default(), latest: Mutex::default() }
    }

    fn publish(&self, name: &BundleName, data: &MarketData) {
        let mut held = data.clone();
        match self.fault {
            Fault::SwapsAssets => {
                let columns = held.assets[0].columns.clone();
                let bars = columns[0].len().min(held.assets[1].columns[0].len());
                for (column, other) in held.assets[1].columns.iter_mut().zip(columns) {
                    column[..bars].copy_from_slice(&other[..bars]);
                }
            }
            Fault::SinglePrecision => {
                let values = held.assets.iter_mut().flat_map(|asset| &mut asset.columns).flatten();
                values.for_each(|value| *value = f64::from(*value as f32));
            }
            Fault::DayTooEarly => {
                let days = held.assets.iter_mut().flat_map(|asset| &mut asset.timestamps);
                days.for_each(|day| *day = day.plus_seconds(-86_400));
            }
            _ => {}
        }
        self.right.publish(name, &held, &Layout::default());
        let table = self.right.read(name).unwrap();
        self.first.lock().entry(name.clone()).or_insert(table);
        *self.latest.lock() = Some(name.clone());
    }

    fn name(&self, name: &BundleName) -> BundleName {
        let is_known = self.first.lock().contains_key(name);
        match (self.fault, &*self.latest.lock()) {
            (Fault::AnyNameWillDo, Some(latest)) if is_known => latest.clone(),
            _ => name.clone(),
        }
    }
}

impl TableSource for Wrong {
    fn version(&self, name: &BundleName) -> Result<BundleVersion> {
        let version = self.right.version(&self.name(name));
        match (self.fault, self.first.lock().get(name)) {
            (Fault::StaleVersion, Some(first)) => Ok(first.version),
            (Fault::VersionApartFromTheTable, Some(_)) => Ok(BundleVersion([3; 32])),
            (Fault::VersionOfAMinute, Some(first)) => Ok(first.version),
            (Fault::MissingIsAnotherError, None) => Err(Error::other("no such file")),
            _ => version,
        }
    }

    fn read(&self, name: &BundleName) -> Result<Table> {
        let mut table = self.right.read(&self.name(name))?;
        match (self.fault, self.first.lock().get(name)) {
            (Fault::StaleTable, Some(first)) => return Ok(first.clone()),
            (Fault::VersionOfAMinute, Some(first)) => table.version = first.version,
            (Fault::LosesARow, _) => {
                let rows = table.batches[0].num_rows();
                table.batches[0] = table.batches[0].slice(0, rows - 1);
            }
            (Fault::ShowsARowTwice, _) => {
                let row = table.batches[0].slice(0, 1);
                table.batches.push(row);
            }
            _ => {}
        }
        Ok(table)
    }
}

#[test]
fn a_source_of_tables_that_breaks_a_promise_is_caught_by_it() {
    for (fault, says) in [
        (Fault::None, "nothing is wrong"),
        (Fault::StaleVersion, "what is read is not of the version that is said to be current"),
        (Fault::StaleTable, "what is read is not of the version that is said to be current"),
        (Fault::VersionApartFromTheTable, "what is read is not of the version that is said to be current"),
        (Fault::VersionOfAMinute, "a corrected open kept the version"),
        (Fault::LosesARow, "rows are missing, or too many"),
        (Fault::ShowsARowTwice, "rows are missing, or too many"),
        (Fault::SwapsAssets, "open of A0001 differs"),
        (Fault::SinglePrecision, "differs"),
        (Fault::DayTooEarly, "timestamps of A0000 differ"),
        (Fault::AnyNameWillDo, "rows are missing, or too many"),
        (Fault::MissingIsAnotherError, "no such file"),
    ] {
        let source = Wrong::new(fault);
        let verdict = verdict(|| conformance::table_source(&source, |name, data| source.publish(name, data)));
        assert!(verdict.contains(says), "{fault:?}: {verdict}");
    }
}
