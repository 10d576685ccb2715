//! Who answers the two questions for a handle: one source, or one for each.

use std::sync::Arc;

use crate::base::error::{Code, Error, Result};
use crate::config::Node;

use super::no_maps::NoMaps;
use super::node_state::NodeState;
use super::prober::Prober;
use super::traits::{GroupSource, MapSource, Source, WholeSource};

/// Who answers the two questions for a handle.
pub struct Sources {
    pub maps: Arc<dyn MapSource>,
    pub groups: Arc<dyn GroupSource>,
    /// Who can try servers that were lost.
    pub prober: Option<Arc<dyn Prober>>,
    /// Each of them once.
    all: Vec<Arc<dyn Source>>,
    whole: Option<Arc<dyn WholeSource>>,
}

impl Sources {
    /// One that answers both.
    pub fn one<S: MapSource + GroupSource + 'static>(source: S) -> Self {
        let source = Arc::new(source);
        let all: Vec<Arc<dyn Source>> = vec![Arc::clone(&source) as _];
        Self { maps: Arc::clone(&source) as _, groups: source, all, whole: None, prober: None }
    }

    /// Two that answer one question each.
    pub fn two(maps: impl MapSource + 'static, groups: impl GroupSource + 'static) -> Self {
        let (maps, groups) = (Arc::new(maps), Arc::new(groups));
        let all: Vec<Arc<dyn Source>> = vec![Arc::clone(&maps) as _, Arc::clone(&groups) as _];
        Self { maps, groups, all, whole: None, prober: None }
    }

    /// One that knows groups, and no shard maps: groups are looked up by their names.
    pub fn groups_only(groups: impl GroupSource + 'static) -> Self {
        let groups = Arc::new(groups);
        let all: Vec<Arc<dyn Source>> = vec![Arc::clone(&groups) as _];
        Self { maps: Arc::new(NoMaps), groups, all, whole: None, prober: None }
    }

    /// One that answers both of one moment: nothing of it is ever in use without the rest.
    pub fn at_once<S: MapSource + GroupSource + WholeSource + 'static>(source: S) -> Self {
        let source = Arc::new(source);
        let all: Vec<Arc<dyn Source>> = vec![Arc::clone(&source) as _];
        let (maps, groups) = (Arc::clone(&source) as _, Arc::clone(&source) as _);
        Self { maps, groups, all, whole: Some(source), prober: None }
    }

    /// One that answers both of one moment, and beside it one that tells of groups which the first
    /// only names ([`Whole::elsewhere`](super::Whole)): each is asked in its own time.
    pub fn directory<S: MapSource + WholeSource + 'static>(
        directory: S,
        groups: impl GroupSource + 'static,
    ) -> Self {
        let (directory, groups) = (Arc::new(directory), Arc::new(groups));
        let all: Vec<Arc<dyn Source>> = vec![Arc::clone(&directory) as _, Arc::clone(&groups) as _];
        let maps = Arc::clone(&directory) as _;
        Self { maps, groups, all, whole: Some(directory), prober: None }
    }

    /// The source, if one answers both questions of one moment.
    pub fn whole(&self) -> Option<&dyn WholeSource> {
        self.whole.as_deref()
    }

    /// Whether one source answers both questions.
    pub fn are_one(&self) -> bool {
        self.all.len() == 1
    }

    /// What messages call them.
    pub fn name(&self) -> String {
        let mut names: Vec<String> = self.iter().map(Source::name).collect();
        names.dedup();
        names.join(" and ")
    }

    /// Each source once.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Source> {
        self.all.iter().map(|source| &**source)
    }

    /// What the first source that has a name calls itself; empty if none has, or has answered.
    pub fn identity(&self) -> String {
        let names = self.iter().map(|source| source.identity());
        names.into_iter().find(|name| !name.is_empty()).unwrap_or_default()
    }

    /// Whom the sources ask, in the order they became known.
    pub fn asked(&self) -> Vec<NodeState> {
        self.iter().flat_map(|source| source.nodes()).collect()
    }

    /// The nodes of the sources themselves, without servers that are asked of one group.
    pub fn nodes(&self) -> Vec<NodeState> {
        let mut nodes = self.asked();
        nodes.retain(|state| state.is_source);
        nodes
    }

    /// Which node answered last, of the first source that tells.
    pub fn last_node(&self) -> Option<Node> {
        self.iter().find_map(Source::last_node)
    }

    /// The first outcome of a source that has one, or the first refusal.
    pub fn first<'s, T>(&'s self, ask: impl Fn(&'s dyn Source) -> Result<T>) -> Result<T> {
        let mut refusal = None;
        for source in self.iter() {
            match ask(source) {
                Ok(answer) => return Ok(answer),
                Err(error) => refusal = refusal.or(Some(error)),
            }
        }
        Err(refusal.unwrap_or_else(|| Error::new(Code::NotSeeded, "there is no source")))
    }
}
