//! Unpacking a package into a dataset folder, for the holder's own use: the one place that writes decrypted data.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{Package, PackageKey};
use crate::error::DatastoreError;
use crate::input::{Opening, PackageRules};

/// Unpacks `NAME.tar` into the folder `NAME` below `out`; gives that folder. Nothing of a package that fails is left.
///
/// # Errors
/// [`DatastoreError::Invalid`] for a broken package or the wrong key, [`DatastoreError::Usage`] without key or when the
/// folder is there already, [`DatastoreError::Io`].
pub fn unpack(package: &Path, key: Option<&PackageKey>, out: &Path) -> Result<PathBuf, DatastoreError> {
    let name = package.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if !crate::product::is_dataset_name(&name) {
        return Err(DatastoreError::Usage(format!("{}: not a package NAME.tar", package.display())));
    }
    let target = out.join(&name);
    if target.exists() {
        return Err(DatastoreError::Usage(format!("{} is there already", target.display())));
    }
    let partial = out.join(format!(".{name}.part"));
    let done = fill(package, key, &partial, &name).map_err(|e| e.into_error(&name));
    let done = done.and_then(|()| fs::rename(&partial, &target).map_err(DatastoreError::io(&target)));
    match done {
        Ok(()) => Ok(target),
        Err(error) => {
            if partial.exists() {
                fs::remove_dir_all(&partial).map_err(DatastoreError::io(&partial))?;
            }
            Err(error)
        }
    }
}

fn fill(package: &Path, key: Option<&PackageKey>, folder: &Path, name: &str) -> Result<(), Opening> {
    let package = Package::open(package, &PackageRules::default())?;
    fs::create_dir_all(folder)?;
    fs::write(folder.join(format!("{name}.json")), &package.metadata)?;
    if package.is_metadata_only() {
        return Ok(());
    }
    let key = key.ok_or_else(|| Opening::Usage("the package is encrypted: give the private key with --key".into()))?;
    let mut data = package.data(key)?;
    let mut file = File::create(folder.join(format!("{name}.csv")))?;
    match io::copy(&mut data, &mut file) {
        Ok(_) => Ok(file.sync_all()?),
        Err(e) => Err(super::of_stream(e)),
    }
}
