//! From whom a server replicates.

use std::time::Duration;

use crate::mysql::ResultSet;
use crate::mysql::result_set::Row;
use crate::source::discovery::opinion::Channel;

use super::flavour::Flavour;
use super::rows::{node, number, text};

pub fn statement(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::MariaDb => "SHOW ALL SLAVES STATUS",
        _ if flavour.is_from((8, 0, 22)) => "SHOW REPLICA STATUS",
        Flavour::Mysql(..) => "SHOW SLAVE STATUS",
    }
}

/// The right that it takes.
pub fn right(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::MariaDb => "SLAVE MONITOR",
        Flavour::Mysql(..) => "REPLICATION CLIENT",
    }
}

/// The channels in an answer, but for those of Group Replication, and those that have no source.
pub fn read(set: &ResultSet) -> Vec<Channel> {
    // Of a column with two names, the newer one first.
    let either = |new: &str, old: &str| set.column(new).or(set.column(old));
    let Some(columns) = (|| {
        Some(Columns {
            host: either("Source_Host", "Master_Host")?,
            port: either("Source_Port", "Master_Port")?,
            uuid: either("Source_UUID", "Master_UUID"),
            receives: either("Replica_IO_Running", "Slave_IO_Running")?,
            applies: either("Replica_SQL_Running", "Slave_SQL_Running")?,
            lag: either("Seconds_Behind_Source", "Seconds_Behind_Master")?,
            name: set.column("Channel_Name"),
        })
    })() else {
        return Vec::new();
    };
    set.rows().filter_map(|row| columns.channel(row)).collect()
}

struct Columns {
    host: usize,
    port: usize,
    uuid: Option<usize>,
    receives: usize,
    applies: usize,
    lag: usize,
    name: Option<usize>,
}

impl Columns {
    fn channel(&self, row: Row<'_>) -> Option<Channel> {
        let name = self.name.map(|name| text(row, name)).unwrap_or_default();
        let source = node(row, self.host, self.port);
        let is_group =
            ["group_replication_applier", "group_replication_recovery"].contains(&&*name);
        if is_group || source.host.is_empty() {
            return None;
        }
        let is_yes = |column| text(row, column).eq_ignore_ascii_case("Yes");
        Some(Channel {
            source,
            source_uuid: self.uuid.map(|uuid| text(row, uuid)).unwrap_or_default(),
            receives: is_yes(self.receives),
            applies: is_yes(self.applies),
            lag: number(row, self.lag).map(Duration::from_secs),
        })
    }
}
