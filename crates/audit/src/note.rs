//! Signed notes and checkpoints: the text that names a tree, and who signed it. Ed25519 signatures of the log itself
//! (key type 01) and cosignatures of witnesses (key type 04, C2SP `cosignature/v1`).

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_dalek::{Signature, VerifyingKey};
use kernel::{CryptoError, Signer, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::tree::Hash;

/// Why a note was not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoteError {
    /// Not of the form of a signed checkpoint.
    #[error("not a signed checkpoint")]
    Malformed,
    /// A signature by a known key does not verify.
    #[error("the signature does not verify")]
    BadSignature,
    /// No signature by a known key.
    #[error("not signed by a known key")]
    UnknownKey,
}

/// What a key signs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyType {
    /// Checkpoints of the own log.
    Log = 1,
    /// Cosignatures of a witness.
    Witness = 4,
}

/// A public key with its name: `<name>+<key id hex>+<base64(type ‖ public key)>`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifierKey {
    /// Name of the log or witness.
    pub name: String,
    /// What it signs.
    pub key_type: KeyType,
    /// The Ed25519 public key.
    pub public_key: [u8; 32],
}

impl VerifierKey {
    /// The key of a log.
    pub fn log(name: impl Into<String>, public_key: [u8; 32]) -> Self {
        Self { name: name.into(), key_type: KeyType::Log, public_key }
    }

    /// The key of a witness.
    pub fn witness(name: impl Into<String>, public_key: [u8; 32]) -> Self {
        Self { name: name.into(), key_type: KeyType::Witness, public_key }
    }

    /// The first four bytes of SHA-256(name ‖ LF ‖ type ‖ public key).
    pub fn id(&self) -> [u8; 4] {
        let digest = Sha256::new()
            .chain_update(self.name.as_bytes())
            .chain_update([b'\n', self.key_type as u8])
            .chain_update(self.public_key)
            .finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let (Ok(key), Ok(signature)) = (VerifyingKey::from_bytes(&self.public_key), Signature::from_slice(signature))
        else {
            return false;
        };
        key.verify_strict(message, &signature).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[self.key_type as u8], self.public_key.as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), BASE64.encode(typed))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;
    fn from_str(text: &str) -> Result<Self, NoteError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteError::Malformed);
        };
        let bytes = BASE64.decode(key).map_err(|_| NoteError::Malformed)?;
        let key_type = match bytes.first() {
            Some(1) => KeyType::Log,
            Some(4) => KeyType::Witness,
            _ => return Err(NoteError::Malformed),
        };
        let public_key = bytes[1..].try_into().map_err(|_| NoteError::Malformed)?;
        let key = Self { name: name.to_owned(), key_type, public_key };
        if is_name(name) && hex::encode(key.id()) == id { Ok(key) } else { Err(NoteError::Malformed) }
    }
}

/// A name of a log or key: no blanks, no plus, no control characters.
fn is_name(text: &str) -> bool {
    !text.is_empty() && !text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// The state of a log: whose, how many entries, which root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Checkpoint {
    /// The log's name, e.g. `audit.hap.example/centre`.
    pub origin: String,
    /// Number of entries.
    pub size: u64,
    /// The root of the tree of these entries.
    pub root: Hash,
}

impl Checkpoint {
    /// The three lines that are signed.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64.encode(self.root))
    }

    /// The checkpoint of exactly these three lines.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let lines: Vec<&str> = text.strip_suffix('\n').ok_or(NoteError::Malformed)?.split('\n').collect();
        let [origin, size, root] = lines[..] else { return Err(NoteError::Malformed) };
        let root = BASE64.decode(root).ok().and_then(|r| r.try_into().ok()).ok_or(NoteError::Malformed)?;
        let checkpoint =
            Self { origin: origin.to_owned(), size: size.parse().map_err(|_| NoteError::Malformed)?, root };
        if is_name(origin) && checkpoint.text() == text { Ok(checkpoint) } else { Err(NoteError::Malformed) }
    }

    /// The signed note of this checkpoint. The name of the key is the origin.
    ///
    /// # Errors
    /// What the signer gives.
    pub fn sign(&self, signer: &dyn Signer) -> Result<String, CryptoError> {
        let text = self.text();
        let key = VerifierKey::log(&self.origin, signer.public_key());
        let signature = signer.sign(text.as_bytes())?;
        Ok(format!("{text}\n{}", line(&key, &signature)))
    }
}

