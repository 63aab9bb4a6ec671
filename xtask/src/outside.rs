//! `cargo xtask outside`: what a stranger does first. For each named crate, a new crate outside of the workspace that
//! depends on that one alone, with the first Rust example of its README as its program.

use std::path::{Path, PathBuf};

use crate::shell::{self, Error, Result, cargo, io_error, root, target_dir};

/// The crates that a framework author can take one at a time.
pub(crate) const NAMED: [&str; 4] =
    ["bt-asset-cache", "bt-dataportal", "bt-bundle-pool", "bt-optimize-config"];

/// Compiles and runs all four examples; tells of every one that fails.
pub(crate) fn run() -> Result<()> {
    let folder = Scratch::new()?;
    let failures: Vec<String> = NAMED
        .iter()
        .filter_map(|name| Some(format!("{name}: {}", example(name, &folder.0).err()?)))
        .collect();
    if failures.is_empty() { Ok(()) } else { Err(Error::Failed(failures.join("\n"))) }
}

fn example(name: &str, scratch: &Path) -> Result<()> {
    let readme = root().join("crates").join(name).join("README.md");
    let text = std::fs::read_to_string(&readme).map_err(io_error("cannot read", &readme))?;
    let code = first_rust_block(&text)
        .ok_or_else(|| Error::Failed(format!("{} has no ```rust block", readme.display())))?;
    let package = scratch.join(format!("uses-{name}"));
    std::fs::create_dir_all(package.join("src")).map_err(io_error("cannot make", &package))?;
    write(&package.join("Cargo.toml"), &manifest(name)?)?;
    write(&package.join("src/main.rs"), &program(&code))?;
    // The same versions in the same target folder: what the workspace has built is not built again.
    let lock = root().join("Cargo.lock");
    std::fs::copy(&lock, package.join("Cargo.lock")).map_err(io_error("cannot copy", &lock))?;
    println!("{name}: the README's example, in {}", package.display());
    shell::run(cargo(["run", "--quiet"]).current_dir(&package).env("CARGO_TARGET_DIR", target_dir()))
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(io_error("cannot write", path))
}

fn manifest(name: &str) -> Result<String> {
    let (path, workspace) = (root().join("crates").join(name), root().join("Cargo.toml"));
    let text = std::fs::read_to_string(&workspace).map_err(io_error("cannot read", &workspace))?;
    // With other settings nothing that is built could be shared.
    let profile = development_profile(&text)
        .ok_or_else(|| Error::Failed(format!("{} has no [profile.dev]", workspace.display())))?;
    Ok(format!(
        "[package]\nname = \"uses-{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\n{name} = {{ path = {path:?} }}\n\n{profile}"
    ))
}

/// The tables of the profile that tests are built with.
fn development_profile(manifest: &str) -> Option<String> {
    let tables = manifest.split("\n[").skip(1).filter(|table| table.starts_with("profile.dev"));
    let profile: String = tables.map(|table| format!("[{}\n", table.trim_end())).collect();
    (!profile.is_empty()).then_some(profile)
}

/// The first fenced block marked `rust`, without the marks that hide a line from the rendered page.
fn first_rust_block(readme: &str) -> Option<String> {
    let mut lines = readme.lines().skip_while(|line| !opens_rust(line));
    lines.next()?;
    let code: Vec<_> = lines.take_while(|line| !line.trim_start().starts_with("```")).map(unhide).collect();
    Some(code.join("\n"))
}

fn opens_rust(line: &str) -> bool {
    let language =
        line.trim().strip_prefix("```").map(|info| info.split(',').next().unwrap_or_default().trim());
    language == Some("rust")
}

fn unhide(line: &str) -> &str {
    match line.trim_start() {
        "#" => "",
        trimmed => trimmed.strip_prefix("# ").unwrap_or(line),
    }
}

/// A program of its own as it is; statements get a `main` around them, as in a documentation test.
fn program(code: &str) -> String {
    if code.contains("fn main()") {
        return format!("{code}\n");
    }
    if code.trim_end().ends_with("(())") {
        return format!(
            "fn main() {{ example().unwrap() }}\n\nfn example() -> Result<(), impl std::fmt::Debug> {{\n{code}\n}}\n"
        );
    }
    format!("fn main() {{\n{code}\n}}\n")
}

/// A folder outside of the workspace that goes when its examples have run.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch> {
        let folder = std::env::temp_dir().join(format!("bt-outside-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(io_error("cannot make", &folder))?;
        Ok(Scratch(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rust_block_is_found_and_its_hidden_lines_are_shown() {
        let readme = "# Title\n```toml\na = 1\n```\n```rust\nlet a = 1;\n# let b = 2;\n#\n#[derive(Debug)]\n```\n```rust\nno\n```\n";
        assert_eq!(first_rust_block(readme).as_deref(), Some("let a = 1;\nlet b = 2;\n\n#[derive(Debug)]"));
    }

    #[test]
    fn a_readme_without_rust_has_no_example() {
        assert_eq!(first_rust_block("```text\nrust\n```\nrust\n"), None);
        assert_eq!(first_rust_block("```rustic\n```\n"), None);
    }

    #[test]
    fn statements_become_a_main_and_a_main_stays() {
        assert_eq!(program("assert!(true);"), "fn main() {\nassert!(true);\n}\n");
        assert_eq!(program("fn main() {}"), "fn main() {}\n");
        let fallible = program("f()?;\nOk::<(), Error>(())");
        assert!(fallible.starts_with("fn main() { example().unwrap() }"), "{fallible}");
        assert!(fallible.ends_with(" {\nf()?;\nOk::<(), Error>(())\n}\n"), "{fallible}");
    }

    #[test]
    fn the_scratch_folder_is_outside_of_the_workspace_and_goes() {
        let scratch = Scratch::new().unwrap();
        let folder = scratch.0.clone();
        assert!(folder.is_dir() && !folder.starts_with(root()));
        drop(scratch);
        assert!(!folder.exists());
    }

    #[test]
    fn the_new_crate_depends_on_the_named_one_alone() {
        let text = manifest("bt-dataportal").unwrap();
        assert_eq!(text.matches("path = ").count(), 1, "{text}");
        assert!(text.contains("[profile.dev]\n") && text.contains("[profile.dev.package."), "{text}");
        assert!(!text.contains("[profile.release"), "{text}");
        assert!(text.contains("[dependencies]\nbt-dataportal = "), "{text}");
    }
}
