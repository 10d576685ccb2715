//! A row of the table in docs/FAILOVER.md for each moment.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::moment::{Moment, Seen};

pub fn print(moment: Moment, seen: &[Seen]) {
    let group = seen.iter().map(|round| Some(round.group));
    let more = seen.iter().map(|round| Some(round.library?.saturating_sub(round.group)));
    println!(
        "| {} | {} | {} | {} | {} | {} | {} | {} |",
        moment.name(),
        column(group),
        column(seen.iter().map(|round| round.router)),
        column(seen.iter().map(|round| round.library)),
        column(more),
        seen.iter().map(|round| round.lost).sum::<u64>(),
        seen.iter().map(|round| round.hung).sum::<u64>(),
        seen.iter().map(|round| round.failed.values().sum::<u64>()).max().unwrap_or(0),
    );
    let mut failed = BTreeMap::<&str, u64>::new();
    for (error, count) in seen.iter().flat_map(|round| &round.failed) {
        *failed.entry(error).or_default() += count;
    }
    failed.iter().for_each(|(error, count)| eprintln!("  {count} times: {error}"));
}

/// Median and worst, in seconds.
fn column(times: impl Iterator<Item = Option<Duration>>) -> String {
    let mut times: Vec<Duration> = times.flatten().collect();
    times.sort();
    match (times.get(times.len() / 2), times.last()) {
        (Some(median), Some(worst)) => {
            format!("{:.2} / {:.2}", median.as_secs_f64(), worst.as_secs_f64())
        }
        _ => "-".into(),
    }
}
