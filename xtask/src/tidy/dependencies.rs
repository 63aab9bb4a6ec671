//! Who may depend on whom, and on how much.

use crate::tidy::Finding;
use crate::tidy::workspace::{Package, Workspace};

/// The arrows of the house, dev-dependencies excepted: a crate may know these of ours, and no other.
const ARROWS: &[(&str, &[&str])] = &[
    ("bt-core", &[]),
    ("bt-cache", &["bt-core"]),
    ("bt-asset-cache", &["bt-core", "bt-cache"]),
    ("bt-dataportal", &["bt-core", "bt-cache"]),
    ("bt-bundle-pool", &["bt-core", "bt-cache"]),
    ("bt-optimize-config", &[]),
    ("bt-bundle", &["bt-core", "bt-asset-cache"]),
    (
        "bt-layers",
        &["bt-core", "bt-cache", "bt-asset-cache", "bt-dataportal", "bt-bundle-pool", "bt-optimize-config"],
    ),
    ("bt-sweep", &["bt-core", "bt-cache", "bt-dataportal", "bt-layers"]),
    ("bt-testkit", &["bt-core", "bt-asset-cache"]),
];

/// What measures and checks stands above all libraries and may know each of them.
const ABOVE: &[&str] = &["bt-cli", "bt-validate", "bt-benches", "bt-tests", FUZZ];
/// It knows the command, too, for what that reads from files.
const FUZZ: &str = "bt-fuzz";

/// The most distinct crates in `cargo tree --edges normal`, the crate itself included.
const LIMITS: &[(&str, usize)] = &[
    ("bt-core", 20),
    ("bt-cache", 33),
    // Three of these are jiff and its database: the days of a column in a time zone end at that zone's midnights.
    ("bt-asset-cache", 55),
    ("bt-dataportal", 53),
    ("bt-bundle-pool", 33),
    ("bt-optimize-config", 26),
];

const RUNTIMES: &[&str] = &[
    "actix-rt",
    "async-executor",
    "async-global-executor",
    "async-std",
    "futures-executor",
    "glommio",
    "monoio",
    "pollster",
    "smol",
    "tokio",
];

const RIVALS: &[&str] = &["cached", "criterion", "foyer", "mini-moka", "moka", "quick_cache"];
const BENCHES: &str = "bt-benches";

/// Whether the crate is one that users link.
pub(crate) fn is_library(name: &str) -> bool {
    ARROWS.iter().any(|(library, _)| *library == name)
}

pub(crate) fn arrows(workspace: &Workspace) -> Vec<Finding> {
    workspace.packages.iter().flat_map(arrows_of).collect()
}

fn arrows_of(package: &Package) -> Vec<Finding> {
    let ours = package.dependencies.iter().filter(|dependency| dependency.name.starts_with("bt-"));
    let known = ours.filter(|dependency| !dependency.development).map(|dependency| dependency.name.as_str());
    let allowed = match ARROWS.iter().find(|(name, _)| *name == package.name) {
        Some((_, allowed)) => *allowed,
        None if ABOVE.contains(&package.name.as_str()) => {
            return known
                .filter(|name| !is_library(name) && (package.name.as_str(), *name) != (FUZZ, "bt-cli"))
                .map(|name| surplus(package, name, "a library"))
                .collect();
        }
        None if package.name == "xtask" => &[],
        None => {
            return vec![Finding::new(
                &package.folder,
                format!("{} has no entry in the table of arrows", package.name),
            )];
        }
    };
    known
        .filter(|name| !allowed.contains(name))
        .map(|name| surplus(package, name, &format!("{allowed:?}")))
        .collect()
}

fn surplus(package: &Package, name: &str, allowed: &str) -> Finding {
    Finding::new(
        format!("{}/Cargo.toml", package.folder),
        format!("{} depends on {name}; it may depend on {allowed}", package.name),
    )
}

pub(crate) fn counts(workspace: &Workspace) -> Vec<Finding> {
    let over = |(name, limit): &(&str, usize)| {
        let tree = workspace.trees.get(*name)?;
        let what = || format!("{} distinct crates, at most {limit} allowed: {}", tree.len(), tree.join(", "));
        (tree.len() > *limit).then(|| Finding::new(*name, what()))
    };
    LIMITS.iter().filter_map(over).collect()
}

pub(crate) fn runtimes(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (library, tree) in &workspace.trees {
        let names = tree.iter().filter_map(|entry| entry.split(' ').next());
        let found = names.filter(|name| RUNTIMES.contains(name));
        findings.extend(
            found.map(|name| Finding::new(library, format!("its tree holds the async runtime {name}"))),
        );
    }
    findings
}

pub(crate) fn rivals(workspace: &Workspace) -> Vec<Finding> {
    let others = workspace.packages.iter().filter(|package| package.name != BENCHES);
    let of = |package: &Package| -> Vec<Finding> {
        let names = package.dependencies.iter().map(|dependency| dependency.name.as_str());
        let place = format!("{}/Cargo.toml", package.folder);
        let what = |name| format!("depends on {name}, which belongs in {BENCHES}");
        names.filter(|name| RIVALS.contains(name)).map(|name| Finding::new(&place, what(name))).collect()
    };
    others.flat_map(of).collect()
}

