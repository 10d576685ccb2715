//! Changes to a farm at run time. Each either happens as a whole or says why not.

use crate::farm::{
    Extra, Farm, Group, Mapping, Node, PRIMARY, SECONDARY, SPARE, Server, Shard, State, Table,
};
use crate::{hashring, pyfloat};

type Done = Result<(), String>;

impl Farm {
    fn group_mut(&mut self, id: &str) -> Result<&mut Group, String> {
        self.groups
            .iter_mut()
            .find(|g| g.id == id)
            .ok_or_else(|| format!("Group ({id}) does not exist."))
    }

    fn server_mut(&mut self, id: &str) -> Result<&mut Server, String> {
        self.groups
            .iter_mut()
            .flat_map(|g| &mut g.servers)
            .find(|s| s.is(id))
            .ok_or_else(|| format!("Server ({id}) does not exist."))
    }

    fn mapping_mut(&mut self, id: i64) -> Result<&mut Mapping, String> {
        self.mappings
            .iter_mut()
            .find(|m| m.id == id)
            .ok_or_else(|| format!("Shard Mapping ({id}) not found"))
    }

    fn shard_mut(&mut self, id: i64) -> Result<&mut Shard, String> {
        self.mappings
            .iter_mut()
            .flat_map(|m| &mut m.shards)
            .find(|s| s.id == id)
            .ok_or_else(|| format!("Shard ({id}) not found"))
    }

    /// Makes a server its group's primary; the old one becomes a secondary.
    pub fn promote(&mut self, group: &str, server: &str) -> Done {
        let group = self.group_mut(group)?;
        if !group.servers.iter().any(|s| s.is(server)) {
            return Err(format!("Server ({server}) does not exist in group ({}).", group.id));
        }
        for s in &mut group.servers {
            if s.is(server) {
                (s.status, s.mode) = (PRIMARY, 3);
            } else if s.status == PRIMARY {
                (s.status, s.mode) = (SECONDARY, 1);
            }
        }
        Ok(())
    }

    /// The first secondary, as `threat.report_failure` would choose it.
    pub fn candidate(&self, group: &str) -> Option<String> {
        let mut servers: Vec<&Server> =
            self.group(group)?.servers.iter().filter(|s| s.status == SECONDARY).collect();
        servers.sort_by_key(|s| s.address());
        servers.first().map(|s| s.uuid.clone())
    }

    /// Leaves a group without a primary.
    pub fn demote(&mut self, group: &str) -> Done {
        for s in &mut self.group_mut(group)?.servers {
            if s.status == PRIMARY {
                (s.status, s.mode) = (SECONDARY, 1);
            }
        }
        Ok(())
    }

    /// Sets a status, with the mode that goes with it.
    pub fn set_status(&mut self, server: &str, status: i64) -> Done {
        let server = self.server_mut(server)?;
        server.status = status;
        server.mode = match status {
            PRIMARY => 3,
            SECONDARY => 1,
            SPARE => 0,
            // FAULTY leaves it: no dump shows such a server anyway.
            _ => server.mode,
        };
        Ok(())
    }

    pub fn set_mode(&mut self, server: &str, mode: i64) -> Done {
        self.server_mut(server)?.mode = mode;
        Ok(())
    }

    pub fn set_weight(&mut self, server: &str, weight: f64) -> Done {
        self.server_mut(server)?.weight = pyfloat::through_float_column(weight);
        Ok(())
    }

    pub fn add_group(&mut self, id: &str, description: &str) -> Done {
        if self.group(id).is_some() {
            return Err(format!("Group ({id}) already exists."));
        }
        self.groups.push(Group {
            id: id.to_owned(),
            description: description.to_owned(),
            failure_detector: false,
            servers: Vec::new(),
        });
        Ok(())
    }

    /// Adds a server to a group; a group that is not there yet is made.
    pub fn add_server(&mut self, group: &str, server: Server) -> Done {
        if self.server(&server.uuid).is_some() {
            return Err(format!("Server ({}) already exists.", server.uuid));
        }
        if self.group(group).is_none() {
            self.add_group(group, "")?;
        }
        self.group_mut(group)?.servers.push(server);
        Ok(())
    }

    pub fn remove_server(&mut self, server: &str) -> Done {
        self.server_mut(server)?;
        for group in &mut self.groups {
            group.servers.retain(|s| !s.is(server));
        }
        Ok(())
    }

    pub fn add_mapping(&mut self, type_name: &str, global_group: &str) -> i64 {
        let id = self.mappings.iter().map(|m| m.id).max().unwrap_or(0) + 1;
        self.mappings.push(Mapping {
            id,
            type_name: type_name.to_owned(),
            global_group: global_group.to_owned(),
            tables: Vec::new(),
            shards: Vec::new(),
        });
        id
    }

    /// Shards one more table, `schema.table`, by a mapping.
    pub fn add_table(&mut self, mapping: i64, table: &str, column: &str) -> Done {
        let (schema, name) =
            table.split_once('.').ok_or_else(|| format!("Table name {table} has no schema"))?;
        let (schema, name) = (schema.to_owned(), name.to_owned());
        let column = column.to_owned();
        self.mapping_mut(mapping)?.tables.push(Table { schema, table: name, column });
        Ok(())
    }

