//! MD5 as the hex digits that digest authentication and HASH sharding are made of.

use md5::{Digest, Md5};

pub fn lower(data: &[u8]) -> String {
    Md5::digest(data).iter().map(|b| format!("{b:02x}")).collect()
}

pub fn upper(data: &[u8]) -> String {
    lower(data).to_ascii_uppercase()
}
