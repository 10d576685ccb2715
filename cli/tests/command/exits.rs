//! The status at the end says what kind of failure it was.

use std::io::Write;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Directory, documented, fabric, run, run_with};

#[test]
fn each_kind_of_failure_has_its_status() {
    let fabric = fabric();
    let directory = Directory::new();
    let broken = directory.write("broken.json", "{");
    let held = directory.write(
        "held.json",
        &documented()
            .replace("\"READ_WRITE\"", "\"READ_ONLY\"")
            .replace("\"PRIMARY\"", "\"SECONDARY\""),
    );
    let held = format!("file:{held}");
    let nobody = TcpListener::bind("127.0.0.1:0").expect("a port");
    let refusing =
        format!("fabric://127.0.0.1:{}", nobody.local_addr().expect("its address").port());
    drop(nobody);
    let cases: [(i32, &[&str]); 14] = [
        (2, &["--url", "nosuch://x", "tables"]),
        (2, &["--nosuch"]),
        (2, &["route", "employees.salaries"]),
        (2, &["route", "salaries", "5"]),
        (2, &["route", "employees.salaries", "abc"]),
        (2, &["--timeout", "0", "tables"]),
        (3, &["--url", &refusing, "--timeout", "2", "tables"]),
        (6, &["--url", "file:/nonexistent/farm.json", "tables"]),
        (6, &["dump", "/nonexistent/farm.json"]),
        (7, &["route", "employees.nosuch", "5"]),
        (7, &["servers", "nosuch"]),
        (7, &["shards", "employees.nosuch"]),
        (8, &["--url", &held, "route", "employees.salaries", "5"]),
        (9, &["route", "employees.salaries", "-5"]),
    ];
    for (code, args) in cases {
        let said = fabric.run(args).complained(code);
        assert!(!said.is_empty() && !said.contains("panicked"), "{args:?}: {said}");
    }
    assert_eq!(fabric.run(&["check", &broken]).code, 1);
    assert!(run(&["tables"]).complained(2).contains("--url"));
}

