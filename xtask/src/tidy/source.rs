//! Rules about Rust files, and the little that is needed to read them: comments and literals blanked out.

use crate::tidy::Finding;
use crate::tidy::workspace::{Source, Workspace};

/// The one file that may say `unsafe`, and the crate that therefore cannot forbid it.
const UNSAFE_FILE: &str = "crates/bt-bundle/src/map.rs";
const UNSAFE_CRATE: &str = "bt-bundle";

pub(crate) fn unsafe_place(workspace: &Workspace) -> Vec<Finding> {
    let elsewhere = workspace.sources.iter().filter(|source| source.path != UNSAFE_FILE);
    elsewhere
        .flat_map(|source| lines_with(source, has_unsafe, &format!("unsafe outside of {UNSAFE_FILE}")))
        .collect()
}

fn has_unsafe(line: &str) -> bool {
    line.split(|letter: char| !is_word(letter)).any(|word| word == "unsafe")
}

pub(crate) fn forbids_unsafe(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let levels: &[&str] = if package.name == UNSAFE_CRATE { &["forbid", "deny"] } else { &["forbid"] };
        let has = |code: &str| levels.iter().any(|level| code.contains(&format!("#![{level}(unsafe_code)]")));
        let lacks = |path: &&String| !workspace.source(path).is_some_and(|root| has(&root.code));
        let without = package.crate_roots.iter().filter(lacks);
        findings.extend(
            without.map(|path| Finding::new(path, format!("lacks #![{}(unsafe_code)]", levels.join(" or ")))),
        );
    }
    findings
}

/// What says "later" in code: a test that does not run, a function without a body, a trace left behind.
pub(crate) fn stubs(workspace: &Workspace) -> Vec<Finding> {
    let unfinished = |line: &str| {
        let macros = ["todo!", "unimplemented!", "dbg!"].iter().any(|name| has_macro(line, name));
        macros || line.contains("#[ignore")
    };
    workspace
        .sources
        .iter()
        .flat_map(|source| lines_with(source, unfinished, "unfinished or disabled code"))
        .collect()
}

fn has_macro(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| !line[..at].ends_with(is_word))
}

/// An exception from a lint says why; one from the ban of `unwrap` can be had for tests alone, whose helpers clippy does
/// not know as tests.
pub(crate) fn lint_exceptions(workspace: &Workspace) -> Vec<Finding> {
    workspace.sources.iter().flat_map(exceptions_of).collect()
}

fn exceptions_of(source: &Source) -> Vec<Finding> {
    let openings = ["[allow(", "[expect("].iter().flat_map(|opening| source.code.match_indices(opening));
    let judged = openings.filter_map(|(at, _)| {
        let rest = &source.code[at..];
        let attribute = &rest[..rest.find(")]").unwrap_or(rest.len())];
        let place = format!("{}:{}", source.path, line_at(&source.code, at));
        if attribute.contains("clippy::unwrap_used") && !is_test(&source.path) {
            Some(Finding::new(
                place,
                "unwrap is banned outside of tests: expect with the reason, or an error",
            ))
        } else if !attribute.contains("reason") {
            Some(Finding::new(place, "a lint exception without its reason"))
        } else {
            None
        }
    });
    judged.collect()
}

fn is_test(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "benches"))
}

fn lines_with(source: &Source, found: impl Fn(&str) -> bool, what: &str) -> Vec<Finding> {
    let lines = source.code.lines().zip(1..).filter(|(line, _)| found(line));
    lines.map(|(_, number)| Finding::new(format!("{}:{number}", source.path), what)).collect()
}

