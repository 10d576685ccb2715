//! Which server's copy of the metadata counts, and whether it can be read.

use super::super::opinion::{Cluster, Metadata, Opinion};
use super::memory::Memory;
use super::report::Report;
use super::round::Round;

/// Why this metadata cannot be read.
pub(super) fn unreadable(metadata: &Metadata) -> Option<String> {
    let (major, minor, patch) = metadata.version;
    match major {
        0 => Some("its metadata schema is being upgraded".to_owned()),
        1 => Some(format!(
            "its metadata schema has version {major}.{minor}.{patch}, which is too old: upgrade it with \
             dba.upgradeMetadata() of MySQL Shell"
        )),
        2 => None,
        _ => Some(format!(
            "its metadata schema has version {major}.{minor}.{patch}, and this library reads 2.x: it \
             takes a newer library"
        )),
    }
}

/// The servers that have metadata, the one whose copy counts most first: of those who are in the
/// newest view of their group the primary, and those who are in none last.
pub(super) fn copies<'a>(round: &Round<'a>) -> Vec<(&'a Opinion, &'a Metadata)> {
    let mut copies: Vec<_> = round
        .opinions()
        .filter_map(|opinion| Some((opinion, opinion.metadata.as_ref()?)))
        .collect();
    copies.sort_by(|(a, _), (b, _)| rank(b).cmp(&rank(a)).then(a.uuid.cmp(&b.uuid)));
    copies
}

fn rank(opinion: &Opinion) -> impl Ord + use<> {
    let report = opinion.group.as_ref().and_then(|view| Report::of(&opinion.uuid, view));
    let is_primary = report.and_then(|report| report.own()).is_some_and(|own| own.is_primary);
    (report.map(|report| report.id), is_primary && opinion.is_writable())
}

/// The InnoDB Cluster that the servers are in, or why it cannot be known. A server that has gone into
/// another group than the one that is followed has metadata of another cluster.
pub(super) fn cluster<'a>(round: &Round<'a>, memory: &Memory) -> Result<&'a Cluster, String> {
    let followed = memory.view_of(None);
    let is_elsewhere = |opinion: &Opinion| {
        let report = opinion.group.as_ref().and_then(|view| Report::of(&opinion.uuid, view));
        let is_of = |report: &Report<'_>| {
            followed.as_ref().is_none_or(|(name, seen)| report.is_of(name, seen.id.bootstrap))
        };
        report.is_some_and(|report| !is_of(&report))
    };
    let mut copies = copies(round);
    // Where all have gone there, so has the cluster, if the rules of its group have it so.
    if copies.iter().any(|(opinion, _)| !is_elsewhere(opinion)) {
        copies.retain(|(opinion, _)| !is_elsewhere(opinion));
    }
    if let Some(why) = copies.first().and_then(|(_, metadata)| unreadable(metadata)) {
        return Err(why);
    }
    let mut owns = copies.iter().filter_map(|(_, metadata)| metadata.own.as_ref());
    owns.find(|own| !own.is_replica_set).ok_or_else(|| match copies.is_empty() {
        true => {
            "none of its servers that answer has the metadata schema of an InnoDB Cluster, or this \
                 account may not read it"
                .to_owned()
        }
        false => {
            "none of its servers that answer is in its own metadata: see cluster.rescan() of MySQL \
                  Shell"
                .to_owned()
        }
    })
}
