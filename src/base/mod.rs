//! What every other part may use and what uses none of them.

pub mod sigpipe;
pub mod text;
pub mod thread;
