//! Replacing a file as a whole: readers find the old one or the new one, whatever happens.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

use uuid::Uuid;

/// Puts what `fill` writes in the place of whatever is at `path`, for the owner's eyes only.
pub fn replace(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut temporary = OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}-{}.tmp", process::id(), Uuid::new_v4().simple()));
    let temporary = directory.join(temporary);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
    let mut temporary = Temporary { path: temporary, kept: false };
    fill(&mut file)?;
    // Without this a crash soon after could leave the new name with the content of neither.
    file.sync_all()?;
    drop(file);
    fs::rename(&temporary.path, path)?;
    temporary.kept = true;
    // The content is in place; some file systems cannot sync a directory, and then the old
    // file may come back after a crash, which is as good a snapshot.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
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
        let directory = std::env::temp_dir().join(format!("{name}-{}", Uuid::new_v4()));
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
