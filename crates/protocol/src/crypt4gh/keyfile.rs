//! Key files of the format: a public or a private key between two marker lines, the private one perhaps under a
//! passphrase (`delivery.md` section 6). All key derivations are read, scrypt is written.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, KeyInit as _};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use kernel::Random;
use zeroize::Zeroizing;

const PUBLIC: &str = "PUBLIC KEY";
const PRIVATE: &str = "PRIVATE KEY";
const MAGIC: &[u8] = b"c4gh-v1";
const CIPHER: &[u8] = b"chacha20_poly1305";
/// More rounds than any tool writes; a file that asks for more would only keep the reader busy.
const MAX_ROUNDS: u32 = 10_000_000;

/// Why a key file does not give a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyFileError {
    /// Not a key file of this kind: markers, base64 or fields are wrong.
    #[error("not a Crypt4GH {0} file")]
    Shape(&'static str),
    /// A key derivation or cipher that the format does not know.
    #[error("{0} is not supported")]
    Unsupported(String),
    /// The key is under a passphrase and none was given.
    #[error("the private key is under a passphrase")]
    PassphraseNeeded,
    /// The passphrase does not open the key.
    #[error("the passphrase does not open the private key")]
    WrongPassphrase,
}

/// The text of a public key file.
pub fn write_public(key: &[u8; 32]) -> String {
    armour(PUBLIC, key)
}

/// The key in the text of a public key file.
///
/// # Errors
/// [`KeyFileError::Shape`].
pub fn read_public(text: &str) -> Result<[u8; 32], KeyFileError> {
    unarmour(text, PUBLIC)?.as_slice().try_into().map_err(|_| KeyFileError::Shape(PUBLIC))
}

/// The text of a private key file; with a passphrase the key is encrypted under scrypt, without it stands in clear.
///
/// # Errors
/// [`KeyFileError::Shape`] when the comment is longer than the format allows (65 535 bytes).
pub fn write_secret(
    secret: &[u8; 32],
    passphrase: Option<&[u8]>,
    comment: Option<&str>,
    random: &dyn Random,
) -> Result<String, KeyFileError> {
    let mut out = Zeroizing::new(MAGIC.to_vec());
    match passphrase {
        None => {
            put(&mut out, b"none")?;
            put(&mut out, b"none")?;
            put(&mut out, secret)?;
        }
        Some(passphrase) => {
            let mut options = [0u8; 20];
            random.fill(&mut options[4..]);
            let key = derive(b"scrypt", passphrase, &options[4..], 0)?;
            let mut nonce = [0u8; 12];
            random.fill(&mut nonce);
            let sealed = ChaCha20Poly1305::new(Key::from_slice(key.as_slice()))
                .encrypt(Nonce::from_slice(&nonce), secret.as_slice())
                .map_err(|_| KeyFileError::Shape(PRIVATE))?;
            put(&mut out, b"scrypt")?;
            put(&mut out, &options)?;
            put(&mut out, CIPHER)?;
            put(&mut out, &[nonce.as_slice(), &sealed].concat())?;
        }
    }
    if let Some(comment) = comment {
        put(&mut out, comment.as_bytes())?;
    }
    Ok(armour(PRIVATE, &out))
}

