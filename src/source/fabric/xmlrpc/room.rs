//! How much memory the values of a reply may take, in relation to how long it may be.

use crate::base::error::{Code, Error, Result};
use crate::source::command::Value;

/// Besides its text a value takes itself, and about as much again for what holds the text.
const VALUE: u64 = size_of::<Value>() as u64 + 24;

/// The least that is set aside for what is in an array or a struct.
const LIST: u64 = 4 * size_of::<Value>() as u64 - VALUE;

/// What is left.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    left: u64,
    limit: u64,
}

impl Room {
    /// For a reply of at most `limit` bytes. Twice that is more than any reply takes whose values
    /// say of what type they are, as those of Fabric do.
    pub fn of(limit: u64) -> Self {
        Self { left: limit.saturating_mul(2), limit }
    }

    /// For a value of so many bytes of text.
    pub fn value(&mut self, text: usize) -> Result<()> {
        self.take(VALUE + text as u64)
    }

    /// For an array or a struct, besides what is in it.
    pub fn list(&mut self) -> Result<()> {
        self.take(VALUE + LIST)
    }

    fn take(&mut self, bytes: u64) -> Result<()> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                let message = format!(
                    "the values of the reply take more than twice the {} bytes that a reply may \
                     have (see fabric_options_set_max_reply_bytes); check that the address is a \
                     MySQL Fabric node's",
                    self.limit
                );
                Err(Error::new(Code::ReplyTooLarge, message))
            }
        }
    }
}
