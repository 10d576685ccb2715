//! docs/COMMAND.md shows what the command says. UPDATE_COMMAND=1 writes it anew.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::{Directory, fabric};

/// What differs from run to run: times, and the node's port.
fn masked(line: &str) -> String {
    let words = line.split_whitespace().map(|word| match word.as_bytes() {
        [b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'0'..=b'9', b'-', .., b'Z'] => "TIME",
        _ => word,
    });
    let words: Vec<&str> = words.collect();
    let is_unit = |word: &&str| ["ms", "ms,", "s", "s,"].contains(word);
    let mask = |at: usize| if words.get(at + 1).is_some_and(is_unit) { "N" } else { words[at] };
    let masked: Vec<&str> = (0..words.len()).map(mask).collect();
    masked.join(" ").replace("N s", "N").replace("N ms", "N")
}

#[test]
fn its_output_is_real() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/COMMAND.md");
    let text = fs::read_to_string(&path).expect("the document");
    let (fabric, directory) = (fabric(), Directory::new());
    let here = format!("127.0.0.1:{}", fabric.server.port());
    let programs = Path::new(env!("CARGO_BIN_EXE_mysqlfabric")).parent().expect("a directory");
    let run = |line: &str| {
        let output = Command::new("sh")
            .args(["-c", &format!("exec 2>&1\n{line}")])
            .current_dir(directory.path(""))
            .env_clear()
            .env("HOME", "/nonexistent")
            .env("PATH", format!("{}:/usr/bin:/bin", programs.display()))
            .envs(fabric.environment())
            .output()
            .expect("a shell");
        String::from_utf8(output.stdout).expect("UTF-8").replace(&here, "127.0.0.1:32274")
    };
    let mut real = String::new();
    let mut is_console = false;
    let mut commands = 0;
    for line in text.lines() {
        match line {
            "```console" => is_console = true,
            "```" => is_console = false,
            _ => {}
        }
        match line.strip_prefix("$ ").filter(|_| is_console) {
            Some(command) => {
                commands += 1;
                real += &format!("{line}\n{}", run(command));
            }
            None if is_console && line != "```console" => {}
            None => real += &format!("{line}\n"),
        }
    }
    assert!(commands > 20, "the document has moved");
    if std::env::var_os("UPDATE_COMMAND").is_some() {
        fs::write(&path, real).expect("written");
        return;
    }
    for (said, real) in text.lines().map(masked).zip(real.lines().map(masked)) {
        assert_eq!(said, real, "write it anew with UPDATE_COMMAND=1, and look at what changed");
    }
    assert_eq!(text.lines().count(), real.lines().count());
}
