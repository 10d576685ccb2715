//! A handle against fabricd: what it asks, what it keeps, and what it survives.

mod background;
mod cache;
mod feedback;
mod isolation;
mod nodes;
mod refresh;
mod split;
mod support;
mod truth;
mod vanished;
mod wire;
