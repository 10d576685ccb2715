//! Which servers a group has and who is its primary, asked of the servers themselves.
//!
//! [`spec`] says which groups are to be discovered and how. A [`source`] of groups asks in rounds
//! ([`round`]): all members of all groups at once ([`members`]), each of them by [`exchange`], over
//! connections that are [`kept`]. [`probe`] is what a server is asked, [`opinion`] what it says; the
//! rules ([`rules`]) make a [`verdict`] of all that was said, and [`answers`] the rest of the library's
//! rows of it. [`quick`] is how often that is done while a group has no primary.

mod answers;
mod exchange;
mod kept;
mod members;
pub mod opinion;
pub mod probe;
mod quick;
mod round;
pub mod rules;
mod source;
pub mod spec;
pub mod verdict;

pub use self::source::{Discovery, Scope};