#[test]
fn no_file_keeps_the_command_waiting_or_takes_all_memory() {
    let (fabric, directory) = (fabric(), Directory::new());
    let pipe = directory.path("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().expect("mkfifo");
    assert!(made.success());
    let empty = directory.write("config.toml", "[mysql]\nca = ''\n");
    let cluster = ["--url", "cluster://u@127.0.0.1:1"];
    let password = directory.write("password", "x");
    let login = ["--quiet", "--password-file", &password];
    for (args, code, part) in [
        (&["--config", "/dev/zero", "tables"][..], 6, "larger than"),
        (&["--fabric-password-file", "/dev/zero", "tables"], 6, "larger than"),
        (&[&cluster[..], &login, &["--ca", &pipe, "tables"]].concat(), 6, "no regular file"),
        (&[&cluster[..], &login, &["--config", &empty, "tables"]].concat(), 6, "the TLS file ''"),
        (&["bench", "employees.salaries", "--keys", "/dev/zero"], 6, "line 1"),
        (&["plan", "range", "--groups", "a", "--shards", "1", "--keys", "/dev/zero"], 6, "line 1"),
    ] {
        let said = match args[0].starts_with("--fabric") {
            true => run_with(args, &fabric.environment()[..2]).complained(code),
            false => fabric.run(args).complained(code),
        };
        assert!(said.contains(part), "{args:?}: {said}");
    }
    // What a shell makes of <(command).
    let writing = std::thread::spawn({
        let pipe = pipe.clone();
        move || std::fs::write(pipe, "secret\n").expect("written")
    });
    let args = ["--fabric-password-file", &pipe, "route", "--group", "shard4", "--print", "port"];
    assert_eq!(run_with(&args, &fabric.environment()[..2]).said(), "33641\n");
    writing.join().expect("no panic");
}

#[test]
fn a_cluster_of_which_nobody_answers_is_not_one_without_tables() {
    let silent: Vec<TcpListener> =
        (0..2).map(|_| TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let of = |at: usize| silent[at].local_addr().expect("its address").to_string();
    let url = format!("cluster://u@{},{}", of(0), of(1));
    let args = ["--url", &url, "--timeout", "0.5", "route", "shop.carts", "1"];
    run_with(&args, &[("MYSQLFABRIC_PASSWORD", "x")]).complained(3);
}

#[test]
fn help_that_cannot_be_written_is_a_failure() {
    for option in ["--version", "--help"] {
        // A socket that takes no more, and does not wait.
        let (mut full, _end) = UnixStream::pair().expect("a socket");
        full.set_nonblocking(true).expect("set");
        while full.write(&[0; 4096]).is_ok() {}
        let mut command = crate::support::command(&[option]);
        let ran = command.stdout(OwnedFd::from(full)).output().expect("the command");
        assert_eq!(ran.status.code(), Some(70), "{option}: {ran:?}");
    }
}

#[test]
fn who_is_not_let_in_is_told_so() {
    let fabric = fabric();
    let environment = [
        ("MYSQLFABRIC_URL", fabric.url.as_str()),
        ("MYSQLFABRIC_FABRIC_USER", "admin"),
        ("MYSQLFABRIC_FABRIC_PASSWORD", "hunter2"),
    ];
    let said = run_with(&["tables"], &environment).complained(4);
    assert!(said.contains("admin") && !said.contains("hunter2"), "{said}");
    assert!(said.contains("--fabric-user") && !said.contains("fabric_options"), "{said}");
}

#[test]
fn programs_get_failures_as_json() {
    let said = fabric().run(&["--json", "route", "employees.salaries", "-5"]).complained(9);
    let error: Value = serde_json::from_str(&said).expect("JSON");
    let error = &error["error"];
    assert_eq!((&error["exit"], &error["status"]), (&9.into(), &44.into()));
    assert_eq!((&error["name"], &error["retryable"]), (&"KEY_OUT_OF_RANGE".into(), &false.into()));
    assert!(error["message"].as_str().is_some_and(|message| message.contains("'-5'")), "{error}");
}

/// Who waits so many seconds at most.
fn impatient<'a>(url: &'a str, timeout: &'a str) -> [(&'static str, &'a str); 4] {
    [
        ("MYSQLFABRIC_URL", url),
        ("MYSQLFABRIC_TIMEOUT", timeout),
        ("MYSQLFABRIC_USER", "u"),
        ("MYSQLFABRIC_PASSWORD", "p"),
    ]
}

/// Somebody who takes connections and says nothing.
#[test]
fn every_command_ends_in_time() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its address").port();
    for kind in ["fabric", "mysql", "cluster", "fabric+mysql"] {
        let url = format!("{kind}://127.0.0.1:{port}");
        let environment = impatient(&url, "0.3");
        for args in [&["tables"][..], &["ping"], &["watch"], &["check"], &["route", "a.b", "1"]] {
            if kind == "cluster" && args[0] == "route" {
                // There are no tables; nobody has to be asked.
                continue;
            }
            let begun = Instant::now();
            let ran = run_with(args, &environment);
            assert!([1, 3].contains(&ran.code), "{kind} {args:?}: {ran:?}");
            // However busy the machine is: without a bound it would be for ever.
            assert!(begun.elapsed() < Duration::from_secs(60), "{kind} {args:?}");
        }
    }
}

/// The nodes are asked while the farm is loaded: where both hang, one limit is over, and not one after the
/// other.
#[test]
fn a_ping_of_somebody_who_hangs_takes_no_longer_than_to_load_the_farm() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = silent.local_addr().expect("its address").port();
    let lasts = |kind: &str, command: &str| {
        let url = format!("{kind}://127.0.0.1:{port}");
        let begun = Instant::now();
        run_with(&[command], &impatient(&url, "1")).code.eq(&3).then(|| begun.elapsed())
    };
    std::thread::scope(|scope| {
        for kind in ["fabric", "fabric+mysql", "mysql"] {
            let lasts = &lasts;
            scope.spawn(move || {
                // It was two and three times as long. A machine that is busy may make one try longer.
                let is_short = || {
                    let (load, ping) = (lasts(kind, "tables"), lasts(kind, "ping"));
                    ping.expect("status 3") < load.expect("status 3").mul_f64(1.7)
                };
                assert!((0..5).any(|_| is_short()), "{kind}");
            });
        }
    });
}
