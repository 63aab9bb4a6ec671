//! `request.json` of the command `bt`: the first byte says whether the rest is the file or edits of one that is whole.

use std::sync::LazyLock;

use bt_cli::fuzzing;

use crate::bytes::Bytes;
use crate::place;
use crate::store::Published;

static PUBLISHED: LazyLock<Published> = LazyLock::new(Published::new);

pub(crate) fn run(data: &[u8]) {
    let mut bytes = Bytes(data);
    let mut file = WHOLE.to_vec();
    match bytes.byte() % 2 {
        0 => file = bytes.0.to_vec(),
        _ => bytes.edit(&mut file),
    }
    let directory = place::directory();
    place::write(directory.path(), "request.json", &file);
    let Published { store, name, version, .. } = &*PUBLISHED;
    if let Err(message) = fuzzing::request(directory.path(), store, name, *version) {
        assert!(!message.is_empty());
    }
}

/// Of `bt walk-forward`, as it writes it.
const WHOLE: &[u8] = include_bytes!("../../../fuzz/seeds/request/whole").split_at(1).1;
