//! Rules about what people read: front pages, documents, links.

use std::path::{Component, Path, PathBuf};

use crate::outside::NAMED;
use crate::tidy::Finding;
use crate::tidy::workspace::{Package, Paper, Workspace};

const DOCUMENTS: &[&str] = &[
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "deny.toml",
    "data/README.md",
    "data/stocks.csv",
    "data/stocks.parquet",
    "docs/architecture.md",
    "docs/bundle-format.md",
    "docs/cli.md",
    "docs/design.md",
    "docs/from-rustybt.md",
    "docs/guide.md",
    "docs/ingest.md",
    "docs/ledger-format.md",
    "docs/sweep.md",
    "docs/tutorial-sweep.md",
    "docs/validation.md",
];

/// A public crate has a README; what Rust it shows is compiled; a crate that is taken alone shows some.
pub(crate) fn readmes(workspace: &Workspace) -> Vec<Finding> {
    let published = workspace.packages.iter().filter(|package| package.published);
    published.filter_map(|package| readme_of(workspace, package)).collect()
}

fn readme_of(workspace: &Workspace, package: &Package) -> Option<Finding> {
    let path = format!("{}/README.md", package.folder);
    let Some(readme) = workspace.paper(&path) else {
        return Some(Finding::new(path, "is missing"));
    };
    let shows_rust = readme.text.contains("```rust");
    if !shows_rust && NAMED.contains(&package.name.as_str()) {
        return Some(Finding::new(path, "has no ```rust example"));
    }
    let front = workspace.source(&format!("{}/src/lib.rs", package.folder));
    let compiled = front.is_some_and(|front| front.text.contains("include_str!(\"../README.md\")"));
    (shows_rust && !compiled)
        .then(|| Finding::new(path, "shows Rust that is not compiled: include it in src/lib.rs"))
}

pub(crate) fn documents(workspace: &Workspace) -> Vec<Finding> {
    let missing = DOCUMENTS.iter().filter(|path| !workspace.files.iter().any(|file| file == *path));
    let missing = missing.map(|path| Finding::new(*path, "is missing"));
    let pages = workspace.papers.iter().filter(|paper| paper.path.ends_with(".md"));
    missing.chain(pages.flat_map(|page| dead_links(workspace, page))).collect()
}

fn dead_links(workspace: &Workspace, page: &Paper) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, number) in page.text.lines().zip(1..) {
        let dead = links(line).filter(|link| !leads_somewhere(workspace, &page.path, link));
        findings.extend(
            dead.map(|link| Finding::new(format!("{}:{number}", page.path), format!("dead link {link}"))),
        );
    }
    findings
}

/// The targets of `[text](target)` within the repository, without their anchors.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ', '#']).next());
    targets.filter(|target| !target.is_empty() && !target.contains(':'))
}

/// A link may name a file or a folder that holds some.
fn leads_somewhere(workspace: &Workspace, page: &str, link: &str) -> bool {
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let Some(target) = normal(&folder.join(link)) else { return false };
    workspace.files.iter().any(|file| Path::new(file).starts_with(&target))
}

/// The path without `.` and `..`; `None` where it leaves the workspace.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(part) => normal.push(part),
            Component::ParentDir if normal.pop() => {}
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(normal)
}

/// An absolute path below somebody's home works on one machine.
pub(crate) fn machine_paths(workspace: &Workspace) -> Vec<Finding> {
    let sources = workspace.sources.iter().map(|source| (&source.path, &source.text));
    let papers = workspace.papers.iter().map(|paper| (&paper.path, &paper.text));
    let mut findings = Vec::new();
    for (path, text) in sources.chain(papers) {
        let found = text.lines().zip(1..).filter(|(line, _)| has_machine_path(line));
        findings.extend(
            found.map(|(_, number)| {
                Finding::new(format!("{path}:{number}"), "an absolute path of one machine")
            }),
        );
    }
    findings
}

fn has_machine_path(line: &str) -> bool {
    // Put together here, so that this file does not find itself.
    let starts = ["home", "Users", "root", "work", "mnt"].map(|folder| format!("/{folder}/"));
    let absolute = |at: usize| {
        !line[..at].ends_with(|letter: char| letter.is_alphanumeric() || "_-.>}/*".contains(letter))
    };
    starts.iter().any(|start| line.match_indices(start.as_str()).any(|(at, _)| absolute(at)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::workspace::Source;

    fn paper(path: &str, text: &str) -> Paper {
        Paper { path: path.to_owned(), text: text.to_owned() }
    }

    fn public(name: &str, readme: Option<&str>, front: &str) -> Vec<Finding> {
        readmes(&Workspace {
            packages: vec![Package {
                name: name.to_owned(),
                folder: "c".to_owned(),
                published: true,
                ..Package::default()
            }],
            papers: readme.map(|text| paper("c/README.md", text)).into_iter().collect(),
            sources: vec![Source::new("c/src/lib.rs", front.to_owned())],
            ..Workspace::default()
        })
    }

    #[test]
    fn a_public_crate_without_a_readme_is_found() {
        assert_eq!(public("bt-core", None, "")[0].what, "is missing");
        assert_eq!(public("bt-core", Some("words"), ""), []);
    }

    #[test]
    fn an_example_that_nobody_compiles_is_found() {
        let readme = Some("```rust\nlet a = 1;\n```");
        assert_eq!(public("bt-core", readme, "//! Words.").len(), 1);
        assert_eq!(public("bt-core", readme, "#![doc = include_str!(\"../README.md\")]"), []);
    }

    #[test]
    fn a_crate_that_is_taken_alone_shows_an_example() {
        assert_eq!(public(NAMED[0], Some("words"), "").len(), 1);
    }

    #[test]
    fn a_missing_document_is_found() {
        let mut workspace = Workspace {
            files: DOCUMENTS.iter().map(|path| (*path).to_owned()).collect(),
            ..Workspace::default()
        };
        assert_eq!(documents(&workspace), []);
        workspace.files.retain(|path| path != "docs/guide.md");
        assert_eq!(documents(&workspace), [Finding::new("docs/guide.md", "is missing")]);
    }

    #[test]
    fn a_link_to_nowhere_is_found_with_its_line() {
        let workspace =
            Workspace { files: vec!["docs/a.md".to_owned(), "README.md".to_owned()], ..Workspace::default() };
        let dead = |text: &str| dead_links(&workspace, &paper("docs/b.md", text)).len();
        assert_eq!(dead("[a](a.md) [r](../README.md#top) [d](../docs) [w](https://x.y/z) [h](#here)"), 0);
        assert_eq!(dead("\n[a](c.md)"), 1);
        assert_eq!(dead("[out](../../a.md)"), 1);
    }

    #[test]
    fn an_absolute_path_of_one_machine_is_found_and_a_relative_one_is_not() {
        let home = format!("see /{}/me/bars", "home");
        assert!(has_machine_path(&home) && has_machine_path(&home.replace("see ", "\"")));
        assert!(!has_machine_path(&home.replace(" /", " store/").replace("see store/", "see store/x/")));
        assert!(!has_machine_path(&format!("<name>/{}/x and a/{}/b", "root", "work")));
    }
}
