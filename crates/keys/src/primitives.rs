//! The few symmetric operations that everything here is made of: AES-256-CMAC (SP 800-38B), one AES block (FIPS 197),
//! key wrap (RFC 3394), the derivation of KEY-065, and the check character of ISO/IEC 7064 MOD 37,36.

use aes::cipher::{BlockDecrypt as _, BlockEncrypt as _, KeyInit as _};
use aes::{Aes256, Block};
use aes_kw::KekAes256;
use zeroize::Zeroizing;

/// A block that AES works on.
pub type Block16 = [u8; 16];

/// A wrapped key that does not open: another key, or changed bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the wrapped key does not open")]
pub struct UnwrapError;

/// AES-256-CMAC under one key. The key schedule and both subkeys are made once, so that a message of at most one block
/// costs one AES call.
pub struct Cmac256 {
    cipher: Aes256,
    full: Block16,
    partial: Block16,
}

impl Cmac256 {
    /// CMAC under `key`.
    pub fn new(key: &[u8; 32]) -> Self {
        let cipher = Aes256::new(key.into());
        let mut zero = Block::default();
        cipher.encrypt_block(&mut zero);
        let full = double(&zero.into());
        let partial = double(&full);
        Self { cipher, full, partial }
    }

    /// The tag of `message`.
    pub fn tag(&self, message: &[u8]) -> Block16 {
        let (head, last) = match message.len() {
            0..=16 => (&message[..0], message),
            n => message.split_at((n - 1) / 16 * 16),
        };
        let mut state = [0u8; 16];
        let (blocks, _) = head.as_chunks::<16>();
        for block in blocks {
            xor(&mut state, block);
            self.encrypt(&mut state);
        }
        xor(&mut state, &self.last_block(last));
        self.encrypt(&mut state);
        state
    }

    /// What goes into the last AES call for a message whose last piece is `last` (at most 16 bytes).
    pub fn last_block(&self, last: &[u8]) -> Block16 {
        let mut block = [0u8; 16];
        block[..last.len()].copy_from_slice(last);
        if last.len() == 16 {
            xor(&mut block, &self.full);
        } else {
            block[last.len()] = 0x80;
            xor(&mut block, &self.partial);
        }
        block
    }

    /// Encrypts prepared blocks in place: many one-block tags at once.
    pub fn encrypt_all(&self, blocks: &mut [Block16]) {
        encrypt_blocks(&self.cipher, blocks);
    }

    fn encrypt(&self, block: &mut Block16) {
        let mut b = Block::from(*block);
        self.cipher.encrypt_block(&mut b);
        *block = b.into();
    }
}

/// One AES-256 block cipher under one key, for the room's step of P1.
pub struct Permutation(Aes256);

impl Permutation {
    /// The permutation under `key`.
    pub fn new(key: &[u8; 32]) -> Self {
        Self(Aes256::new(key.into()))
    }

    /// Encrypts every block in place.
    pub fn encrypt_all(&self, blocks: &mut [Block16]) {
        encrypt_blocks(&self.0, blocks);
    }

    /// Decrypts one block, for re-identification while the key exists.
    pub fn decrypt(&self, block: Block16) -> Block16 {
        let mut b = Block::from(block);
        self.0.decrypt_block(&mut b);
        b.into()
    }
}

/// Encrypts blocks eight and more at a time, as the processor's AES units like it.
fn encrypt_blocks(cipher: &Aes256, blocks: &mut [Block16]) {
    let mut buffer = [Block::default(); 64];
    for chunk in blocks.chunks_mut(buffer.len()) {
        for (to, from) in buffer.iter_mut().zip(chunk.iter()) {
            *to = Block::from(*from);
        }
        cipher.encrypt_blocks(&mut buffer[..chunk.len()]);
        for (to, from) in chunk.iter_mut().zip(&buffer) {
            *to = (*from).into();
        }
    }
}

/// `KDF256(key, label, context)` of KEY-065: two CMACs in counter mode.
pub fn kdf256(key: &[u8; 32], label: &str, context: &[u8]) -> Zeroizing<[u8; 32]> {
    let cmac = Cmac256::new(key);
    let mut out = Zeroizing::new([0u8; 32]);
    for counter in [1u8, 2] {
        let mut message = vec![counter];
        message.extend_from_slice(label.as_bytes());
        message.push(0);
        message.extend_from_slice(context);
        message.extend_from_slice(&[1, 0]);
        let at = usize::from(counter - 1) * 16;
        out[at..at + 16].copy_from_slice(&cmac.tag(&message));
    }
    out
}

/// Wraps `key` under `kek` (RFC 3394).
pub fn wrap(kek: &[u8; 32], key: &[u8; 32]) -> [u8; 40] {
    let mut out = [0u8; 40];
    // The only failure is a buffer of the wrong length, and both lengths are fixed by the types.
    let _ = KekAes256::from(*kek).wrap(key, &mut out);
    out
}