/// A witness's signature line: that it saw this checkpoint at `at`, after checking that it continues the last one.
/// The note holds the log's own signature; the line is to be appended to it.
///
/// # Errors
/// What the signer gives.
pub fn cosign(checkpoint: &Checkpoint, name: &str, at: Timestamp, signer: &dyn Signer) -> Result<String, CryptoError> {
    let seconds = at.micros().div_euclid(1_000_000).max(0) as u64;
    let signature = signer.sign(cosigned(checkpoint, seconds).as_bytes())?;
    let bytes = [seconds.to_be_bytes().as_slice(), &signature].concat();
    Ok(line(&VerifierKey::witness(name, signer.public_key()), &bytes))
}

fn cosigned(checkpoint: &Checkpoint, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{}", checkpoint.text())
}

fn line(key: &VerifierKey, signature: &[u8]) -> String {
    format!("\u{2014} {} {}\n", key.name, BASE64.encode([key.id().as_slice(), signature].concat()))
}

/// A checkpoint with its signatures, parsed but not yet believed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedCheckpoint {
    /// What is signed.
    pub checkpoint: Checkpoint,
    signatures: Vec<(String, [u8; 4], Vec<u8>)>,
}

impl SignedCheckpoint {
    /// Parses a note, strictly: every line must be what it has to be.
    ///
    /// # Errors
    /// [`NoteError::Malformed`].
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        let (text, rest) = note.split_once("\n\n").ok_or(NoteError::Malformed)?;
        let checkpoint = Checkpoint::parse(&format!("{text}\n"))?;
        let rest = rest.strip_suffix('\n').ok_or(NoteError::Malformed)?;
        let signatures = rest.split('\n').map(signature).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { checkpoint, signatures })
    }

    /// Checks the log's own signature: one of `keys` must have signed, and no signature by one of them may be wrong.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`], [`NoteError::UnknownKey`].
    pub fn check(&self, keys: &[VerifierKey]) -> Result<(), NoteError> {
        let text = self.checkpoint.text();
        let mut signed = false;
        for (name, id, bytes) in &self.signatures {
            let known = |k: &&VerifierKey| k.key_type == KeyType::Log && &k.name == name && k.id() == *id;
            if let Some(key) = keys.iter().find(known) {
                if key.name != self.checkpoint.origin || !key.verifies(text.as_bytes(), bytes) {
                    return Err(NoteError::BadSignature);
                }
                signed = true;
            }
        }
        if signed { Ok(()) } else { Err(NoteError::UnknownKey) }
    }

    /// Whether every signature is by one of these keys, so that no line is there unchecked.
    pub fn signed_by_all(&self, logs: &[VerifierKey], witnesses: &[VerifierKey]) -> bool {
        let known = |name: &String, id: [u8; 4]| logs.iter().chain(witnesses).any(|k| &k.name == name && k.id() == id);
        self.signatures.iter().all(|(name, id, _)| known(name, *id))
    }

    /// When the last of `witnesses` cosigned, or none when no one did.
    ///
    /// # Errors
    /// [`NoteError::BadSignature`] when a cosignature by one of them is wrong.
    pub fn witnessed(&self, witnesses: &[VerifierKey]) -> Result<Option<Timestamp>, NoteError> {
        let mut last: Option<u64> = None;
        for (name, id, bytes) in &self.signatures {
            let known = |k: &&VerifierKey| k.key_type == KeyType::Witness && &k.name == name && k.id() == *id;
            let Some(key) = witnesses.iter().find(known) else { continue };
            let (Some(time), Some(signature)) = (bytes.first_chunk::<8>(), bytes.get(8..)) else {
                return Err(NoteError::BadSignature);
            };
            let seconds = u64::from_be_bytes(*time);
            if !key.verifies(cosigned(&self.checkpoint, seconds).as_bytes(), signature) {
                return Err(NoteError::BadSignature);
            }
            last = last.max(Some(seconds));
        }
        let micros = |s: u64| Timestamp::from_micros(i64::try_from(s).unwrap_or(i64::MAX).saturating_mul(1_000_000));
        Ok(last.map(micros))
    }
}

