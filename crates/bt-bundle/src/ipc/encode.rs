use arrow_ipc::convert::IpcSchemaEncoder;
use arrow_ipc::writer::DictionaryTracker;
use arrow_ipc::{
    Block, Buffer, DictionaryBatch, DictionaryBatchArgs, FieldNode, FooterArgs, Message, MessageArgs,
    MessageHeader, MetadataVersion, RecordBatch, RecordBatchArgs,
};
use arrow_schema::Schema;
use flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};

use super::{CONTINUATION, MAGIC, align};

/// An Arrow file of one record batch whose columns are still to be written.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Goes to the start of the file: schema, dictionary, the batch's metadata.
    pub(crate) head: Vec<u8>,
    /// Where each buffer of the record batch goes, from the start of the file; multiples of 64.
    pub(crate) offsets: Vec<u64>,
    /// Where the tail goes.
    pub(crate) tail_at: u64,
    /// Goes behind the last buffer: end of stream, footer.
    pub(crate) tail: Vec<u8>,
}

/// The values of a dictionary-encoded text column, in the order of their keys.
pub(crate) struct Dictionary<'a> {
    pub(crate) values: &'a [String],
}

/// Lays out a file whose only record batch has these rows, arrays (their lengths, depth first) and buffers (their
/// lengths in bytes, 0 for the validity of an array without nulls).
pub(crate) fn plan(
    schema: &Schema,
    dictionary: Option<Dictionary<'_>>,
    rows: usize,
    arrays: &[usize],
    buffers: &[u64],
) -> Plan {
    let mut head = [MAGIC.as_slice(), &[0, 0]].concat();
    schema_message(&mut head, schema);
    let dictionaries =
        Vec::from_iter(dictionary.map(|dictionary| dictionary_message(&mut head, &dictionary)));
    let (relative, body) = lay_out(buffers);
    let batch = batch_message(&mut head, rows, arrays, buffers, body);
    let start = head.len() as u64;
    Plan {
        offsets: relative.iter().map(|offset| start + offset).collect(),
        tail_at: start + body,
        tail: tail(schema, &dictionaries, batch),
        head,
    }
}

/// Offsets of buffers that follow each other, and the length of their body.
fn lay_out(lengths: &[u64]) -> (Vec<u64>, u64) {
    let (mut offsets, mut end) = (Vec::with_capacity(lengths.len()), 0);
    for length in lengths {
        offsets.push(end);
        end = align(end + length);
    }
    (offsets, end)
}

fn schema_message(head: &mut Vec<u8>, schema: &Schema) {
    let mut builder = FlatBufferBuilder::new();
    let root = schema_offset(&mut builder, schema).as_union_value();
    push_message(head, builder, MessageHeader::Schema, root, 0);
}

fn schema_offset<'b>(
    builder: &mut FlatBufferBuilder<'b>,
    schema: &Schema,
) -> WIPOffset<arrow_ipc::Schema<'b>> {
    let mut tracker = DictionaryTracker::new(true);
    IpcSchemaEncoder::new().with_dictionary_tracker(&mut tracker).schema_to_fb_offset(builder, schema)
}

fn dictionary_message(head: &mut Vec<u8>, dictionary: &Dictionary<'_>) -> Block {
    let names = dictionary.values;
    let (ends, text) = text_buffers(names);
    let lengths = [0, ends.len() as u64, text.len() as u64];
    let (offsets, body) = lay_out(&lengths);
    let mut builder = FlatBufferBuilder::new();
    let data = record_batch(&mut builder, names.len(), &[names.len()], &lengths);
    let args = DictionaryBatchArgs { id: 0, data: Some(data), isDelta: false };
    let root = DictionaryBatch::create(&mut builder, &args).as_union_value();
    let block = push_message(head, builder, MessageHeader::DictionaryBatch, root, body);
    let start = head.len();
    for (offset, bytes) in offsets[1..].iter().zip([ends, text]) {
        head.resize(start + *offset as usize, 0);
        head.extend_from_slice(&bytes);
    }
    head.resize(start + body as usize, 0);
    block
}

/// The offsets (n + 1 little-endian 32-bit integers) and the bytes of a text column.
pub(crate) fn text_buffers(texts: &[String]) -> (Vec<u8>, Vec<u8>) {
    let (mut ends, mut text) = (vec![0; 4], Vec::new());
    for value in texts {
        text.extend_from_slice(value.as_bytes());
        ends.extend_from_slice(&(text.len() as i32).to_le_bytes());
    }
    (ends, text)
}

fn batch_message(head: &mut Vec<u8>, rows: usize, arrays: &[usize], buffers: &[u64], body: u64) -> Block {
    let mut builder = FlatBufferBuilder::new();
    let root = record_batch(&mut builder, rows, arrays, buffers).as_union_value();
    push_message(head, builder, MessageHeader::RecordBatch, root, body)
}

fn record_batch<'b>(
    builder: &mut FlatBufferBuilder<'b>,
    rows: usize,
    arrays: &[usize],
    lengths: &[u64],
) -> WIPOffset<RecordBatch<'b>> {
    let (offsets, _) = lay_out(lengths);
    let nodes: Vec<_> = arrays.iter().map(|&length| FieldNode::new(length as i64, 0)).collect();
    let buffers: Vec<_> = offsets
        .iter()
        .zip(lengths)
        .map(|(&offset, &length)| Buffer::new(offset as i64, length as i64))
        .collect();
    let args = RecordBatchArgs {
        length: rows as i64,
        nodes: Some(builder.create_vector(&nodes)),
        buffers: Some(builder.create_vector(&buffers)),
        ..Default::default()
    };
    RecordBatch::create(builder, &args)
}

/// Appends a framed message, padded so that its body starts aligned.
fn push_message(
    file: &mut Vec<u8>,
    mut builder: FlatBufferBuilder<'_>,
    header_type: MessageHeader,
    header: WIPOffset<UnionWIPOffset>,
    body: u64,
) -> Block {
    let args = MessageArgs {
        version: MetadataVersion::V5,
        header_type,
        header: Some(header),
        bodyLength: body as i64,
        ..Default::default()
    };
    let root = Message::create(&mut builder, &args);
    builder.finish(root, None);
    let (start, message) = (file.len(), builder.finished_data());
    let end = align((start + 8 + message.len()) as u64) as usize;
    file.extend_from_slice(&CONTINUATION);
    file.extend_from_slice(&((end - start - 8) as i32).to_le_bytes());
    file.extend_from_slice(message);
    file.resize(end, 0);
    Block::new(start as i64, (end - start) as i32, body as i64)
}

fn tail(schema: &Schema, dictionaries: &[Block], batch: Block) -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let args = FooterArgs {
        version: MetadataVersion::V5,
        schema: Some(schema_offset(&mut builder, schema)),
        dictionaries: Some(builder.create_vector(dictionaries)),
        recordBatches: Some(builder.create_vector(&[batch])),
        custom_metadata: None,
    };
    let root = arrow_ipc::Footer::create(&mut builder, &args);
    builder.finish(root, None);
    let footer = builder.finished_data();
    let mut tail = [CONTINUATION, [0; 4]].concat();
    tail.extend_from_slice(footer);
    tail.extend_from_slice(&(footer.len() as i32).to_le_bytes());
    tail.extend_from_slice(MAGIC);
    tail
}