/// Opens what [`wrap`] made.
///
/// # Errors
/// [`UnwrapError`] for another key or changed bytes.
pub fn unwrap(kek: &[u8; 32], wrapped: &[u8; 40]) -> Result<Zeroizing<[u8; 32]>, UnwrapError> {
    let mut out = Zeroizing::new([0u8; 32]);
    KekAes256::from(*kek).unwrap(wrapped, out.as_mut()).map_err(|_| UnwrapError)?;
    Ok(out)
}

/// The check character of ISO/IEC 7064 MOD 37,36 over characters `0-9A-Z`; none when another character occurs.
pub fn mod_37_36(text: &str) -> Option<char> {
    let mut p = 36u32;
    for c in text.bytes() {
        let value = match c {
            b'0'..=b'9' => c - b'0',
            b'A'..=b'Z' => c - b'A' + 10,
            _ => return None,
        };
        let sum = match (p + u32::from(value)) % 36 {
            0 => 36,
            s => s,
        };
        p = sum * 2 % 37;
    }
    char::from_digit((37 - p) % 36, 36).map(|c| c.to_ascii_uppercase())
}

fn double(block: &Block16) -> Block16 {
    let value = u128::from_be_bytes(*block);
    let carry = if value >> 127 == 1 { 0x87 } else { 0 };
    ((value << 1) ^ carry).to_be_bytes()
}

fn xor(into: &mut Block16, other: &Block16) {
    for (a, b) in into.iter_mut().zip(other) {
        *a ^= b;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::cmac::Mac as _;
    use proptest::prelude::*;

    fn key(text: &str) -> [u8; 32] {
        hex::decode(text).unwrap().try_into().unwrap()
    }

    fn counting() -> [u8; 32] {
        std::array::from_fn(|i| i as u8)
    }

    /// SP 800-38B, examples for AES-256.
    #[test]
    fn key_111_cmac_vectors() {
        let cmac = Cmac256::new(&key("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"));
        let message = hex::decode(concat!(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
            "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710"
        ))
        .unwrap();
        let cases = [
            (0, "028962f61b7bf89efc6b551f4667d983"),
            (16, "28a7023f452e8f82bd4bf28d8c37c35c"),
            (40, "aaf3d8f1de5640c232f5b169b9c911e6"),
            (64, "e1992190549f6ed5696a2c056c315410"),
        ];
        for (length, tag) in cases {
            assert_eq!(hex::encode(cmac.tag(&message[..length])), tag, "{length}");
        }
    }

    /// FIPS 197, appendix C.3.
    #[test]
    fn key_111_aes_vector() {
        let permutation = Permutation::new(&counting());
        let plain: Block16 = hex::decode("00112233445566778899aabbccddeeff").unwrap().try_into().unwrap();
        let mut blocks = vec![plain; 70];
        permutation.encrypt_all(&mut blocks);
        assert!(blocks.iter().all(|b| hex::encode(b) == "8ea2b7ca516745bfeafc49904b496089"));
        assert_eq!(permutation.decrypt(blocks[69]), plain);
    }

    /// RFC 3394, section 4.6: 256 bits of key data with a 256-bit key.
    #[test]
    fn key_111_key_wrap_vector() {
        let data = key("00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f");
        let wrapped = wrap(&counting(), &data);
        assert_eq!(
            hex::encode(wrapped),
            "28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21"
        );
        assert_eq!(*unwrap(&counting(), &wrapped).unwrap(), data);
        for i in 0..40 {
            let mut bad = wrapped;
            bad[i] ^= 1;
            assert_eq!(unwrap(&counting(), &bad), Err(UnwrapError), "{i}");
        }
    }

    #[test]
    fn key_065_derivation_check() {
        let derived = kdf256(&counting(), "hap/ledger/release/v1", b"01JCZK3A5V8W2Q4R6T7Y9B0D1F");
        assert_eq!(hex::encode(*derived), "84dfe0760f143d4d0591b60d9596728a3fc0091db27261da5b4172b7dd63b8d4");
    }

    #[test]
    fn key_111_check_character() {
        assert_eq!(mod_37_36("A12425GABC1234002"), Some('M'));
        assert_eq!(mod_37_36("a"), None);
    }

    proptest! {
        #[test]
        fn cmac_agrees_with_a_second_implementation(k in any::<[u8; 32]>(), m in proptest::collection::vec(any::<u8>(), 0..80)) {
            let mut other = <::cmac::Cmac<Aes256> as ::cmac::Mac>::new_from_slice(&k).unwrap();
            other.update(&m);
            let expected: Block16 = other.finalize().into_bytes().into();
            prop_assert_eq!(Cmac256::new(&k).tag(&m), expected);
        }
    }
}
