//! The folders of an installation: one per zone, and `public/` with what all zones may know.
//!
//! ```text
//! DIR/
//!   public/    installation.json: key list, addresses, certificates
//!   centre/    database, keystore, audit log, TLS key
//!   keys/      the same, and ledger/
//!   data/      the same, and datastore/, outbox/
//!   room-NAME/ the same, and inbox/, open/
//! ```
//! A role reads its own folder and `public/`, nothing else; in production they are on different machines.

use std::path::{Path, PathBuf};

use protocol::party::Party;

/// The folders of one installation.
#[derive(Clone, Debug)]
pub struct Places {
    root: PathBuf,
}

impl Places {
    /// The installation in `root`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// What all zones may know.
    pub fn public(&self) -> PathBuf {
        self.root.join("public")
    }

    /// The folder of one zone.
    pub fn zone(&self, party: &Party) -> PathBuf {
        self.root.join(party.to_string().replace(':', "-"))
    }

    /// The folder that holds everything.
    pub fn root(&self) -> &Path {
        &self.root
    }
}
