//! Who is in a group and who takes its writes, by what its servers say. Pure: the same replies and
//! memory give the same judgement.
//!
//! A round of questions is judged after each reply, with the rest pending, so that a server that hangs
//! delays nothing: what a majority of a group says is enough. Writes are never routed on a guess.
//!
//! [`round`] has the replies by server, [`memory`] what holds from round to round; there is a file
//! for each kind of group.

mod group_replication;
mod memory;
mod newest_view;
mod options;
mod round;
#[cfg(test)]
mod tests;

use super::opinion::Reply;
use super::spec::{GroupSpec, Kind};
use super::verdict::Judgement;

use self::round::Round;

pub use self::memory::Memory;
pub use self::options::Options;

/// What is known of a group by these replies, and by what earlier rounds left in the memory.
///
/// To be called with all replies of a round after each of them, the others pending, until it decides;
/// it does at the latest when nothing is pending and nobody else is to be asked.
pub fn judge(
    spec: &GroupSpec,
    replies: &[Reply],
    memory: &mut Memory,
    options: &Options,
) -> Judgement {
    memory.note(replies);
    let round = Round::new(replies, memory);
    match spec.kind {
        Kind::GroupReplication | Kind::Auto => {
            group_replication::judge(spec, &round, memory, options)
        }
        _ => Judgement::Keep { why: "this kind of group is not discovered yet".into() },
    }
}
