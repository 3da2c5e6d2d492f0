//! Typed identifiers: a ULID that knows what it identifies, so that an application id is not a permit id.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Clock, Random};

/// What an [`Id`] identifies. Implemented by empty marker types, one per object of the domain.
pub trait Kind {
    /// The object's name in English, for error texts.
    const NAME: &'static str;
}

/// A ULID (26 Crockford base-32 characters, sorted by time) of an object of kind `K`.
pub struct Id<K> {
    value: ulid::Ulid,
    kind: PhantomData<fn() -> K>,
}

/// A text that is not a ULID.
#[derive(Debug, thiserror::Error)]
#[error("not a valid {kind} id: 26 characters 0-9 A-Z expected")]
pub struct IdError {
    kind: &'static str,
}

impl<K: Kind> Id<K> {
    /// A new id: 48 bits of the clock's milliseconds, 80 random bits.
    pub fn new(clock: &dyn Clock, random: &dyn Random) -> Self {
        let millis = clock.now().micros().max(0) as u64 / 1000;
        let mut bytes = [0u8; 16];
        random.fill(&mut bytes);
        Self::of(ulid::Ulid::from_parts(millis, u128::from_le_bytes(bytes)))
    }

    /// The id with these 16 bytes (big-endian).
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::of(ulid::Ulid::from_bytes(bytes))
    }

    /// The 16 bytes of the id, big-endian.
    pub fn to_bytes(self) -> [u8; 16] {
        self.value.to_bytes()
    }

    fn of(value: ulid::Ulid) -> Self {
        Self { value, kind: PhantomData }
    }
}

impl<K> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Id<K> {}
impl<K> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}
impl<K> Eq for Id<K> {}
impl<K> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.value.cmp(&other.value)
    }
}
impl<K> Hash for Id<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}
impl<K> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
impl<K> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}
impl<K: Kind> FromStr for Id<K> {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        ulid::Ulid::from_string(text).map(Self::of).map_err(|_| IdError { kind: K::NAME })
    }
}
impl<K> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{FixedClock, Timestamp};

    struct Thing;
    impl Kind for Thing {
        const NAME: &'static str = "thing";
    }
    struct Sevens;
    impl Random for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn text_form_round_trips_and_rejects_garbage() {
        let clock = FixedClock::at(Timestamp::from_micros(1_795_252_500_000_000));
        let id: Id<Thing> = Id::new(&clock, &Sevens);
        assert_eq!(id.to_string().len(), 26);
        assert_eq!(id.to_string().parse::<Id<Thing>>().unwrap(), id);
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<Id<Thing>>(&json).unwrap(), id);
        let error = "not an id".parse::<Id<Thing>>().unwrap_err();
        assert!(error.to_string().contains("thing"));
    }
}
