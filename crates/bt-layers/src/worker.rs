use std::fmt;
use std::sync::Arc;

use bt_core::{AssetId, Bundle, BundleName, BundleVersion, Field, Result};
use bt_dataportal::{DataPortal, HistoryHandle};

use crate::Windows;
use crate::layers::Shared;
use crate::stack::Stack;

/// One worker's way to the data: made in its thread, asked at the start of every trial.
pub struct Worker {
    shared: Arc<Shared>,
    stack: Arc<Stack>,
    history: Option<HistoryHandle>,
    /// The bundle of the last trial that followed what is published.
    last: Option<(BundleName, BundleVersion)>,
}

impl Worker {
    pub(crate) fn new(shared: Arc<Shared>, stack: Arc<Stack>) -> Self {
        let history = shared.history.as_ref().map(|history| history.handle());
        detail!(shared, own_stack = !shared.stacks.are_shared(), "a worker starts");
        Self { shared, stack, history, last: None }
    }

    /// Starts a trial on the current version of a bundle, which it keeps to its end whatever is published meanwhile.
    ///
    /// Whether it looks for a new version is the pool's [`VersionCheck`](crate::VersionCheck).
    ///
    /// # Errors
    /// [`BundleNotFound`](bt_core::ErrorKind::BundleNotFound); whatever the source meets.
    pub fn trial(&mut self, name: &BundleName) -> Result<Trial<'_>> {
        self.start(name, None)
    }

    /// Starts a trial on one version: what a sweep pins, so that all its trials see the same bars.
    ///
    /// # Errors
    /// [`VersionNotFound`](bt_core::ErrorKind::VersionNotFound); whatever the source meets.
    pub fn trial_on(&mut self, name: &BundleName, version: BundleVersion) -> Result<Trial<'_>> {
        self.start(name, Some(version))
    }

    fn start(&mut self, name: &BundleName, pinned: Option<BundleVersion>) -> Result<Trial<'_>> {
        let bundle = self.stack.bundle(name, pinned)?;
        let is_pinned = pinned.is_some();
        detail!(self.shared, bundle = %name, version = %bundle.version(), is_pinned, "a trial starts");
        if !is_pinned {
            self.follow(name, bundle.version());
        }
        if let Some(history) = &mut self.history {
            history.refresh();
        }
        Ok(Trial { bundle, history: self.history.as_mut() })
    }

    /// Forgets kept windows once a bundle that was read has a new version: permanent ones of the old version would stay for
    /// good, and leave the new one's no room.
    fn follow(&mut self, name: &BundleName, version: BundleVersion) {
        match &mut self.last {
            Some((last, known)) if last == name => {
                let is_new = std::mem::replace(known, version) != version;
                if let (true, Some(history)) = (is_new, &self.history) {
                    history.cache().clear();
                }
            }
            last => *last = Some((name.clone(), version)),
        }
    }

    /// What its stack did and holds: its own without Layer 3, else the one that all workers share.
    pub fn stats(&self) -> crate::LayersStats {
        self.shared.stats_of(&self.stack)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.stacks.retire(&self.stack);
        detail!(self.shared, stats = ?self.stats(), "a worker ends");
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Worker").field("stats", &self.stats()).finish()
    }
}

/// One trial's data: one version from start to end.
pub struct Trial<'w> {
    bundle: Arc<dyn Bundle>,
    history: Option<&'w mut HistoryHandle>,
}

impl<'w> Trial<'w> {
    /// The portal to its bars. Costs about a nanosecond for each asset; what it hands out lives as long as the trial.
    pub fn portal(&self) -> DataPortal<'_> {
        DataPortal::new(&*self.bundle)
    }

    /// The portal, and the worker's reader of what Layer 2 keeps; none where Layer 2 is off.
    pub fn parts(&mut self) -> (DataPortal<'_>, Option<&mut HistoryHandle>) {
        (DataPortal::new(&*self.bundle), self.history.as_deref_mut())
    }

    /// One field of one asset for the whole trial, as Layer 2 is switched: views with it, a frame for each call without.
    ///
    /// # Errors
    /// [`ForeignAsset`](bt_core::ErrorKind::ForeignAsset), [`UnknownField`](bt_core::ErrorKind::UnknownField).
    pub fn windows<'p>(
        &self,
        portal: &'p DataPortal<'_>,
        asset: AssetId,
        field: Field,
    ) -> Result<Windows<'p>> {
        match self.history {
            Some(_) => portal.series(asset, field).map(Windows::Views),
            None => Ok(Windows::Frames(portal.frames(asset, field)?, portal.series(asset, field)?)),
        }
    }

    /// The open bundle.
    pub fn bundle(&self) -> &Arc<dyn Bundle> {
        &self.bundle
    }
}

impl fmt::Debug for Trial<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial")
            .field("version", &self.bundle.version())
            .field("layer_2", &self.history.is_some())
            .finish()
    }
}
