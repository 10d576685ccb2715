//! What every other part may use and what uses none of them.

pub mod text;
pub mod thread;
