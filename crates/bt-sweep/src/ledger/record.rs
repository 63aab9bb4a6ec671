//! A trial's record as bytes. See `docs/ledger-format.md`.

use crate::{Block, Outcome, Status, TrialKey, TrialRecord, Value};
use crate::{Error, Names, Result};

const DONE: u8 = 0;
const FAILED: u8 = 1;
const DEADLINE: u8 = 2;

const INT: u8 = 0;
const FLOAT: u8 = 1;
const TEXT: u8 = 2;

/// The bytes of one block.
const BLOCK: usize = 4 + 8 + 8;

/// A record whose variable parts still lie in the bytes that it was read from; its parameters were handed out on the way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Encoded<'a> {
    pub(crate) key: TrialKey,
    pub(crate) fidelity: f64,
    pub(crate) number: u64,
    pub(crate) part: u32,
    pub(crate) worker: u32,
    pub(crate) started_us: u64,
    pub(crate) took_us: u64,
    pub(crate) end: End<'a>,
    metrics: &'a [u8],
    blocks: &'a [u8],
}

/// How a trial ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End<'a> {
    Done,
    Failed(&'a str),
    Deadline,
}

/// A parameter's value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    Int(i64),
    Float(f64),
    Text(&'a str),
}

impl From<Cell<'_>> for Value {
    fn from(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Int(value) => Self::Int(value),
            Cell::Float(value) => Self::Float(value),
            Cell::Text(value) => Self::Text(value.into()),
        }
    }
}

impl<'a> From<&'a Value> for Cell<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Int(value) => Self::Int(*value),
            Value::Float(value) => Self::Float(*value),
            Value::Text(value) => Self::Text(value),
        }
    }
}

/// Refuses a record that is not one of a sweep with these parameters and so many metrics.
pub(crate) fn check(record: &TrialRecord, names: &Names, metrics: usize) -> Result<()> {
    let differs = |what: String, found: String, expected: String| {
        Err(Error::Mismatch { what: what.into(), found, expected })
    };
    if record.params.names() != names {
        let (found, expected) = (record.params.names().as_slice(), names.as_slice());
        let what = format!("the parameters of trial {}", record.number);
        return differs(what, found.join(", "), expected.join(", "));
    }
    let expected = if record.status == Status::Done { metrics } else { 0 };
    if record.outcome.metrics.len() != expected {
        let what = format!("the number of metrics of trial {} ({})", record.number, record.status.name());
        return differs(what, record.outcome.metrics.len().to_string(), expected.to_string());
    }
    if record.status != Status::Done && !record.outcome.blocks.is_empty() {
        let what = format!("the number of blocks of trial {} ({})", record.number, record.status.name());
        return differs(what, record.outcome.blocks.len().to_string(), "0".into());
    }
    Ok(())
}

/// Appends a record that was [checked](check).
pub(crate) fn encode(record: &TrialRecord, out: &mut Vec<u8>) {
    out.extend_from_slice(&record.key.0);
    out.extend_from_slice(&record.fidelity.to_le_bytes());
    let numbers =
        [record.number, record.part.into(), record.worker.into(), record.started_us, record.took_us];
    numbers.iter().for_each(|&number| push_varint(out, number));
    match &record.status {
        Status::Done => out.push(DONE),
        Status::Failed(message) => {
            out.push(FAILED);
            push_text(out, message);
        }
        Status::Deadline => out.push(DEADLINE),
    }
    record.params.values().iter().for_each(|value| push_value(out, value));
    if record.status == Status::Done {
        push_outcome(out, &record.outcome);
    }
}

fn push_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Int(value) => {
            out.push(INT);
            push_varint(out, ((value << 1) ^ (value >> 63)) as u64);
        }
        Value::Float(value) => {
            out.push(FLOAT);
            out.extend_from_slice(&value.to_le_bytes());
        }
        Value::Text(value) => {
            out.push(TEXT);
            push_text(out, value);
        }
    }
}

