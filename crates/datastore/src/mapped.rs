//! Mapping files into memory: the one module with `unsafe`. A mapped file must never change or shrink while it is mapped
//! (ENG-042): files of a store are immutable, belong to the role's own user, and are removed only when nothing holds
//! them. Length and BLAKE3 are checked when a file is mapped, so a damaged file is refused by name and never read.

use std::fs::File;
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

/// Maps a file and checks that it is the one that was written.
pub(crate) fn map(path: &Path, name: &str, entry: &FileEntry) -> Result<Bytes, DatastoreError> {
    let damaged = || DatastoreError::Damaged(name.to_owned());
    let file = File::open(path).map_err(|_| damaged())?;
    if file.metadata().map_err(|_| damaged())?.len() != entry.bytes {
        return Err(damaged());
    }
    #[expect(
        unsafe_code,
        reason = "files of a store are written once, renamed into place and never changed or truncated"
    )]
    // SAFETY: see above and the module's text; the length was checked, and the mapping lives as long as `Bytes`.
    let map = unsafe { Mmap::map(&file) }.map_err(|_| damaged())?;
    let bytes = Bytes::from_owner(map);
    if digest(&bytes).to_hex().as_str() != entry.blake3 {
        return Err(damaged());
    }
    Ok(bytes)
}

/// BLAKE3 of bytes, as the tree hash that any BLAKE3 tool gives.
pub(crate) fn digest(bytes: &[u8]) -> blake3::Hash {
    blake3::hash(bytes)
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
            let bytes = std::fs::read(&path).map_err(DatastoreError::io(&path))?;
            Ok(FileEntry { bytes: bytes.len() as u64, blake3: digest(&bytes).to_hex().to_string() })
        })
        .collect()
}
