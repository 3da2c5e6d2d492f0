//! The published list of keys: which party signs what with which Ed25519 key, and with which X25519 key others seal
//! for it. It needs no secret to read, so a package can be verified offline (DEL-061).

use std::collections::HashMap;

use kernel::{CryptoError, KeyId, Timestamp, Verifier};
use serde::{Deserialize, Serialize};

use crate::documents::Document;
use crate::dsse::{key_id, verify_ed25519};
use crate::form::Key32;
use crate::party::Party;

/// What a key may sign.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRole {
    /// Heads of questions and answers between zones. Its X25519 key is the one others seal for this party with.
    Channel,
    /// Permits, extraction orders, run orders.
    PermitAuthority,
    /// Linkage plans, key grants, key receipts, insight tokens, receipts of choices.
    KeyService,
    /// Ledger receipts.
    Ledger,
    /// Released documents.
    Gate,
    /// Manifests and receipts of a source.
    Source,
    /// Receipts of a room's intake. Its X25519 key is the one packages are encrypted for.
    Intake,
    /// Checkpoints of an audit log.
    Audit,
}

/// One key of one party for one role.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Whose key it is.
    pub party: Party,
    /// What it may sign.
    pub role: KeyRole,
    /// Name of the signing key; always that of [`key_id`].
    pub keyid: KeyId,
    /// Ed25519 public key.
    pub signing: Key32,
    /// X25519 public key, when others seal for this party in this role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sealing: Option<Key32>,
}

impl Entry {
    /// An entry with the key's own name.
    pub fn new(party: Party, role: KeyRole, signing: [u8; 32], sealing: Option<[u8; 32]>) -> Self {
        Self { party, role, keyid: key_id(&signing), signing: Key32(signing), sealing: sealing.map(Key32) }
    }
}

/// The list as a document, so that it can be published and enrolled.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyList {
    /// Version of the list; the higher one counts.
    pub version: u64,
    /// When it was made.
    pub at: Timestamp,
    /// The keys.
    pub keys: Vec<Entry>,
}

impl Document for KeyList {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.key-list+json";
    const NAME: &'static str = "key list";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::PermitAuthority];
}

/// The keys that this zone trusts.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    entries: HashMap<KeyId, Vec<Entry>>,
}

impl Directory {
    /// The directory of these entries. An entry whose name is not that of its key is left out.
    pub fn new(entries: impl IntoIterator<Item = Entry>) -> Self {
        let mut directory = Self::default();
        for entry in entries {
            directory.add(entry);
        }
        directory
    }

    /// Adds an entry; one whose name is not that of its key is left out.
    pub fn add(&mut self, entry: Entry) {
        if entry.keyid != key_id(&entry.signing.0) {
            return;
        }
        let of_key = self.entries.entry(entry.keyid.clone()).or_default();
        if !of_key.contains(&entry) {
            of_key.push(entry);
        }
    }

    /// All entries, in a stable order: for publishing.
    pub fn entries(&self) -> Vec<Entry> {
        let mut all: Vec<Entry> = self.entries.values().flatten().cloned().collect();
        all.sort_by(|a, b| (&a.party, a.role, &a.keyid).cmp(&(&b.party, b.role, &b.keyid)));
        all
    }

    /// Whether `key` is listed for `party` in `role`.
    pub fn allows(&self, key: &KeyId, party: &Party, role: KeyRole) -> bool {
        self.entries.get(key).is_some_and(|of| of.iter().any(|e| e.party == *party && e.role == role))
    }

    /// Whose key this is in one of `roles`.
    pub fn party_of(&self, key: &KeyId, roles: &[KeyRole]) -> Option<&Party> {
        self.entries.get(key)?.iter().find(|e| roles.contains(&e.role)).map(|e| &e.party)
    }

    /// The X25519 key with which others seal for `party` in `role`.
    pub fn sealing_key(&self, party: &Party, role: KeyRole) -> Option<[u8; 32]> {
        let of_party = self.entries.values().flatten().filter(|e| e.party == *party && e.role == role);
        of_party.filter_map(|e| e.sealing.map(|k| (&e.keyid, k.0))).max_by_key(|(id, _)| (*id).clone()).map(|(_, k)| k)
    }

    /// A verifier that knows only the keys listed for one of `roles`.
    pub fn signing<'a>(&'a self, roles: &'a [KeyRole]) -> RoleVerifier<'a> {
        RoleVerifier { directory: self, roles }
    }

    fn public_key(&self, key: &KeyId, roles: Option<&[KeyRole]>) -> Result<&[u8; 32], CryptoError> {
        let found = self.entries.get(key).and_then(|of| of.iter().find(|e| roles.is_none_or(|r| r.contains(&e.role))));
        found.map(|e| &e.signing.0).ok_or_else(|| CryptoError::UnknownKey(key.clone()))
    }
}

impl Verifier for Directory {
    fn verify(&self, key: &KeyId, message: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError> {
        verify_ed25519(self.public_key(key, None)?, message, signature)
    }
}

/// The keys of a [`Directory`] that may sign in certain roles.
#[derive(Clone, Copy, Debug)]
pub struct RoleVerifier<'a> {
    directory: &'a Directory,
    roles: &'a [KeyRole],
}

impl Verifier for RoleVerifier<'_> {
    fn verify(&self, key: &KeyId, message: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError> {
        verify_ed25519(self.directory.public_key(key, Some(self.roles))?, message, signature)
    }
}
