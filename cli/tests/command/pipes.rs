//! Ends that are none of the command's: a pipe that nobody reads, and Ctrl-C.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Directory, Fabric, command, fabric};

/// The command at work: it has said its first line.
fn begun(fabric: &Fabric, args: &[&str]) -> (Child, BufReader<ChildStdout>) {
    let mut child = command(args)
        .envs(fabric.environment())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    lines.read_line(&mut String::new()).expect("a line");
    (child, lines)
}

/// How it ends, and what it complains of.
fn ended(mut child: Child) -> (ExitStatus, String) {
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("UTF-8");
    (child.wait().expect("its end"), said)
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let fabric = fabric();
    let (child, lines) = begun(&fabric, &["tables", "--watch", "0.001"]);
    drop(lines);
    let (status, said) = ended(child);
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn ctrl_c_ends_it_without_a_word() {
    let fabric = fabric();
    let (child, _lines) = begun(&fabric, &["watch"]);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    let (status, said) = ended(child);
    // As of any program, so that a shell's loop around it ends, too.
    assert_eq!((status.signal(), said.as_str()), (Some(2), ""));
}

/// What `script` shows of a command that asks for a password at its terminal, and is answered so; and
/// what its terminal is like afterwards.
fn asked(answer: &[u8], url: &str) -> (String, String) {
    let directory = Directory::new();
    let after = directory.path("stty");
    let program = env!("CARGO_BIN_EXE_mysqlfabric");
    let line =
        format!("tty; '{program}' --url {url} --ask-fabric-password tables; stty -a >'{after}'");
    let mut child = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("script, of the package bsdutils");
    let mut shown = child.stdout.take().expect("piped");
    let mut to = child.stdin.take().expect("piped");
    let mut text = Vec::new();
    let mut bytes = [0; 256];
    let mut is_asked = false;
    while let Ok(count @ 1..) = shown.read(&mut bytes) {
        text.extend_from_slice(&bytes[..count]);
        let shown = String::from_utf8_lossy(&text);
        let terminal = shown.lines().next().unwrap_or_default();
        if !is_asked && shown.contains("for Fabric nodes: ") {
            is_asked = true;
            eventually("no echo", || stty(terminal).split_whitespace().any(|word| word == "-echo"));
            to.write_all(answer).expect("read");
        }
    }
    let _ = child.wait();
    (String::from_utf8_lossy(&text).into_owned(), fs::read_to_string(after).unwrap_or_default())
}

/// What a terminal is like.
fn stty(terminal: &str) -> String {
    let output = Command::new("stty").args(["-F", terminal, "-a"]).output().expect("stty");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Waits for something that must come about; how soon is not the test's matter.
fn eventually(what: &str, mut come: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !come() {
        assert!(begun.elapsed() < Duration::from_secs(30), "never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a terminal shows what is typed, by lines, and Ctrl-C is a signal.
fn is_usual(stty: &str) -> bool {
    let is_on = |mode| stty.split_whitespace().any(|word| word == mode);
    ["echo", "icanon", "isig"].into_iter().all(is_on)
}

#[test]
fn a_password_is_asked_for_without_echo_and_ctrl_c_gives_the_echo_back() {
    let fabric = fabric();
    let url = fabric.url.replace("fabric://", "fabric://admin@");
    let (shown, after) = asked(b"secret\n", &url);
    assert!(shown.contains("employees.salaries") && !shown.contains("secret"), "{shown}");
    assert!(is_usual(&after), "{after}");
    let (shown, after) = asked(b"sec\x03", &url);
    assert!(!shown.contains("employees") && !shown.contains("sec"), "{shown}");
    assert!(is_usual(&after), "{after}");
}
