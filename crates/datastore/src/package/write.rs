//! Writing packages in the current format.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use kernel::Random;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::keyfile::PublicKey;
use super::{CHUNK, current};
use crate::error::DatastoreError;

/// Writes the package `NAME.tar` of a dataset folder `NAME` into the folder `out`; only a whole package gets that name.
///
/// # Errors
/// [`DatastoreError::Usage`] when the folder is no dataset, [`DatastoreError::Io`] when a file cannot be read or written.
pub fn write(dataset: &Path, to: &PublicKey, out: &Path, random: &dyn Random) -> Result<(), DatastoreError> {
    let name = dataset.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if !crate::product::is_dataset_name(&name) {
        return Err(DatastoreError::Usage(format!(
            "dataset name \"{name}\": use A–Z, 0–9 and _, starting with a letter"
        )));
    }
    let json = dataset.join(format!("{name}.json"));
    let metadata = fs::read(&json).map_err(DatastoreError::io(&json))?;
    let csv = dataset.join(format!("{name}.csv"));
    let data = match File::open(&csv) {
        Ok(file) => Some(file),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(DatastoreError::io(&csv)(e)),
    };
    let target = out.join(format!("{name}.tar"));
    let partial = out.join(format!(".{name}.tar.part"));
    let result = build(&partial, &name, &metadata, data, to, random).map_err(DatastoreError::io(&target));
    match result {
        Ok(()) => fs::rename(&partial, &target).map_err(DatastoreError::io(&target)),
        Err(e) => {
            let _ = fs::remove_file(&partial); // what is left of a failed package says nothing without its key
            Err(e)
        }
    }
}

fn build(
    path: &Path,
    name: &str,
    metadata: &[u8],
    data: Option<File>,
    to: &PublicKey,
    random: &dyn Random,
) -> io::Result<()> {
    let mut tar = tar::Builder::new(File::create(path)?);
    add(&mut tar, &format!("{name}.json"), metadata)?;
    if let Some(mut data) = data {
        let mut key = Zeroizing::new([0u8; 32]);
        random.fill(&mut *key);
        let mut entropy = Zeroizing::new([0u8; 64]);
        random.fill(&mut *entropy);
        let failed = || io::Error::other("the key of the recipient cannot be used");
        let capsule = current::seal_capsule(&key, to, &entropy).ok_or_else(failed)?;
        add(&mut tar, &format!("{name}.kem.encr"), &capsule)?;
        let mut folder = tar::Header::new_ustar();
        folder.set_entry_type(tar::EntryType::Directory);
        folder.set_mode(0o755);
        folder.set_size(0);
        tar.append_data(&mut folder, "chunks/", io::empty())?;
        let mut hasher = Sha256::new();
        for number in 1.. {
            let mut plain = Vec::new();
            Read::by_ref(&mut data).take(CHUNK as u64).read_to_end(&mut plain)?;
            if plain.is_empty() && number > 1 {
                break;
            }
            hasher.update(&plain);
            let mut nonce = [0u8; 12];
            random.fill(&mut nonce);
            let sealed = current::seal_chunk(plain, &key, &nonce).ok_or_else(failed)?;
            add(&mut tar, &format!("chunks/{number}.csv.encr"), &sealed)?;
        }
        add(&mut tar, &format!("{name}.sha256"), hex::encode(hasher.finalize()).as_bytes())?;
    }
    let mut file = tar.into_inner()?;
    file.flush()?;
    file.seek(SeekFrom::Start(0))?;
    file.sync_all()
}

fn add(tar: &mut tar::Builder<File>, name: &str, bytes: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    tar.append_data(&mut header, name, bytes)
}
