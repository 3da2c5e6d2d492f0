//! Mapping files into memory: the one module with `unsafe`. A mapped file must never change or shrink while it is mapped
//! (ENG-042): files of a store are immutable, belong to the role's own user, and are removed only when nothing holds
//! them. Length and BLAKE3 are checked when a file is mapped, so a damaged file is refused by name and never read.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::buffer::Buffer;
use arrow::ipc::convert::fb_to_schema;
use arrow::ipc::reader::{FileDecoder, read_footer_length};
use arrow::ipc::root_as_footer;
use bytes::Bytes;
use memmap2::Mmap;
use rayon::prelude::*;

use crate::error::DatastoreError;
use crate::header::FileEntry;

/// Bytes hashed at a time.
const PIECE: usize = 1 << 18;

/// A file in memory, read-only.
pub(crate) struct Map {
    map: Arc<Mmap>,
}

/// Keeps the mapping alive for a buffer.
struct Owner(Arc<Mmap>);

impl AsRef<[u8]> for Owner {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Map {
    /// The content, without copying.
    pub(crate) fn bytes(&self) -> Bytes {
        Bytes::from_owner(Owner(Arc::clone(&self.map)))
    }

    /// Lets the system have back the pages that were read, for files that are read through once per import. Whoever reads
    /// them again finds the same bytes in the file.
    pub(crate) fn release(&self) {
        #[cfg(unix)]
        #[expect(unsafe_code, reason = "the pages of a file that never changes can be read again at any time")]
        // SAFETY: the mapping is read-only and of a file, so a page that is given back is read from the file again with
        // the same content; references into it stay valid.
        let given = unsafe { self.map.unchecked_advise(memmap2::UncheckedAdvice::DontNeed) };
        // Keeping the pages is no fault.
        #[cfg(unix)]
        drop(given);
    }
}

/// Maps a file and checks that it is the one that was written.
pub(crate) fn map(path: &Path, name: &str, entry: &FileEntry) -> Result<Map, DatastoreError> {
    let damaged = || DatastoreError::Damaged(name.to_owned());
    let file = File::open(path).map_err(|_| damaged())?;
    if file.metadata().map_err(|_| damaged())?.len() != entry.bytes {
        return Err(damaged());
    }
    // Read, not mapped: the pages of a mapping would count as memory of the process.
    if digest(&file).map_err(|_| damaged())?.to_hex().as_str() != entry.blake3 {
        return Err(damaged());
    }
    #[expect(
        unsafe_code,
        reason = "files of a store are written once, renamed into place and never changed or truncated"
    )]
    // SAFETY: see above and the module's text; the length was checked, and the mapping lives as long as any `Bytes` of it.
    let map = unsafe { Mmap::map(&file) }.map_err(|_| damaged())?;
    Ok(Map { map: Arc::new(map) })
}

/// BLAKE3 of a file, as the tree hash that any BLAKE3 tool gives.
fn digest(mut file: &File) -> std::io::Result<blake3::Hash> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; PIECE];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finalize()),
            n => hasher.update(&buffer[..n]),
        };
    }
}

/// The one record batch of a mapped Arrow file, without copying.
pub(crate) fn batch(bytes: Bytes, name: &str) -> Result<RecordBatch, DatastoreError> {
    let damaged = || DatastoreError::Damaged(name.to_owned());
    let buffer = Buffer::from(bytes);
    let read = || -> Option<RecordBatch> {
        let trailer = buffer.len().checked_sub(10)?;
        let length = read_footer_length(buffer.get(trailer..)?.try_into().ok()?).ok()?;
        let footer = root_as_footer(buffer.get(trailer.checked_sub(length)?..trailer)?).ok()?;
        let schema = Arc::new(fb_to_schema(footer.schema()?));
        let decoder = FileDecoder::new(schema, footer.version()).with_require_alignment(true);
        let block = footer.recordBatches()?.iter().next()?;
        let from = usize::try_from(block.offset()).ok()?;
        let size = usize::try_from(block.bodyLength()).ok()? + usize::try_from(block.metaDataLength()).ok()?;
        if from.checked_add(size)? > trailer {
            return None;
        }
        decoder.read_record_batch(block, &buffer.slice_with_length(from, size)).ok()?
    };
    read().ok_or_else(damaged)
}

/// Hashes several files at once.
pub(crate) fn digests(folder: &Path, names: &[String]) -> Result<Vec<FileEntry>, DatastoreError> {
    names
        .par_iter()
        .map(|name| {
            let path = folder.join(name);
            let file = File::open(&path).map_err(DatastoreError::io(&path))?;
            let bytes = file.metadata().map_err(DatastoreError::io(&path))?.len();
            let digest = digest(&file).map_err(DatastoreError::io(&path))?;
            Ok(FileEntry { bytes, blake3: digest.to_hex().to_string() })
        })
        .collect()
}
