//! Signed envelopes and the list of keys (KEY-020, KEY-021).
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;

use common::TestSigner;
use protocol::directory::{Entry, KeyList};
use protocol::dsse::{DsseError, MAX_ENVELOPE, key_id, pre_authentication};
use protocol::{Directory, Document, Envelope, KeyRole, Party};

/// The seed of the check vectors: 00 01 02 … 1f.
fn seed() -> [u8; 32] {
    std::array::from_fn(|i| i as u8)
}

fn list() -> KeyList {
    KeyList { version: 1, at: "2026-11-21T09:15:00Z".parse().unwrap(), keys: Vec::new() }
}

fn directory(signer: &TestSigner, role: KeyRole) -> Directory {
    Directory::new([Entry::new(Party::Centre, role, signer.public(), None)])
}

#[test]
fn key_020_check_vector() {
    let signer = TestSigner::new(seed());
    let payload = br#"{"a":1}"#.to_vec();
    let envelope = Envelope::sign("application/vnd.hap.test+json", payload.clone(), &signer).unwrap();
    let text = String::from_utf8(envelope.to_bytes()).unwrap();
    assert!(
        text.contains("oJ39iA0Gc6kQr9JUJ7NKBQw3qiRPr63lXyNXiIVMVHy2THrWYOiHdm9kevwLo7SOM8u8p531x6AVZ8uV0FAqAA=="),
        "{text}"
    );
    assert_eq!(
        pre_authentication("application/vnd.hap.test+json", &payload),
        br#"DSSEv1 29 application/vnd.hap.test+json 7 {"a":1}"#
    );
    assert!(text.starts_with(r#"{"payload":"eyJhIjoxfQ==","payloadType":"#));
}

#[test]
fn a_document_survives_the_way_and_no_changed_byte_does() {
    let signer = TestSigner::new(seed());
    let known = directory(&signer, KeyRole::PermitAuthority);
    let bytes = Envelope::of(&list(), &signer).unwrap().to_bytes();
    assert_eq!(Envelope::parse(&bytes).unwrap().open::<KeyList>(&known).unwrap(), list());
    for i in 0..bytes.len() {
        let mut bad = bytes.clone();
        bad[i] ^= 1;
        let opened = Envelope::parse(&bad).and_then(|e| e.open::<KeyList>(&known));
        assert!(opened.is_err(), "byte {i}");
    }
}

#[test]
fn key_021_the_first_check_that_fails_decides() {
    let signer = TestSigner::new(seed());
    let envelope = Envelope::of(&list(), &signer).unwrap();
    let open = |d: &Directory, e: &Envelope| e.open::<KeyList>(d).unwrap_err();

    assert_eq!(Envelope::parse(&vec![b' '; MAX_ENVELOPE + 1]), Err(DsseError::TooLarge));
    assert_eq!(Envelope::parse(b"{}"), Err(DsseError::BadEnvelope));
    let mut unsigned = envelope.clone();
    unsigned.signatures.clear();
    assert_eq!(Envelope::parse(&unsigned.to_bytes()), Err(DsseError::BadEnvelope));

    // Unknown key, and a known key with another role: the same answer.
    assert_eq!(open(&Directory::default(), &envelope), DsseError::UnknownKey);
    assert_eq!(open(&directory(&signer, KeyRole::Gate), &envelope), DsseError::UnknownKey);

    // A second signature must verify too.
    let mut two = envelope.clone();
    let mut second = two.signatures[0].clone();
    second.sig.0[3] ^= 1;
    two.signatures.push(second);
    assert_eq!(open(&directory(&signer, KeyRole::PermitAuthority), &two), DsseError::BadSignature);

    // The signature is good, the content is not: another type, an unknown field, not canonical.
    let known = directory(&signer, KeyRole::PermitAuthority);
    let other = Envelope::sign("application/vnd.hap.other+json", envelope.payload.0.clone(), &signer).unwrap();
    assert_eq!(open(&known, &other), DsseError::BadSchema("key list"));
    for payload in [
        r#"{"at":"2026-11-21T09:15:00.000000Z","keys":[],"more":1,"version":1}"#,
        r#"{"at":"2026-11-21T09:15:00.000000Z", "keys":[],"version":1}"#,
        r#"{"keys":[],"at":"2026-11-21T09:15:00.000000Z","version":1}"#,
        r#"{"at":"2026-11-21T09:15:00.000000Z","keys":[],"version":1,"version":1}"#,
    ] {
        let wrong = Envelope::sign(KeyList::PAYLOAD_TYPE, payload.as_bytes().to_vec(), &signer).unwrap();
        assert_eq!(open(&known, &wrong), DsseError::BadSchema("key list"), "{payload}");
    }
}

#[test]
fn an_entry_with_a_false_name_is_left_out() {
    let signer = TestSigner::new(seed());
    let mut entry = Entry::new(Party::Centre, KeyRole::PermitAuthority, signer.public(), None);
    entry.keyid = key_id(&[9; 32]);
    assert!(Directory::new([entry]).entries().is_empty());
}
