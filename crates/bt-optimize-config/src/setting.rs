//! The list of all values: what each is called, which variable sets it, and what it may be.
//!
//! Files, variables, checks and explanations all go through this one list, so they cannot disagree.

use std::path::PathBuf;

use crate::text::{self, GIBIBYTE};
use crate::{DatasetSize, Error, OptimizationConfig, Origin, Threshold, Workflow};

/// One value of a configuration, borrowed from it.
pub(crate) struct Setting<'a> {
    /// The name in TOML, with a dot between table and key.
    pub(crate) name: String,
    /// The environment variable that sets it.
    pub(crate) variable: Option<&'static str>,
    pub(crate) slot: Slot<'a>,
}

/// Where a value is kept, with its kind and its limits.
pub(crate) enum Slot<'a> {
    Switch(&'a mut bool),
    /// A number of things, and the least that is allowed.
    Count(&'a mut usize, usize),
    Bytes(&'a mut usize),
    Number(&'a mut f64, &'static Range),
    Windows(&'a mut Vec<usize>),
    Directory(&'a mut PathBuf),
}

/// The limits of a number, as a test and in words.
pub(crate) struct Range {
    fits: fn(f64) -> bool,
    allowed: &'static str,
}

/// A bundle counts an asset's rows in 32 bits; no count of anything in a configuration has reason to be larger.
const MOST: usize = u32::MAX as usize;

const GIBIBYTES: Range = Range {
    fits: |value| value * GIBIBYTE >= 1.0 && value * GIBIBYTE < isize::MAX as f64,
    allowed: "a number of GB of 2^30 bytes, without unit, at least one byte and less than the address space",
};
const SHARE: Range = Range {
    fits: |value| value > 0.0 && value <= 100.0,
    allowed: "a percentage above 0 and up to 100, such as 5",
};
const CONFIDENCE: Range = Range {
    fits: |value| value > 0.0 && value < 1.0,
    allowed: "a fraction between 0 and 1, both excluded (95 % is 0.95)",
};
const INCREASE: Range = Range {
    fits: |value| value >= 0.0 && value.is_finite(),
    allowed: "a percentage of 0 or more, such as 2",
};

impl OptimizationConfig {
    /// All values, in the order of the fields.
    pub(crate) fn settings(&mut self) -> Vec<Setting<'_>> {
        // Taken apart without `..`: a new field does not compile until it is in the list below.
        let Self {
            enable_caching,
            cache_size_gb,
            lru_maxsize,
            enable_history_cache,
            permanent_windows,
            tier2_maxsize,
            cache_size_limit,
            enable_bundle_pooling,
            max_bundle_pool_size,
            enable_shared_bundle_context,
            enable_persistent_worker_pool,
            enable_bohb_optimizer,
            enable_ray_scheduler,
            enable_debug_logging,
            benchmark_output_dir,
            sequential_evaluation_goal_percent,
            stop_on_diminishing_returns,
            thresholds,
        } = self;
        use Slot::{Bytes, Count, Directory, Number, Switch, Windows};
        let with_variable = [
            ("enable_caching", "RUSTYBT_ENABLE_CACHING", Switch(enable_caching)),
            ("cache_size_gb", "RUSTYBT_CACHE_SIZE_GB", Number(cache_size_gb, &GIBIBYTES)),
            ("lru_maxsize", "RUSTYBT_LRU_MAXSIZE", Count(lru_maxsize, 1)),
            ("enable_history_cache", "RUSTYBT_ENABLE_HISTORY_CACHE", Switch(enable_history_cache)),
            ("permanent_windows", "RUSTYBT_PERMANENT_WINDOWS", Windows(permanent_windows)),
            ("tier2_maxsize", "RUSTYBT_TIER2_MAXSIZE", Count(tier2_maxsize, 1)),
            ("cache_size_limit", "RUSTYBT_CACHE_SIZE_LIMIT", Bytes(cache_size_limit)),
            ("enable_bundle_pooling", "RUSTYBT_ENABLE_BUNDLE_POOLING", Switch(enable_bundle_pooling)),
            ("max_bundle_pool_size", "RUSTYBT_MAX_BUNDLE_POOL_SIZE", Count(max_bundle_pool_size, 1)),
            (
                "enable_shared_bundle_context",
                "RUSTYBT_ENABLE_SHARED_BUNDLE",
                Switch(enable_shared_bundle_context),
            ),
            (
                "enable_persistent_worker_pool",
                "RUSTYBT_ENABLE_PERSISTENT_POOL",
                Switch(enable_persistent_worker_pool),
            ),
            ("enable_bohb_optimizer", "RUSTYBT_ENABLE_BOHB", Switch(enable_bohb_optimizer)),
            ("enable_ray_scheduler", "RUSTYBT_ENABLE_RAY", Switch(enable_ray_scheduler)),
            ("enable_debug_logging", "RUSTYBT_DEBUG_OPTIMIZATION", Switch(enable_debug_logging)),
            ("benchmark_output_dir", "RUSTYBT_BENCHMARK_DIR", Directory(benchmark_output_dir)),
        ];
        let without_variable = [
            ("sequential_evaluation_goal_percent", Number(sequential_evaluation_goal_percent, &SHARE)),
            ("stop_on_diminishing_returns", Switch(stop_on_diminishing_returns)),
        ];
        let with_variable = with_variable.into_iter().map(|(name, variable, slot)| Setting {
            name: name.to_owned(),
            variable: Some(variable),
            slot,
        });
        let without_variable = without_variable.into_iter().map(|(name, slot)| Setting {
            name: name.to_owned(),
            variable: None,
            slot,
        });
        let of_thresholds = thresholds.iter_mut().flat_map(of_threshold);
        with_variable.chain(without_variable).chain(of_thresholds).collect()
    }
}

fn of_threshold<'a>(
    (workflow, size, threshold): (Workflow, DatasetSize, &'a mut Threshold),
) -> [Setting<'a>; 4] {
    let Threshold {
        min_improvement_percent,
        statistical_confidence,
        min_sample_size,
        max_memory_increase_percent,
    } = threshold;
    [
        ("min_improvement_percent", Slot::Number(min_improvement_percent, &SHARE)),
        ("statistical_confidence", Slot::Number(statistical_confidence, &CONFIDENCE)),
        // An interval needs two runs.
        ("min_sample_size", Slot::Count(min_sample_size, 2)),
        ("max_memory_increase_percent", Slot::Number(max_memory_increase_percent, &INCREASE)),
    ]
    .map(|(key, slot)| Setting {
        name: format!("thresholds.{workflow}.{size}.{key}"),
        variable: None,
        slot,
    })
}

impl Setting<'_> {
    /// The error that `value` is not allowed here.
    pub(crate) fn refuse(&self, value: &str, origin: Origin) -> Error {
        Error::Value {
            name: self.name.clone(),
            value: value.to_owned(),
            allowed: self.slot.allowed(),
            origin,
        }
    }

    /// Takes over the value that `text` spells.
    pub(crate) fn read(&mut self, text: &str, origin: Origin) -> Result<(), Error> {
        match self.slot.read(text) {
            Some(()) if self.slot.fits() => Ok(()),
            _ => Err(self.refuse(text, origin)),
        }
    }
}

impl Slot<'_> {
    /// `None`, and nothing is taken over, if `text` does not spell a value of this kind.
    fn read(&mut self, text: &str) -> Option<()> {
        let trimmed = text.trim();
        match self {
            Slot::Switch(value) => **value = text::boolean(trimmed)?,
            Slot::Count(value, _) => **value = trimmed.parse().ok()?,
            Slot::Bytes(value) => **value = text::size(trimmed)?,
            Slot::Number(value, _) => **value = trimmed.parse().ok()?,
            Slot::Windows(value) => **value = text::whole_numbers(trimmed)?,
            // Spaces are part of a path.
            Slot::Directory(value) => **value = PathBuf::from(text),
        }
        Some(())
    }

    pub(crate) fn fits(&self) -> bool {
        match self {
            Slot::Switch(_) => true,
            Slot::Count(value, least) => (*least..=MOST).contains(value),
            Slot::Bytes(value) => (1..=isize::MAX as usize).contains(value),
            Slot::Number(value, range) => (range.fits)(**value),
            Slot::Windows(value) => are_windows(value),
            Slot::Directory(value) => {
                value.to_str().is_some_and(|path| !path.trim().is_empty() && !path.contains('\0'))
            }
        }
    }

    fn allowed(&self) -> String {
        match self {
            Slot::Switch(_) => "true, 1, yes, on or false, 0, no, off, in any case".to_owned(),
            Slot::Count(_, least) => format!("a whole number from {least} to {MOST}"),
            Slot::Bytes(_) => {
                format!(
                    "from 1 to {} bytes, plain or with a unit such as 200MiB (2^20) or 2GB (10^9)",
                    isize::MAX
                )
            }
            Slot::Number(_, range) => range.allowed.to_owned(),
            Slot::Windows(_) => {
                format!(
                    "whole numbers of bars from 1 to {MOST}, each once, such as 20, 50, 200, or [] for none"
                )
            }
            Slot::Directory(_) => "a path in UTF-8, not blank and without NUL, as a string".to_owned(),
        }
    }

    /// The value as [`read`](Self::read) takes it.
    pub(crate) fn show(&self) -> String {
        match self {
            Slot::Switch(value) => value.to_string(),
            Slot::Count(value, _) => value.to_string(),
            Slot::Bytes(value) => text::show_size(**value),
            Slot::Number(value, _) => value.to_string(),
            Slot::Windows(value) => format!("{value:?}"),
            Slot::Directory(value) => value.display().to_string(),
        }
    }
}

fn are_windows(bar_counts: &[usize]) -> bool {
    let mut sorted = bar_counts.to_vec();
    sorted.sort_unstable();
    sorted.iter().all(|count| (1..=MOST).contains(count)) && sorted.windows(2).all(|pair| pair[0] != pair[1])
}
