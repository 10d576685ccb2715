//! What `sql/move_shard.sh` refuses: before anything is changed if it can be, and with what is to be done.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::client::{query, root, value};
use crate::directory::Directory;
use crate::resharding::Farm;

/// Two servers for all of it, in this order.
#[test]
fn refusals_of_a_move() {
    let Some(farm) = Farm::start() else { return };
    let mut map = farm.map(1);
    shards(&mut map, "orders", "id", "RANGE", &["0", "1000000", "2000000"]);
    map.change(&["UPDATE shards SET group_id = 'b' WHERE lower_bound = '2000000'"]);
    for id in [5, 1_000_005] {
        run(&farm, 0, &format!("INSERT INTO shop.orders VALUES ({id}, X'00FF27', NULL)"));
    }
    what_is_not_there(&farm, &mut map);
    what_would_be_lost(&farm, &mut map);
    options_that_are_not_about_logging_in(&farm);
    the_map_on_the_old_primary(&farm);
    a_prepared_transaction(&farm, &mut map);
    locked_tables(&farm, &mut map);
    rows_that_cannot_be_deleted(&farm, &mut map);
    options_of_other_files(&farm);
}

fn run(farm: &Farm, server: usize, statement: &str) {
    query(&mut root(&farm.servers[server]), statement)
        .unwrap_or_else(|failure| panic!("{statement}: {failure:?}"));
}

