//! Sealed documents (SDC-007): what was released comes back as it was; nothing else does.

use crate::common::{dimension, release, table};
use disclosure::{
    Content, Document, DocumentError, Entry, Head, Layout, MemoryLedger, Policy, SealedDocument, StoreUsed, View,
};
use ed25519_dalek::{Signer as _, SigningKey};
use kernel::{CryptoError, KeyId, Signer, Timestamp, Verifier};

struct Key(SigningKey);
impl Signer for Key {
    fn key_id(&self) -> KeyId {
        protocol::dsse::key_id(&self.public_key())
    }
    fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        Ok(self.0.sign(message).to_bytes())
    }
}
impl Verifier for Key {
    fn verify(&self, key: &KeyId, message: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError> {
        if *key != self.key_id() {
            return Err(CryptoError::UnknownKey(key.clone()));
        }
        protocol::dsse::verify_ed25519(&self.public_key(), message, signature)
    }
}

fn key(seed: u8) -> Key {
    Key(SigningKey::from_bytes(&[seed; 32]))
}

fn sealed(signer: &Key) -> SealedDocument {
    let raw = table(vec![dimension("row", 2), dimension("column", 2)], &[1000, 2, 700, 400]);
    let released = release(&Policy::standard(), &mut MemoryLedger::new(), &[], raw).unwrap();
    let entry = Entry {
        id: 1,
        line: 7,
        pass: 1,
        command: "tabulate row column".into(),
        view: View::Table { contents: vec![Content::Count], layout: Layout::default() },
        warnings: vec![],
        notes: vec![],
        content: released.into_output().into(),
    };
    let head = Head {
        run: "01J00000000000000000000000".into(),
        script: "sha256:00".into(),
        stores: vec![StoreUsed { store: "no.x".into(), version: "1.0.0.0".into(), digest: "sha256:11".into() }],
        at: Timestamp::from_micros(0),
    };
    SealedDocument::seal(head, vec![entry], signer).unwrap()
}

/// SDC-007: sealed, carried as bytes and opened, the document is the same.
#[test]
fn sdc_007_a_sealed_document_opens_to_itself() {
    let signer = key(1);
    let bytes = sealed(&signer).to_bytes();
    let again = SealedDocument::from_bytes(&bytes).unwrap();
    let document: Document = again.open(&signer).unwrap();
    assert_eq!(document.results[0].command, "tabulate row column");
    assert_eq!(document.results[0].released().unwrap().policy().sha256, Policy::standard().hash());
    let resealed = SealedDocument::seal(document.head.clone(), document.results.clone(), &signer).unwrap();
    assert_eq!(resealed.to_bytes(), bytes);
}

/// SDC-007: another key, another type and any changed byte of the payload are refused.
#[test]
fn sdc_007_a_changed_document_does_not_open() {
    let signer = key(1);
    let document = sealed(&signer);
    assert!(matches!(document.open(&key(2)), Err(DocumentError::Envelope(_))));
    let bytes = document.to_bytes();
    let text = String::from_utf8(bytes.clone()).unwrap();
    let start = text.find("\"payload\":\"").unwrap() + 11;
    let mut opened = 0;
    for at in (start..start + 400).step_by(7) {
        let mut changed = bytes.clone();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        if let Ok(document) = SealedDocument::from_bytes(&changed) {
            opened += u32::from(document.open(&signer).is_ok());
        }
    }
    assert_eq!(opened, 0);
    let other = protocol::Envelope::sign("application/vnd.hap.permit+json", b"{}".to_vec(), &signer).unwrap();
    let other = SealedDocument::from_bytes(&other.to_bytes()).unwrap();
    assert!(matches!(other.open(&signer), Err(DocumentError::Envelope(_))));
    let forged = protocol::Envelope::sign(SealedDocument::PAYLOAD_TYPE, b"{\"head\":1}".to_vec(), &signer).unwrap();
    let forged = SealedDocument::from_bytes(&forged.to_bytes()).unwrap();
    assert!(matches!(forged.open(&signer), Err(DocumentError::Content)));
}
