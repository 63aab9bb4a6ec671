use bt_core::Field;

use super::{AssetSeries, Rule, Signals};
use crate::{Error, Indicator, Params, Result};

/// Long while the mean of the last `fast` closes is above that of the last `slow` ones, from the bar on at which both are known.
///
/// Both means are [`Indicator::Sma`], differences of one cumulative sum, and are compared as they are: equal means are no position.
/// Parameters: `fast` and `slow`, whole numbers, 1 ≤ fast < slow.
#[derive(Clone, Copy, Debug, Default)]
pub struct SmaCrossover;

impl Signals for SmaCrossover {
    fn id(&self) -> (String, u32) {
        ("sma-crossover".to_owned(), 1)
    }

    fn series(&self, params: &Params) -> Result<Vec<(Field, Indicator)>> {
        let (fast, slow) = (params.count("fast")?, params.count("slow")?);
        if fast >= slow {
            return Err(Error::invalid("parameter fast", fast, format!("less than slow = {slow}")));
        }
        Ok(vec![(Field::CLOSE, Indicator::Sma(fast)), (Field::CLOSE, Indicator::Sma(slow))])
    }

    fn positions(&self, _: &Params, asset: &AssetSeries<'_>, out: &mut [f64]) -> Result<()> {
        for (out, (fast, slow)) in out.iter_mut().zip(asset.series(0).iter().zip(asset.series(1))) {
            *out = f64::from(u8::from(fast > slow));
        }
        Ok(())
    }

    fn rule(&self, _: &Params) -> Result<Rule> {
        Ok(Rule::Greater { left: 0, right: 1 })
    }
}
