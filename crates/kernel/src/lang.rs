//! The languages of the product and texts in several of them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A language of the interface.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// Norwegian bokmål, the default.
    #[default]
    Nb,
    /// Norwegian nynorsk.
    Nn,
    /// English.
    En,
}

impl Language {
    /// All languages, in the order in which they are offered.
    pub const ALL: [Language; 3] = [Language::Nb, Language::Nn, Language::En];

    /// The BCP 47 code: `nb`, `nn`, `en`.
    pub const fn code(self) -> &'static str {
        match self {
            Language::Nb => "nb",
            Language::Nn => "nn",
            Language::En => "en",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl FromStr for Language {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "nb" | "no" => Ok(Language::Nb),
            "nn" => Ok(Language::Nn),
            "en" => Ok(Language::En),
            _ => Err(()),
        }
    }
}

/// A text in one or more languages (CAT-003).
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LangMap(pub BTreeMap<Language, String>);

impl LangMap {
    /// A text in bokmål, nynorsk and English.
    pub fn of(nb: &str, nn: &str, en: &str) -> Self {
        Self(Language::ALL.into_iter().zip([nb, nn, en].map(str::to_owned)).collect())
    }

    /// The text in `wanted`, or the nearest there is (nb and nn stand in for each other, then English),
    /// with the language it is in. Empty text when there is none at all.
    pub fn get(&self, wanted: Language) -> (&str, Language) {
        let order = match wanted {
            Language::Nb => [Language::Nb, Language::Nn, Language::En],
            Language::Nn => [Language::Nn, Language::Nb, Language::En],
            Language::En => [Language::En, Language::Nb, Language::Nn],
        };
        order.into_iter().find_map(|l| self.0.get(&l).map(|t| (t.as_str(), l))).unwrap_or(("", wanted))
    }

    /// The text of [`LangMap::get`] alone.
    pub fn text(&self, wanted: Language) -> &str {
        self.get(wanted).0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_language_falls_back_to_its_neighbour() {
        let mut map = LangMap::default();
        map.0.insert(Language::En, "sex".into());
        assert_eq!(map.get(Language::Nn), ("sex", Language::En));
        map.0.insert(Language::Nb, "kjønn".into());
        assert_eq!(map.get(Language::Nn), ("kjønn", Language::Nb));
    }
}
