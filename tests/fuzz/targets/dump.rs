//! Any bytes, in pieces of any size: rows read as they arrive are those of the tree, and so are
//! the errors.

#![no_main]

#[path = "../../../src/source/fabric/both_ways.rs"]
mod both_ways;

use libfuzzer_sys::fuzz_target;
// Under the names they have where `both_ways` is at home.
use mysqlfabric::{base, source, topology};

fuzz_target!(|input: &[u8]| {
    let Some(([low, high], document)) = input.split_first_chunk() else { return };
    let piece = usize::from(u16::from_le_bytes([*low, *high])).max(1);
    // A byte order mark is told from the first piece, and the client sees to its size.
    if piece < 3 && document.starts_with(b"\xEF") {
        return;
    }
    both_ways::agree(document, &[piece]);
});
