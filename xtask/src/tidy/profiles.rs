//! How programs are built.

use crate::tidy::Finding;
use crate::tidy::workspace::{Paper, Workspace};

/// A reader of foreign files that panics becomes an error, and a trial that panics a failed trial: where panics end the
/// process, neither can.
pub(crate) fn unwinding(workspace: &Workspace) -> Vec<Finding> {
    let configures = |paper: &&Paper| {
        let name = paper.path.rsplit('/').next().unwrap_or_default();
        name == "Cargo.toml" || paper.path.contains(".cargo/config")
    };
    workspace.papers.iter().filter(configures).flat_map(aborts).collect()
}

fn aborts(paper: &Paper) -> Vec<Finding> {
    let lines = paper.text.lines().zip(1..);
    let found = lines.filter(|(line, _)| is_abort(line));
    let what = "panics end the process: panic must stay \"unwind\"";
    found.map(|(_, number)| Finding::new(format!("{}:{number}", paper.path), what)).collect()
}

/// As a key of a profile, and as a flag of the compiler.
fn is_abort(line: &str) -> bool {
    let setting = line.split('#').next().unwrap_or_default();
    let bare: String = setting.chars().filter(|&c| !c.is_whitespace() && !matches!(c, '"' | '\'')).collect();
    ["panic=abort", "panic=immediate-abort"].iter().any(|abort| bare.contains(abort))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<Finding> {
        let papers = vec![Paper { path: path.to_owned(), text: text.to_owned() }];
        unwinding(&Workspace { papers, ..Workspace::default() })
    }

    #[test]
    fn a_profile_or_a_flag_that_aborts_on_panics_is_found_with_its_line() {
        let profile = found("Cargo.toml", "[profile.release]\npanic = \"abort\" # smaller\n");
        assert_eq!(profile[0].place, "Cargo.toml:2");
        assert_eq!(found("crates/a/Cargo.toml", "profile.dev.panic='abort'").len(), 1);
        assert_eq!(found(".cargo/config.toml", "rustflags = [\"-C\", \"panic=abort\"]").len(), 1);
        assert_eq!(
            found(".cargo/config.toml", "rustflags = [\"-Zunstable-options\", \"-Cpanic=immediate-abort\"]")
                .len(),
            1
        );
    }

    #[test]
    fn words_about_it_and_other_files_are_not_found() {
        assert_eq!(found("Cargo.toml", "# no panic = \"abort\" here\n[profile.dev]\npanic = \"unwind\""), []);
        assert_eq!(found("docs/a.md", "panic = \"abort\""), []);
    }
}