/// A table with these shards, all of group 'a'.
fn shards(map: &mut Directory<'_>, table: &str, column: &str, kind: &str, bounds: &[&str]) {
    let mut change =
        vec![format!("INSERT INTO tables VALUES ('shop', '{table}', '{column}', '{kind}', 'a')")];
    change.extend(bounds.iter().map(|bound| {
        format!(
            "INSERT INTO shards (schema_name, table_name, lower_bound, group_id) \
             VALUES ('shop', '{table}', '{bound}', 'a')"
        )
    }));
    map.change(&change);
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The move says so, and has changed nothing.
#[track_caller]
fn refuses(farm: &Farm, arguments: &[&str], words: &str) {
    let refused = farm.move_shard(&[&["--wait", "0"], arguments].concat());
    assert!(refused.status.code() == Some(1) && said(&refused).contains(words), "{refused:?}");
    assert!(refused.stdout.is_empty(), "it has begun: {refused:?}");
}

/// The move says so once it has begun and `meanwhile` is done; the shard is READ_ONLY then, in the group
/// that it was in, and everybody else may write. It is ENABLED again.
#[track_caller]
fn gives_up(farm: &Farm, map: &mut Directory<'_>, meanwhile: impl FnOnce(), words: &str) {
    let mut script = farm.script(&["shop.orders", "1000000", "b"]);
    script.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut script = script.spawn().expect("the script");
    let mut lines = BufReader::new(script.stdout.take().expect("piped")).lines();
    let _ = lines.find(|line| line.as_ref().is_ok_and(|line| line.contains(" 2. ")));
    meanwhile();
    lines.for_each(drop);
    let refused = script.wait_with_output().expect("its end");
    assert!(refused.status.code() == Some(1), "{refused:?}");
    let said = said(&refused);
    assert!(said.contains(words) && said.contains("the shard is READ_ONLY"), "{said}");
    assert_eq!(state(farm, "1000000"), "a READ_ONLY");
    assert_eq!(value(&mut root(&farm.servers[0]), "SELECT @@read_only + @@super_read_only"), "0");
    map.change(&["UPDATE shards SET state = 'ENABLED'"]);
}

fn state(farm: &Farm, bound: &str) -> String {
    let shard = format!(
        "SELECT CONCAT(group_id, ' ', state) FROM mysqlfabric.shards \
         WHERE table_name = 'orders' AND lower_bound = '{bound}'"
    );
    value(&mut root(&farm.servers[1]), &shard)
}

fn what_is_not_there(farm: &Farm, map: &mut Directory<'_>) {
    for (arguments, words) in [
        (["shop.orders", "2000000", "b"], "in group 'b' already"),
        (["shop.orders", "5", "b"], "has no shard of shop.orders at '5'"),
        (["shop.orders", "0", "c"], "has no group 'c'"),
        (["orders", "0", "b"], "no SCHEMA.TABLE"),
    ] {
        refuses(farm, &arguments, words);
    }
    map.change(&["UPDATE shards SET state = 'DISABLED'"]);
    refuses(farm, &["shop.orders", "0", "b"], "the shard is DISABLED");
    map.change(&["UPDATE shards SET state = 'ENABLED'"]);
    // Servers that are not what they are given for.
    let old = farm.options(0).display().to_string();
    refuses(
        farm,
        &["--to", &old, "shop.orders", "1000000", "b"],
        "has 1 rows of the shard already",
    );
    let empty = farm.options(1).display().to_string();
    refuses(farm, &["--from", &empty, "shop.orders", "0", "b"], "--from and --to are one server");
    run(farm, 0, "SET GLOBAL read_only = 1, GLOBAL super_read_only = 1");
    refuses(farm, &["shop.orders", "0", "b"], "it is not the primary");
    run(farm, 0, "SET GLOBAL read_only = 0");
    refuses(farm, &["--map", "/none", "shop.orders", "0", "b"], "no file /none");
}

fn what_would_be_lost(farm: &Farm, map: &mut Directory<'_>) {
    for (table, columns, words) in [
        ("f", "k BIGINT PRIMARY KEY, v FLOAT", "FLOAT"),
        ("p", "k BIGINT PRIMARY KEY", "foreign keys of other tables"),
        ("t", "k TIMESTAMP PRIMARY KEY", "TIMESTAMP"),
    ] {
        for server in [0, 1] {
            run(farm, server, &format!("CREATE TABLE shop.{table} ({columns})"));
            if table == "p" {
                let child = "CREATE TABLE shop.child (k BIGINT PRIMARY KEY, \
                             FOREIGN KEY (k) REFERENCES shop.p (k) ON DELETE CASCADE)";
                run(farm, server, child);
            }
        }
        let (kind, bound) =
            if table == "t" { ("RANGE_DATETIME", "2000-01-01") } else { ("RANGE", "0") };
        shards(map, table, "k", kind, &[bound]);
        refuses(farm, &[&format!("shop.{table}"), bound, "b"], words);
    }
}

/// Each of these would make the script lose rows, or believe what is not so.
fn options_that_are_not_about_logging_in(farm: &Farm) {
    let options = fs::read_to_string(farm.options(0)).expect("the options");
    let file = farm.directory.join("more.cnf");
    let path = file.display().to_string();
    for more in [
        "force",
        "  loose_init-command = 'SET autocommit = 0'",
        "[mysql]\nsafe-updates",
        "[mysqldump]\ninsert-ignore",
        "[client_of_mine]\nxml",
        "!include /etc/my.cnf",
    ] {
        fs::write(&file, format!("{options}\n{more}")).expect("the options");
        let line = more.trim().lines().next().and_then(|line| line.split('=').next());
        let words = format!("{}', which is not about logging in", line.expect("a line"));
        for which in ["--map", "--from", "--to"] {
            refuses(farm, &[which, &path, "shop.orders", "0", "b"], &words);
        }
    }
}

/// The fence would keep it from being changed; a short one does not.
fn the_map_on_the_old_primary(farm: &Farm) {
    let mut map = farm.map(0);
    shards(&mut map, "orders", "id", "RANGE", &["0", "1000000"]);
    run(farm, 0, "INSERT INTO shop.orders VALUES (1000006, 'moves', NULL)");
    let options = farm.options(0).display().to_string();
    let arguments = ["--map", &options, "shop.orders", "1000000", "b"];
    refuses(farm, &arguments, "give --short-fence");
    let moved = farm.move_shard(&[&["--short-fence", "--wait", "0"], &arguments[..]].concat());
    assert!(moved.status.success(), "{moved:?}");
    run(farm, 1, "DELETE FROM shop.orders");
    run(farm, 0, "INSERT INTO shop.orders VALUES (1000005, X'00FF27', NULL)");
}

/// It could be committed once the fence is lifted, and nothing ends it but a word of whoever prepared it.
fn a_prepared_transaction(farm: &Farm, map: &mut Directory<'_>) {
    let mut session = root(&farm.servers[0]);
    let mut run_in_it = |statement: &str| {
        query(&mut session, statement).unwrap_or_else(|f| panic!("{statement}: {f:?}"));
    };
    run_in_it("XA START 'late'");
    run_in_it("INSERT INTO shop.orders VALUES (1999998, 'late', NULL)");
    run_in_it("XA END 'late'");
    gives_up(farm, map, || run_in_it("XA PREPARE 'late'"), "0 is a prepared one: see XA RECOVER");
    refuses(farm, &["shop.orders", "1000000", "b"], "a prepared transaction with changes");
    run(farm, 0, "XA ROLLBACK 'late'");
}

/// They keep the server from becoming read-only, and everybody from writing meanwhile.
fn locked_tables(farm: &Farm, map: &mut Directory<'_>) {
    let mut session = root(&farm.servers[0]);
    let lock = || drop(query(&mut session, "LOCK TABLES shop.p WRITE").expect("a lock"));
    gives_up(farm, map, lock, "does not become read-only");
    query(&mut session, "UNLOCK TABLES").expect("no lock");
}

/// The shard has moved, which its status says; its old rows are where they were.
fn rows_that_cannot_be_deleted(farm: &Farm, map: &mut Directory<'_>) {
    run(farm, 0, "REVOKE DELETE ON shop.* FROM mover@'%'");
    let moved = farm.move_shard(&["--wait", "0", "shop.orders", "1000000", "b"]);
    assert_eq!(moved.status.code(), Some(3), "{moved:?}");
    let said = said(&moved);
    assert!(said.contains("the shard has moved") && said.contains("cannot be deleted"), "{said}");
    assert!(said.contains("`shop`.`orders` WHERE `id` >= 1000000 AND `id` < 2000000"), "{said}");
    assert!(!said.contains("READ_ONLY"), "{said}");
    assert_eq!(state(farm, "1000000"), "b ENABLED");
    for server in &farm.servers {
        let count = "SELECT COUNT(*) FROM shop.orders WHERE id = 1000005";
        assert_eq!(value(&mut root(server), count), "1");
    }
    assert_eq!(value(&mut root(&farm.servers[0]), "SELECT @@read_only + @@super_read_only"), "0");
    run(farm, 0, "GRANT DELETE ON shop.* TO mover@'%'");
    map.change(&["UPDATE shards SET group_id = 'a' WHERE lower_bound = '1000000'"]);
    run(farm, 1, "DELETE FROM shop.orders");
}

/// Files that nobody named are not read.
fn options_of_other_files(farm: &Farm) {
    let home = &farm.directory;
    fs::write(
        home.join(".my.cnf"),
        "[client]\nuser = nobody\nxml\n[mysql]\nforce\nvertical\n[mysqldump]\nno-data\n",
    )
    .expect("the options");
    let login = home.join(".mylogin.cnf");
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/servers/programs.sh");
    let set = format!(
        "source '{}'; mysql bin/mysql_config_editor set --login-path=client --user=nobody --skip-warn",
        programs.display()
    );
    let set = Command::new("bash").args(["-c", &set]).env("MYSQL_TEST_LOGIN_FILE", &login).output();
    assert!(login.exists(), "{set:?}");
    let cache = std::env::var_os("HOME").expect("a home");
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .unwrap_or_else(|| Path::new(&cache).join(".cache").into());
    let moved = farm
        .script(&["--wait", "0", "shop.orders", "1000000", "b"])
        .env("HOME", home)
        .env("XDG_CACHE_HOME", cache)
        .output()
        .expect("the script");
    assert!(moved.status.success(), "{moved:?}");
    assert_eq!(value(&mut root(&farm.servers[1]), "SELECT COUNT(*) FROM shop.orders"), "1");
}