fn push_outcome(out: &mut Vec<u8>, outcome: &Outcome) {
    out.extend(outcome.metrics.iter().flat_map(|metric| metric.to_le_bytes()));
    push_varint(out, outcome.blocks.len() as u64);
    for block in &outcome.blocks {
        out.extend_from_slice(&block.bars.to_le_bytes());
        out.extend_from_slice(&block.sum.to_le_bytes());
        out.extend_from_slice(&block.sum_of_squares.to_le_bytes());
    }
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    push_varint(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

fn push_varint(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// The fewest bytes that the record of a trial that is done has.
pub(crate) fn shortest(params: usize, metrics: usize) -> usize {
    const FIXED: usize = size_of::<TrialKey>() + size_of::<f64>();
    const VARINTS_AND_STATUS: usize = 5 + 1 + 1;
    FIXED + VARINTS_AND_STATUS + 2 * params + 8 * metrics
}

/// The key of a payload, which it begins with.
pub(crate) fn key(payload: &[u8]) -> Option<TrialKey> {
    payload.first_chunk().map(|key| TrialKey(*key))
}

/// Reads a payload of a sweep with so many parameters and metrics; each parameter goes to `cell` in turn. None where the
/// bytes are no record.
pub(crate) fn decode<'a>(
    payload: &'a [u8],
    params: usize,
    metrics: usize,
    mut cell: impl FnMut(Cell<'a>),
) -> Option<Encoded<'a>> {
    let mut bytes = Bytes(payload);
    let key = TrialKey(bytes.array()?);
    let fidelity = f64::from_le_bytes(bytes.array()?);
    let number = bytes.varint()?;
    let (part, worker) = (bytes.varint32()?, bytes.varint32()?);
    let (started_us, took_us) = (bytes.varint()?, bytes.varint()?);
    let end = bytes.end()?;
    for _ in 0..params {
        cell(bytes.cell()?);
    }
    let (mut of_metrics, mut of_blocks): (&[u8], &[u8]) = (&[], &[]);
    if end == End::Done {
        of_metrics = bytes.take(metrics.checked_mul(8)?)?;
        let blocks = usize::try_from(bytes.varint()?).ok()?;
        of_blocks = bytes.take(blocks.checked_mul(BLOCK)?)?;
    }
    bytes.0.is_empty().then_some(Encoded {
        key,
        fidelity,
        number,
        part,
        worker,
        started_us,
        took_us,
        end,
        metrics: of_metrics,
        blocks: of_blocks,
    })
}

impl<'a> Encoded<'a> {
    /// The metrics; none unless the trial is done.
    pub(crate) fn metrics(&self) -> impl ExactSizeIterator<Item = f64> + use<'a> {
        self.metrics.as_chunks().0.iter().map(|bytes| f64::from_le_bytes(*bytes))
    }

    /// The blocks; none unless the trial is done.
    pub(crate) fn blocks(&self) -> impl ExactSizeIterator<Item = Block> + use<'a> {
        self.blocks.as_chunks::<BLOCK>().0.iter().map(block)
    }
}

fn block(bytes: &[u8; BLOCK]) -> Block {
    let (mut bars, mut sum, mut sum_of_squares) = ([0; 4], [0; 8], [0; 8]);
    bars.copy_from_slice(&bytes[..4]);
    sum.copy_from_slice(&bytes[4..12]);
    sum_of_squares.copy_from_slice(&bytes[12..]);
    Block {
        bars: u32::from_le_bytes(bars),
        sum: f64::from_le_bytes(sum),
        sum_of_squares: f64::from_le_bytes(sum_of_squares),
    }
}

/// What is left of a payload.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    #[inline]
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// None for a number above 64 bits.
    #[inline]
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let seven = u64::from(byte & 0x7f);
            if shift == 63 && seven > 1 {
                return None;
            }
            number |= seven << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    #[inline]
    fn varint32(&mut self) -> Option<u32> {
        self.varint()?.try_into().ok()
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.varint()?).ok()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    #[inline]
    fn end(&mut self) -> Option<End<'a>> {
        match self.byte()? {
            DONE => Some(End::Done),
            FAILED => self.text().map(End::Failed),
            DEADLINE => Some(End::Deadline),
            _ => None,
        }
    }

    #[inline]
    fn cell(&mut self) -> Option<Cell<'a>> {
        match self.byte()? {
            INT => self.varint().map(|zigzag| Cell::Int((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))),
            FLOAT => self.array().map(|bytes| Cell::Float(f64::from_le_bytes(bytes))),
            TEXT => self.text().map(Cell::Text),
            _ => None,
        }
    }
}
