//! Versions of a store (DATA-060 to DATA-065): numbers, what was done to each dataset, and which change of metadata a
//! patch may make. Pure: no files, no database.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::metadata::{Domain, Metadata};

/// `major.minor.patch.draft`; released versions have draft 0.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Version(pub [u32; 4]);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d] = self.0;
        write!(f, "{a}.{b}.{c}.{d}")
    }
}
impl FromStr for Version {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = [0; 4];
        let mut given = text.split('.');
        for part in &mut parts {
            *part = given.next().and_then(|p| p.parse().ok()).ok_or(())?;
        }
        if given.next().is_none() { Ok(Self(parts)) } else { Err(()) }
    }
}

/// What a release does to a dataset.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Operation {
    /// The dataset is new.
    Add,
    /// Its data, or what its data mean, is new.
    Change,
    /// Only its texts are new.
    PatchMetadata,
    /// It is no longer there.
    Remove,
}

impl Operation {
    /// The text of the format.
    pub const fn text(self) -> &'static str {
        match self {
            Operation::Add => "ADD",
            Operation::Change => "CHANGE",
            Operation::PatchMetadata => "PATCH_METADATA",
            Operation::Remove => "REMOVE",
        }
    }
}

/// The number of the next release (DATA-061); none when nothing is pending. `first` is the major number of a first release.
pub fn next_version(last: Option<Version>, pending: &[Operation], first: u32) -> Option<Version> {
    if pending.is_empty() {
        return None;
    }
    let Some(Version([major, minor, patch, _])) = last else { return Some(Version([first, 0, 0, 0])) };
    let any = |wanted: &[Operation]| pending.iter().any(|p| wanted.contains(p));
    Some(Version(if any(&[Operation::Change, Operation::Remove]) {
        [major + 1, 0, 0, 0]
    } else if any(&[Operation::Add]) {
        [major, minor + 1, 0, 0]
    } else {
        [major, minor, patch + 1, 0]
    }))
}

/// The first field that a patch may not change but `new` does (DATA-065); none when it is a patch.
pub fn beyond_a_patch(old: &Metadata, new: &Metadata) -> Option<&'static str> {
    let codes = |m: &Metadata| match &m.domain {
        Domain::Codes { list, sentinels, .. } => {
            let list = list.iter().map(|c| (c.code.clone(), c.from, c.until));
            Some((list.collect::<Vec<_>>(), sentinels.iter().map(|c| c.code.clone()).collect::<Vec<_>>()))
        }
        _ => None,
    };
    let target = |m: &Metadata| match &m.domain {
        Domain::Units { unit_type } => Some(unit_type.clone()),
        _ => None,
    };
    let same: [(&str, bool); 6] = [
        ("temporalityType", old.temporality == new.temporality),
        ("sensitivityLevel", old.sensitivity == new.sensitivity),
        ("dataType", old.value_type == new.value_type),
        ("identifierVariables", old.unit_type == new.unit_type),
        ("unitType", target(old) == target(new)),
        ("codeList", codes(old) == codes(new)),
    ];
    same.into_iter().find(|(_, same)| !same).map(|(field, _)| field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Operation::{Add, Change, PatchMetadata, Remove};

    #[test]
    fn data_061_the_gravest_operation_decides() {
        let at = |text: &str| text.parse::<Version>().ok();
        let next = |last, pending: &[Operation]| next_version(last, pending, 1).map(|v| v.to_string());
        assert_eq!(next(None, &[Add]).as_deref(), Some("1.0.0.0"));
        assert_eq!(next(at("1.2.3.0"), &[PatchMetadata]).as_deref(), Some("1.2.4.0"));
        assert_eq!(next(at("1.2.3.0"), &[PatchMetadata, Add]).as_deref(), Some("1.3.0.0"));
        assert_eq!(next(at("1.2.3.0"), &[Add, Remove]).as_deref(), Some("2.0.0.0"));
        assert_eq!(next(at("1.2.3.0"), &[Change]).as_deref(), Some("2.0.0.0"));
        assert_eq!(next(at("1.2.3.0"), &[]), None);
        assert!("1.2.3".parse::<Version>().is_err() && "1.2.3.4.5".parse::<Version>().is_err());
    }
}
