//! Foreign text in our own sentences.

pub use crate::base::text::excerpt;
