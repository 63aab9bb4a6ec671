//! Windows through the switch of Layer 2.

use bt_layers::Options;
use bt_layers::bt_core::Field;
use bt_testkit::{Market, oracle};

use crate::{name, over_tables, subsets};

#[test]
fn current_windows_are_there_where_the_asset_has_a_bar_now_and_the_same_however_layer_2_is_switched() {
    let data = Market::staggered(4, 3, 60, 20).with_gaps(0.3).generate();
    for config in subsets() {
        let (layers, tables) = over_tables(&config, Options::default());
        tables.publish(&name("us"), &data);
        let mut worker = layers.worker().unwrap();
        let trial = worker.trial(&name("us")).unwrap();
        let portal = trial.portal();
        for (rank, asset) in portal.assets().ids().enumerate() {
            let windows = trial.windows(&portal, asset, Field::CLOSE).unwrap();
            for moment in portal.moments() {
                let expected = oracle::window(&data.assets[rank], Field::CLOSE, moment.now(), 7);
                let current = windows.current(moment, 7).unwrap();
                assert_eq!(current.is_some(), oracle::has_bar(&data, rank, moment.now()));
                assert!(current.is_none_or(|current| oracle::same_bits(&current, &expected)));
                assert!(oracle::same_bits(&windows.at(moment, 7).unwrap(), &expected));
            }
        }
    }
}
