//! Sealed documents (SDC-007): what was released comes back as it was; nothing else does.

use crate::common::{dimension, release, table};
use disclosure::{
    Content, Document, DocumentError, Done, Entry, Head, Info, Layout, MemoryLedger, Note, Policy, SealedDocument,
    SplitCode, StoreUsed, View,
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

/// A document of the first form, as it was sealed before kinds, notes and texts were in it.
const FIRST: &str = r#"{"head":{"at":"1970-01-01T00:00:00.000000Z","run":"r","script":"sha256:00","stores":[]},"results":[{"command":"import db/KJOENN as k","content":{"policy":{"name":"default","sha256":"sha256:00","version":1},"value":{"dataset":"d","kind":"population","persons":{"value":1200.0},"unit_type":"PERSON"}},"id":1,"line":3,"pass":1,"view":{"view":"receipt"},"warnings":[]},{"command":"tabulate k","content":{"policy":{"name":"default","sha256":"sha256:00","version":1},"value":{"cells":[{"count":{"value":700.0}},{"count":{"hidden":"SMALL"}}],"dimensions":[{"categories":[{"code":"1","label":"Mann"}],"name":"k"}],"kind":"table","typical_error":1.3}},"id":2,"line":4,"pass":1,"view":{"contents":["count"],"view":"table"},"warnings":[]},{"command":"barchart (count) k","content":{"policy":{"name":"default","sha256":"sha256:00","version":1},"value":{"columns":["x"],"dataset":"d","kind":"edit","touched":{"value":12.0}}},"id":3,"line":5,"pass":1,"view":{"content":"count","horizontal":false,"stacked":true,"view":"bars"},"warnings":[]}]}"#;

fn signed(payload: &[u8], signer: &Key) -> SealedDocument {
    let envelope = protocol::Envelope::sign(SealedDocument::PAYLOAD_TYPE, payload.to_vec(), signer).unwrap();
    SealedDocument::from_bytes(&envelope.to_bytes()).unwrap()
}

/// SDC-007: documents of the first form open, and say the same; one of a later form says that it is.
#[test]
fn sdc_007_older_forms_open_and_later_ones_say_so() {
    let signer = key(1);
    let value: serde_json::Value = serde_json::from_str(FIRST).unwrap();
    let payload = kernel::canonical_json(&value).unwrap();
    let document = signed(&payload, &signer).open(&signer).unwrap();
    assert_eq!(document.results.len(), 3);
    assert_eq!(kernel::canonical_json(&document).unwrap(), payload);
    let later = br#"{"format":99,"head":{},"results":"of another shape"}"#;
    assert_eq!(signed(later, &signer).open(&signer), Err(DocumentError::Later));
}

/// LANG-153, LANG-321: texts, lists, receipts of datasets and notes go through seal and open as they are.
#[test]
fn results_from_metadata_are_sealed_too() {
    let signer = key(1);
    let text = |t: &str| kernel::LangMap::of(t, t, t);
    let note = Note::Harmonised {
        column: "k".into(),
        to: "2024-01-01".parse().ok(),
        changed: 3,
        splits: vec![SplitCode { from: "1507".into(), heirs: vec!["1508".into(), "1580".into()], chosen: None }],
    };
    let entry = |info: Info, notes: Vec<Note>| Entry {
        id: 1,
        line: 1,
        pass: 1,
        command: "c".into(),
        view: View::Receipt,
        warnings: vec![],
        notes,
        content: info.into(),
    };
    let entries = vec![
        entry(Info::Text(text("hjelp")), vec![]),
        entry(Info::Block("# Tittel".into()), vec![]),
        entry(Info::Table { columns: vec!["code".into()], rows: vec![vec![text("1")]] }, vec![]),
        entry(Info::Dataset { dataset: "d".into(), done: Done::CopyOf("e".into()) }, vec![note]),
    ];
    let head = Head { run: "r".into(), script: "s".into(), stores: vec![], at: Timestamp::from_micros(0) };
    let sealed = SealedDocument::seal(head, entries.clone(), &signer).unwrap();
    let opened = SealedDocument::from_bytes(&sealed.to_bytes()).unwrap().open(&signer).unwrap();
    assert_eq!(opened.results, entries);
    assert!(opened.results.iter().all(|e| e.output().is_none() && e.info().is_some()));
}
