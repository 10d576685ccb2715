//! `threat.*`: clients telling what they saw.

use std::time::{Duration, Instant};

use super::{Args, Failure, Outcome, procedure};
use crate::farm::{FAULTY, PRIMARY};
use crate::state::{Report, Shared};

/// Reports older than this no longer count.
const NOTIFICATION_INTERVAL: Duration = Duration::from_secs(60);

pub fn run(shared: &Shared, command: &str, args: &Args<'_>) -> Outcome {
    let id = args.text(0);
    let farm = shared.farm();
    let uuid = farm.server(&id).map(|s| s.uuid.clone());
    drop(farm);
    let uuid = uuid
        .ok_or_else(|| Failure::Command(format!("ServerError: Server ({id}) does not exist.")))?;
    let reporter = args.given(1).map_or_else(|| "unknown".to_owned(), |r| r.text());
    // The store's column takes this much.
    let reporter: String = reporter.chars().take(64).collect();
    let error = args.given(2).map_or_else(|| "unknown".to_owned(), |e| e.text());
    let report = Report { command: command.to_owned(), server_uuid: uuid.clone(), reporter, error };
    let failed = record(shared, report, &uuid);
    let first = if command == "report_failure" { "_report_failure" } else { "_report_error" };
    let mut actions = vec![first];
    if command == "report_failure" || failed {
        actions.extend(fail(shared, &uuid));
    }
    procedure::done(&actions, args.flag(4, true))
}

/// Notes the report; true if there are now enough of them to believe in a failure.
fn record(shared: &Shared, report: Report, uuid: &str) -> bool {
    let mut reports = shared.reports();
    reports.push((Instant::now(), report));
    let recent: Vec<&Report> = reports
        .iter()
        .filter(|(when, r)| when.elapsed() < NOTIFICATION_INTERVAL && r.server_uuid == uuid)
        .map(|(_, r)| r)
        .collect();
    let mut reporters: Vec<&str> = recent.iter().map(|r| r.reporter.as_str()).collect();
    reporters.sort_unstable();
    reporters.dedup();
    let (notifications, clients) = shared.threshold();
    recent.len() >= notifications && reporters.len() >= clients
}

/// Makes a server FAULTY, whatever its real state, and finds its group another primary.
fn fail(shared: &Shared, uuid: &str) -> Vec<&'static str> {
    let mut farm = shared.farm();
    let was_primary = farm.server(uuid).is_some_and(|s| s.status == PRIMARY);
    // Both are there: they were looked up under this name, and groups never go away.
    let _ = farm.set_status(uuid, FAULTY);
    let group = farm.groups.iter().find(|g| g.servers.iter().any(|s| s.uuid == uuid));
    let Some(group) = group.filter(|_| was_primary).map(|g| g.id.clone()) else {
        return Vec::new();
    };
    // Meanwhile dumps show the group without any primary.
    drop(farm);
    shared.sleep(shared.failover_delay());
    let mut farm = shared.farm();
    if let Some(candidate) = farm.candidate(&group) {
        let _ = farm.promote(&group, &candidate);
        return vec![
            "_find_candidate_fail",
            "_check_candidate_fail",
            "_wait_slave_fail",
            "_change_to_candidate",
        ];
    }
    vec!["_find_candidate_fail"]
}
