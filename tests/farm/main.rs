//! A handle against fabricd: what it asks, what it keeps, and what it survives.

mod background;
mod cache;
mod disk;
mod isolation;
mod nodes;
mod refresh;
mod support;
mod wire;
