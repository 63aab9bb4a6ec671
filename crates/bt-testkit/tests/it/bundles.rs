//! Wrong bundles.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};

use bt_core::{
    Adjustment, AdjustmentKind, AssetId, AssetList, Bars, Bundle, BundleVersion, Calendar, Field, Frequency,
    Result, Slab, Timestamp,
};
use bt_testkit::{Market, MarketData, MemoryBundle, conformance};

use crate::verdict;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    IdentifiersOfAnyVersion,
    RanksBeyondTheLast,
    ListOfAnotherVersion,
    CalendarThatKnowsTomorrow,
    CalendarWithoutAMoment,
    BarsOutOfOrder,
    FieldsByWrongNames,
    AnyFieldName,
    ExtraColumnThatIsNotThere,
    SlabOfOtherBars,
    SlabWithOtherSpans,
    AnotherAnswerTheSecondTime,
    AnotherAnswerOnAnotherThread,
    AdjustmentsOutOfOrder,
    AdjustmentsOfAnybody,
    NothingOnTheHeap,
}

/// The right bundle, and another one whose answers it gives where it is wrong.
struct Wrong {
    fault: Fault,
    right: MemoryBundle,
    other: MemoryBundle,
    calendar: Vec<Timestamp>,
    backwards: (Vec<Timestamp>, Vec<f64>),
    extra: Vec<String>,
    splits: [Adjustment; 2],
    asked: AtomicUsize,
    thread: ThreadId,
}

fn data() -> MarketData {
    Market::common(2, 3, 30).generate()
}

impl Wrong {
    fn new(fault: Fault) -> Self {
        let (data, split) = (data(), |nanos| Adjustment {
            ex_date: Timestamp::from_nanos(nanos),
            kind: AdjustmentKind::Split { ratio: 2.0 },
        });
        let right = data.bundle();
        let mut calendar = data.calendar();
        match fault {
            Fault::CalendarThatKnowsTomorrow => calendar.push(calendar.last().unwrap().plus_seconds(86_400)),
            Fault::CalendarWithoutAMoment => _ = calendar.remove(9),
            _ => {}
        }
        let swapped = MemoryBundle::with_version(&swapped(&data), data.version());
        let staggered = Market::staggered(2, 3, 30, 10).generate();
        let shifted = MemoryBundle::with_version(&staggered, data.version());
        let another = MemoryBundle::with_version(&data, BundleVersion([1; 32]));
        let mut backwards = (data.assets[0].timestamps.clone(), vec![1.0; 150]);
        backwards.0.swap(3, 4);
        Self {
            fault,
            right,
            other: match fault {
                Fault::ListOfAnotherVersion => another,
                Fault::SlabWithOtherSpans => shifted,
                _ => swapped,
            },
            calendar,
            backwards,
            extra: vec!["turnover".to_owned(); usize::from(fault == Fault::ExtraColumnThatIsNotThere)],
            splits: if fault == Fault::AdjustmentsOutOfOrder {
                [split(2), split(1)]
            } else {
                [split(1), split(2)]
            },
            asked: AtomicUsize::new(0),
            thread: thread::current().id(),
        }
    }

    fn answers_otherwise(&self) -> bool {
        match self.fault {
            Fault::AnotherAnswerTheSecondTime => self.asked.fetch_add(1, Ordering::Relaxed) > 20,
            Fault::AnotherAnswerOnAnotherThread => thread::current().id() != self.thread,
            _ => false,
        }
    }
}

/// The same names, with the bars of the next.
fn swapped(data: &MarketData) -> MarketData {
    let mut swapped = data.clone();
    for (rank, asset) in swapped.assets.iter_mut().enumerate() {
        asset.columns.clone_from(&data.assets[(rank + 1) % 3].columns);
    }
    swapped
}

impl Bundle for Wrong {
    fn version(&self) -> BundleVersion {
        self.right.version()
    }

    fn assets(&self) -> &AssetList {
        if self.fault == Fault::ListOfAnotherVersion { self.other.assets() } else { self.right.assets() }
    }

    fn calendar(&self) -> Calendar<'_> {
        Calendar::new(&self.calendar).unwrap()
    }

    fn frequency(&self) -> Frequency {
        self.right.frequency()
    }

    fn bars(&self, asset: AssetId) -> Result<Bars<'_>> {
        let last = AssetId::new(2, self.version());
        let own = AssetId::new(0, self.version());
        match (self.fault, self.right.assets().rank(asset).is_err()) {
            (Fault::IdentifiersOfAnyVersion, true) if asset != AssetId::new(3, self.version()) => {
                self.right.bars(own)
            }
            (Fault::RanksBeyondTheLast, true) if asset == AssetId::new(3, self.version()) => {
                self.right.bars(last)
            }
            (Fault::BarsOutOfOrder, false) if asset == own => {
                Bars::new(&self.backwards.0, &self.backwards.1, 30)
            }
            _ if self.answers_otherwise() => self.other.bars(asset),
            _ => self.right.bars(asset),
        }
    }

    fn heap_bytes(&self) -> usize {
        if self.fault == Fault::NothingOnTheHeap { 0 } else { self.right.heap_bytes() }
    }

    fn slab(&self) -> Option<Slab<'_>> {
        let is_other = matches!(self.fault, Fault::SlabOfOtherBars | Fault::SlabWithOtherSpans);
        is_other.then(|| self.other.slab().unwrap())
    }

    fn extra_columns(&self) -> &[String] {
        &self.extra
    }

    fn adjustments(&self, asset: AssetId) -> Result<&[Adjustment]> {
        match self.fault {
            Fault::AdjustmentsOfAnybody => Ok(&self.splits),
            _ => self.right.assets().rank(asset).map(|_| &self.splits[..]),
        }
    }

    fn field(&self, name: &str) -> Result<Field> {
        match (self.fault, name) {
            (Fault::FieldsByWrongNames, "high") => Ok(Field::LOW),
            (Fault::AnyFieldName, _) => Ok(self.right.field(name).unwrap_or(Field::CLOSE)),
            _ => self.right.field(name),
        }
    }
}

