//! Moving the objects of a package to a room (section 8). The transport is trusted with nothing: what arrives is checked
//! by the intake against the signed manifest.
//!
//! [`LocalAdapter`] writes into a folder that the room's intake reads; [`ChannelAdapter`] asks the room to take pieces
//! (`intake/put`), which the room's service does with a [`LocalAdapter`] of its own.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use protocol::calls::{Frame, IntakePut, IntakePutAnswer};
use protocol::ids::DeliveryId;
use protocol::{CallError, Channel, Party};

/// The name of the outer manifest; sent last (DEL-071).
pub(crate) const MANIFEST: &str = "hap-manifest.dsse.json";

/// Why a piece was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransferError {
    /// A name that no package has.
    #[error("no such object in a package")]
    BadName,
    /// Another object of this name is there already (DEL-072).
    #[error("another object of this name is there already")]
    Conflict,
    /// No room on the disk.
    #[error("the receiver has no room for {0} bytes")]
    Full(u64),
    /// The receiver does not answer now.
    #[error("the receiver is not available: {0}")]
    Unavailable(String),
}

impl TransferError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            TransferError::BadName => "bad_name",
            TransferError::Conflict => "conflict",
            TransferError::Full(_) => "disk_full",
            TransferError::Unavailable(_) => "receiver_unavailable",
        }
    }

    /// Whether trying again later may help.
    pub const fn may_pass(&self) -> bool {
        matches!(self, TransferError::Full(_) | TransferError::Unavailable(_))
    }
}

/// A way to a room.
#[async_trait]
pub trait RoomAdapter: Send + Sync {
    /// The largest piece it takes.
    fn piece(&self) -> usize;

    /// Takes a piece of an object at `offset`; an empty piece asks where the object stands. The object is committed when
    /// all of its `total` bytes are there. When `offset` is beyond what is confirmed, nothing is taken and the answer
    /// says where to go on.
    async fn put(
        &self,
        delivery: DeliveryId,
        object: &str,
        offset: u64,
        piece: Bytes,
        total: u64,
    ) -> Result<IntakePutAnswer, TransferError>;
}

/// The ways to the rooms.
pub trait RoomAdapters: Send + Sync {
    /// The way to `room` by the adapter that the order names.
    fn adapter(&self, room: &Party, name: &str) -> Option<Arc<dyn RoomAdapter>>;
}

/// One way per room, whatever the order calls it.
impl RoomAdapters for HashMap<Party, Arc<dyn RoomAdapter>> {
    fn adapter(&self, room: &Party, _: &str) -> Option<Arc<dyn RoomAdapter>> {
        self.get(room).cloned()
    }
}

/// Whether this can be the name of an object of a package.
pub(crate) fn is_object_name(name: &str) -> bool {
    let segment = |s: &str| {
        !s.is_empty()
            && s.len() <= 64
            && !s.starts_with('.')
            && s.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'-' | b'_'))
            && !s.ends_with(".part")
    };
    match name.split_once('/') {
        None => segment(name),
        Some((folder, file)) => folder == "data" && segment(file),
    }
}

/// Writes into a folder: `inbox/<delivery>/<object>`, as `x.part` until complete.
#[derive(Clone, Debug)]
pub struct LocalAdapter {
    inbox: PathBuf,
}

impl LocalAdapter {
    /// An adapter for the folder `inbox`.
    pub fn new(inbox: impl Into<PathBuf>) -> Self {
        Self { inbox: inbox.into() }
    }

    fn put_now(
        &self,
        delivery: DeliveryId,
        object: &str,
        offset: u64,
        piece: &[u8],
        total: u64,
    ) -> Result<IntakePutAnswer, TransferError> {
        if !is_object_name(object) {
            return Err(TransferError::BadName);
        }
        let broken = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => TransferError::Full(total - offset),
            kind => TransferError::Unavailable(kind.to_string()),
        };
        let path = self.inbox.join(delivery.to_string()).join(object);
        match fs::metadata(&path) {
            Ok(there) if there.len() == total => return Ok(IntakePutAnswer { offset: total, committed: true }),
            Ok(_) => return Err(TransferError::Conflict),
            Err(_) => {}
        }
        let folder = path.parent().unwrap_or(&self.inbox);
        fs::create_dir_all(folder).map_err(broken)?;
        let part = path.with_file_name(format!("{}.part", path.file_name().unwrap_or_default().to_string_lossy()));
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&part).map_err(broken)?;
        let confirmed = file.metadata().map_err(broken)?.len();
        if offset > confirmed || offset.saturating_add(piece.len() as u64) > total {
            return Ok(IntakePutAnswer { offset: confirmed.min(total), committed: false });
        }
        let mut end = confirmed.min(total);
        if !piece.is_empty() {
            // What lies beyond the offset is written anew: the sender knows best how far it is sure.
            file.set_len(offset).map_err(broken)?;
            file.seek(SeekFrom::Start(offset)).map_err(broken)?;
            file.write_all(piece).map_err(broken)?;
            end = offset + piece.len() as u64;
        }
        if end < total {
            return Ok(IntakePutAnswer { offset: end, committed: false });
        }
        file.sync_all().map_err(broken)?;
        drop(file);
        restrict(&part, 0o640).map_err(broken)?;
        fs::rename(&part, &path).map_err(broken)?;
        sync_folder(folder).map_err(broken)?;
        Ok(IntakePutAnswer { offset: total, committed: true })
    }
}

