//! The map of the house.

pub mod config;
pub mod error;
pub mod fabric;
pub mod log;
