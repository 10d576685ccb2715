//! The MySQL protocol against a server that does as a test tells it: what real ones do, and what none
//! should.

mod answers;
mod discovery;
mod fabric;
mod fabricd;
mod forked;
mod login;
mod member;
mod property;
mod script;
mod slow;
