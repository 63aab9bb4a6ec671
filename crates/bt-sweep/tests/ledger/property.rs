//! For any records, any cut and any flipped byte.

use std::fs;
use std::path::Path;

use bt_sweep::ledger::{self, Contents};
use bt_sweep::{Error, TrialRecord};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::common::{all_of, any_record, create, record, resume};
use crate::oracle;

fn all(contents: &Contents) -> Vec<String> {
    contents.trials.iter().map(|trial| all_of(&trial.record())).collect()
}

/// A ledger with one segment, synced after each of the groups.
fn write(folder: &Path, groups: &[Vec<TrialRecord>]) {
    let ledger = create(folder);
    let segment = ledger.segment(0).unwrap();
    for group in groups {
        for record in group {
            segment.append(record).unwrap();
        }
        ledger.flush().unwrap();
    }
    ledger.close().unwrap();
}

/// Records in groups; no two have the same key.
fn any_groups() -> impl Strategy<Value = Vec<Vec<TrialRecord>>> {
    vec(vec(any_record(1), 0..4), 1..4).prop_map(|mut groups| {
        groups.iter_mut().flatten().zip(0..).for_each(|(record, own)| record.key = crate::common::key(own));
        groups
    })
}

/// What a segment's first `count` records give.
fn first(groups: &[Vec<TrialRecord>], count: usize) -> Vec<String> {
    oracle::read(&[groups.iter().flatten().take(count).cloned().collect()])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, ..ProptestConfig::default() })]

    #[test]
    fn what_is_read_is_the_union_of_all_segments_each_key_once(
        appends in vec((0..3usize, any_record(12), any::<bool>()), 0..20),
        resumed_at in 0..20usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut model = vec![Vec::new(); 3];
        let mut ledger = create(folder.path());
        for (at, (worker, record, is_flushed)) in appends.iter().enumerate() {
            if at == resumed_at {
                ledger.close().unwrap();
                let (again, contents) = resume(folder.path()).unwrap();
                prop_assert_eq!(all(&contents), oracle::read(&model));
                ledger = again;
            }
            ledger.segment(*worker as u32).unwrap().append(record).unwrap();
            model[*worker].push(record.clone());
            if *is_flushed {
                ledger.flush().unwrap();
            }
        }
        ledger.close().unwrap();
        let contents = ledger::read(folder.path()).unwrap();
        let expected = oracle::read(&model);
        prop_assert_eq!(contents.duplicates as usize, appends.len() - expected.len());
        prop_assert_eq!(all(&contents), expected);
        for trial in contents.trials.iter() {
            let found = contents.trials.find(&trial.key()).unwrap();
            prop_assert_eq!(all_of(&found.record()), all_of(&trial.record()));
        }
    }

    #[test]
    fn a_ledger_that_was_cut_anywhere_holds_the_records_before_and_goes_on(
        groups in any_groups(),
        cut in any::<Index>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &groups);
        let path = folder.path().join("segment-0.ledger");
        let mut bytes = fs::read(&path).unwrap();
        let length = cut.index(bytes.len() + 1);
        let whole = oracle::whole(&bytes, length);
        bytes.truncate(length);
        fs::write(&path, &bytes).unwrap();

        let contents = ledger::read(folder.path()).unwrap();
        prop_assert_eq!(all(&contents), first(&groups, whole));
        let torn: u64 = contents.torn.iter().map(|torn| torn.bytes).sum();
        let good = oracle::ends(&bytes).into_iter().filter(|end| *end <= length).max().unwrap_or(0);
        prop_assert_eq!(torn as usize, length - good);

        let (ledger, _) = resume(folder.path()).unwrap();
        ledger.segment(0).unwrap().append(&record(u64::MAX / 20)).unwrap();
        ledger.close().unwrap();
        let contents = ledger::read(folder.path()).unwrap();
        prop_assert!(contents.torn.is_empty());
        prop_assert_eq!(contents.trials.len(), whole + 1);
    }

    #[test]
    fn a_flipped_byte_is_damage_or_ends_the_last_group_and_is_never_a_record(
        groups in any_groups(),
        at in any::<Index>(),
        mask in 1..=255u8,
    ) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &groups);
        let path = folder.path().join("segment-0.ledger");
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        let (whole, group_follows) = (oracle::whole(&bytes, at), oracle::group_follows(&bytes, at));
        bytes[at] ^= mask;
        fs::write(&path, &bytes).unwrap();

        match ledger::read(folder.path()) {
            Ok(contents) => {
                prop_assert!(!group_follows && (at >= 36 || bytes.len() == 36));
                prop_assert_eq!(all(&contents), first(&groups, whole));
                prop_assert_eq!(contents.torn.len(), 1);
            }
            Err(Error::Damaged { what, reason }) => {
                prop_assert!(at < 36 || group_follows);
                prop_assert!(what.ends_with("segment-0.ledger") && reason.starts_with("byte "));
                prop_assert!(resume(folder.path()).is_err());
                prop_assert_eq!(fs::read(&path).unwrap(), bytes, "nothing is cut");
            }
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn a_flipped_byte_in_the_header_is_noticed(at in any::<Index>(), mask in 1..=255u8) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[vec![record(1)]]);
        let path = folder.path().join("sweep.json");
        let mut bytes = fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        fs::write(&path, &bytes).unwrap();
        prop_assert!(ledger::read(folder.path()).is_err());
    }

    #[test]
    fn bytes_that_are_no_ledger_are_an_error_or_nothing(bytes in vec(any::<u8>(), 0..200), keeps_head: bool) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &[]);
        let path = folder.path().join("segment-0.ledger");
        let head = if keeps_head { fs::read(&path).unwrap() } else { Vec::new() };
        fs::write(&path, [head, bytes].concat()).unwrap();
        if let Ok(contents) = ledger::read(folder.path()) {
            prop_assert!(contents.trials.is_empty());
        }
    }
}
