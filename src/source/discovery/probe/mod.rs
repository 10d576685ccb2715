//! What one server is asked, and what is made of its answers.
//!
//! A member of a group is asked in one statement, and in a second one for metadata where it has any;
//! [`session`] remembers of each connection what need not be asked again. [`variables`] is who the
//! server is and whether it takes writes, [`group`] its view of Group Replication, [`metadata`] and
//! [`cluster_set`] what InnoDB Cluster keeps in it, [`channels`] from whom it replicates.

mod channels;
mod cluster_set;
mod flavour;
mod group;
mod json;
mod kept_metadata;
mod lag;
mod metadata;
mod questions;
mod rows;
mod session;
mod variables;

pub use self::questions::Questions;
pub use self::session::ServerSession;
