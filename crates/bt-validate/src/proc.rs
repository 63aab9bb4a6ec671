//! What the system tells of itself and of a process, below `/proc`; nothing where there is none.

use std::fs;

/// The value of the first `key : value` line of a file.
pub(crate) fn value(path: &str, key: &str) -> Option<String> {
    value_of(&fs::read_to_string(path).ok()?, key).map(str::to_owned)
}

/// The same, a size in kibibytes, as bytes.
pub(crate) fn bytes(path: &str, key: &str) -> Option<u64> {
    bytes_of(value_of(&fs::read_to_string(path).ok()?, key)?)
}

fn value_of<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim())
}

fn bytes_of(kibibytes: &str) -> Option<u64> {
    kibibytes.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_by_their_whole_key() {
        let text = "model name\t: Example CPU @ 2 GHz\nPss_Anon:   12 kB\nPss:        2048 kB\n";
        assert_eq!(value_of(text, "model name"), Some("Example CPU @ 2 GHz"));
        assert_eq!(value_of(text, "Pss").and_then(bytes_of), Some(2 << 20));
        assert_eq!(value_of(text, "Rss"), None);
    }

    #[test]
    fn a_size_in_another_unit_is_not_taken_for_kibibytes() {
        assert_eq!(bytes_of("12 MB"), None);
        assert_eq!(bytes_of("12 kB"), Some(12_288));
    }
}
