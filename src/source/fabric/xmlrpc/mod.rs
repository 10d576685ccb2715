//! XML-RPC as Fabric speaks it: calls out, replies in.
//!
//! Layers, lowest first: `markup` turns bytes into tags and text, [`reader`] turns those
//! into [`event`]s and knows the grammar, [`value`] builds trees, [`plain`] takes a short way through dumps, [`writer`] writes calls.

mod base64;
pub mod event;
mod markup;
pub mod plain;
pub mod reader;
mod room;
mod scalar;
pub mod value;
pub mod writer;

pub use crate::source::command::Value;
pub use event::{Event, Scalar};
pub use plain::Cell;
pub use reader::Reader;
pub use value::{Response, read_response, read_response_within};
pub use writer::method_call;
