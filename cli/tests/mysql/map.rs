//! The tables of a shard map on a real server, and the command with an account for them.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use mysqlfabric::mysql::{Account, Session};

use crate::client::{query, root, user, value};
use crate::command::{Ran, command};
use crate::support::RealServer;

pub struct Map {
    pub session: Session,
    pub url: String,
    pub account: Account,
    database: String,
}

impl Map {
    /// Tables as sql/mysqlfabric.sql makes them, and an account that may change them.
    pub fn new(server: &RealServer) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let database = format!("cli_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let mut session = root(server);
        let sql = include_str!("../../../sql/mysqlfabric.sql")
            .replace("EXISTS mysqlfabric", &format!("EXISTS {database}"))
            .replace("USE mysqlfabric", &format!("USE {database}"));
        let lines = sql.lines().filter(|line| !line.starts_with("--"));
        let sql = lines.collect::<Vec<_>>().join("\n");
        for statement in sql.split(";\n").map(str::trim).filter(|statement| !statement.is_empty()) {
            query(&mut session, statement.trim_end_matches(';')).expect(statement);
        }
        let is_native = !session.version().starts_with("9.");
        let kind = if is_native { "BY ?" } else { "WITH caching_sha2_password BY ?" };
        let account = user(server, &format!("writer_{database}"), kind);
        let name = &account.user;
        for rights in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
            let grant = format!("GRANT {rights} ON {database}.* TO {name}@'%'");
            query(&mut session, &grant).expect("a grant");
        }
        let socket = server.socket();
        let socket = socket.to_str().expect("UTF-8");
        let url = format!("mysql://{name}@localhost/{database}?socket={socket}");
        Self { session, url, account, database }
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = command(args);
        command.env("MYSQLFABRIC_URL", &self.url);
        command.env("MYSQLFABRIC_PASSWORD", self.account.password.as_str());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        self.command(args).output().expect("the command").into()
    }

    pub fn change(&mut self, statement: &str) {
        query(&mut self.session, statement).expect(statement);
    }

    /// How often the map has changed, from 1 on.
    pub fn number(&mut self) -> String {
        value(&mut self.session, &format!("SELECT number FROM {}.version", self.database))
    }

    pub fn database(&self) -> &str {
        &self.database
    }
}
