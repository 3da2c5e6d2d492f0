//! Pure decisions that several parts share: which criteria a case needs, what a person-identifying text is, which
//! fields there are.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kernel::LangMap;
use serde::Deserialize;

use crate::form;

/// Version of the general terms that an applicant accepts.
pub const GENERAL_TERMS: &str = "terms/1";
/// The profile of Norway today.
pub const PROFILE_NO: &str = "NO/1";

/// The profile of the European Health Data Space.
pub const PROFILE_EHDS: &str = "EHDS/1";

/// What a profile has that forms ask for: `optout`, the right to opt out of secondary use and its exception (71(4)).
pub(crate) fn features(profile: &str) -> &'static [&'static str] {
    if profile == PROFILE_EHDS { &["optout"] } else { &[] }
}

/// A criterion that must be assessed (`access.md` section 11).
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Criterion {
    /// `N-3`.
    pub id: String,
    /// What it asks.
    pub title: LangMap,
}

#[derive(Deserialize)]
struct CriteriaFile {
    profiles: BTreeMap<String, Vec<Criterion>>,
}

static CRITERIA: LazyLock<CriteriaFile> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the list is part of the program and is read by its tests")]
    serde_json::from_str(include_str!("../data/criteria.json")).unwrap()
});

/// The criteria of a profile; none for an unknown one.
pub fn criteria(profile: &str) -> &'static [Criterion] {
    CRITERIA.profiles.get(profile).map_or(&[], Vec::as_slice)
}

/// Whether a form has this field.
pub fn is_field(id: &str) -> bool {
    form::forms().iter().any(|form| form.field(id).is_some())
}

/// Whether nine digits are a Norwegian organisation number (modulus 11, weights 3 2 7 6 5 4 3 2).
pub fn is_orgnr(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != 9 || text.chars().count() != 9 {
        return false;
    }
    let sum: u32 = digits.iter().zip([3, 2, 7, 6, 5, 4, 3, 2]).map(|(d, w)| d * w).sum();
    (11 - sum % 11) % 11 == digits[8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn organisation_numbers_have_a_check_digit() {
        // 974 760 673 is the register unit's own, published number.
        assert!(is_orgnr("974760673"));
        for wrong in ["974760674", "97476067", "9747606730", "97476067x", "974 760 673", ""] {
            assert!(!is_orgnr(wrong), "{wrong}");
        }
    }

    #[test]
    fn every_profile_has_criteria_in_all_languages() {
        assert!(criteria(PROFILE_NO).len() >= 5);
        for criterion in criteria(PROFILE_NO) {
            assert_eq!(criterion.title.0.len(), 3, "{}", criterion.id);
        }
        assert!(criteria("XX/9").is_empty());
    }
}
