//! Released results on their way between zones and in storage: canonical JSON in a DSSE envelope signed with the key of
//! the gate (SDC-007). Opening one whose signature verifies is the only other way to a [`Released`] value.

use kernel::{CryptoError, Signer, Timestamp, Verifier};
use protocol::Envelope;
use protocol::dsse::DsseError;
use serde::{Deserialize, Serialize};

use crate::policy::PolicyStamp;
use crate::released::{Base, Output, Released, Statistic};

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
    /// What was released.
    pub content: Released<Output>,
}

/// How a result is to be shown.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "view", rename_all = "snake_case")]
pub enum View {
    /// A line that says what a command did.
    #[default]
    Receipt,
    /// A table with these contents.
    Table {
        /// What each cell shows, in this order.
        contents: Vec<Content>,
    },
    /// A figure, with its table beside it.
    Bars(Chart),
}

/// What a cell of a table shows.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// The count.
    Count,
    /// The count as per cent of a base.
    Share(Base),
    /// A statistic of the measures.
    Statistic(Statistic),
}

/// How a bar chart is drawn.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chart {
    /// What the length of a bar shows.
    pub content: Content,
    /// Bars from left to right instead of upwards.
    pub horizontal: bool,
    /// Bars of the second dimension on top of each other instead of beside each other.
    pub stacked: bool,
}

/// An opened document.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Document {
    /// What it is about.
    pub head: Head,
    /// The results, in the order of the script.
    pub results: Vec<Entry>,
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
}

impl SealedDocument {
    /// The payload type of the envelope.
    pub const PAYLOAD_TYPE: &'static str = "application/vnd.hap.released+json";

    /// Signs results with the key of the gate.
    ///
    /// # Errors
    /// [`DocumentError::Signing`] when the signer fails, [`DocumentError::Content`] for a number without canonical form.
    pub fn seal(head: Head, results: Vec<Entry>, signer: &dyn Signer) -> Result<Self, DocumentError> {
        let document = Document { head, results };
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
    /// [`DocumentError::Content`] for a payload that is no released document in canonical form.
    pub fn open(&self, verifier: &dyn Verifier) -> Result<Document, DocumentError> {
        if self.envelope.payload_type != Self::PAYLOAD_TYPE {
            return Err(DsseError::BadSchema("released document").into());
        }
        self.envelope.verify(verifier)?;
        let wire: WireDocument =
            serde_json::from_slice(&self.envelope.payload.0).map_err(|_| DocumentError::Content)?;
        let document = Document { head: wire.head, results: wire.results.into_iter().map(Entry::from).collect() };
        let again = kernel::canonical_json(&document).map_err(|_| DocumentError::Content)?;
        if again != self.envelope.payload.0 {
            return Err(DocumentError::Content);
        }
        Ok(document)
    }
}

// The shapes that are read back. They are private, so that no other code can read a released value from plain JSON.

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireDocument {
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
    content: WireReleased,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireReleased {
    policy: PolicyStamp,
    value: Output,
}

impl From<WireEntry> for Entry {
    fn from(wire: WireEntry) -> Self {
        let WireEntry { id, line, pass, command, view, warnings, content } = wire;
        let content = Released::new(content.policy, content.value);
        Entry { id, line, pass, command, view, warnings, content }
    }
}
