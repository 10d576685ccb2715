//! docs/MOVING_OFF_FABRIC.md, step by step: the answers are the same at each.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use mysqlfabric::config::{Config, Credentials};
use mysqlfabric::router::Router;

use crate::client::{query, root, user};
use crate::directory::{Directory, statements};
use crate::state_store::Recorded;
use crate::support::{Kind, RealServer};

/// The user of examples-c/quickstart.c.
const USER: &str = "router";
const PASSWORD: &str = "routing";

fn router(url: &str, snapshot: Option<&Path>) -> Router {
    let mut config = Config {
        background_refresh: false,
        ttl_min: Duration::from_secs(3600),
        ..Config::default()
    };
    config.mysql.credentials =
        Some(Credentials { user: USER.into(), password: PASSWORD.to_owned().into() });
    config.set_source(url).expect("a URL");
    if let Some(path) = snapshot {
        config.set_snapshot_file(path.to_owned()).expect("a file");
    }
    Router::new(config)
}

/// Builds the program of the README, and gives what it says with the source of this URL.
fn quickstart(directory: &Path, url: &str) -> String {
    let program = directory.join("quickstart");
    if !program.exists() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let built = std::env::current_exe().expect("this test");
        let libraries = built.parent().expect("where cargo puts what tests are built with");
        let library = libraries.join("libmysqlfabric.so");
        symlink(&library, directory.join("libmysqlfabric.so.0")).expect("a link");
        let status = Command::new("cc")
            .arg("-I")
            .arg(root.join("include"))
            .arg(root.join("examples-c/quickstart.c"))
            .arg(&library)
            .arg(format!("-Wl,-rpath,{}", directory.display()))
            .arg("-o")
            .arg(&program)
            .status();
        assert!(status.expect("cc").success());
    }
    let output = Command::new(&program).arg(url).output().expect("quickstart");
    assert!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn answers_are_the_same_at_each_step() {
    // Its passwords go out in full over no connection: the program has no TLS.
    let Some(server) = RealServer::shared(Kind::Mariadb) else { return };
    let recorded = Recorded::on(server);
    user(server, USER, &format!("BY '{PASSWORD}'"));
    let mut session = root(server);
    let mut run = |statement: &str| query(&mut session, statement).expect("the grant");
    let (store, host) = (recorded.database(), format!("{USER}@127.0.0.1:{}", server.port()));
    for table in ["servers", "shards", "shard_maps", "shard_ranges", "shard_tables"] {
        run(&format!("GRANT SELECT ON {store}.{table} TO {USER}"));
    }
    let directory = std::env::temp_dir().join(format!("mf-moving-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");

    // 1. The store that Fabric left.
    let of_store = format!("fabric+store://{host}/{store}");
    recorded.compare(&router(&of_store, None));

    // 2. Tables.
    let mut tables = Directory::named(server, "moved");
    run(&format!("GRANT SELECT ON moved.* TO {USER}"));
    let store = format!("{store}.");
    for statement in
        statements("from_fabric_store.sql", &[("fabric.", &store), ("mysqlfabric", "moved")])
    {
        tables.run(&statement);
    }
    let of_tables = format!("mysql://{host}/moved");
    let snapshot = directory.join("farm.json");
    let from_tables = router(&of_tables, Some(&snapshot));
    recorded.compare(&from_tables);

    // Or a file, which the handle of any source writes.
    from_tables.seed(None).expect("seeded");
    from_tables.close();
    let of_file = format!("file:{}", snapshot.display());
    recorded.compare(&router(&of_file, None));

    let said = [of_store, of_tables, of_file].map(|url| quickstart(&directory, &url));
    assert!(said[0].ends_with(" of group shard2\n"), "as examples-c has it of Fabric: {said:?}");
    assert!(said.iter().all(|other| *other == said[0]), "{said:?}");
    std::fs::remove_dir_all(&directory).expect("removed");
}
