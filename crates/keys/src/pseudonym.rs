//! Protocol P1 (section 5): `y = AES-256-CMAC(k_in, canonical id)` on the source's side, `P = AES-256(k_out, y)` at the
//! room's intake; and the exchange form of a pseudonym (KEY-036). Pure; the service with its caps is in
//! [`KeyService`](crate::KeyService).
//!
//! Guarantee: without `k_in` and `k_out` of a series, nobody can tell which person a value belongs to, or that values of
//! two series belong to one person. Both keys together with the persons' ids undo that.

use std::fmt;

use crate::canonical::{CROCKFORD, CanonicalId, ordinal_id};
use crate::primitives::{Block16, Cmac256, Permutation, mod_37_36};

/// The source's step.
pub struct SourceStep(Cmac256);

/// The intake's step.
pub struct RoomStep(Permutation);

/// Why a text is no pseudonym.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a pseudonym in exchange form")]
pub struct ExchangeError;

/// A project pseudonym: 128 bits. Prints nothing of itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pseudonym(pub Block16);

impl SourceStep {
    /// With `k_in`.
    pub fn new(k_in: &[u8; 32]) -> Self {
        Self(Cmac256::new(k_in))
    }

    /// `y` of one id.
    pub fn y(&self, id: &CanonicalId) -> Block16 {
        self.0.tag(id.as_bytes())
    }

    /// `y` of many ordinals: one AES call each.
    pub fn y_of_ordinals(&self, ordinals: &[u32]) -> Vec<Block16> {
        let mut blocks: Vec<Block16> = ordinals.iter().map(|o| self.0.last_block(&ordinal_id(*o))).collect();
        self.0.encrypt_all(&mut blocks);
        blocks
    }

    /// A value that belongs to nobody: the id it is made from has no canonical form. The same row of the same delivery
    /// gets the same value, so a batch that is sent again is answered with the same bytes.
    pub fn padding(&self, delivery: &[u8; 16], row: u32) -> Block16 {
        let mut message = b"padding:".to_vec();
        message.extend_from_slice(delivery);
        message.extend_from_slice(&row.to_le_bytes());
        self.0.tag(&message)
    }
}

impl RoomStep {
    /// With `k_out`.
    pub fn new(k_out: &[u8; 32]) -> Self {
        Self(Permutation::new(k_out))
    }

    /// Turns every `y` into its pseudonym, in place. An all-zero `y` stays zero: it is a failure (KEY-045).
    pub fn apply(&self, values: &mut [Block16]) {
        let failed: Vec<usize> = values.iter().enumerate().filter(|(_, y)| **y == [0; 16]).map(|(i, _)| i).collect();
        self.0.encrypt_all(values);
        for i in failed {
            values[i] = [0; 16];
        }
    }
}

impl Pseudonym {
    /// The 27 characters of the exchange form.
    pub fn exchange(&self) -> String {
        let value = u128::from_be_bytes(self.0);
        let mut text: String = (0..26).rev().map(|i| char::from(CROCKFORD[(value >> (5 * i)) as usize & 31])).collect();
        // All 26 characters are of the alphabet, so there is a check character.
        text.extend(mod_37_36(&text));
        text
    }

    /// Reads the exchange form: upper case, 27 characters, first at most `7`, right check character.
    ///
    /// # Errors
    /// [`ExchangeError`].
    pub fn from_exchange(text: &str) -> Result<Self, ExchangeError> {
        let (body, check) = text.split_at_checked(26).ok_or(ExchangeError)?;
        if check.len() != 1 || body.as_bytes()[0] > b'7' || mod_37_36(body) != check.chars().next() {
            return Err(ExchangeError);
        }
        let mut value = 0u128;
        for c in body.bytes() {
            let digit = CROCKFORD.iter().position(|d| *d == c).ok_or(ExchangeError)?;
            value = value << 5 | digit as u128;
        }
        Ok(Self(value.to_be_bytes()))
    }
}

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonym")
    }
}
