//! Connections that a process has when it forks.

use std::sync::mpsc;
use std::time::Duration;

use mysqlfabric::mysql::{Failure, Session};

use crate::script::{OK, Server, query};

/// Runs `child` in a forked child and gives what was made of it by its exit code: 0 if it held.
pub fn in_a_child(child: impl FnOnce() -> bool) -> libc::pid_t {
    // SAFETY: the child does what is asked of it and leaves without unwinding or running anything of
    // its parent's.
    unsafe {
        match libc::fork() {
            0 => {
                // A child that hangs ends by itself.
                libc::alarm(60);
                let held = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
                libc::_exit(if held.unwrap_or(false) { 0 } else { 1 });
            }
            pid => pid,
        }
    }
}

pub fn status_of(child: libc::pid_t) -> libc::c_int {
    let mut status = -1;
    assert!(child > 0, "fork");
    // SAFETY: the number of a child, and a place for its status.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    status
}

/// How many sockets this process has open.
fn sockets() -> usize {
    let is_socket = |entry: &std::fs::DirEntry| {
        std::fs::read_link(entry.path()).is_ok_and(|to| to.to_string_lossy().starts_with("socket:"))
    };
    std::fs::read_dir("/proc/self/fd").unwrap().flatten().filter(is_socket).count()
}

/// Runs the test named alone in a process of its own: others of this one open sockets meanwhile.
pub fn alone(name: &str, test: impl FnOnce()) {
    const ALONE: &str = "MYSQLFABRIC_TEST_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return test();
    }
    let program = std::env::current_exe().unwrap();
    let output = std::process::Command::new(program)
        .args(["--exact", name, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_child_closes_its_copy_without_a_word() {
    alone("forked::a_child_closes_its_copy_without_a_word", || {
        let server = Server::play(|peer| {
            peer.let_in();
            // Nothing of the child's, not even a goodbye, comes before the parent's.
            assert_eq!(peer.statement(), "SELECT 'parent'");
            peer.send(OK);
            assert_eq!(peer.receive(), Some(vec![1]), "the parent's goodbye");
            assert!(peer.is_left());
        });
        let mut session: Option<Session> = Some(server.connect().unwrap());
        let child = in_a_child(|| {
            let mut session = session.take().unwrap();
            let asked = query(&mut session, "SELECT 'child'");
            let before = sockets();
            drop(session);
            asked == Err(Failure::Unusable) && sockets() == before - 1
        });
        assert_eq!(status_of(child), 0);
        // Neither the connection nor the event loop, which the child had a copy of, have changed.
        let mut session = session.unwrap();
        assert_eq!(query(&mut session, "SELECT 'parent'"), Ok(vec![]));
        drop(session);
        server.end();
    });
}

#[test]
fn a_child_that_has_closed_all_keeps_what_it_opened_since() {
    alone("forked::a_child_that_has_closed_all_keeps_what_it_opened_since", || {
        let server = Server::play(|peer| {
            peer.let_in();
            assert_eq!(peer.receive(), Some(vec![1]), "the parent's goodbye");
        });
        let mut session: Option<Session> = Some(server.connect().unwrap());
        let child = in_a_child(|| {
            // As a daemon does; then it opens files of its own, which get the same numbers.
            (3..100).for_each(|fd| {
                // SAFETY: nobody uses descriptors in this child but this test.
                unsafe { libc::close(fd) };
            });
            let files: Vec<_> =
                (3..100).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
            drop(session.take());
            files.iter().all(|file| file.metadata().is_ok())
        });
        assert_eq!(status_of(child), 0);
        drop(session);
        server.end();
    });
}

#[test]
fn a_child_that_lives_on_holds_no_connection_of_its_parent() {
    alone("forked::a_child_that_lives_on_holds_no_connection_of_its_parent", || {
        let (told, is_left) = mpsc::channel();
        let server = Server::play(move |peer| {
            peer.let_in();
            assert_eq!(peer.receive(), Some(vec![1]), "a goodbye");
            told.send(peer.is_left()).unwrap();
        });
        let session = server.connect().unwrap();
        let child = in_a_child(|| {
            // Until it is ended: it knows nothing of the connection.
            std::thread::sleep(Duration::from_secs(50));
            false
        });
        drop(session);
        assert!(is_left.recv().unwrap(), "the server sees the end though the child has the socket");
        // SAFETY: a child of this process, which has not been waited for.
        unsafe { libc::kill(child, libc::SIGKILL) };
        status_of(child);
        server.end();
    });
}
