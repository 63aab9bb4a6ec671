use std::ops::Deref;

use bt_core::Result;
use bt_dataportal::arrow_array::RecordBatch;
use bt_dataportal::arrow_array::cast::AsArray;
use bt_dataportal::arrow_array::types::Float64Type;
use bt_dataportal::{FrameSeries, Moment, Series};

/// One field of one asset through a trial, as Layer 2 is switched. Made by [`Trial::windows`](crate::Trial::windows).
#[derive(Clone, Debug)]
pub enum Windows<'p> {
    /// Layer 2 on: slices of the bundle.
    Views(Series<'p>),
    /// Layer 2 off: a frame for each call; the series tells whether there is a bar now.
    Frames(FrameSeries<'p>, Series<'p>),
}

impl Windows<'_> {
    /// The last `bar_count` values known at a moment, oldest first; fewer where fewer are known.
    ///
    /// # Errors
    /// [`ForeignAsset`](bt_core::ErrorKind::ForeignAsset) where the moment is of another bundle version.
    #[inline]
    pub fn at(&self, moment: Moment<'_>, bar_count: usize) -> Result<Values<'_>> {
        match self {
            Self::Views(series) => series.window(moment, bar_count).map(Values::View),
            Self::Frames(frames, _) => frames.window(moment, bar_count).map(Values::Frame),
        }
    }

    /// As [`at`](Self::at) if the asset has a bar *now*: none before its listing, in a gap and after its delisting.
    ///
    /// # Errors
    /// As [`at`](Self::at).
    #[inline]
    pub fn current(&self, moment: Moment<'_>, bar_count: usize) -> Result<Option<Values<'_>>> {
        match self {
            Self::Views(series) => {
                let last = |known: &'_ [f64]| known.len() - bar_count.min(known.len());
                Ok(series.current(moment)?.map(|known| Values::View(&known[last(known)..])))
            }
            Self::Frames(frames, series) => match series.current(moment)? {
                Some(_) => frames.window(moment, bar_count).map(|frame| Some(Values::Frame(frame))),
                None => Ok(None),
            },
        }
    }
}

/// A window's values, wherever they lie; dereferences to the slice.
#[derive(Clone, Debug)]
pub enum Values<'p> {
    /// In the bundle.
    View(&'p [f64]),
    /// In a frame of one column.
    Frame(RecordBatch),
}

impl Deref for Values<'_> {
    type Target = [f64];

    #[inline]
    fn deref(&self) -> &[f64] {
        match self {
            Self::View(values) => values,
            Self::Frame(frame) => frame.column(0).as_primitive::<Float64Type>().values(),
        }
    }
}
