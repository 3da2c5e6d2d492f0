//! Files of the software keystore: written whole or not at all, readable by their owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::Path;

use zeroize::Zeroizing;

use super::KeystoreError;

fn failed(path: &Path, error: &std::io::Error) -> KeystoreError {
    let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    KeystoreError::Io { file, reason: error.to_string() }
}

/// Makes the folder, for its owner alone.
pub fn make_folder(dir: &Path) -> Result<(), KeystoreError> {
    fs::create_dir_all(dir).map_err(|e| failed(dir, &e))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|e| failed(dir, &e))?;
    }
    Ok(())
}

/// Temporary file, fsync, rename, fsync of the folder.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), KeystoreError> {
    let temporary = path.with_extension("tmp");
    let result = (|| {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            options.mode(0o600);
        }
        let mut file = options.open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        sync_folder(path)
    })();
    result.map_err(|e| failed(path, &e))
}

/// Removes a file; one that is not there is removed already.
pub fn remove(path: &Path) -> Result<(), KeystoreError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(failed(path, &e)),
        _ => sync_folder(path).map_err(|e| failed(path, &e)),
    }
}

/// The bytes of a file; none when it is not there.
pub fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, KeystoreError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(failed(path, &e)),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    file.read_to_end(&mut bytes).map_err(|e| failed(path, &e))?;
    Ok(Some(bytes))
}

/// Names of the files with this extension, sorted.
pub fn names(dir: &Path, extension: &str) -> Result<Vec<String>, KeystoreError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(|e| failed(dir, &e))? {
        let path = entry.map_err(|e| failed(dir, &e))?.path();
        if path.extension().is_some_and(|e| e == extension) {
            names.extend(path.file_stem().map(|n| n.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

/// An exclusive lock between processes, held until the file is dropped.
pub fn lock(dir: &Path) -> Result<File, KeystoreError> {
    let path = dir.join("lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(|e| failed(&path, &e))?;
    file.lock().map_err(|e| failed(&path, &e))?;
    Ok(file)
}

/// Refuses a secret file that others can read.
pub fn check_private(path: &Path) -> Result<(), KeystoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path).map_err(|e| failed(path, &e))?.permissions().mode();
        if mode & 0o077 != 0 {
            let reason = std::io::Error::other("readable by others than its owner: set its mode to 0600");
            return Err(failed(path, &reason));
        }
    }
    Ok(())
}

fn sync_folder(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}
