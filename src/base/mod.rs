//! The lowest layer: every other folder may use it, and it uses none of them.

pub mod boot_clock;
pub mod c_names;
pub mod callback;
pub mod clock;
pub mod error;
pub mod fork;
pub mod memory;
pub mod panicked;
pub mod raised;
pub mod random;
pub mod rank;
pub mod signal_mask;
pub mod sync;
pub mod text;
pub mod thread;
pub mod wall_clock;
pub mod work;
