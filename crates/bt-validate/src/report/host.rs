//! The machine that a run was measured on.

use serde::{Deserialize, Serialize};

use crate::proc;

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
            cpu: proc::value("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: proc::bytes("/proc/meminfo", "MemTotal"),
            os: std::env::consts::OS.to_owned(),
            arch: std::env::consts::ARCH.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores() {
        assert!(Host::detect().cores >= 1);
    }
}
