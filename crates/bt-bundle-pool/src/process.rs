use std::sync::Arc;

use bt_core::{DynSource, ErrorKind, Result};
use once_cell::sync::OnceCell;

use crate::{BundlePool, PoolOptions};

/// The kind of pool that a process can have one of: its bundles are of any type, since a static cannot be generic.
pub type ProcessPool = BundlePool<Arc<DynSource>>;

static PROCESS_POOL: OnceCell<Arc<ProcessPool>> = OnceCell::new();

/// The pool of this process: made by the first call, the same for every call with the same source and options.
///
/// A convenience over [`BundlePool::new`], which serves wherever a value can be handed around. The pool lives as long as
/// the process.
///
/// # Errors
/// [`ErrorKind::AlreadyConfigured`] where it exists with another source (another `Arc`) or other options;
/// [`ErrorKind::InvalidOption`] where a limit is 0.
pub fn process_pool(source: &Arc<DynSource>, options: PoolOptions) -> Result<Arc<ProcessPool>> {
    let pool = PROCESS_POOL.get_or_try_init(|| BundlePool::new(Arc::clone(source), options).map(Arc::new))?;
    let same_source = std::ptr::addr_eq(Arc::as_ptr(pool.source()), Arc::as_ptr(source));
    if same_source && pool.options() == options {
        return Ok(Arc::clone(pool));
    }
    let asked = if same_source { format!("{options:?}") } else { format!("another source and {options:?}") };
    let current = format!("{:?}", pool.options());
    Err(ErrorKind::AlreadyConfigured { what: "the bundle pool of this process", current, asked }.into())
}
