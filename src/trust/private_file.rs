//! Files that are nobody else's business, and that are whole whenever the program or the machine stops.
//!
//! Permissions are set on Unix alone; elsewhere the directory's hold.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Holds a file for this program until it is dropped. The lock is a file of its own beside it, which stays: the
/// file itself is another one after each change.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "closing it gives the lock back")] File);

/// Waits for other programs that hold the file, then holds it. Its directory is made if need be.
///
/// # Errors
/// If the directory cannot be made or the file not be locked.
pub fn lock(path: &Path) -> io::Result<Lock> {
    make_directory(path)?;
    let file = options().create(true).truncate(false).open(beside(path, ".lock")?)?;
    file.lock()?;
    Ok(Lock(file))
}

/// Puts this content into a file, all of it or nothing, for its owner alone. Hold its [`Lock`] meanwhile. Its
/// directory is made if need be.
///
/// # Errors
/// If it cannot be written; what was there before is there still.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    make_directory(path)?;
    let new = beside(path, ".new")?;
    // One that was left behind might have other permissions, or be a link to elsewhere.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = options().create_new(true).open(&new)?;
    let written = file.write_all(content).and_then(|()| file.sync_all());
    drop(file);
    if let Err(error) = written.and_then(|()| fs::rename(&new, path)) {
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    sync_directory(path);
    Ok(())
}

/// Returns the path of a file with something after its name.
fn beside(path: &Path, suffix: &str) -> io::Result<PathBuf> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(suffix);
    Ok(path.with_file_name(name))
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_directory(path: &Path) -> io::Result<()> {
    let Some(directory) = path.parent().filter(|directory| !directory.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Makes the new name last. Without it the old content may be back after a power cut, which is whole, too; and not
/// every file system can do it. So it is not an error.
fn sync_directory(path: &Path) {
    let directory = path.parent().filter(|directory| !directory.as_os_str().is_empty());
    if cfg!(unix)
        && let Ok(directory) = File::open(directory.unwrap_or(Path::new(".")))
    {
        let _ = directory.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_replaced_as_a_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("one/two/file");
        for content in [&b"first"[..], b"", b"second"] {
            let _lock = lock(&path).expect("locked");
            replace(&path, content).expect("written");
            assert_eq!(fs::read(&path).expect("read"), content);
        }
        let names = fs::read_dir(path.parent().expect("a parent")).expect("a listing");
        let mut names: Vec<_> = names.map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        assert_eq!(names, ["file", "file.lock"]);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_look() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("data/file");
        let elsewhere = directory.path().join("elsewhere");
        fs::write(&elsewhere, "mine").expect("written");
        let _lock = lock(&path).expect("locked");
        symlink(&elsewhere, beside(&path, ".new").expect("a name")).expect("a link");
        replace(&path, b"secret").expect("written");
        assert_eq!(fs::read(&elsewhere).expect("read"), b"mine", "a link that lay there is not followed");
        for (path, expected) in [
            (path.parent().expect("a parent"), 0o700),
            (&path, 0o600),
            (&beside(&path, ".lock").expect("a name"), 0o600),
        ] {
            assert_eq!(mode(path), expected, "{path:?}");
        }
    }

    #[test]
    fn what_cannot_be_written_leaves_what_was_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("file");
        fs::create_dir(&path).expect("a directory in its place");
        assert!(replace(&path, b"new").is_err());
        assert!(path.is_dir() && !beside(&path, ".new").expect("a name").exists());
        assert!(replace(Path::new("/"), b"new").is_err() && lock(Path::new("..")).is_err());
    }
}