pub(crate) fn line_at(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

pub(crate) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The source with comments and the insides of literals replaced by blanks: every byte keeps its place and its line.
pub(crate) fn code_only(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let blank = blank_length(rest, code.ends_with(is_word));
        if blank == 0 {
            code.push(first);
            rest = &rest[first.len_utf8()..];
        } else {
            code.extend(rest[..blank].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
            rest = &rest[blank..];
        }
    }
    code
}

/// How many bytes of comment or literal the text starts with; 0 for code.
fn blank_length(text: &str, after_word: bool) -> usize {
    if text.starts_with("//") {
        text.find('\n').unwrap_or(text.len())
    } else if text.starts_with("/*") {
        block_comment(text)
    } else if text.starts_with('"') {
        quoted(text, '"')
    } else if text.starts_with('\'') {
        character(text)
    } else if after_word {
        0
    } else {
        raw_string(text)
    }
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let step = match &text.as_bytes()[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                2
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                2
            }
            _ => 1,
        };
        at += step;
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// The length of a literal up to its closing quote, which a backslash hides.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if letter == quote => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character has its closing quote right after its one letter or escape; a lifetime has none.
fn character(text: &str) -> usize {
    let mut letters = text.chars().skip(1);
    match (letters.next(), letters.next()) {
        (Some('\\'), _) => quoted(text, '\''),
        (Some(letter), Some('\'')) => letter.len_utf8() + 2,
        _ => 0,
    }
}

fn raw_string(text: &str) -> usize {
    let body = text.strip_prefix(['b', 'c']).unwrap_or(text);
    let Some(body) = body.strip_prefix('r') else { return 0 };
    let hashes = body.len() - body.trim_start_matches('#').len();
    if !body[hashes..].starts_with('"') {
        return 0;
    }
    let opening = text.len() - body.len() + hashes + 1;
    let closing = format!("\"{}", "#".repeat(hashes));
    text[opening..].find(&closing).map_or(text.len(), |at| opening + at + closing.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::workspace::Package;

    fn with(path: &str, text: &str) -> Workspace {
        Workspace { sources: vec![Source::new(path, text.to_owned())], ..Workspace::default() }
    }

    fn squeezed(source: &str) -> String {
        let code = code_only(source);
        assert_eq!(code.len(), source.len(), "{code:?}");
        code.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_blanked_out() {
        assert_eq!(squeezed("a // unsafe\nb /* unsafe /* nested */ unsafe */ c"), "a b c");
    }

    #[test]
    fn literals_are_blanked_out() {
        assert_eq!(
            squeezed(r##"a("unsafe \" //", r#"un"safe"#, br"\", b"x", 'u', '\'', '"') b"##),
            "a( , , , b , , , ) b"
        );
    }

    #[test]
    fn lifetimes_and_raw_names_are_code() {
        assert_eq!(squeezed("fn f<'a>(r#type: &'a str) {} // '"), "fn f<'a>(r#type: &'a str) {}");
    }

    #[test]
    fn an_unclosed_literal_ends_with_the_file() {
        for text in ["\"abc", "/* abc", "r#\"abc\"", "'\\"] {
            assert_eq!(squeezed(text), "", "{text}");
        }
    }

    #[test]
    fn letters_beyond_ascii_keep_every_byte_in_place() {
        assert_eq!(squeezed("let ä = \"ö\"; // ≤\nü"), "let ä = ; ü");
    }

    #[test]
    fn unsafe_in_any_other_file_is_found_with_its_line() {
        let findings = unsafe_place(&with("crates/bt-core/src/lib.rs", "\nfn f() { unsafe { g() } }\n"));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].place, "crates/bt-core/src/lib.rs:2");
    }

    #[test]
    fn unsafe_in_its_module_in_a_comment_and_in_a_longer_word_is_none() {
        assert_eq!(unsafe_place(&with(UNSAFE_FILE, "unsafe { g() }")), []);
        assert_eq!(unsafe_place(&with("a.rs", "// unsafe\n#![forbid(unsafe_code)]\n")), []);
    }

    #[test]
    fn a_crate_root_that_does_not_forbid_unsafe_code_is_found() {
        let root = |name: &str, text: &str| {
            let package = Package {
                name: name.to_owned(),
                crate_roots: vec!["lib.rs".to_owned()],
                ..Package::default()
            };
            forbids_unsafe(&Workspace { packages: vec![package], ..with("lib.rs", text) }).len()
        };
        assert_eq!(root("bt-core", "#![forbid(unsafe_code)]"), 0);
        assert_eq!(root("bt-core", "// #![forbid(unsafe_code)]"), 1);
        assert_eq!(root("bt-core", "#![deny(unsafe_code)]"), 1);
        assert_eq!(root(UNSAFE_CRATE, "#![deny(unsafe_code)]"), 0);
        assert_eq!(root(UNSAFE_CRATE, ""), 1);
    }

    #[test]
    fn unfinished_code_is_found_and_a_name_that_ends_alike_is_not() {
        for line in [
            "todo!()",
            "core::unimplemented!(\"x\")",
            "let a = dbg!(b);",
            "#[ignore]",
            "#[ignore = \"slow\"]",
        ] {
            assert_eq!(stubs(&with("a.rs", line)).len(), 1, "{line}");
        }
        assert_eq!(stubs(&with("a.rs", "my_todo!(); // todo!()\nlet a = \"dbg!\";")), []);
    }

    #[test]
    fn an_exception_without_a_reason_is_found() {
        assert_eq!(lint_exceptions(&with("a.rs", "#[allow(dead_code)]\nfn f() {}")).len(), 1);
        assert_eq!(lint_exceptions(&with("a.rs", "#[expect(\n  dead_code,\n)]\nfn f() {}")).len(), 1);
        assert_eq!(
            lint_exceptions(&with("a.rs", "#[allow(dead_code, reason = \"read by tests\")]\nfn f() {}")),
            []
        );
    }

    #[test]
    fn no_reason_excuses_an_unwrap_outside_of_tests() {
        let text = "#![allow(clippy::unwrap_used, reason = \"helpers of tests\")]";
        assert_eq!(lint_exceptions(&with("crates/a/src/lib.rs", text)).len(), 1);
        assert_eq!(lint_exceptions(&with("crates/a/tests/it/main.rs", text)), []);
    }
}
