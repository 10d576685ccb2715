//! The name under which the rooms know [`base::fork`](crate::base::fork).

pub use crate::base::fork::{PerProcess, generation};