#[async_trait]
impl RoomAdapter for LocalAdapter {
    fn piece(&self) -> usize {
        4 << 20
    }

    async fn put(
        &self,
        delivery: DeliveryId,
        object: &str,
        offset: u64,
        piece: Bytes,
        total: u64,
    ) -> Result<IntakePutAnswer, TransferError> {
        let (this, object) = (self.clone(), object.to_owned());
        tokio::task::spawn_blocking(move || this.put_now(delivery, &object, offset, &piece, total))
            .await
            .map_err(|_| TransferError::Unavailable("the writer stopped".into()))?
    }
}

/// Hands pieces to the room's service.
pub struct ChannelAdapter {
    channel: Arc<dyn Channel>,
    room: Party,
}

impl ChannelAdapter {
    /// An adapter that asks `room` over `channel`.
    pub fn new(channel: Arc<dyn Channel>, room: Party) -> Self {
        Self { channel, room }
    }
}

#[async_trait]
impl RoomAdapter for ChannelAdapter {
    fn piece(&self) -> usize {
        1 << 20
    }

    async fn put(
        &self,
        delivery: DeliveryId,
        object: &str,
        offset: u64,
        piece: Bytes,
        total: u64,
    ) -> Result<IntakePutAnswer, TransferError> {
        let header = IntakePut { delivery_id: delivery, object: object.to_owned(), offset, total };
        let body = Frame::new(header, piece).encode().map_err(|_| TransferError::BadName)?;
        let answer = self.channel.call(&self.room, IntakePut::KIND, body).await.map_err(|e| match e {
            CallError::Refused(r) if r.code == "conflict" => TransferError::Conflict,
            CallError::Refused(r) if r.code == "bad_name" => TransferError::BadName,
            CallError::Refused(r) if r.code == "disk_full" => TransferError::Full(total - offset),
            other => TransferError::Unavailable(other.to_string()),
        })?;
        serde_json::from_slice(&answer).map_err(|_| TransferError::Unavailable("the answer is not one".into()))
    }
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Sets the access rights of a file or folder; nothing happens where the system has no such rights.
pub(crate) fn restrict(path: &Path, mode: u32) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }
    #[cfg(not(unix))]
    {
        let _ = (path, mode);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id() -> DeliveryId {
        DeliveryId::from_bytes([5; 16])
    }

    #[test]
    fn del_070_an_object_is_resumed_and_appears_only_when_complete() {
        let dir = tempfile::tempdir().unwrap();
        let adapter = LocalAdapter::new(dir.path());
        let put = |offset, piece: &[u8]| adapter.put_now(id(), "data/0001.c4gh", offset, piece, 10).unwrap();
        let path = dir.path().join(id().to_string()).join("data/0001.c4gh");
        assert_eq!(put(0, b"0123"), IntakePutAnswer { offset: 4, committed: false });
        assert!(!path.exists());
        assert_eq!(put(6, b"6789"), IntakePutAnswer { offset: 4, committed: false }, "a hole is not taken");
        assert_eq!(put(0, b""), IntakePutAnswer { offset: 4, committed: false }, "asking changes nothing");
        assert_eq!(put(2, b"23456789"), IntakePutAnswer { offset: 10, committed: true });
        assert_eq!(fs::read(&path).unwrap(), b"0123456789");
        assert_eq!(put(0, b"other"), IntakePutAnswer { offset: 10, committed: true }, "a repeat changes nothing");
        let conflict = adapter.put_now(id(), "data/0001.c4gh", 0, b"x", 11);
        assert_eq!(conflict, Err(TransferError::Conflict));
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for name in ["../x", "/etc/x", "data/../x", "data/a/b", "x.part", ".x", "", "other/x", "data/", "a\\b"] {
            assert!(!is_object_name(name), "{name}");
        }
        for name in ["bagit.txt", "data/0000.c4gh", MANIFEST, "manifest-sha256.txt", "ro-crate-metadata.json"] {
            assert!(is_object_name(name), "{name}");
        }
    }
}
