//! Where the topology comes from: the seam between the handle and whatever knows the farm.
//!
//! Two questions are asked apart: which shards there are, on which groups ([`MapSource`]), and which
//! servers a group has ([`GroupSource`]). One source may answer both, or each may be answered by
//! another one, in another interval. What the rest of the library sees of a source is these traits,
//! and neutral rows ([`crate::topology::rows`]). [`of`] is where sources are registered: a new one is a folder
//! here, and one line there.
//!
//! For sources that are asked over the network, [`pool`] keeps nodes ([`endpoints`]), asks several of
//! them ([`race`]) and tries again ([`retry`], [`backoff`]).

pub mod answer;
pub mod attempt;
pub mod backoff;
pub mod callers;
mod cells;
pub mod command;
mod database;
mod digest;
pub mod directory;
pub mod discovery;
pub mod endpoints;
pub mod fabric;
pub mod file;
pub mod mysql_session;
pub mod no_maps;
pub mod node_state;
pub mod pool;
pub mod prober;
pub mod race;
pub mod response_times;
pub mod retry;
pub mod round_trip;
mod shard_states;
pub mod sources;
#[cfg(test)]
mod testing;
pub mod traits;

use std::sync::Arc;

use crate::config::{Config, SourceUrl};
use crate::observe::metrics::Traffic;

use self::directory::DirectorySource;
use self::discovery::spec::Specs;
use self::discovery::{Discovery, Scope};
use self::fabric::{FabricSource, StateStore};
use self::file::FileSource;
use self::prober::Login;

pub use self::answer::{
    About, Answer, Answers, Content, GroupAnswers, Groups, MapAnswers, Maps, Wanted,
};
pub use self::attempt::{Attempt, FirstByteTimes};
pub use self::backoff::Backoff;
pub use self::command::{Command, Report, ResultSet, Value};
pub use self::endpoints::Endpoints;
pub use self::node_state::{NodeState, Silence};
pub use self::prober::{Probed, Prober};
pub use self::response_times::{Size, Subject};
pub use self::retry::RetryPolicy;
pub use self::sources::Sources;
pub use self::traits::{
    Ask, AskAgain, Asker, Control, GroupSource, Locator, MapSource, Source, Whole, WholeSource,
};

/// The sources of a handle as its options want them.
pub fn of(config: &Arc<Config>, traffic: &Arc<Traffic>) -> Sources {
    let mut sources = by_options(config, traffic);
    sources.prober = Login::of(config).map(|login| Arc::new(login) as _);
    sources
}

fn by_options(config: &Arc<Config>, traffic: &Arc<Traffic>) -> Sources {
    match (&config.topology_file, &config.source) {
        (Some(path), _) if config.mysql.credentials.is_some() => {
            let specs = Arc::new(Specs::default());
            let file = FileSource::new(path, config, Some(Arc::clone(&specs)));
            let groups = Discovery::new(Scope::Named(specs), None, true, config, traffic);
            Sources::directory(file, groups)
        }
        (Some(path), _) => Sources::at_once(FileSource::new(path, config, None)),
        (None, Some(SourceUrl::FabricStore(database))) => {
            Sources::at_once(StateStore::new(database, config, traffic))
        }
        (None, Some(SourceUrl::Cluster(cluster))) => {
            Sources::groups_only(Discovery::of_cluster(cluster, config, traffic))
        }
        (None, Some(SourceUrl::Mysql(database))) => {
            let specs = Arc::default();
            let directory = DirectorySource::new(database, config, traffic, &specs);
            let named = Scope::Named(specs);
            Sources::directory(directory, Discovery::new(named, None, false, config, traffic))
        }
        (None, Some(SourceUrl::FabricMysql { .. })) => {
            Sources::one(FabricSource::<fabric::MysqlRpc>::new(config, traffic))
        }
        (None, _) => Sources::one(FabricSource::<fabric::Client>::new(config, traffic)),
    }
}
