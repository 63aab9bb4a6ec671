//! How long functions are. A function that fits on a screen is read; one that does not is believed.

use std::fmt;

use crate::tidy::Finding;
use crate::tidy::source::{is_word, line_at};
use crate::tidy::workspace::{Source, Workspace};

/// Nine of ten functions stay below this many lines.
const LONG: usize = 40;
const ALLOWED_SHARE: f64 = 0.1;

/// One crate with too large a share of long functions is found, with those functions.
pub(crate) fn lengths(workspace: &Workspace) -> Vec<Finding> {
    workspace.packages.iter().filter_map(|package| too_long(workspace, &package.folder)).collect()
}

fn too_long(workspace: &Workspace, folder: &str) -> Option<Finding> {
    let inside = format!("{folder}/");
    let sources = workspace.sources.iter().filter(|source| source.path.starts_with(&inside));
    let functions: Vec<Function<'_>> = sources.flat_map(functions_of).collect();
    let long: Vec<_> = functions.iter().filter(|function| function.lines >= LONG).collect();
    if long.len() as f64 <= ALLOWED_SHARE * functions.len() as f64 {
        return None;
    }
    let list: Vec<_> =
        long.iter().map(|f| format!("{}:{} ({} lines)", f.path, f.first_line, f.lines)).collect();
    let what = format!(
        "{} of {} functions have {LONG} lines or more: {}",
        long.len(),
        functions.len(),
        list.join(", ")
    );
    Some(Finding::new(folder, what))
}

/// The lengths of all functions with a body.
pub(crate) struct Lengths(Vec<usize>);

impl Lengths {
    pub(crate) fn of(workspace: &Workspace) -> Lengths {
        let mut lengths: Vec<usize> =
            workspace.sources.iter().flat_map(functions_of).map(|f| f.lines).collect();
        lengths.sort_unstable();
        Lengths(lengths)
    }

    /// The length that this share of all functions does not exceed.
    fn quantile(&self, share: f64) -> usize {
        let last = self.0.len().saturating_sub(1);
        self.0.get((last as f64 * share).round() as usize).copied().unwrap_or(0)
    }
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (median, ninth) = (self.quantile(0.5), self.quantile(0.9));
        write!(f, "{} functions, median {median} lines, nine of ten at most {ninth}", self.0.len())
    }
}

struct Function<'a> {
    path: &'a str,
    first_line: usize,
    lines: usize,
}

fn functions_of(source: &Source) -> Vec<Function<'_>> {
    let code = &source.code;
    let starts = code.match_indices("fn ").map(|(at, _)| at).filter(|at| !code[..*at].ends_with(is_word));
    starts.filter_map(|at| function_at(source, at)).collect()
}

/// A declaration without a body, or a function pointer type, ends before any brace opens.
fn function_at(source: &Source, at: usize) -> Option<Function<'_>> {
    let rest = &source.code[at..];
    let name = rest["fn ".len()..].chars().next();
    if !name.is_some_and(is_word) {
        return None;
    }
    let open = body_start(rest)?;
    let lines = rest[..open + block_length(&rest[open..])].matches('\n').count() + 1;
    Some(Function { path: &source.path, first_line: line_at(&source.code, at), lines })
}

/// Where the body opens: the first brace outside of parentheses and brackets; `[u8; 2]` holds a semicolon that ends nothing.
fn body_start(text: &str) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn block_length(text: &str) -> usize {
    let mut depth = 0_usize;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + letter.len_utf8();
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::workspace::Package;

    fn lines_of(text: &str) -> Vec<usize> {
        let source = Source::new("a.rs", text.to_owned());
        functions_of(&source).iter().map(|function| function.lines).collect()
    }

    #[test]
    fn a_function_runs_from_its_name_to_its_closing_brace() {
        assert_eq!(lines_of("fn a() {}\nfn b(x: [u8; 2]) -> u8 {\n    if x { \"}\" }\n}\nfn c();\n"), [1, 3]);
    }

    #[test]
    fn pointers_and_words_that_end_alike_are_no_functions() {
        let text = "type A = fn (u8) -> u8; struct B { run: fn() -> u8 } // fn c() {}\n";
        assert_eq!(lines_of(text), Vec::<usize>::new());
    }

    #[test]
    fn a_crate_with_more_than_a_tenth_of_long_functions_is_found() {
        let long = format!("fn long() {{\n{}}}\n", "    g();\n".repeat(38));
        let workspace = |short: usize| Workspace {
            packages: vec![Package { folder: "crates/a".to_owned(), ..Package::default() }],
            sources: vec![Source::new(
                "crates/a/src/lib.rs",
                format!("{}{long}", "fn short() {}\n".repeat(short)),
            )],
            ..Workspace::default()
        };
        assert_eq!(lengths(&workspace(9)), []);
        let findings = lengths(&workspace(8));
        assert!(findings[0].what.contains("crates/a/src/lib.rs:9 (40 lines)"), "{findings:?}");
    }

    #[test]
    fn the_quantiles_are_those_of_the_sorted_lengths() {
        assert_eq!(
            Lengths((1..=11).collect()).to_string(),
            "11 functions, median 6 lines, nine of ten at most 10"
        );
        assert_eq!(Lengths(Vec::new()).quantile(0.5), 0);
    }
}
