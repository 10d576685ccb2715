//! Which servers a group has and who is its primary, asked of the servers themselves.
//!
//! [`spec`] says which groups are to be discovered and how, [`opinion`] what one server answers,
//! [`verdict`] what the rules ([`rules`]) make of all answers.

pub mod opinion;
pub mod rules;
pub mod spec;
pub mod verdict;
