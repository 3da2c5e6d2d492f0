//! The envelope of an entry: the leaf of the Merkle tree. Canonical JSON of at most 1 024 bytes, without personal data,
//! kept for ever. What may be erased is in the body; the envelope holds only a commitment to it.

use kernel::{CanonicalError, canonical_json};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The most bytes that an envelope may have.
pub(crate) const ENVELOPE_LIMIT: usize = 1024;

/// The Merkle leaf of one entry.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// Commitment to the body: hex of SHA-256(salt ‖ body).
    pub c: String,
    /// Kind.
    pub k: String,
    /// Id of the main object.
    pub o: String,
    /// Role and instance that wrote it.
    pub r: String,
    /// Sequence per `r`, from 1, without gaps.
    pub s: u64,
    /// Microseconds since 1970 UTC.
    pub t: i64,
    /// Version of this layout: 1.
    pub v: u8,
}

impl Envelope {
    /// The canonical bytes: the content of the leaf.
    ///
    /// # Errors
    /// [`CanonicalError`] for numbers beyond 2^53.
    pub fn to_bytes(&self) -> Result<Vec<u8>, CanonicalError> {
        canonical_json(self)
    }

    /// The envelope in `bytes`, which must be its canonical form.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > ENVELOPE_LIMIT {
            return None;
        }
        let envelope: Self = serde_json::from_slice(bytes).ok()?;
        (envelope.v == 1 && envelope.to_bytes().ok()? == bytes).then_some(envelope)
    }
}

/// The commitment to a body: hex of SHA-256(salt ‖ body).
pub(crate) fn commitment(salt: &[u8], body: &[u8]) -> String {
    hex::encode(Sha256::new().chain_update(salt).chain_update(body).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"action":"permit.issue","actor":"01JCZK0000000000000000ACT1","object":{"id":"01JCZK0000000000000000PRM1","kind":"permit"},"outcome":"ok","purpose":"case","schema":"audit/1","time":"2026-11-21T09:15:00.000000Z"}"#;

    /// The worked example of section 1: body, commitment, envelope, leaf hash.
    #[test]
    fn worked_example_matches() {
        let salt: Vec<u8> = (0..16).collect();
        assert_eq!(BODY.len(), 211);
        let envelope = Envelope {
            c: commitment(&salt, BODY.as_bytes()),
            k: "decision".into(),
            o: "01JCZK0000000000000000PRM1".into(),
            r: "serve-1".into(),
            s: 1,
            t: 1_795_252_500_000_000,
            v: 1,
        };
        let bytes = envelope.to_bytes().unwrap();
        assert_eq!(
            std::str::from_utf8(&bytes).unwrap(),
            r#"{"c":"3a97b2717c5457583b747053cbcaaaa87d31ee8a13cddadb97f58d7c7b72720b","k":"decision","o":"01JCZK0000000000000000PRM1","r":"serve-1","s":1,"t":1795252500000000,"v":1}"#
        );
        assert_eq!(bytes.len(), 167);
        assert_eq!(
            hex::encode(crate::tree::leaf_hash(&bytes)),
            "a294cac68240096a2bdee01a11e9d9cd13c8292ed2a1fb048bcb979c43505ded"
        );
        assert_eq!(Envelope::parse(&bytes), Some(envelope));
        assert_eq!(Envelope::parse(&[b" ", bytes.as_slice()].concat()), None);
    }
}