#[test]
fn a_bundle_that_breaks_a_promise_is_caught_by_it() {
    for (fault, says) in [
        (Fault::None, "nothing is wrong"),
        (
            Fault::IdentifiersOfAnyVersion,
            "which is not of this bundle, with `ErrorKind::ForeignAsset`; got an answer",
        ),
        (
            Fault::RanksBeyondTheLast,
            "which is not of this bundle, with `ErrorKind::ForeignAsset`; got an answer",
        ),
        (Fault::ListOfAnotherVersion, "the asset list belongs to another version"),
        (Fault::CalendarThatKnowsTomorrow, "the calendar is not the union of all bars"),
        (Fault::CalendarWithoutAMoment, "the calendar is not the union of all bars"),
        (Fault::BarsOutOfOrder, "do not ascend"),
        (Fault::FieldsByWrongNames, "high resolves to another field"),
        (Fault::AnyFieldName, "an unknown field resolved"),
        (Fault::ExtraColumnThatIsNotThere, "column 5 of asset 0"),
        (Fault::SlabOfOtherBars, "the slab shows another open of asset 0"),
        (Fault::SlabWithOtherSpans, "the slab shows other timestamps of asset 1"),
        (Fault::AnotherAnswerTheSecondTime, "the same call gives another answer"),
        (Fault::AnotherAnswerOnAnotherThread, "threads see different bars"),
        (Fault::AdjustmentsOutOfOrder, "do not ascend by ex-date"),
        (
            Fault::AdjustmentsOfAnybody,
            "which is not of this bundle, with `ErrorKind::ForeignAsset`; got an answer",
        ),
    ] {
        let verdict = verdict(|| conformance::bundle(&Wrong::new(fault)));
        assert!(verdict.contains(says), "{fault:?}: {verdict}");
    }
}

#[test]
fn a_bundle_that_hides_what_it_holds_on_the_heap_is_caught() {
    let says = |fault| verdict(|| conformance::bundle_on_the_heap(&Wrong::new(fault)));
    assert_eq!(says(Fault::None), "nothing is wrong");
    assert!(says(Fault::NothingOnTheHeap).contains("it says that it holds 0 bytes on the heap"));
}

/// Makes of the right bars what a wrong bundle holds.
type Mistake = fn(&mut MarketData);

const MISTAKES: [(&str, Mistake); 9] = [
    ("open of A0000 differs", |data| *data = swapped(data)),
    ("timestamps of A0001 differ", |data| {
        // Rows with a missing value are left out.
        let asset = &mut data.assets[1];
        let keep: Vec<_> = (0..asset.timestamps.len())
            .filter(|&bar| asset.columns.iter().all(|column| !column[bar].is_nan()))
            .collect();
        asset.timestamps = keep.iter().map(|&bar| asset.timestamps[bar]).collect();
        for column in &mut asset.columns {
            *column = keep.iter().map(|&bar| column[bar]).collect();
        }
    }),
    ("of A0001 differs", |data| {
        let values = data.assets[1].columns.iter_mut().flatten();
        values.filter(|value| value.is_nan()).for_each(|value| *value = 0.0);
    }),
    ("close of A0002 differs", |data| {
        // Filled forward.
        let close = &mut data.assets[2].columns[3];
        (1..close.len())
            .for_each(|bar| close[bar] = if close[bar].is_nan() { close[bar - 1] } else { close[bar] });
    }),
    ("close of A0001 differs", |data| data.assets[1].columns[3][7] += 0.01),
    ("close of A0000 differs", |data| {
        let close = &mut data.assets[0].columns[3];
        close.iter_mut().for_each(|value| *value = f64::from(*value as f32));
    }),
    ("timestamps of A0000 differ", |data| {
        // Labelled by the day's beginning: visible a day too early.
        let days = data.assets.iter_mut().flat_map(|asset| &mut asset.timestamps);
        days.for_each(|day| *day = day.plus_seconds(-86_400));
    }),
    ("the assets differ", |data| _ = data.assets.pop()),
    ("the frequencies differ", |data| data.frequency = Frequency::Minutes(1)),
];

#[test]
fn a_bundle_that_holds_other_bars_than_were_published_is_caught_by_the_first_difference() {
    let data = Market::common(2, 3, 60).with_missing(0.1).generate();
    conformance::bundle_holds(&data.bundle(), &data);
    for (says, mistake) in MISTAKES {
        let mut wrong = data.clone();
        mistake(&mut wrong);
        let verdict = verdict(|| conformance::bundle_holds(&wrong.bundle(), &data));
        assert!(verdict.contains(says), "{says}: {verdict}");
        assert!(verdict.contains("expected ") || verdict.contains("frequencies"), "{verdict}");
        assert!(verdict.len() < 300, "a difference and no dump: {verdict}");
    }
}