    /// Adds a shard and gives its id. An empty bound of a HASH mapping is MD5 of the group.
    pub fn add_shard(
        &mut self,
        mapping: i64,
        bound: &str,
        group: &str,
        state: State,
    ) -> Result<i64, String> {
        let id = self.last_shard_id + 1;
        let mapping = self.mapping_mut(mapping)?;
        let bound = if mapping.type_name == "HASH" && bound.is_empty() {
            hashring::hash(group)
        } else {
            bound.to_owned()
        };
        mapping.shards.push(Shard { id, lower_bound: bound, group: group.to_owned(), state });
        self.last_shard_id = id;
        Ok(id)
    }

    pub fn set_shard_state(&mut self, shard: i64, state: State) -> Done {
        self.shard_mut(shard)?.state = state;
        Ok(())
    }

    pub fn remove_shard(&mut self, shard: i64) -> Done {
        self.shard_mut(shard)?;
        for mapping in &mut self.mappings {
            mapping.shards.retain(|s| s.id != shard);
        }
        Ok(())
    }

    /// Splits a shard as a real node does: the lower part keeps its bound and its group, and
    /// both parts get new ids. An empty bound of a HASH shard is the middle of its range.
    pub fn split_shard(
        &mut self,
        shard: i64,
        bound: &str,
        group: &str,
    ) -> Result<(i64, i64), String> {
        let old = self.shard_mut(shard)?.clone();
        let (lower, upper) = (self.last_shard_id + 1, self.last_shard_id + 2);
        let mapping = self
            .mappings
            .iter_mut()
            .find(|m| m.shards.iter().any(|s| s.id == shard))
            .ok_or("Shard without mapping")?;
        let bound = if mapping.type_name == "HASH" && bound.is_empty() {
            let bounds: Vec<&str> = mapping.shards.iter().map(|s| s.lower_bound.as_str()).collect();
            hashring::middle(&old.lower_bound, &bounds)
        } else {
            bound.to_owned()
        };
        mapping.shards.retain(|s| s.id != shard);
        let state = old.state;
        mapping.shards.push(Shard { id: lower, ..old });
        let group = group.to_owned();
        mapping.shards.push(Shard { id: upper, lower_bound: bound, group, state });
        self.last_shard_id = upper;
        Ok((lower, upper))
    }

    pub fn move_shard(&mut self, shard: i64, group: &str) -> Done {
        self.shard_mut(shard)?.group = group.to_owned();
        Ok(())
    }

    /// Moves every shard of one group to another.
    pub fn move_group(&mut self, from: &str, to: &str) -> Done {
        for shard in self.mappings.iter_mut().flat_map(|m| &mut m.shards) {
            if shard.group == from {
                shard.group = to.to_owned();
            }
        }
        Ok(())
    }

    /// Sets the nodes from `host:port,host:port`; empty means this node alone.
    pub fn set_nodes(&mut self, list: &str) -> Done {
        let mut nodes = Vec::new();
        for address in list.split(',').map(str::trim).filter(|a| !a.is_empty()) {
            let (host, port) =
                address.rsplit_once(':').ok_or_else(|| format!("{address} has no port"))?;
            let port = if port == "self" {
                0
            } else {
                port.parse().map_err(|_| format!("{address} has no port"))?
            };
            nodes.push(Node { host: host.to_owned(), port, mysql_port: None });
        }
        self.nodes = nodes;
        Ok(())
    }

    pub fn raw_row(&mut self, table: &str, json: &str) -> Done {
        let json = serde_json::from_str(json).map_err(|e| e.to_string())?;
        self.extras.push(Extra { table: table.to_owned(), json, jointly: false });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_renumbers_and_keeps_bounds() {
        let mut farm = Farm::sample();
        // This very split was seen on a real node: shard 18 of hash2.t became 23 and 24.
        assert_eq!(farm.split_shard(18, "", "shard10"), Ok((23, 24)));
        let mapping = farm.mapping_of("hash2.t").unwrap();
        let mut shards: Vec<(i64, &str, &str)> =
            mapping.shards.iter().map(|s| (s.id, &*s.lower_bound, &*s.group)).collect();
        shards.sort_unstable();
        assert_eq!(
            shards,
            [
                (19, "E6C81F2F91025F5719B5D173C6E330B7", "shard2"),
                (23, "C783BBB72B956E3F1818E9D4A59D76CB", "shard1"),
                (24, "D725ED735E4BE6CB18E75DA4364053C1", "shard10"),
            ]
        );
    }

    #[test]
    fn a_failed_change_changes_nothing() {
        let mut farm = Farm::sample();
        assert!(farm.promote("shard1", "nosuch").is_err());
        let primaries = farm.group("shard1").unwrap().servers.iter();
        assert_eq!(primaries.filter(|s| s.status == PRIMARY).count(), 1);
    }
}
