//! Released results on their way between zones and in storage: canonical JSON in a DSSE envelope signed with the key of
//! the gate (SDC-007). Opening one whose signature verifies is the only other way to a [`Released`] value.

mod info;
mod view;

use kernel::{CryptoError, Signer, Timestamp, Verifier};
use protocol::Envelope;
use protocol::dsse::DsseError;
use serde::{Deserialize, Serialize};

use crate::policy::PolicyStamp;
use crate::released::{Output, Released};

pub use info::{Done, Info, Note, SplitCode};
pub use view::{Chart, Content, Layout, Scale, View};

/// The largest sealed document that is read: a table of 20 000 cells with several statistics is well below.
const MAX_BYTES: usize = 64 << 20;

/// What a document is about, apart from its results. Names, digests and times only.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Id of the run.
    pub run: String,
    /// Digest of the script.
    pub script: String,
    /// The versions of the stores that the run read.
    pub stores: Vec<StoreUsed>,
    /// When the run ended.
    pub at: Timestamp,
}

/// A version of a store that a run read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreUsed {
    /// Name of the store.
    pub store: String,
    /// Version with four parts.
    pub version: String,
    /// Digest of the version (DATA-094).
    pub digest: String,
}

/// One result in a document (LANG-100): what was asked, how it is to be shown, and what was released.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Entry {
    /// Number of the result in the run, from 1.
    pub id: u32,
    /// Line of the command in the script.
    pub line: u32,
    /// Pass of the loop round it, from 1.
    pub pass: u32,
    /// Canonical text of the command.
    pub command: String,
    /// How it is to be shown.
    pub view: View,
    /// Codes of warnings.
    pub warnings: Vec<String>,
    /// What the receipt adds from metadata.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// What it holds.
    pub content: Body,
}

/// The content of a result. What comes from data has passed the gate; what comes from metadata cannot hold a number of
/// the data at all.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(untagged)]
pub enum Body {
    /// What the gate released.
    Released(Box<Released<Output>>),
    /// What metadata say.
    Info {
        /// The texts.
        info: Info,
    },
}

impl From<Released<Output>> for Body {
    fn from(released: Released<Output>) -> Self {
        Body::Released(Box::new(released))
    }
}

impl From<Info> for Body {
    fn from(info: Info) -> Self {
        Body::Info { info }
    }
}

impl Entry {
    /// What the gate released; none for a result from metadata.
    pub fn released(&self) -> Option<&Released<Output>> {
        match &self.content {
            Body::Released(released) => Some(released),
            Body::Info { .. } => None,
        }
    }

    /// The content of what the gate released.
    pub fn output(&self) -> Option<&Output> {
        self.released().map(Released::value)
    }

    /// What metadata say; none for a result from data.
    pub fn info(&self) -> Option<&Info> {
        match &self.content {
            Body::Info { info } => Some(info),
            Body::Released(_) => None,
        }
    }
}

/// The form of documents that this program writes. It reads all up to this one; documents of the first form do not name it.
const FORMAT: u32 = 3;

/// An opened document.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Document {
    /// The form it is written in.
    #[serde(skip_serializing_if = "is_first")]
    format: u32,
    /// What it is about.
    pub head: Head,
    /// The results, in the order of the script.
    pub results: Vec<Entry>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_first(format: &u32) -> bool {
    *format == 1
}

const fn first() -> u32 {
    1
}

impl Document {
    /// A document of this program's form. It is worth nothing to others before it is sealed.
    pub fn new(head: Head, results: Vec<Entry>) -> Self {
        Self { format: FORMAT, head, results }
    }
}

/// A document in its signed envelope. The only form in which released results leave the zone of the data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SealedDocument {
    envelope: Envelope,
}

