//! What a source is to the rest of the library, and the rest of the library to a source.

use std::collections::BTreeSet;
use std::sync::Weak;
use std::time::Duration;

use crate::base::error::{Error, Result};
use crate::config::Node;
use crate::topology::HeldKey;

use super::answer::{Answer, GroupAnswers, Groups, MapAnswers, Maps, Wanted};
use super::command::{Command, Report, ResultSet};
use super::node_state::NodeState;
use super::retry::RetryPolicy;

/// What every source can be asked and told. Any number of threads may use one at once, and a forked
/// child goes on using its parent's: what takes a lock is a `base::sync::Mutex`, what has
/// connections a `base::fork::PerProcess`.
pub trait Source: Send + Sync {
    /// What messages call it: the subject of a sentence, such as "Fabric".
    fn name(&self) -> String {
        "the source".into()
    }

    /// Why it cannot do what others can.
    fn unsupported(&self) -> Error;

    /// Makes sure, before the first question and whenever the service wants to begin anew, that there
    /// is somebody to ask. Gives the interval if that is known from it.
    fn connect(&self, _: &Ask<'_>) -> Result<Option<Duration>> {
        Ok(None)
    }

    /// Has time for its own affairs, such as whether there are other nodes: after a fetch that went
    /// well, when the answers have been taken in.
    fn maintain(&self, _: &Ask<'_>) {}

    /// Is given, once and before the first question, to whom it can say that an answer is over. The
    /// handle owns the source: it is to be kept as the weak reference that it is.
    fn attach(&self, _: Weak<dyn AskAgain>) {}

    /// The service wants everything asked anew: what the source keeps of its last answers is not to
    /// count.
    fn reset(&self) {}

    /// There was no time to take in an answer of it, which is to be given again.
    fn was_not_taken_in(&self) {
        self.reset();
    }

    /// Ends the questions that callers ask in their own threads.
    fn interrupt(&self) {}

    /// Cuts off what is under way and refuses what comes later: the handle is being freed.
    fn cancel(&self) {}

    /// What it calls itself in its answers; empty if it does not, or has not answered.
    fn identity(&self) -> String {
        String::new()
    }

    /// Whom it asks, in the order they became known.
    fn nodes(&self) -> Vec<NodeState> {
        Vec::new()
    }

    /// Which of them answered last; nothing of a source whose answers are of several together.
    fn last_node(&self) -> Option<Node> {
        None
    }

    /// Takes in a node that the service names, to be asked before the others.
    ///
    /// # Errors
    /// It asks no nodes.
    fn add_node(&self, _: &Node) -> Result<()> {
        Err(self.unsupported())
    }

    /// Takes in the nodes that a snapshot file names.
    fn remember_nodes(&self, _: &[Node]) {}

    /// Who takes commands and reports.
    ///
    /// # Errors
    /// It takes none.
    fn control(&self) -> Result<&dyn Control> {
        Err(self.unsupported())
    }
}

/// Knows which shards there are, on which groups.
pub trait MapSource: Source {
    /// The shards of the tables that are wanted.
    fn maps(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<MapAnswers>;

    /// Whether it has shard maps at all. A table of a source that has none is refused in words that say
    /// so.
    fn has_maps(&self) -> bool {
        true
    }

    /// Whether a shard that it does not list does not exist. Otherwise it may be out of use for a
    /// while, and its keys must not go to the shard below.
    fn lists_every_shard(&self) -> bool {
        false
    }

    /// How long a primary may be read-only while its keys go elsewhere, from the first refused write
    /// to the new shard map, with the interval that the source named last.
    fn longest_move(&self, _interval: Option<Duration>) -> Duration {
        Duration::from_secs(4)
    }

    /// Who can tell where the keys of a shard are that is not listed any more.
    ///
    /// # Errors
    /// It cannot.
    fn locator(&self) -> Result<&dyn Locator> {
        Err(self.unsupported())
    }
}

/// Knows which servers a group has, and who is its primary.
pub trait GroupSource: Source {
    /// The servers of the groups that are wanted.
    fn groups(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<GroupAnswers>;

    /// Whether a group is its to tell of. Asked where the source of the maps tells of groups, too.
    fn tells_of(&self, _group: &str) -> bool {
        true
    }
}

/// Answers both questions of one moment, about everything, whatever is wanted.
pub trait WholeSource: Send + Sync {
    /// All there is. `version` is that of the last answer that was taken in, 0 for none: the answer is
    /// `Unchanged` only while the source still has that one.
    fn whole(&self, version: u64, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<Whole>;
}

/// What a source said of everything at one moment.
pub struct Whole {
    /// Ascends with what the source learns, and is never 0: of two answers the one with the higher
    /// version counts, whichever was asked for or comes in first.
    pub version: u64,
    pub maps: Answer<Maps>,
    pub groups: Answer<Groups>,
    /// Groups that the answer is not about, whatever it says: those that another source tells of.
    pub elsewhere: BTreeSet<String>,
}

/// Tells where the keys of a shard are that is not listed any more.
pub trait Locator {
    /// The UUID of a server that holds a key, if there is one.
    fn locate(&self, table: &str, key: &HeldKey, ask: &Ask<'_>) -> Result<Option<String>>;
}

/// Takes commands, and reports of failed servers.
pub trait Control {
    /// Runs a command. It may not be run twice, so that another node is asked only if no connection
    /// came about.
    fn execute(&self, command: &Command<'_>, ask: &Ask<'_>) -> Result<Vec<ResultSet>>;

    /// Tells of a server that failed, and waits until that is done with.
    fn report(&self, report: &Report<'_>, ask: &Ask<'_>) -> Result<()>;
}

/// How a question may be asked, and who asks it.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    pub retry: RetryPolicy,
    pub asker: &'a dyn Asker,
}

impl Ask<'_> {
    /// Whether the service has interrupted the call of a caller who asks in its own thread.
    pub fn is_interrupted(&self) -> bool {
        self.retry.caller.is_some_and(|caller| self.asker.is_interrupted(caller))
    }

    /// Waits between two tries. True if there is no use in going on.
    pub fn pause(&self, pause: Duration) -> bool {
        self.asker.pause(pause, self.retry.caller)
    }
}

/// The handle, as a source sees it between questions.
pub trait AskAgain: Send + Sync {
    /// What the source said last of a group is over: it is asked again at once in the background, or
    /// by the next lookup. From any thread, but under no lock.
    fn group_is_stale(&self, group: &str);
}

/// The handle, as a source sees it while it is asked.
pub trait Asker: Sync {
    /// The time on the handle's clock, in milliseconds; never 0.
    fn now(&self) -> u64;

    /// Whether the handle is being freed, which cuts off what is under way.
    fn is_stopping(&self) -> bool;

    /// Whether the service has interrupted a call: see [`RetryPolicy::caller`].
    fn is_interrupted(&self, caller: u64) -> bool;

    /// The error of a call that the service interrupted while it waited for `what`.
    fn interrupted(&self, what: &str) -> Error;

    /// See [`Ask::pause`].
    fn pause(&self, pause: Duration, caller: Option<u64>) -> bool;

    /// A node has answered, after so much work of its own and of threads that asked it.
    fn node_answered(&self, background: bool, work: Duration);

    /// The source has answered a question about the farm, be it that the answer is of no use.
    fn source_answered(&self);
}
