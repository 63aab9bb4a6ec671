//! Every seed and every find again, without libFuzzer.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use bt_fuzz::{TARGETS, Target, silence_guarded_panics};

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz").join(kind)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Whether a body returns. Names the input before it runs, since what fails may end the process.
fn passes(body: Target, path: &Path) -> bool {
    println!("{}", path.display());
    let input = fs::read(path).unwrap();
    catch_unwind(AssertUnwindSafe(|| body(&input))).is_ok()
}

#[test]
fn every_seed_and_every_find_keeps_what_its_target_promises() {
    silence_guarded_panics();
    let mut failed = Vec::new();
    for (name, body) in TARGETS {
        let seeds = files(&folder("seeds").join(name));
        assert!(!seeds.is_empty(), "{name} has no seeds");
        let inputs = seeds.into_iter().chain(files(&folder("finds").join(name)));
        failed.extend(inputs.filter(|path| !passes(body, path)));
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Cut anywhere, and with a byte changed: what a fuzzer tries first.
#[test]
fn seeds_with_a_byte_less_or_another_byte_keep_it_too() {
    silence_guarded_panics();
    for (name, body) in TARGETS {
        for path in files(&folder("seeds").join(name)) {
            println!("{} and what is near it", path.display());
            let seed = fs::read(&path).unwrap();
            let step = (seed.len() / 12).max(1);
            for at in (0..seed.len()).step_by(step) {
                body(&seed[..at]);
                let mut other = seed.clone();
                other[at] = other[at].wrapping_add(1 + at as u8);
                body(&other);
            }
        }
    }
}

#[test]
fn each_body_has_its_target_and_no_folder_is_forgotten() {
    let names = |folder: &Path| -> BTreeSet<String> {
        let stem = |path: &PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        files(folder).iter().map(stem).collect()
    };
    let bodies: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder("targets")), bodies);
    assert_eq!(names(&folder("seeds")), bodies);
    assert!(names(&folder("finds")).is_subset(&bodies));
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for name in bodies {
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name}");
    }
}
