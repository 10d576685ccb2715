//! Ends that are none of the command's: a pipe that nobody reads, and Ctrl-C.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use crate::support::{command, fabric};

#[test]
fn a_closed_pipe_is_no_failure() {
    let fabric = fabric();
    let mut child = command(&["tables", "--watch", "0.001"])
        .envs(fabric.environment())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    lines.read_line(&mut String::new()).expect("a line");
    drop(lines);
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("UTF-8");
    assert_eq!((child.wait().expect("its end").code(), said.as_str()), (Some(0), ""));
}

#[test]
fn ctrl_c_ends_it_without_a_word() {
    let fabric = fabric();
    let mut child = command(&["watch"])
        .envs(fabric.environment())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command");
    let mut lines = BufReader::new(child.stdout.take().expect("piped"));
    lines.read_line(&mut String::new()).expect("the first event");
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("UTF-8");
    // As of any program, so that a shell's loop around it ends, too.
    let status = child.wait().expect("its end");
    assert_eq!((status.signal(), said.as_str()), (Some(2), ""));
}
