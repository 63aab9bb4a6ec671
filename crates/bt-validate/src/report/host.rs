//! The machine that a run was measured on.

use serde::{Deserialize, Serialize};
use std::fs;

/// What of the machine bears on the times; nothing that names it or its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Host {
    /// The processor's model, where the system tells.
    pub cpu: String,
    /// Logical cores that this process may use.
    pub cores: usize,
    /// Main memory, where the system tells.
    pub memory_bytes: Option<u64>,
    /// Operating system.
    pub os: String,
    /// Architecture.
    pub arch: String,
}

impl Host {
    /// This machine; what the system does not tell stays unknown.
    #[must_use]
    pub fn detect() -> Self {
        Host {
            cpu: proc_value("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: proc_value("/proc/meminfo", "MemTotal").and_then(|text| kibibytes(&text)),
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
        }
    }
}

/// The value of the first `key : value` line of a file below `/proc`.
fn proc_value(path: &str, key: &str) -> Option<String> {
    value_of(&fs::read_to_string(path).ok()?, key)
}

fn value_of(text: &str, key: &str) -> Option<String> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.into_iter().find(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned())
}

fn kibibytes(text: &str) -> Option<u64> {
    text.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_lines_are_read_by_key() {
        let text = "processor\t: 0\nmodel name\t: Example CPU @ 2 GHz\nMemTotal:       2048 kB\n";
        assert_eq!(value_of(text, "model name").as_deref(), Some("Example CPU @ 2 GHz"));
        assert_eq!(value_of(text, "MemTotal").and_then(|text| kibibytes(&text)), Some(2_097_152));
        assert_eq!(value_of(text, "flags"), None);
        assert_eq!(kibibytes("12 MB"), None);
    }

    #[test]
    fn this_machine_has_cores() {
        assert!(Host::detect().cores >= 1);
    }
}
