use std::borrow::Cow;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};
use bt_core::{Adjustment, AdjustmentKind, BundleVersion, Conventions, Frequency, Span, Timestamp};
use zerocopy::IntoBytes;

use super::VERSION_KEY;
use crate::ipc::{self, Plan};

/// What an index is written from.
pub(crate) struct Parts<'a> {
    pub(crate) version: BundleVersion,
    pub(crate) frequency: Frequency,
    pub(crate) conventions: &'a Conventions,
    pub(crate) names: &'a [String],
    pub(crate) spans: &'a [Span],
    pub(crate) positions: &'a [u32],
    pub(crate) calendar: &'a [Timestamp],
    /// By rank.
    pub(crate) adjustments: &'a [Vec<Adjustment>],
}

/// Lays out the file, with the content of each buffer.
pub(crate) fn encode<'a>(parts: &Parts<'a>) -> (Plan, Vec<Cow<'a, [u8]>>) {
    let mut row = Row::default();
    let (ends, text) = ipc::text_buffers(parts.names);
    row.list("asset", DataType::Utf8, parts.names.len(), vec![ends.into(), text.into()]);
    row.numbers("bars", DataType::UInt32, parts.spans.iter().map(|span| span.len));
    row.numbers("calendar_first", DataType::UInt32, parts.spans.iter().map(|span| span.calendar_first));
    row.numbers("calendar_len", DataType::UInt32, parts.spans.iter().map(|span| span.calendar_len));
    let nanos = Timestamp::slice_as_nanos(parts.calendar);
    row.list("calendar", timestamps(), nanos.len(), vec![nanos.as_bytes().into()]);
    if !parts.positions.is_empty() {
        row.list(
            "positions",
            DataType::UInt32,
            parts.positions.len(),
            vec![parts.positions.as_bytes().into()],
        );
    }
    if parts.adjustments.iter().any(|list| !list.is_empty()) {
        encode_adjustments(&mut row, parts.adjustments);
    }
    row.finish(parts)
}

fn timestamps() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
}

fn encode_adjustments(row: &mut Row<'_>, by_rank: &[Vec<Adjustment>]) {
    let all =
        || by_rank.iter().enumerate().flat_map(|(rank, list)| list.iter().map(move |one| (rank as u32, one)));
    let kind = |kind: AdjustmentKind| match kind {
        AdjustmentKind::Split { ratio } => (b'S', ratio),
        AdjustmentKind::Dividend { amount } => (b'D', amount),
        other => unreachable!("{other:?} is refused by the draft"),
    };
    row.numbers("adjusted_asset", DataType::UInt32, all().map(|(rank, _)| rank));
    row.numbers("adjustment_ex_date", timestamps(), all().map(|(_, one)| one.ex_date.as_nanos()));
    row.numbers("adjustment_kind", DataType::UInt8, all().map(|(_, one)| kind(one.kind).0));
    row.numbers("adjustment_value", DataType::Float64, all().map(|(_, one)| kind(one.kind).1));
}

/// A record batch of one row of lists, while it is put together.
#[derive(Default)]
struct Row<'a> {
    fields: Vec<Field>,
    arrays: Vec<usize>,
    buffers: Vec<Cow<'a, [u8]>>,
}

impl<'a> Row<'a> {
    fn numbers<T: IntoBytes + zerocopy::Immutable>(
        &mut self,
        name: &str,
        item: DataType,
        numbers: impl Iterator<Item = T>,
    ) {
        let numbers: Vec<T> = numbers.collect();
        self.list(name, item, numbers.len(), vec![numbers.as_bytes().to_vec().into()]);
    }

    fn list(&mut self, name: &str, item: DataType, items: usize, content: Vec<Cow<'a, [u8]>>) {
        let item = Arc::new(Field::new("item", item, false));
        self.fields.push(Field::new(name, DataType::LargeList(item), false));
        self.arrays.extend([1, items]);
        let validity = || Cow::Borrowed([].as_slice());
        self.buffers.extend([validity(), [0, items as i64].as_bytes().to_vec().into(), validity()]);
        self.buffers.extend(content);
    }

    fn finish(self, parts: &Parts<'_>) -> (Plan, Vec<Cow<'a, [u8]>>) {
        let mut metadata = ipc::metadata(parts.frequency, parts.conventions);
        metadata.insert(VERSION_KEY.to_owned(), parts.version.to_string());
        let schema = Schema::new_with_metadata(self.fields, metadata);
        let lengths: Vec<_> = self.buffers.iter().map(|buffer| buffer.len() as u64).collect();
        (ipc::plan(&schema, None, 1, &self.arrays, &lengths), self.buffers)
    }
}
