//! A topology that is nothing but its number.

#[derive(Debug, Default)]
pub struct Topology {
    pub generation: u64,
}