fn signature(line: &str) -> Result<(String, [u8; 4], Vec<u8>), NoteError> {
    let rest = line.strip_prefix("\u{2014} ").ok_or(NoteError::Malformed)?;
    let (name, encoded) = rest.split_once(' ').ok_or(NoteError::Malformed)?;
    let bytes = BASE64.decode(encoded).map_err(|_| NoteError::Malformed)?;
    let id = *bytes.first_chunk::<4>().ok_or(NoteError::Malformed)?;
    if is_name(name) { Ok((name.to_owned(), id, bytes[4..].to_vec())) } else { Err(NoteError::Malformed) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::Signer as _;
    use kernel::KeyId;
    use proptest::prelude::*;

    struct Seeded(ed25519_dalek::SigningKey);
    impl Seeded {
        fn vector() -> Self {
            let seed: Vec<u8> = (0..32).collect();
            Self(ed25519_dalek::SigningKey::from_bytes(&seed.try_into().unwrap()))
        }
    }
    impl Signer for Seeded {
        fn key_id(&self) -> KeyId {
            KeyId("test".into())
        }
        fn public_key(&self) -> [u8; 32] {
            self.0.verifying_key().to_bytes()
        }
        fn sign(&self, message: &[u8]) -> Result<[u8; 64], CryptoError> {
            Ok(self.0.sign(message).to_bytes())
        }
    }

    const KEY: &str = "audit.hap.example/centre+c2b5c18f+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    const NOTE: &str = "audit.hap.example/centre\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n\u{2014} audit.hap.example/centre wrXBjwN4uE/fbWVE7EdGcT3EyhqCbOAoVoq/jigCcIkV+gI7DcOyO9Onfu0Pzl+RyhRiiappSY+C7fsHnUAi/njixw0=\n";

    /// The check of section 2: verifier key and note, byte for byte.
    #[test]
    fn the_published_note_is_made_and_read() {
        let signer = Seeded::vector();
        let key = VerifierKey::log("audit.hap.example/centre", signer.public_key());
        assert_eq!(key.to_string(), KEY);
        assert_eq!(KEY.parse::<VerifierKey>().unwrap(), key);
        let root = hex::decode("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328").unwrap();
        let checkpoint = Checkpoint { origin: key.name.clone(), size: 8, root: root.try_into().unwrap() };
        assert_eq!(checkpoint.sign(&signer).unwrap(), NOTE);
        let signed = SignedCheckpoint::parse(NOTE).unwrap();
        assert_eq!(signed.checkpoint, checkpoint);
        signed.check(&[key]).unwrap();
        assert_eq!(signed.check(&[]), Err(NoteError::UnknownKey));
    }

    /// AUD-040: a note with any byte changed is not accepted.
    #[test]
    fn any_changed_byte_is_found() {
        let key: VerifierKey = KEY.parse().unwrap();
        for i in 0..NOTE.len() {
            for bit in 0..8 {
                let mut bytes = NOTE.as_bytes().to_vec();
                bytes[i] ^= 1 << bit;
                let accepted = std::str::from_utf8(&bytes)
                    .ok()
                    .and_then(|n| SignedCheckpoint::parse(n).ok())
                    .is_some_and(|n| n.check(std::slice::from_ref(&key)).is_ok());
                assert!(!accepted, "byte {i} bit {bit}");
            }
        }
    }

    /// AUD-012: a witness's line is checked against its own key and bound to the time.
    #[test]
    fn cosignatures_verify() {
        let signer = Seeded::vector();
        let signed = SignedCheckpoint::parse(NOTE).unwrap();
        let at = Timestamp::from_micros(1_795_252_500_000_000);
        let line = cosign(&signed.checkpoint, "audit.hap.example/keys", at, &signer).unwrap();
        let witness = VerifierKey::witness("audit.hap.example/keys", signer.public_key());
        let note = SignedCheckpoint::parse(&format!("{NOTE}{line}")).unwrap();
        assert_eq!(note.witnessed(std::slice::from_ref(&witness)), Ok(Some(at)));
        assert_eq!(signed.witnessed(std::slice::from_ref(&witness)), Ok(None));
        let other = cosign(&Checkpoint { size: 9, ..signed.checkpoint }, &witness.name, at, &signer).unwrap();
        let note = SignedCheckpoint::parse(&format!("{NOTE}{other}")).unwrap();
        assert_eq!(note.witnessed(&[witness]), Err(NoteError::BadSignature));
    }

    proptest! {
        /// AUD-070: the parsers take any text without panic, and what they accept prints back the same.
        #[test]
        fn parsers_take_anything(text in "\\PC*", size in any::<u64>()) {
            let _ = SignedCheckpoint::parse(&text);
            let _ = text.parse::<VerifierKey>();
            let checkpoint = Checkpoint { origin: "a/b".into(), size, root: [7; 32] };
            prop_assert_eq!(Checkpoint::parse(&checkpoint.text()).unwrap(), checkpoint);
        }
    }
}
