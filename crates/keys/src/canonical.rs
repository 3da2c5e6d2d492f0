//! Canonical person ids (section 2): the ASCII byte strings that pseudonyms are made from. A form's bytes have a fixed
//! length, so no two ids of different form or person are equal.

use std::fmt;

/// A canonical person id of one of the five forms. Prints nothing of itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CanonicalId(Vec<u8>);

/// The form of an id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IdForm {
    /// `O:` and the ordinal as 10 digits.
    Ordinal,
    /// `N:` and 11 digits.
    National,
    /// `U:` and 12 digits (DUF number).
    Duf,
    /// `S:` and 13 Crockford base-32 characters.
    Stable,
    /// `L:`, organisation number, `:` and 11 digits.
    Local,
}

impl CanonicalId {
    /// The id of an ordinal, form `O`.
    pub fn ordinal(ordinal: u32) -> Self {
        Self(ordinal_id(ordinal).to_vec())
    }

    /// The id with these bytes; none when they are no canonical id (KEY-033: never the input itself).
    pub fn parse(bytes: &[u8]) -> Option<(IdForm, Self)> {
        let digits = |b: &[u8]| b.iter().all(u8::is_ascii_digit);
        let (prefix, rest) = bytes.split_at_checked(2)?;
        let form = match (prefix, rest.len()) {
            (b"O:", 10) if digits(rest) && std::str::from_utf8(rest).ok()?.parse::<u32>().is_ok() => IdForm::Ordinal,
            (b"N:", 11) if digits(rest) => IdForm::National,
            (b"U:", 12) if digits(rest) => IdForm::Duf,
            (b"S:", 13) if rest[0] <= b'F' && rest.iter().all(|c| CROCKFORD.contains(c)) => IdForm::Stable,
            (b"L:", 21) if digits(&rest[..9]) && rest[9] == b':' && digits(&rest[10..]) => IdForm::Local,
            _ => return None,
        };
        Some((form, Self(bytes.to_vec())))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for CanonicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CanonicalId")
    }
}

/// Crockford's base-32 alphabet.
pub(crate) const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The 12 bytes of form `O`.
pub fn ordinal_id(ordinal: u32) -> [u8; 12] {
    let mut out = *b"O:0000000000";
    let mut rest = ordinal;
    for digit in out[2..].iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_has_its_length_and_alphabet() {
        let good: [(&[u8], IdForm, usize); 5] = [
            (b"O:0000000042", IdForm::Ordinal, 12),
            (b"N:10915596784", IdForm::National, 13),
            (b"U:123456789012", IdForm::Duf, 14),
            (b"S:0123456789ABC", IdForm::Stable, 15),
            (b"L:987654321:10915596784", IdForm::Local, 23),
        ];
        for (bytes, form, length) in good {
            let (found, id) = CanonicalId::parse(bytes).unwrap();
            assert_eq!((found, id.as_bytes().len()), (form, length));
            assert_eq!(format!("{id:?}"), "CanonicalId");
            for end in 0..bytes.len() {
                assert!(CanonicalId::parse(&bytes[..end]).is_none());
            }
        }
        for bad in [&b"O:9999999999"[..], b"n:10915596784", b"N:1091559678x", b"S:012345678IABC", b"N:10915596784 "] {
            assert!(CanonicalId::parse(bad).is_none());
        }
        assert_eq!(&ordinal_id(u32::MAX), b"O:4294967295");
        assert_eq!(CanonicalId::ordinal(42).as_bytes(), b"O:0000000042");
    }
}
