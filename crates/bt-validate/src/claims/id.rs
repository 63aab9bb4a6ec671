//! The ids of the table's rows, written down once: whatever measures a row names it from here.

/// How the ids of Layer 1's rows begin.
pub const LAYER_1: &str = "l1.";
/// How the ids of Layer 2's rows begin.
pub const LAYER_2: &str = "l2.";
/// How the ids of Layer 3's rows begin.
pub const LAYER_3: &str = "l3.";

/// Layer 1: asset list, cached against extracted.
pub const ASSET_LIST: &str = "l1.asset_list.time_saved";
/// Layer 1: all bars of an asset, viewed against filtered.
pub const PRE_GROUPING: &str = "l1.pre_grouping.speed_up";
/// Layer 1: the data access of a workflow.
pub const ACCESS: &str = "l1.workflow.speed_up";
/// Layer 1: bytes of the grouped bars against those of a table.
pub const GROUPED_BYTES: &str = "l1.memory.ratio";
/// Layer 2: a history call that returns an array against one that returns a frame.
pub const ARRAY: &str = "l2.array.time_saved";
/// Layer 2: hits per access.
pub const HIT_RATE: &str = "l2.hit_rate";
/// Layers 1 and 2 against naive.
pub const CUMULATIVE: &str = "l2.cumulative.time_saved";
/// Layer 2: bytes held.
pub const HISTORY_BYTES: &str = "l2.memory.bytes";
/// Layer 3: a worker's start, pooled against on its own.
pub const WORKER_INIT: &str = "l3.worker_init.time_saved";
/// Layer 3: a pooled worker's start as a time.
pub const THREAD_TIME: &str = "l3.worker_init.thread_time";
/// Layer 3: the first load.
pub const FIRST_LOAD: &str = "l3.first_load";
/// All layers against naive.
pub const TIME_SAVED: &str = "total.time_saved";
/// All layers against hand-written slices.
pub const VS_CAREFUL: &str = "total.vs_careful";
/// All layers against preloaded raw slices.
pub const VS_IDEAL: &str = "total.vs_ideal";
/// Data handling per computation.
pub const OVERHEAD: &str = "total.overhead_ratio";
/// Peak resident sets.
pub const PEAK: &str = "total.memory.ratio";
/// All layers against naive on few trials.
pub const NO_REGRESSION: &str = "micro.no_regression";
/// Proportional sets of process workers.
pub const SHARED_PAGES: &str = "workers.pss";

/// How the ids of the heavy operations' rows begin.
pub const HEAVY: &str = "heavy.";
/// How the ids of the engine's own rows begin.
pub const SWEEP: &str = "sweep.";
/// Heavy operations: one pool against a new one for each batch.
pub const POOL: &str = "heavy.persistent_pool.time_saved";
/// Heavy operations: processes on one mapped bundle.
pub const SHARED_BUNDLE: &str = "heavy.shared_bundle.pss";
/// Heavy operations: bars evaluated, BOHB against the full grid.
pub const BARS_SAVED: &str = "heavy.bohb.bars_saved";
/// The engine on all layers against naive.
pub const SWEEP_SAVED: &str = "sweep.time_saved";
/// The engine against the loop of all layers.
pub const VS_LAYERS: &str = "sweep.vs_layers";
/// The engine: two threads against one.
pub const SCALING: &str = "sweep.scaling";
/// The engine: runs that give another table.
pub const DETERMINISM: &str = "sweep.determinism";

/// The id of a row's part; the row's own where the part has no name.
#[must_use]
pub fn part(row: &str, name: &str) -> String {
    if name.is_empty() { row.to_owned() } else { format!("{row}.{name}") }
}

/// The name of the part of a row that this is the id of.
#[must_use]
pub fn part_name<'i>(row: &str, id: &'i str) -> Option<&'i str> {
    id.strip_prefix(row)?.strip_prefix('.')
}
