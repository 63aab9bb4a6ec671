//! Several processes on one store.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use bt_bundle::Store;
use bt_core::{Bundle, BundleName, BundleSource, Field};
use bt_testkit::{Market, conformance};

/// Where a child process finds the store; not set in the test run itself.
const ROOT: &str = "BT_TEST_STORE";

fn name() -> BundleName {
    BundleName::new("shared").unwrap()
}

fn sum(bundle: &dyn Bundle) -> f64 {
    bundle.assets().ids().flat_map(|asset| bundle.bars(asset).unwrap().field(Field::CLOSE)).sum()
}

/// What the children do: open, say the version, wait for a line, read everything, say the sum. Nothing in the test run.
#[test]
fn child() {
    let Some(root) = std::env::var_os(ROOT) else { return };
    let bundle = Store::open(root).unwrap().open(&name()).unwrap();
    println!("version {}", bundle.version());
    std::io::stdin().lock().read_line(&mut String::new()).unwrap();
    println!("sum {}", sum(&*bundle).to_bits());
}

fn spawn(root: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(ROOT, root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a child says after a word, among what the test harness prints.
fn said(output: &mut impl BufRead, word: &str) -> String {
    let mut line = String::new();
    while output.read_line(&mut line).unwrap() > 0 {
        if let Some((_, rest)) = line.split_once(word) {
            return rest.trim().to_owned();
        }
        line.clear();
    }
    panic!("the child never said {word:?}");
}

#[test]
fn readers_in_other_processes_are_not_disturbed_by_publishing_and_collecting() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(folder.path()).unwrap();
    let data = Market::staggered(3, 4, 200, 80).generate();
    store.publish(&name(), &data.bundle(), "a test").unwrap();
    let expected = sum(&data.bundle());

    let mut children: Vec<_> = (0..4).map(|_| spawn(folder.path())).collect();
    let mut outputs: Vec<_> =
        children.iter_mut().map(|child| BufReader::new(child.stdout.take().unwrap())).collect();
    for output in &mut outputs {
        assert_eq!(said(output, "version "), data.version().to_string());
    }
    let corrected = data.clone().with_corrected_close(0, 5);
    store.publish(&name(), &corrected.bundle(), "a correction").unwrap();
    store.gc(&name(), 1).unwrap();

    for (child, output) in children.iter_mut().zip(&mut outputs) {
        child.stdin.take().unwrap().write_all(b"go\n").unwrap();
        assert_eq!(said(output, "sum "), expected.to_bits().to_string());
        assert!(child.wait().unwrap().success());
    }
    conformance::bundle_holds(&*store.open(&name()).unwrap(), &corrected);
}
