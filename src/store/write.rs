//! Replacing a file as a whole: readers find the old one or the new one, whatever happens.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::process;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::base::raised::{self, Signal};
use crate::base::random;

/// Younger files are left alone: their writer may not have locked them yet.
const YOUNG: Duration = Duration::from_secs(60);

/// Where files cannot be locked, nobody writes as long as this.
const OLD: Duration = Duration::from_secs(86_400);

/// The end of a temporary file's name.
const TEMPORARY: &str = ".tmp";

/// The end of the name of one that was locked before it had a name.
const LOCKED: &str = ".locked.tmp";

/// Nobody waits longer for another writer of a snapshot: what the two know of is then in the file at the next
/// writing.
pub(crate) const LOCK_TIMEOUT: Duration = Duration::from_millis(500);

/// How often a writer looks whether the other one is done.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The right to read and replace the files of a directory with no other writer in between.
pub struct DirectoryLock {
    /// The directory: a lock that leaves no file behind.
    directory: File,
}

impl DirectoryLock {
    /// Waits for it at most that long.
    ///
    /// # Errors
    /// `WouldBlock` if another writer has it all the while; others where there can be none, as on some file
    /// systems.
    pub fn take(path: &Path, timeout: Duration) -> io::Result<Self> {
        let place = Place::of(path)?;
        let directory = File::open(place.parts()?.0)?;
        let begun = Instant::now();
        loop {
            match directory.try_lock() {
                Ok(()) => return Ok(Self { directory }),
                Err(TryLockError::WouldBlock) if begun.elapsed() < timeout => {
                    thread::sleep(LOOK_EVERY);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for DirectoryLock {
    fn drop(&mut self) {
        // A child that was forked meanwhile has the directory open, too.
        let _ = self.directory.unlock();
    }
}

/// The mode of a file that was not there: for the owner's eyes only.
const NEW_MODE: u32 = 0o600;

/// How many symbolic links are followed, one after the other: as many as the system does.
const MOST_LINKS: usize = 40;

/// Where a file is or will be, behind symbolic links, the mode that it has or gets, and who owns it.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    pub path: PathBuf,
    mode: u32,
    /// User and group of a file that is there.
    owner: Option<(u32, u32)>,
}

impl Place {
    /// The place of a file that is to be replaced.
    ///
    /// # Errors
    /// A device, a pipe, a socket or a directory is there: a file that is renamed over it would take it away.
    pub fn of(path: &Path) -> io::Result<Self> {
        let mut path = path.to_owned();
        for _ in 0..=MOST_LINKS {
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_symlink() => {
                    let target = fs::read_link(&path)?;
                    path = path.parent().unwrap_or(Path::new("")).join(target);
                }
                Ok(found) if found.is_file() => {
                    let owner = Some((found.uid(), found.gid()));
                    return Ok(Self { path, mode: found.mode() & 0o777, owner });
                }
                Ok(_) => return Err(io::Error::other("it is no regular file")),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Ok(Self { path, mode: NEW_MODE, owner: None });
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("too many symbolic links"))
    }

    fn parts(&self) -> io::Result<(&Path, &OsStr)> {
        parts(&self.path).ok_or_else(|| io::Error::other("the path names no file"))
    }
}

/// Puts what `fill` writes in the place of the regular file at `path`, which keeps its mode and, where the
/// process may give files away, its owner and group, or makes one for the owner's eyes only. Symbolic links stay: what they lead to is replaced. `fill` may be called twice.
///
/// Where the process may have no file of that size (`ulimit -f`) it is an error, and no signal.
///
/// # Errors
/// As of `Place::of`, and those of writing.
pub fn replace(path: &Path, fill: impl Fn(&mut File) -> io::Result<()>) -> io::Result<()> {
    raised::without(Signal::SIGXFSZ, || replace_by(path, fill))
}

fn replace_by(path: &Path, fill: impl Fn(&mut File) -> io::Result<()>) -> io::Result<()> {
    let place = Place::of(path)?;
    let (directory, name) = place.parts()?;
    let random = random::uuid().map_err(|error| io::Error::other(error.message))?;
    let temporary = |end: &str| {
        let mut temporary = OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}-{}{end}", process::id(), random.simple()));
        directory.join(temporary)
    };
    let whole = match without_name(directory, &temporary(LOCKED), &fill)? {
        Some(whole) => whole,
        None => with_name(temporary(TEMPORARY), &fill)?,
    };
    if let Some(owner) = place.owner {
        give(&whole.file, owner);
    }
    if place.mode != NEW_MODE {
        whole.file.set_permissions(fs::Permissions::from_mode(place.mode))?;
    }
    fs::rename(&whole.path, &place.path)?;
    whole.keep();
    // The content is in place; some file systems cannot sync a directory, and then the old
    // file may come back after a crash, which is as good a snapshot.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
}

/// Gives a file to the user and the group that had the old one, or to the group alone, where that is allowed:
/// whoever could read it should not be shut out.
fn give(file: &File, (user, group): (u32, u32)) {
    let is_so = file.metadata().is_ok_and(|of| (of.uid(), of.gid()) == (user, group));
    if !is_so && fchown(file, Some(user), Some(group)).is_err() {
        let _ = fchown(file, None, Some(group));
    }
}

/// Writes a file that has no name before it is whole, so that of a writer that is killed nothing is
/// left. Nothing where the system or the file system cannot do that.
#[cfg(target_os = "linux")]
fn without_name(
    directory: &Path,
    temporary: &Path,
    fill: impl Fn(&mut File) -> io::Result<()>,
) -> io::Result<Option<Temporary>> {
    use std::os::fd::AsRawFd;

    use nix::fcntl::{AT_FDCWD, AtFlags};
    use nix::unistd::linkat;

    let mut options = OpenOptions::new();
    options.write(true).custom_flags(libc::O_TMPFILE).mode(NEW_MODE);
    let Ok(mut file) = options.open(directory) else { return Ok(None) };
    if file.try_lock().is_err() {
        return Ok(None);
    }
    fill(&mut file)?;
    file.sync_all()?;
    let nameless = format!("/proc/self/fd/{}", file.as_raw_fd());
    let follow = AtFlags::AT_SYMLINK_FOLLOW;
    let named = linkat(AT_FDCWD, nameless.as_str(), AT_FDCWD, temporary, follow);
    Ok(named.is_ok().then(|| Temporary::new(file, temporary.to_owned())))
}

#[cfg(not(target_os = "linux"))]
fn without_name(
    _: &Path,
    _: &Path,
    _: impl Fn(&mut File) -> io::Result<()>,
) -> io::Result<Option<Temporary>> {
    Ok(None)
}

fn with_name(path: PathBuf, fill: impl Fn(&mut File) -> io::Result<()>) -> io::Result<Temporary> {
    let file = OpenOptions::new().write(true).create_new(true).mode(NEW_MODE).open(&path)?;
    let mut temporary = Temporary::new(file, path);
    // Tells those who clean up that the writer lives. Not every file system can.
    let _ = temporary.file.try_lock();
    fill(&mut temporary.file)?;
    // Without this a crash soon after could leave the new name with the content of neither.
    temporary.file.sync_all()?;
    Ok(temporary)
}

/// Takes away what writers of `path` have left beside it that were killed while they wrote.
pub fn clean_up(path: &Path) {
    let Ok(place) = Place::of(path) else { return };
    let Ok((directory, name)) = place.parts() else { return };
    let Ok(entries) = fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let file = entry.file_name();
        let least_age = match end_of_temporary(file.as_bytes(), name.as_bytes()) {
            Some(LOCKED) => Duration::ZERO,
            Some(_) => YOUNG,
            None => continue,
        };
        if is_left_behind(&entry.path(), least_age).unwrap_or(false) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The end of a file's name, if it is one that `replace` gives.
fn end_of_temporary(file: &[u8], name: &[u8]) -> Option<&'static str> {
    let rest = file.strip_prefix(b".")?.strip_prefix(name)?.strip_prefix(b".")?;
    let ends = |end: &&str| rest.ends_with(end.as_bytes());
    let end = [LOCKED, TEMPORARY].into_iter().find(ends)?;
    let mut parts = rest.strip_suffix(end.as_bytes())?.splitn(2, |byte| *byte == b'-');
    let (process, number) = (parts.next()?, parts.next()?);
    let is_number = !process.is_empty() && process.iter().all(u8::is_ascii_digit);
    let is_ours = is_number && number.len() == 32 && number.iter().all(u8::is_ascii_hexdigit);
    is_ours.then_some(end)
}

/// Whether nobody writes a file any more that is at least so old: whoever does holds its lock.
fn is_left_behind(path: &Path, least_age: Duration) -> io::Result<bool> {
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    let age = SystemTime::now().duration_since(metadata.modified()?).unwrap_or_default();
    Ok(metadata.is_file()
        && age >= least_age
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

/// A file with the name of a temporary one, which is taken away again unless it gets its own.
struct Temporary {
    /// Open, and so locked, for as long as the file has that name.
    file: File,
    path: PathBuf,
    kept: bool,
}

impl Temporary {
    fn new(file: File, path: PathBuf) -> Self {
        Self { file, path, kept: false }
    }

    fn keep(mut self) {
        self.kept = true;
    }
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
    use std::os::unix::fs::symlink;

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
    fn a_link_stays_and_so_does_the_mode_of_what_it_leads_to() {
        let directory = fresh("links");
        let (path, other) = (directory.join("file"), directory.join("other"));
        fs::create_dir(&other).expect("a directory");
        symlink("other/linked", &path).expect("a link");
        symlink("file", other.join("linked")).expect("a link");
        // The first time there is no file yet.
        for mode in [0o600, 0o640] {
            replace(&path, |file| file.write_all(b"new")).expect("written");
            assert_eq!(fs::read(other.join("file")).expect("read"), b"new");
            let file = fs::metadata(&path).expect("metadata");
            assert_eq!(file.mode() & 0o7777, mode);
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
        }
        for link in [&path, &other.join("linked")] {
            assert!(fs::symlink_metadata(link).expect("metadata").is_symlink());
        }
        let number = "0123456789abcdef0123456789abcdef";
        let left = other.join(format!(".file.1-{number}.locked.tmp"));
        File::create(&left).expect("a file");
        clean_up(&path);
        assert!(!left.exists(), "writers leave it where the file is");
        symlink("round", directory.join("round")).expect("a link");
        replace(&directory.join("round"), |_| Ok(())).expect_err("it leads nowhere");
        fs::remove_dir_all(directory).expect("removed");
    }

    #[test]
    fn the_owner_stays_where_files_can_be_given_away() {
        let directory = fresh("owner");
        let path = directory.join("file");
        replace(&path, |file| file.write_all(b"old")).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
        // Nobody but root may give files away.
        if std::os::unix::fs::chown(&path, Some(65_534), Some(65_533)).is_ok() {
            replace(&path, |file| file.write_all(b"new")).expect("written");
            let file = fs::metadata(&path).expect("metadata");
            assert_eq!((file.uid(), file.gid(), file.mode() & 0o7777), (65_534, 65_533, 0o640));
        }
        fs::remove_dir_all(directory).expect("removed");
    }

    #[test]
    fn a_lock_is_waited_for_and_not_for_ever() {
        let directory = fresh("lock");
        let path = directory.join("file");
        let held = DirectoryLock::take(&path, Duration::ZERO).expect("nobody has it");
        let busy = DirectoryLock::take(&path, Duration::from_millis(20)).err();
        assert_eq!(busy.map(|error| error.kind()), Some(io::ErrorKind::WouldBlock));
        let waiting = thread::spawn(move || DirectoryLock::take(&path, Duration::from_secs(600)));
        drop(held);
        waiting.join().expect("no panic").expect("it is free");
        fs::remove_dir_all(directory).expect("removed");
    }

    #[test]
    fn what_is_no_regular_file_is_left_as_it_is() {
        use std::os::unix::fs::FileTypeExt;

        let directory = fresh("pipe");
        let (pipe, link) = (directory.join("pipe"), directory.join("link"));
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        symlink("pipe", &link).expect("a link");
        for path in [&pipe, &link] {
            let error = replace(path, |file| file.write_all(b"new")).expect_err("a pipe");
            assert!(error.to_string().contains("no regular file"), "{error}");
        }
        assert!(fs::symlink_metadata(&pipe).expect("metadata").file_type().is_fifo());
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
        // One that had no name before it was locked is left by nobody who lives.
        leave(&format!(".file.5-{number}.locked.tmp"), SystemTime::now());
        let ready = leave(&format!(".file.6-{number}.locked.tmp"), old);
        ready.lock().expect("a lock");
        let others = [
            format!(".other.1-{number}.tmp"),
            format!(".file.x-{number}.tmp"),
            format!(".file.-{number}.tmp"),
            ".file.1-0123.tmp".to_owned(),
            format!(".file.1-{number}.tmp~"),
            format!(".file.1-{number}.unlocked.tmp"),
            format!("file.1-{number}.tmp"),
            "file".to_owned(),
        ];
        for name in &others {
            leave(name, old);
        }
        symlink(&path, directory.join(format!(".file.4-{number}.tmp"))).expect("a link");
        clean_up(&path);
        let mut left = names(&directory);
        let mut expected: Vec<OsString> = others.iter().map(OsString::from).collect();
        expected.extend([2, 3, 4].map(|writer| format!(".file.{writer}-{number}.tmp").into()));
        expected.push(format!(".file.6-{number}.locked.tmp").into());
        left.sort();
        expected.sort();
        assert_eq!(left, expected);
        // Who writes holds a lock all the while.
        let temporary = directory.join(format!(".file.7-{number}.tmp"));
        with_name(temporary.clone(), |_| {
            File::open(&temporary).expect("it").set_modified(old).expect("a time");
            clean_up(&path);
            assert!(temporary.exists());
            Ok(())
        })
        .expect("written");
        drop((writing, ready));
        clean_up(&path);
        assert_eq!(names(&directory).len(), expected.len() - 2);
        fs::remove_dir_all(directory).expect("removed");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn what_is_not_whole_has_no_name() {
        let directory = fresh("nameless");
        let path = directory.join("file");
        let nameless =
            OpenOptions::new().write(true).custom_flags(libc::O_TMPFILE).open(&directory);
        if nameless.is_err() {
            // This file system has no files without a name.
            return;
        }
        let nothing_there = |file: &mut File| {
            assert_eq!(names(&directory), [""; 0]);
            file.write_all(b"new")
        };
        replace(&path, nothing_there).expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"new");
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
