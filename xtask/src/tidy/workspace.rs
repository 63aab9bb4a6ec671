//! The workspace as the rules see it: plain data, read once.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::shell::{Error, Result, cargo, io_error, output, root};
use crate::tidy::dependencies;
use crate::tidy::source::code_only;

/// Everything that the rules look at. Paths are relative to the workspace's folder, with `/` between their parts.
#[derive(Default)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    /// For each library, the distinct names and versions in its tree of normal dependencies, itself included.
    pub(crate) trees: BTreeMap<String, Vec<String>>,
    /// All Rust files.
    pub(crate) sources: Vec<Source>,
    /// All other text files.
    pub(crate) papers: Vec<Paper>,
    /// All files, whatever they hold.
    pub(crate) files: Vec<String>,
}

/// One member of the workspace.
#[derive(Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder.
    pub(crate) folder: String,
    pub(crate) published: bool,
    pub(crate) manifest: String,
    pub(crate) dependencies: Vec<Dependency>,
    /// The first files of its libraries, programs and build script.
    pub(crate) crate_roots: Vec<String>,
}

pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Needed for tests and benches only.
    pub(crate) development: bool,
}

/// A Rust file.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
    /// The text with comments and literals blanked out, byte for byte in place.
    pub(crate) code: String,
}

/// A text file that is not Rust.
pub(crate) struct Paper {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Workspace {
    pub(crate) fn read() -> Result<Workspace> {
        let mut workspace = Workspace { packages: packages()?, files: files()?, ..Workspace::default() };
        workspace.trees = trees(&workspace.packages)?;
        for path in &workspace.files {
            let full = root().join(path);
            if path.ends_with(".rs") {
                let text = std::fs::read_to_string(&full).map_err(io_error("cannot read", &full))?;
                workspace.sources.push(Source::new(path, text));
            } else if let Ok(text) = std::fs::read_to_string(&full) {
                workspace.papers.push(Paper { path: path.clone(), text });
            }
        }
        Ok(workspace)
    }

    pub(crate) fn source(&self, path: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.path == path)
    }

    pub(crate) fn paper(&self, path: &str) -> Option<&Paper> {
        self.papers.iter().find(|paper| paper.path == path)
    }
}

impl Source {
    pub(crate) fn new(path: &str, text: String) -> Source {
        Source { path: path.to_owned(), code: code_only(&text), text }
    }
}

fn packages() -> Result<Vec<Package>> {
    let mut command = cargo(["metadata", "--no-deps", "--format-version", "1"]);
    packages_from(&output(&mut command)?, &root())
}

/// The members that `cargo metadata` tells of; their manifests are read from disk.
fn packages_from(metadata: &str, root: &Path) -> Result<Vec<Package>> {
    let metadata: Value = serde_json::from_str(metadata)
        .map_err(|error| Error::Failed(format!("cargo metadata is no JSON: {error}")))?;
    let packages = list(&metadata["packages"]).map(|package| read_package(package, root));
    packages.collect()
}

fn read_package(package: &Value, root: &Path) -> Result<Package> {
    let manifest_path = Path::new(text(&package["manifest_path"])).to_path_buf();
    let targets = list(&package["targets"]).filter(|target| {
        list(&target["kind"]).any(|kind| matches!(text(kind), "lib" | "bin" | "proc-macro" | "custom-build"))
    });
    Ok(Package {
        name: text(&package["name"]).to_owned(),
        folder: manifest_path.parent().map(|folder| relative(folder, root)).unwrap_or_default(),
        // An absent list means every registry, an empty one none.
        published: package["publish"].as_array().is_none_or(|registries| !registries.is_empty()),
        manifest: std::fs::read_to_string(&manifest_path).map_err(io_error("cannot read", &manifest_path))?,
        dependencies: list(&package["dependencies"]).map(read_dependency).collect(),
        crate_roots: targets.map(|target| relative(Path::new(text(&target["src_path"])), root)).collect(),
    })
}

