use bt_core::{Bundle, BundleName, Result};

use crate::{DraftShape, Published, Store};

impl Store {
    /// Publishes any open bundle as the current version of `name`.
    ///
    /// # Errors
    /// What [`draft`](Self::draft), [`Draft::write_asset`](crate::Draft::write_asset) and
    /// [`Draft::publish`](crate::Draft::publish) meet; what the bundle meets when its bars are read.
    pub fn publish(&self, name: &BundleName, bundle: &dyn Bundle, origin: &str) -> Result<Published> {
        let mut draft = self.draft(name, shape_of(bundle, origin)?)?;
        for asset in bundle.assets().ids() {
            draft.write_asset(bundle.bars(asset)?)?;
        }
        draft.publish()
    }
}

pub(crate) fn shape_of(bundle: &dyn Bundle, origin: &str) -> Result<DraftShape> {
    let assets = bundle.assets();
    let bars = |(id, name): (_, &str)| Ok((name.to_owned(), bundle.bars(id)?.len()));
    let adjustments = |(id, name): (_, &str)| Ok((name.to_owned(), bundle.adjustments(id)?.to_vec()));
    Ok(DraftShape {
        frequency: bundle.frequency(),
        extra_columns: bundle.extra_columns().to_vec(),
        assets: assets.ids().zip(assets.names()).map(bars).collect::<Result<_>>()?,
        calendar: bundle.calendar().to_vec(),
        adjustments: assets.ids().zip(assets.names()).map(adjustments).collect::<Result<_>>()?,
        origin: origin.to_owned(),
    })
}