/// Why a document could not be sealed or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Not an envelope, too large, or signed by a key that may not sign released documents.
    #[error("the released document does not open: {0}")]
    Envelope(#[from] DsseError),
    /// The signer does not work now.
    #[error("the released document cannot be signed")]
    Signing(#[source] CryptoError),
    /// The content is not a released document.
    #[error("the content is not a released document")]
    Content,
    /// It was written by a later program.
    #[error("the released document is of a later form")]
    Later,
}

impl SealedDocument {
    /// The payload type of the envelope.
    pub const PAYLOAD_TYPE: &'static str = "application/vnd.hap.released+json";

    /// Signs results with the key of the gate.
    ///
    /// # Errors
    /// [`DocumentError::Signing`] when the signer fails, [`DocumentError::Content`] for a number without canonical form.
    pub fn seal(head: Head, results: Vec<Entry>, signer: &dyn Signer) -> Result<Self, DocumentError> {
        let document = Document::new(head, results);
        let payload = kernel::canonical_json(&document).map_err(|_| DocumentError::Content)?;
        let envelope = Envelope::sign(Self::PAYLOAD_TYPE, payload, signer).map_err(DocumentError::Signing)?;
        Ok(Self { envelope })
    }

    /// Reads a sealed document from bytes. Nothing is verified yet, and nothing can be read from it.
    ///
    /// # Errors
    /// [`DocumentError::Envelope`] when the bytes are no envelope of a released document.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DocumentError> {
        if bytes.len() > MAX_BYTES {
            return Err(DsseError::TooLarge.into());
        }
        let envelope: Envelope = serde_json::from_slice(bytes).map_err(|_| DsseError::BadEnvelope)?;
        Ok(Self { envelope })
    }

    /// Takes an envelope that arrived inside another message. Nothing is verified yet.
    pub fn from_envelope(envelope: Envelope) -> Self {
        Self { envelope }
    }

    /// The envelope, to be carried inside another message.
    pub fn into_envelope(self) -> Envelope {
        self.envelope
    }

    /// The envelope as canonical JSON.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.envelope.to_bytes()
    }

    /// Verifies the signature and gives the results. `verifier` must know the keys of gates and no others
    /// (`Directory::signing(&[KeyRole::Gate])`).
    ///
    /// # Errors
    /// [`DocumentError::Envelope`] for an unknown key, a wrong signature or another type of payload;
    /// [`DocumentError::Content`] for a payload that is no released document in canonical form; [`DocumentError::Later`]
    /// for one of a form that this program does not know.
    pub fn open(&self, verifier: &dyn Verifier) -> Result<Document, DocumentError> {
        if self.envelope.payload_type != Self::PAYLOAD_TYPE {
            return Err(DsseError::BadSchema("released document").into());
        }
        self.envelope.verify(verifier)?;
        let payload = &self.envelope.payload.0;
        let form: WireForm = serde_json::from_slice(payload).map_err(|_| DocumentError::Content)?;
        if form.format > FORMAT {
            return Err(DocumentError::Later);
        }
        let wire: WireDocument = serde_json::from_slice(payload).map_err(|_| DocumentError::Content)?;
        let results = wire.results.into_iter().map(Entry::from).collect();
        let document = Document { format: wire.format, head: wire.head, results };
        let again = kernel::canonical_json(&document).map_err(|_| DocumentError::Content)?;
        if again != *payload {
            return Err(DocumentError::Content);
        }
        Ok(document)
    }
}

// The shapes that are read back. They are private, so that no other code can read a released value from plain JSON.

#[derive(Deserialize)]
struct WireForm {
    #[serde(default = "first")]
    format: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireDocument {
    #[serde(default = "first")]
    format: u32,
    head: Head,
    results: Vec<WireEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireEntry {
    id: u32,
    line: u32,
    pass: u32,
    command: String,
    view: View,
    warnings: Vec<String>,
    #[serde(default)]
    notes: Vec<Note>,
    content: WireBody,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum WireBody {
    Released(Box<WireReleased>),
    Info(WireInfo),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireInfo {
    info: Info,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireReleased {
    policy: PolicyStamp,
    value: Output,
}

impl From<WireEntry> for Entry {
    fn from(wire: WireEntry) -> Self {
        let WireEntry { id, line, pass, command, view, warnings, notes, content } = wire;
        let content = match content {
            WireBody::Released(released) => Released::new(released.policy, released.value).into(),
            WireBody::Info(WireInfo { info }) => info.into(),
        };
        Entry { id, line, pass, command, view, warnings, notes, content }
    }
}
