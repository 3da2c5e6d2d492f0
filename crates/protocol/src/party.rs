//! Who speaks: the zones, the rooms, and the sources.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A party of the protocol. As text: `centre`, `keys`, `data`, `room:tsd`, `source:npr`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Party {
    /// Catalogue, cases, permits, workspaces (`hap serve`).
    Centre,
    /// Identity index, linking keys, release ledger, choices (`hap keys`).
    Keys,
    /// Central copies of the data, engine, gate, extraction (`hap data`).
    Data,
    /// One analysis room's intake (`hap room`).
    Room(String),
    /// One source. In the embedded installation all sources are at [`Party::Data`], which speaks for them.
    Source(String),
}

/// A text that names no party.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a party: centre, keys, data, room:NAME or source:NAME expected")]
pub struct PartyError;

impl Party {
    /// Whether this party may speak for `source`: the source itself, or the data zone that holds its copies.
    pub fn speaks_for(&self, source: &str) -> bool {
        match self {
            Party::Data => true,
            Party::Source(name) => name == source,
            _ => false,
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Party::Centre => f.write_str("centre"),
            Party::Keys => f.write_str("keys"),
            Party::Data => f.write_str("data"),
            Party::Room(name) => write!(f, "room:{name}"),
            Party::Source(name) => write!(f, "source:{name}"),
        }
    }
}
impl FromStr for Party {
    type Err = PartyError;
    fn from_str(text: &str) -> Result<Self, PartyError> {
        let name = |n: &str| {
            let good = (1..=64).contains(&n.len())
                && n.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, b'-' | b'_' | b'.'));
            if good { Ok(n.to_owned()) } else { Err(PartyError) }
        };
        match text.split_once(':') {
            None => match text {
                "centre" => Ok(Party::Centre),
                "keys" => Ok(Party::Keys),
                "data" => Ok(Party::Data),
                _ => Err(PartyError),
            },
            Some(("room", n)) => name(n).map(Party::Room),
            Some(("source", n)) => name(n).map(Party::Source),
            Some(_) => Err(PartyError),
        }
    }
}
impl Serialize for Party {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}
impl<'de> Deserialize<'de> for Party {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_round_trips() {
        for text in ["centre", "keys", "data", "room:tsd", "source:npr"] {
            assert_eq!(text.parse::<Party>().unwrap().to_string(), text);
        }
        for text in ["", "Centre", "room:", "room:a b", "room:../x/", "node:x", "source:NPR"] {
            assert_eq!(text.parse::<Party>(), Err(PartyError), "{text}");
        }
    }

    #[test]
    fn only_the_holder_speaks_for_a_source() {
        assert!(Party::Data.speaks_for("npr"));
        assert!(Party::Source("npr".into()).speaks_for("npr"));
        assert!(!Party::Source("dar".into()).speaks_for("npr"));
        assert!(!Party::Centre.speaks_for("npr"));
        assert!(!Party::Room("tsd".into()).speaks_for("npr"));
    }
}
