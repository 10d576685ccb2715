//! What a Fabric node says of a command that failed.

use crate::base::error::{Code, Error};
use crate::base::text::{MAX_LINE, excerpt};
use crate::config::Node;

/// A fault as an error. The text is the server's, `<type 'exceptions.X'>:` and all, as far as
/// anybody will read it.
pub fn fault(node: &Node, method: &str, text: &str) -> Error {
    let text = excerpt(text, MAX_LINE);
    Error::new(Code::Fabric, format!("{method} at {}: {text}", node))
}
