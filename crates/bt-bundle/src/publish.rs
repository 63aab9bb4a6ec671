use bt_core::{AssetDigest, Bundle, BundleName, Result};

use crate::{DraftShape, Published, Store};

impl Store {
    /// Publishes any open bundle as the current version of `name`.
    ///
    /// One that was published before, as a [`MappedBundle`](crate::MappedBundle) was, is read and checked first.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`](bt_core::ErrorKind::Corrupt) where that finds it damaged;
    /// what [`draft`](Self::draft), [`Draft::write_asset`](crate::Draft::write_asset) and
    /// [`Draft::publish`](crate::Draft::publish) meet; what the bundle meets when its bars are read.
    pub fn publish(&self, name: &BundleName, bundle: &dyn Bundle, origin: &str) -> Result<Published> {
        bundle.check_content()?;
        let mut draft = self.draft(name, shape_of(bundle, origin)?)?;
        std::thread::scope(|scope| {
            let hashing = std::thread::Builder::new().spawn_scoped(scope, || digests(bundle));
            let written = bundle.assets().ids().try_for_each(|asset| draft.write_bars(bundle.bars(asset)?));
            let digests = match hashing {
                Ok(hashing) => hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // The system had no thread to spare.
                Err(_) => written.clone().and_then(|()| digests(bundle)),
            };
            written.and(digests).map(|digests| draft.add_digests(digests))
        })?;
        draft.publish()
    }
}

/// The leaves of all assets: hashing takes as long as writing, so it runs beside it.
fn digests(bundle: &dyn Bundle) -> Result<Vec<AssetDigest>> {
    let extra = bundle.extra_columns().len();
    let digest = |asset| Ok(AssetDigest::of(bundle.bars(asset)?, extra, bundle.adjustments(asset)?));
    bundle.assets().ids().map(digest).collect()
}

fn shape_of(bundle: &dyn Bundle, origin: &str) -> Result<DraftShape> {
    let assets = bundle.assets();
    let bars = |(id, name): (_, &str)| Ok((name.to_owned(), bundle.bars(id)?.len()));
    let adjustments = |(id, name): (_, &str)| Ok((name.to_owned(), bundle.adjustments(id)?.to_vec()));
    Ok(DraftShape {
        frequency: bundle.frequency(),
        conventions: bundle.conventions().clone(),
        extra_columns: bundle.extra_columns().to_vec(),
        assets: assets.ids().zip(assets.names()).map(bars).collect::<Result<_>>()?,
        calendar: bundle.calendar().to_vec(),
        adjustments: assets.ids().zip(assets.names()).map(adjustments).collect::<Result<_>>()?,
        origin: origin.to_owned(),
    })
}
