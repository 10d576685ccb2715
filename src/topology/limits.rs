//! How many bytes the names and bounds of a farm have at most: what the structs of the C interface
//! have room for, beside a NUL.

pub(crate) const LONGEST_UUID: usize = 47;
pub(crate) const LONGEST_HOST: usize = 255;
pub(crate) const LONGEST_GROUP: usize = 199;
pub(crate) const LONGEST_COLUMN: usize = 199;
pub(crate) const LONGEST_BOUND: usize = 255;
