//! The handle, as the unit tests of sources have it.

use std::time::Duration;

use crate::base::error::{Code, Error};

use super::Asker;

/// A handle at some time on its clock, which interrupts nothing.
pub struct At(pub u64);

impl Asker for At {
    fn now(&self) -> u64 {
        self.0
    }
    fn is_stopping(&self) -> bool {
        false
    }
    fn is_interrupted(&self, _: u64) -> bool {
        false
    }
    fn interrupted(&self, what: &str) -> Error {
        Error::new(Code::Interrupted, what)
    }
    fn pause(&self, _: Duration, _: Option<u64>) -> bool {
        false
    }
    fn node_answered(&self, _: bool, _: Duration) {}
    fn source_answered(&self) {}
}
