//! The text of a typed element to a value.

use super::base64;
use super::event::Scalar;
use super::markup::protocol;
use crate::base::error::Result;
use crate::base::text::excerpt;

/// Reads `text` as the type `tag` says; nothing if `tag` is no scalar type.
pub fn parse(tag: &str, text: String) -> Option<Result<Scalar>> {
    let trimmed = text.trim_matches([' ', '\t', '\r', '\n']);
    let parsed = match tag {
        "string" => return Some(Ok(Scalar::Text(text))),
        "int" | "i4" | "i8" => trimmed.parse().ok().map(Scalar::Int),
        "boolean" => match trimmed {
            "0" => Some(Scalar::Bool(false)),
            "1" => Some(Scalar::Bool(true)),
            _ => None,
        },
        "double" => trimmed.parse().ok().map(Scalar::Double),
        "dateTime.iso8601" => Some(Scalar::DateTime(trimmed.to_owned())),
        "base64" => base64::decode(trimmed).map(Scalar::Bytes),
        "nil" | "ex:nil" => trimmed.is_empty().then_some(Scalar::Nil),
        _ => return None,
    };
    let wanted = match tag {
        "int" | "i4" | "i8" => "an integer of 64 bits",
        "boolean" => "0 or 1",
        "double" => "a number",
        "base64" => "base64",
        _ => "nothing",
    };
    Some(parsed.ok_or_else(|| {
        protocol(&format!("<{tag}> holds \"{}\" where {wanted} is due", excerpt(&text, 60)))
    }))
}

/// Whether `tag` names a scalar type.
pub fn is_type(tag: &str) -> bool {
    matches!(
        tag,
        "string"
            | "int"
            | "i4"
            | "i8"
            | "boolean"
            | "double"
            | "dateTime.iso8601"
            | "base64"
            | "nil"
            | "ex:nil"
    )
}
