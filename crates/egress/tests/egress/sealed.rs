//! SDC-306: results that the platform's own gate released.

use disclosure::{Document, Head, Info, Policy, SealedDocument, View};
use egress::{Exports, File, Kind, Reason, Release, Settings, Verdict, check};
use kernel::{CryptoError, KeyId, Signer, Timestamp, Verifier};

use crate::reasons;

/// A key whose signature is a digest: enough to tell right from wrong.
struct Key(u8);

impl Signer for Key {
    fn key_id(&self) -> KeyId {
        KeyId(format!("test:{}", self.0))
    }
    fn public_key(&self) -> [u8; 32] {
        [self.0; 32]
    }
    fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
        let digest = kernel::sha256_hex(&[&[self.0], message].concat());
        digest.as_bytes()[7..71].try_into().map_err(|_| CryptoError::Unavailable)
    }
}

impl Verifier for Key {
    fn verify(&self, key: &KeyId, message: &[u8], signature: &[u8; 64]) -> Result<(), CryptoError> {
        if *key != self.key_id() {
            return Err(CryptoError::UnknownKey(key.clone()));
        }
        if self.sign(message)? == *signature { Ok(()) } else { Err(CryptoError::BadSignature) }
    }
}

/// A picture of every document: its script in an SVG.
struct Pictures;

fn picture(document: &Document) -> String {
    format!("<svg xmlns=\"http://www.w3.org/2000/svg\"><title>{}</title></svg>", document.head.script)
}

impl Exports for Pictures {
    fn digests(&self, document: &Document) -> Vec<String> {
        vec![kernel::sha256_hex(picture(document).as_bytes())]
    }
}

fn sealed() -> (Vec<u8>, String) {
    let at = Timestamp::from_micros(1_700_000_000_000_000);
    let head = Head { run: "1".into(), script: "sha256:0".into(), stores: Vec::new(), at };
    let entry = disclosure::Entry {
        id: 1,
        line: 1,
        pass: 1,
        command: "textblock".into(),
        view: View::Receipt,
        warnings: Vec::new(),
        notes: Vec::new(),
        content: Info::Block("Words".into()).into(),
    };
    let document = Document::new(head.clone(), vec![entry.clone()]);
    (SealedDocument::seal(head, vec![entry], &Key(1)).unwrap().to_bytes(), picture(&document))
}

#[test]
fn sdc_306_what_the_gate_released_passes() {
    let (document, picture) = sealed();
    let policy = Policy::standard();
    let with = |gate: Option<&'static Key>, document: &[u8], picture: &str| {
        let files = [("r.json", document), ("r.svg", picture.as_bytes())].map(|(name, bytes)| File { name, bytes });
        let gate = gate.map(|k| k as &dyn Verifier);
        let report =
            check(&Release::new(files), &[], &Settings { gate, exports: Some(&Pictures), ..Settings::new(&policy) });
        (report.verdict, reasons(&report), report.files[1].kind)
    };
    static RIGHT: Key = Key(1);
    static WRONG: Key = Key(2);
    assert_eq!(
        with(Some(&RIGHT), &document, &picture),
        (Verdict::Pass, vec![Reason::Released, Reason::Released], Kind::Released)
    );
    // Another picture is an SVG like any other.
    let (verdict, found, kind) = with(Some(&RIGHT), &document, &picture.replace("title", "desc"));
    assert_eq!((verdict, kind), (Verdict::Fail, Kind::Svg));
    assert!(found.contains(&Reason::Blocked));
    assert!(with(Some(&WRONG), &document, &picture).1.contains(&Reason::SealBroken));
    assert!(with(None, &document, &picture).1.contains(&Reason::SealUnverified));
    // One byte of the signature.
    let mut broken = String::from_utf8(document).unwrap();
    let at = broken.rfind("\"sig\":\"").unwrap() + 8;
    let other = if &broken[at..=at] == "A" { "B" } else { "A" };
    broken.replace_range(at..=at, other);
    let (verdict, found, _) = with(Some(&RIGHT), broken.as_bytes(), &picture);
    assert_eq!(verdict, Verdict::Fail);
    assert!(found.contains(&Reason::SealBroken));
}