/// The key in the text of a private key file.
///
/// # Errors
/// What is wrong with the file or the passphrase.
pub fn read_secret(text: &str, passphrase: Option<&[u8]>) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    let bytes = unarmour(text, PRIVATE)?;
    let mut rest = bytes.strip_prefix(MAGIC).ok_or(KeyFileError::Shape(PRIVATE))?;
    let kdf = get(&mut rest)?;
    let options = if kdf == b"none" { &[][..] } else { get(&mut rest)? };
    let cipher = get(&mut rest)?;
    let material = get(&mut rest)?;
    let mut secret = Zeroizing::new([0u8; 32]);
    if cipher == b"none" {
        if material.len() != 32 {
            return Err(KeyFileError::Shape(PRIVATE));
        }
        secret.copy_from_slice(material);
        return Ok(secret);
    }
    if cipher != CIPHER {
        return Err(KeyFileError::Unsupported(format!("cipher {}", String::from_utf8_lossy(cipher))));
    }
    if options.len() != 20 || material.len() != 60 {
        return Err(KeyFileError::Shape(PRIVATE));
    }
    let passphrase = passphrase.ok_or(KeyFileError::PassphraseNeeded)?;
    let rounds = u32::from_be_bytes([options[0], options[1], options[2], options[3]]);
    let key = derive(kdf, passphrase, &options[4..], rounds)?;
    let plain = ChaCha20Poly1305::new(Key::from_slice(key.as_slice()))
        .decrypt(Nonce::from_slice(&material[..12]), &material[12..])
        .map_err(|_| KeyFileError::WrongPassphrase)?;
    let plain = Zeroizing::new(plain);
    secret.copy_from_slice(&plain);
    Ok(secret)
}

fn derive(kdf: &[u8], passphrase: &[u8], salt: &[u8], rounds: u32) -> Result<Zeroizing<[u8; 32]>, KeyFileError> {
    let unsupported = |what: &str| KeyFileError::Unsupported(what.to_owned());
    let mut key = Zeroizing::new([0u8; 32]);
    if kdf != b"scrypt" && !(1..=MAX_ROUNDS).contains(&rounds) {
        return Err(unsupported(&format!("key derivation with {rounds} rounds")));
    }
    match kdf {
        // N = 16 384 = 2^14, r = 8, p = 1; the rounds in the file mean nothing here.
        b"scrypt" => {
            let params = scrypt::Params::new(14, 8, 1, 32).map_err(|_| unsupported("scrypt"))?;
            scrypt::scrypt(passphrase, salt, &params, key.as_mut_slice()).map_err(|_| unsupported("scrypt"))?;
        }
        b"bcrypt" => {
            bcrypt_pbkdf::bcrypt_pbkdf(passphrase, salt, rounds, key.as_mut_slice())
                .map_err(|_| KeyFileError::WrongPassphrase)?;
        }
        b"pbkdf2_hmac_sha256" => pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase, salt, rounds, key.as_mut_slice()),
        other => return Err(unsupported(&format!("key derivation {}", String::from_utf8_lossy(other)))),
    }
    Ok(key)
}

/// Appends a string with its length as u16 big-endian.
fn put(out: &mut Vec<u8>, text: &[u8]) -> Result<(), KeyFileError> {
    let length = u16::try_from(text.len()).map_err(|_| KeyFileError::Shape(PRIVATE))?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text);
    Ok(())
}

fn get<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], KeyFileError> {
    let shape = || KeyFileError::Shape(PRIVATE);
    let (length, after) = rest.split_at_checked(2).ok_or_else(shape)?;
    let (text, after) =
        after.split_at_checked(usize::from(u16::from_be_bytes([length[0], length[1]]))).ok_or_else(shape)?;
    *rest = after;
    Ok(text)
}

fn armour(kind: &str, bytes: &[u8]) -> String {
    format!("-----BEGIN CRYPT4GH {kind}-----\n{}\n-----END CRYPT4GH {kind}-----\n", STANDARD.encode(bytes))
}

fn unarmour(text: &str, kind: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyFileError> {
    let shape = KeyFileError::Shape(kind);
    let mut lines = text.lines().map(str::trim).filter(|l| !l.is_empty());
    if lines.next() != Some(format!("-----BEGIN CRYPT4GH {kind}-----").as_str()) {
        return Err(shape);
    }
    let end = format!("-----END CRYPT4GH {kind}-----");
    let mut base64 = Zeroizing::new(String::new());
    for line in lines.by_ref() {
        if line == end {
            return match lines.next() {
                None => STANDARD.decode(base64.as_bytes()).map(Zeroizing::new).map_err(|_| shape),
                Some(_) => Err(shape),
            };
        }
        base64.push_str(line);
    }
    Err(shape)
}
