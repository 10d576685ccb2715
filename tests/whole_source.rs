//! A source that answers both questions of one moment, while fetches overlap: what it knew last
//! counts, whichever fetch began or ended first.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, SystemTime};

use mysqlfabric::base::error::{Error, Result};
use mysqlfabric::config::Config;
use mysqlfabric::router::{Router, Scope};
use mysqlfabric::source::file::FileSource;
use mysqlfabric::source::{
    Ask, GroupAnswers, GroupSource, MapAnswers, MapSource, Source, Sources, Wanted, Whole,
    WholeSource,
};
use mysqlfabric::topology::{Key, Wanted as Purpose};

/// Whether somebody has come to the gate, and whether it is open.
type Gate = Arc<(Mutex<(bool, bool)>, Condvar)>;

/// A topology file, whose first question waits at a gate before the file is looked at.
struct Gated {
    file: FileSource,
    gate: Gate,
}

impl Source for Gated {
    fn unsupported(&self) -> Error {
        self.file.unsupported()
    }
}

impl WholeSource for Gated {
    fn whole(&self, version: u64, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<Whole> {
        let (state, changed) = &*self.gate;
        let mut state = state.lock().expect("unpoisoned");
        if !state.0 {
            state.0 = true;
            changed.notify_all();
            let _open = changed.wait_while(state, |state| !state.1).expect("unpoisoned");
        }
        self.file.whole(version, wanted, ask)
    }
}

impl MapSource for Gated {
    fn maps(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<MapAnswers> {
        self.file.maps(wanted, ask)
    }
}

impl GroupSource for Gated {
    fn groups(&self, wanted: &Wanted<'_>, ask: &Ask<'_>) -> Result<GroupAnswers> {
        self.file.groups(wanted, ask)
    }
}

/// One table on one group, both named by `version`, in a file that is old.
fn write(path: &Path, version: u16) {
    let text = format!(
        r#"{{"format": "libmysqlfabric topology", "version": 1, "ttl_ms": 50, "groups": [{{"id":
        "g{version}", "servers": [{{"uuid": "u", "host": "h", "port": {version}, "mode": "READ_WRITE",
        "status": "PRIMARY", "weight": 1.0}}]}}], "tables": [{{"schema": "db", "table": "t",
        "column": "c", "type": "RANGE", "global_group": "g{version}",
        "shards": [{{"id": 1, "lower_bound": "1", "group": "g{version}"}}]}}]}}"#
    );
    let next = path.with_extension("next");
    fs::write(&next, text).expect("written");
    let old = SystemTime::now() - Duration::from_secs(3600 - u64::from(version));
    File::options().write(true).open(&next).expect("opened").set_modified(old).expect("set");
    fs::rename(&next, path).expect("renamed");
}

fn port(router: &Router) -> Result<u16> {
    let key = Some(Key::Integer(5));
    router.shard_server(
        &[b"db.t"],
        key,
        Scope::Local,
        Purpose::Primary,
        |_, server| Ok(server.port),
    )
}

fn path() -> PathBuf {
    std::env::temp_dir().join(format!("whole-source-{}.json", std::process::id()))
}

#[test]
fn the_last_look_counts_though_its_fetch_began_first() {
    let (path, gate) = (path(), Gate::default());
    write(&path, 1);
    let config = Config { background_refresh: false, ..Config::default() };
    let file = FileSource::new(&path, &Arc::new(config.clone()), None);
    let source = Gated { file, gate: Arc::clone(&gate) };
    let router = Router::with_sources(config, Sources::at_once(source));
    thread::scope(|scope| {
        let first = scope.spawn(|| port(&router));
        let (state, changed) = &*gate;
        drop(changed.wait_while(state.lock().expect("unpoisoned"), |state| !state.0));
        // Another fetch begins and ends while the first one waits to look.
        assert_eq!(port(&router).expect("the file is good"), 1);
        write(&path, 2);
        state.lock().expect("unpoisoned").1 = true;
        changed.notify_all();
        first.join().expect("no panic").expect("the file is good");
    });
    let seen = (0..200).any(|_| {
        thread::sleep(Duration::from_millis(20));
        port(&router).expect("every version is whole") == 2
    });
    assert!(seen, "the change is lost");
    fs::remove_file(&path).expect("removed");
}
