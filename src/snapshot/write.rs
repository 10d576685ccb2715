//! Replacing a file as a whole: readers find the old one or the new one, whatever happens.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, SystemTime};

use crate::base::random;

/// Younger files are left alone: their writer may not have locked them yet.
const YOUNG: Duration = Duration::from_secs(60);

/// Where files cannot be locked, nobody writes as long as this.
const OLD: Duration = Duration::from_secs(86_400);

/// Puts what `fill` writes in the place of whatever is at `path`, for the owner's eyes only.
pub fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let (directory, name) =
        parts(path).ok_or_else(|| io::Error::other("the path names no file"))?;
    let mut temporary = OsString::from(".");
    temporary.push(name);
    let random = random::uuid().map_err(|error| io::Error::other(error.message))?;
    temporary.push(format!(".{}-{}.tmp", process::id(), random.simple()));
    let temporary = directory.join(temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let mut temporary = Temporary { path: temporary, kept: false };
    // Tells those who clean up that the writer lives. Not every file system can.
    let _ = file.try_lock();
    fill(&mut file)?;
    // Without this a crash soon after could leave the new name with the content of neither.
    file.sync_all()?;
    fs::rename(&temporary.path, path)?;
    drop(file);
    temporary.kept = true;
    // The content is in place; some file systems cannot sync a directory, and then the old
    // file may come back after a crash, which is as good a snapshot.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
}

/// Takes away what writers of `path` have left beside it that were killed while they wrote.
pub fn clean_up(path: &Path) {
    let Some((directory, name)) = parts(path) else { return };
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        if is_temporary(entry.file_name().as_bytes(), name.as_bytes())
            && is_left_behind(&entry.path()).unwrap_or(false)
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a file has a name that `replace` gives.
fn is_temporary(file: &[u8], name: &[u8]) -> bool {
    let middle = file
        .strip_prefix(b".")
        .and_then(|rest| rest.strip_prefix(name))
        .and_then(|rest| rest.strip_prefix(b"."))
        .and_then(|rest| rest.strip_suffix(b".tmp"));
    let mut parts = middle.unwrap_or_default().splitn(2, |byte| *byte == b'-');
    let (Some(process), Some(number)) = (parts.next(), parts.next()) else { return false };
    let is_number = !process.is_empty() && process.iter().all(u8::is_ascii_digit);
    is_number && number.len() == 32 && number.iter().all(u8::is_ascii_hexdigit)
}

/// Whether nobody writes a file any more: whoever does holds its lock.
fn is_left_behind(path: &Path) -> io::Result<bool> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    let age = SystemTime::now().duration_since(metadata.modified()?).unwrap_or_default();
    Ok(metadata.is_file()
        && age > YOUNG
        && match file.try_lock() {
            Ok(()) => true,
            Err(TryLockError::WouldBlock) => false,
            Err(TryLockError::Error(_)) => age > OLD,
        })
}

/// The directory of a file, and its name there.
fn parts(path: &Path) -> Option<(&Path, &OsStr)> {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Some((directory, path.file_name()?))
}

/// Takes the file away again unless it got its name.
struct Temporary {
    path: PathBuf,
    kept: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn fresh(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("{name}-{}", random::uuid().unwrap()));
        fs::create_dir(&directory).expect("a directory");
        directory
    }

    fn names(directory: &Path) -> Vec<OsString> {
        let entries = fs::read_dir(directory).expect("a directory");
        entries.map(|entry| entry.expect("an entry").file_name()).collect()
    }

    #[test]
    fn replaces_whole_and_for_the_owner_only() {
        let directory = fresh("replace");
        let path = directory.join("file");
        for content in ["first, and longer", "second"] {
            replace(&path, |file| file.write_all(content.as_bytes())).expect("written");
            assert_eq!(fs::read_to_string(&path).expect("read"), content);
            let mode = fs::metadata(&path).expect("metadata").permissions().mode();
            assert_eq!(mode & 0o7777, 0o600);
        }
        assert_eq!(names(&directory), ["file"]);
        fs::remove_dir_all(directory).expect("removed");
    }

    #[test]
    fn what_killed_writers_left_is_taken_away() {
        let directory = fresh("clean");
        let path = directory.join("file");
        let old = SystemTime::now() - Duration::from_secs(3600);
        let leave = |name: &str, modified: SystemTime| {
            let file = File::create(directory.join(name)).expect("a file");
            file.set_modified(modified).expect("a time");
            file
        };
        let number = "0123456789abcdef0123456789abcdef";
        for writer in [1, 77, 99999] {
            leave(&format!(".file.{writer}-{number}.tmp"), old);
        }
        let writing = leave(&format!(".file.2-{number}.tmp"), old);
        writing.lock().expect("a lock");
        leave(&format!(".file.3-{number}.tmp"), SystemTime::now());
        let others = [
            format!(".other.1-{number}.tmp"),
            format!(".file.x-{number}.tmp"),
            format!(".file.-{number}.tmp"),
            ".file.1-0123.tmp".to_owned(),
            format!(".file.1-{number}.tmp~"),
            format!("file.1-{number}.tmp"),
            "file".to_owned(),
        ];
        for name in &others {
            leave(name, old);
        }
        std::os::unix::fs::symlink(&path, directory.join(format!(".file.4-{number}.tmp")))
            .expect("a link");
        clean_up(&path);
        let mut left = names(&directory);
        let mut expected: Vec<OsString> = others.iter().map(OsString::from).collect();
        expected.extend([2, 3, 4].map(|writer| format!(".file.{writer}-{number}.tmp").into()));
        left.sort();
        expected.sort();
        assert_eq!(left, expected);
        // Who writes holds a lock all the while.
        replace(&path, |_| {
            let temporary = names(&directory).into_iter().find(|name| !expected.contains(name));
            let temporary = directory.join(temporary.expect("what is being written"));
            File::open(&temporary).expect("it").set_modified(old).expect("a time");
            clean_up(&path);
            assert!(temporary.exists());
            Ok(())
        })
        .expect("written");
        drop(writing);
        clean_up(&path);
        assert_eq!(names(&directory).len(), expected.len() - 1);
        fs::remove_dir_all(directory).expect("removed");
    }

    #[test]
    fn failures_leave_the_old_file_and_nothing_else() {
        let directory = fresh("failures");
        let path = directory.join("file");
        replace(&path, |file| file.write_all(b"old")).expect("written");
        let full = |file: &mut File| {
            file.write_all(b"ne")?;
            Err(io::Error::from(io::ErrorKind::StorageFull))
        };
        let error = replace(&path, full).expect_err("the disk is full");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        let panicking = std::panic::catch_unwind(|| replace(&path, |_| panic!("on purpose")));
        assert!(panicking.is_err());
        assert_eq!(fs::read(&path).expect("read"), b"old");
        let taken = directory.join("taken");
        fs::create_dir(&taken).expect("a directory");
        replace(&taken, |file| file.write_all(b"new")).expect_err("a directory is in the way");
        replace(&directory.join("none/file"), |_| Ok(())).expect_err("there is no such directory");
        let mut left = names(&directory);
        left.sort();
        assert_eq!(left, ["file", "taken"]);
        fs::remove_dir_all(directory).expect("removed");
    }
}
