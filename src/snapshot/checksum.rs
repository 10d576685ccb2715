//! The checksum of a topology file, its last member: of all the bytes before its name.
//!
//! It finds damage. It is no signature: who can write the file can also write its checksum.

use md5::{Digest, Md5};

const NAME: &str = "\"checksum\"";

pub fn of(bytes: &str) -> String {
    format!("{:032x}", u128::from_be_bytes(Md5::digest(bytes).into()))
}

/// Adds the member to an object with other members.
pub fn seal(object: &str) -> String {
    let open = object.trim_end().strip_suffix('}').unwrap_or(object).trim_end();
    let body = format!("{open},\n  ");
    let sum = of(&body);
    format!("{body}{NAME}: \"{sum}\"\n}}\n")
}

/// Whether `sum`, the member's value, is that of the text around it.
pub fn verify(text: &str, sum: &str) -> Result<(), String> {
    let (body, tail) = text.rsplit_once(NAME).unwrap_or((text, ""));
    let tail: String = tail.split_ascii_whitespace().collect();
    if tail != format!(":\"{sum}\"}}") {
        return Err("its member checksum is not the last one; if the file was edited by hand, \
                    take the members checksum and written_by out"
            .into());
    }
    if of(body) != sum {
        return Err("its checksum is wrong, so it is damaged; if it was edited by hand, take the \
                    members checksum and written_by out"
            .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_counts() {
        let sealed = seal("{\n  \"a\": \"checksum\"\n}");
        let sum = |text: &str| {
            let value: serde_json::Value = serde_json::from_str(text).ok()?;
            Some(value.get("checksum")?.as_str()?.to_owned())
        };
        verify(&sealed, &sum(&sealed).expect("a checksum")).expect("it is intact");
        for position in 0..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[position] ^= 1;
            let text = String::from_utf8(bytes).expect("ASCII");
            if let Some(sum) = sum(&text) {
                assert!(verify(&text, &sum).is_err(), "{text}");
            }
        }
    }
}
