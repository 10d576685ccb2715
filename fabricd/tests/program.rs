//! The binary.

mod common;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use common::{call, data};

fn start(args: &[&str]) -> (Child, u16, u16) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_fabricd"))
        .args(args)
        .args(["--exit-with-parent", "--control", "127.0.0.1:0"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let [ready, port, control] = words[..] else { panic!("{line:?}") };
    assert_eq!(ready, "ready");
    let port = port.strip_prefix("port=").unwrap().parse().unwrap();
    (child, port, control.strip_prefix("control=").unwrap().parse().unwrap())
}

fn ends(child: &mut Child) -> bool {
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(10) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.success();
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    false
}

#[test]
fn ends_with_its_parent() {
    let farm = data("farm.json");
    let (mut child, port, _) =
        start(&["--farm", farm.to_str().unwrap(), "--no-auth", "--ttl", "9"]);
    assert!(call(port, "manage.ping", &[]).contains("<value><int>9</int></value>"));
    drop(child.stdin.take());
    assert!(ends(&mut child));
}

#[test]
fn ends_when_told() {
    let (mut child, port, control) = start(&["--generation", "1", "--no-auth"]);
    assert!(call(port, "manage.ping", &[]).contains("<value><boolean>1</boolean></value>"));
    call(control, "fabricd.shutdown", &[]);
    assert!(ends(&mut child));
}

#[test]
fn says_what_is_wrong() {
    let run = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_fabricd")).args(args).output().unwrap();
        assert!(!out.status.success());
        String::from_utf8(out.stderr).unwrap()
    };
    assert!(run(&["--nonsense"]).contains("unknown option --nonsense"));
    assert!(run(&["--farm", "nosuch.json"]).contains("nosuch.json"));
}