fn read_dependency(dependency: &Value) -> Dependency {
    Dependency { name: text(&dependency["name"]).to_owned(), development: text(&dependency["kind"]) == "dev" }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn trees(packages: &[Package]) -> Result<BTreeMap<String, Vec<String>>> {
    let libraries = packages.iter().filter(|package| dependencies::is_library(&package.name));
    let tree = |package: &Package| {
        let arguments = ["tree", "--edges", "normal", "--prefix", "none", "--package", &package.name];
        Ok((package.name.clone(), distinct(&output(&mut cargo(arguments))?)))
    };
    libraries.map(tree).collect()
}

/// The distinct `name version` pairs in what `cargo tree --prefix none` prints.
fn distinct(tree: &str) -> Vec<String> {
    let mut crates: Vec<String> = tree
        .lines()
        .filter(|line| !line.is_empty())
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    crates.sort();
    crates.dedup();
    crates
}

/// What belongs to the repository: what git would commit, or without git all but what is built.
fn files() -> Result<Vec<String>> {
    let mut git = std::process::Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let mut files = match output(&mut git) {
        // A file that is deleted but not yet committed is still listed.
        Ok(listing) => {
            listing.lines().filter(|path| root().join(path).is_file()).map(str::to_owned).collect()
        }
        Err(_) => walk(&root())?,
    };
    files.sort();
    Ok(files)
}

fn walk(root: &Path) -> Result<Vec<String>> {
    let (mut files, mut folders) = (Vec::new(), vec![root.to_path_buf()]);
    while let Some(folder) = folders.pop() {
        for path in children(&folder)? {
            let name = path.file_name().unwrap_or_default();
            match path.is_dir() {
                true if folder == root && ["target", "report", ".git"].iter().any(|built| name == *built) => {
                }
                true => folders.push(path),
                false => files.push(relative(&path, root)),
            }
        }
    }
    Ok(files)
}

fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).map_err(io_error("cannot list", folder))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(io_error("cannot list", folder))).collect()
}

fn relative(path: &Path, root: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_workspace_is_read_with_its_crates_and_files() {
        let workspace =
            Workspace { packages: packages().unwrap(), files: files().unwrap(), ..Workspace::default() };
        let core = workspace.packages.iter().find(|package| package.name == "bt-core").unwrap();
        assert_eq!((core.folder.as_str(), core.published), ("crates/bt-core", true));
        assert_eq!(core.crate_roots, ["crates/bt-core/src/lib.rs"]);
        let xtask = workspace.packages.iter().find(|package| package.name == "xtask").unwrap();
        assert!(!xtask.published && xtask.manifest.contains("publish = false"));
        assert!(workspace.files.contains(&"Cargo.toml".to_owned()));
    }

    #[test]
    fn without_git_the_walk_finds_the_same_kind_of_paths() {
        let files = walk(&root()).unwrap();
        assert!(files.contains(&"xtask/src/main.rs".to_owned()));
        assert!(!files.iter().any(|path| path.starts_with("target/") || path.starts_with(".git/")));
    }

    #[test]
    fn dependencies_are_told_apart_by_kind() {
        let manifest = root().join("xtask/Cargo.toml");
        let metadata = serde_json::json!({"packages": [{
            "name": "a", "manifest_path": manifest, "publish": [], "targets": [],
            "dependencies": [{"name": "b", "kind": null}, {"name": "c", "kind": "dev"}, {"name": "d", "kind": "build"}],
        }]});
        let packages = packages_from(&metadata.to_string(), &root()).unwrap();
        let development: Vec<_> =
            packages[0].dependencies.iter().map(|d| (d.name.as_str(), d.development)).collect();
        assert_eq!(development, [("b", false), ("c", true), ("d", false)]);
        assert!(!packages[0].published);
    }

    #[test]
    fn a_tree_counts_a_crate_once_and_two_versions_twice() {
        let tree = "a v0.1.0 (/somewhere/a)\nb v1.0.0\nb v2.0.0\nc v1.0.0 (proc-macro)\nb v1.0.0 (*)\n\n";
        assert_eq!(distinct(tree), ["a v0.1.0", "b v1.0.0", "b v2.0.0", "c v1.0.0"]);
    }
}
