//! A handle against fabricd: what it asks, what it keeps, and what it survives.

mod background;
mod batch;
mod bounds;
mod broken;
mod cache;
mod credentials;
mod died;
mod disk;
mod event_fd;
mod events;
mod feedback;
mod generation;
mod held_file;
mod isolation;
mod log;
mod many_nodes;
mod messages;
mod metrics;
mod nodes;
mod quarantine;
mod refresh;
mod split;
mod support;
mod truth;
mod vanished;
mod wire;
