//! The old format (DATA-050): the key of the dataset under RSA-OAEP, its chunks as Fernet tokens. Only read.

use aes::cipher::{BlockDecryptMut as _, KeyIvInit as _, block_padding::Pkcs7};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use hmac::{Hmac, Mac as _};
use rsa::{Oaep, RsaPrivateKey};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::fault;
use crate::input::Opening;

const VERSION: u8 = 0x80;
const HEAD: usize = 1 + 8 + 16;
const MAC: usize = 32;

/// Opens the key of a dataset: 16 bytes for signing, 16 for encryption.
pub(super) fn open_key(sealed: &[u8], key: &RsaPrivateKey) -> Result<Zeroizing<[u8; 32]>, Opening> {
    let wrong = || fault("the key of the package does not open (wrong key?)");
    let text = Zeroizing::new(key.decrypt(Oaep::new::<Sha256>(), sealed).map_err(|_| wrong())?);
    let bytes = Zeroizing::new(URL_SAFE.decode(&*text).map_err(|_| wrong())?);
    let mut key = Zeroizing::new([0u8; 32]);
    if bytes.len() != key.len() {
        return Err(wrong());
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}

/// Opens a chunk: the signature is checked before anything is decrypted.
pub(super) fn open_chunk(token: Vec<u8>, key: &[u8; 32]) -> Option<Vec<u8>> {
    let mut bytes = URL_SAFE.decode(token.trim_ascii()).ok()?;
    drop(token);
    if bytes.len() < HEAD + 16 + MAC || bytes[0] != VERSION {
        return None;
    }
    let (signing, encryption) = key.split_at(16);
    let mac = bytes.split_off(bytes.len() - MAC);
    let mut hmac = Hmac::<Sha256>::new_from_slice(signing).ok()?;
    hmac.update(&bytes);
    hmac.verify_slice(&mac).ok()?;
    let mut body = bytes.split_off(HEAD);
    let iv = &bytes[9..HEAD];
    let cipher = cbc::Decryptor::<aes::Aes128>::new_from_slices(encryption, iv).ok()?;
    let length = cipher.decrypt_padded_mut::<Pkcs7>(&mut body).ok()?.len();
    body.truncate(length);
    Some(body)
}
