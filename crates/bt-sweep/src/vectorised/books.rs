use super::Signals;
use super::plan::Plan;
use crate::account::{Account, Accounting, Target};
use crate::{Params, Result, TrialView};

/// From a moment on an asset is wanted to be held so.
struct Change {
    /// Counted from the first scored one.
    moment: usize,
    place: usize,
    weight: f64,
}

/// What the positions of one trial come to where fills, costs and cash count.
///
/// The account needs all assets at a moment and signals see one asset at a time, so what is kept between the two are the
/// changes of positions: 24 bytes each.
pub(super) fn play<'t, S: Signals>(
    signals: &S,
    view: &TrialView<'t>,
    params: &Params,
    accounting: &Accounting,
) -> Result<Account<'t>> {
    let (mut changes, share) = (Vec::new(), 1.0 / view.assets().len() as f64);
    let plan = Plan::by_positions(signals, std::slice::from_ref(params));
    plan.for_each_asset(signals, view, params, |place, held| {
        let mut weight = 0.0;
        for (moment, position) in held.positions() {
            let wanted = if position.is_nan() { 0.0 } else { position * share };
            if wanted != weight {
                weight = wanted;
                changes.push(Change { moment, place, weight });
            }
        }
    })?;
    changes.sort_unstable_by_key(|change| (change.moment, change.place));
    let mut account = Account::new(view, accounting)?;
    let mut changes = changes.into_iter().peekable();
    for (at, moment) in view.moments().enumerate() {
        view.check()?;
        account.advance(moment)?;
        while let Some(change) = changes.next_if(|change| change.moment == at) {
            account.set(change.place, Target::Weight(change.weight))?;
        }
    }
    Ok(account)
}
