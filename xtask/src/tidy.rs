//! `cargo xtask tidy`: the house rules that no compiler knows. Each rule is a function from the workspace as read to
//! what it finds; each has a test in which it finds something.

mod dependencies;
mod functions;
mod papers;
mod profiles;
mod source;
mod workspace;

use std::fmt;

use crate::shell::{Error, Result};
use workspace::Workspace;

/// Holds the workspace against all rules and tells of everything it finds.
pub(crate) fn run() -> Result<()> {
    let workspace = Workspace::read()?;
    let mut findings = Vec::new();
    for (name, rule) in RULES {
        let found = rule(&workspace);
        println!("tidy: {name}: {}", if found.is_empty() { "ok" } else { "FAILED" });
        findings.extend(found);
    }
    println!("tidy: {}", functions::Lengths::of(&workspace));
    if findings.is_empty() {
        return Ok(());
    }
    let list: String = findings.iter().map(|finding| format!("\n  {finding}")).collect();
    Err(Error::Failed(format!("tidy: {} findings:{list}", findings.len())))
}

type Rule = fn(&Workspace) -> Vec<Finding>;

const RULES: [(&str, Rule); 14] = [
    ("crates know only whom they may know", dependencies::arrows),
    ("dependency trees stay small", dependencies::counts),
    ("no async runtime in a library", dependencies::runtimes),
    ("rivals live in the benches alone", dependencies::rivals),
    ("every crate inherits the workspace's lints", dependencies::lints),
    ("unsafe stays in its one module", source::unsafe_place),
    ("every other crate forbids unsafe code", source::forbids_unsafe),
    ("no unfinished or disabled code", source::stubs),
    ("every lint exception has its reason", source::lint_exceptions),
    ("panics unwind in every profile", profiles::unwinding),
    ("functions are short", functions::lengths),
    ("every public crate has a compiled README", papers::readmes),
    ("the documents are there and their links lead somewhere", papers::documents),
    ("no path of somebody's machine", papers::machine_paths),
];

/// Something that breaks a rule, and where.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    place: String,
    what: String,
}

impl Finding {
    fn new(place: impl Into<String>, what: impl Into<String>) -> Finding {
        Finding { place: place.into(), what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}