/// Without this line in its manifest a crate is checked by nobody.
pub(crate) fn lints(workspace: &Workspace) -> Vec<Finding> {
    let inherits = |manifest: &str| {
        let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
        lines.find(|line| !line.is_empty()) == Some("workspace = true")
    };
    let without = workspace.packages.iter().filter(|package| !inherits(&package.manifest));
    without
        .map(|package| {
            Finding::new(format!("{}/Cargo.toml", package.folder), "lacks [lints] workspace = true")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::workspace::Dependency;

    fn package(name: &str, normal: &[&str], development: &[&str]) -> Package {
        let dependency =
            |development| move |name: &&str| Dependency { name: (*name).to_owned(), development };
        Package {
            name: name.to_owned(),
            folder: format!("crates/{name}"),
            dependencies: normal
                .iter()
                .map(dependency(false))
                .chain(development.iter().map(dependency(true)))
                .collect(),
            ..Package::default()
        }
    }

    fn with(package: Package) -> Workspace {
        Workspace { packages: vec![package], ..Workspace::default() }
    }

    fn with_tree(name: &str, tree: Vec<String>) -> Workspace {
        Workspace { trees: [(name.to_owned(), tree)].into(), ..Workspace::default() }
    }

    #[test]
    fn a_layer_that_knows_another_layer_is_found() {
        let findings = arrows(&with(package("bt-dataportal", &["bt-core", "bt-asset-cache"], &[])));
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0].to_string().contains("bt-dataportal depends on bt-asset-cache"),
            "{}",
            findings[0]
        );
    }

    #[test]
    fn a_layer_may_know_another_for_its_tests() {
        assert_eq!(
            arrows(&with(package("bt-dataportal", &["bt-core", "bt-cache", "ndarray"], &["bt-testkit"]))),
            []
        );
    }

    #[test]
    fn a_library_that_depends_on_the_testkit_or_on_the_validation_is_found() {
        for above in ["bt-testkit", "bt-validate"] {
            assert_eq!(arrows(&with(package("bt-layers", &[above], &[]))).len(), 1, "{above}");
        }
    }

    #[test]
    fn only_the_facade_and_what_stands_above_it_may_know_the_configuration() {
        for name in ["bt-asset-cache", "bt-bundle", "bt-testkit", "xtask"] {
            assert_eq!(arrows(&with(package(name, &["bt-optimize-config"], &[]))).len(), 1, "{name}");
        }
        for name in ["bt-layers", "bt-validate", "bt-benches", "bt-tests"] {
            assert_eq!(arrows(&with(package(name, &["bt-optimize-config"], &[]))), [], "{name}");
        }
    }

    #[test]
    fn benches_may_not_know_the_validation() {
        assert_eq!(arrows(&with(package("bt-benches", &["bt-validate"], &[]))).len(), 1);
    }

    #[test]
    fn only_the_fuzz_targets_may_know_the_command() {
        assert_eq!(arrows(&with(package(FUZZ, &["bt-cli", "bt-bundle"], &[]))), []);
        assert_eq!(arrows(&with(package(FUZZ, &["bt-validate"], &[]))).len(), 1);
        assert_eq!(arrows(&with(package("bt-tests", &["bt-cli"], &[]))).len(), 1);
    }

    #[test]
    fn a_crate_that_nobody_placed_is_found() {
        assert_eq!(arrows(&with(package("bt-sundry", &[], &[]))).len(), 1);
    }

    #[test]
    fn one_crate_over_the_limit_is_found_and_the_limit_itself_is_not() {
        let tree = |count: usize| (0..count).map(|index| format!("c{index} v1.0.0")).collect::<Vec<_>>();
        assert_eq!(counts(&with_tree("bt-bundle-pool", tree(33))), []);
        assert_eq!(counts(&with_tree("bt-bundle-pool", tree(34))).len(), 1);
    }

    #[test]
    fn a_runtime_deep_in_a_tree_is_found() {
        let tree = |name: &str| vec!["bt-cache v0.1.0".to_owned(), format!("{name} v1.0.0")];
        assert_eq!(runtimes(&with_tree("bt-cache", tree("tokio"))).len(), 1);
        assert_eq!(runtimes(&with_tree("bt-cache", tree("tokio-like"))), []);
    }

    #[test]
    fn a_rival_outside_of_the_benches_is_found_even_for_tests() {
        assert_eq!(rivals(&with(package("bt-cache", &[], &["quick_cache"]))).len(), 1);
        assert_eq!(rivals(&with(package(BENCHES, &["quick_cache"], &["criterion"]))), []);
    }

    #[test]
    fn a_crate_with_lints_of_its_own_is_found() {
        let manifest = |text: &str| with(Package { manifest: text.to_owned(), ..Package::default() });
        assert_eq!(lints(&manifest("[package]\n\n[lints]\nworkspace = true\n")), []);
        assert_eq!(lints(&manifest("[package]\nedition.workspace = true\n")).len(), 1);
        assert_eq!(lints(&manifest("[lints]\n\n[profile]\nworkspace = true\n")).len(), 1);
    }
}
