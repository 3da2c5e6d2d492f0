//! Unit types (DATA-080): what an id identifies and in which space it lives. Built in are those of the public format
//! and the health types; a holder adds others in its `product.json`.

use engine::source::UnitType;
use kernel::LangMap;
use serde::{Deserialize, Serialize};

/// The unit types of the public format, in the order in which its tool lists them.
pub const PUBLIC: [&str; 24] = [
    "JOBB",
    "KJORETOY",
    "FAMILIE",
    "FORETAK",
    "HUSHOLDNING",
    "KOMMUNE",
    "KURS",
    "PERSON",
    "VIRKSOMHET",
    "BK_HELSESTASJONSKONSULTASJON",
    "NPR_EPISODE",
    "NPR_SYKEHUSOPPHOLD",
    "HKDIR_HYU_OPPMELDING",
    "HKDIR_STUDIESOKNAD",
    "SOSTIL",
    "TRAFIKKULYKKE",
    "TRAFIKKULYKKE_PERSON",
    "MALEPUNKT",
    "KRG_KREFTTILFELLE",
    "FENGSLINGER_TILGANG",
    "SOESKEN",
    "BEDRIFT",
    "BRUKSENHET",
    "NPR_PROSEDYRE",
];

/// The health types that stand beside them: name, id type, identifier.
const HEALTH: [(&str, &str, &str); 4] = [
    ("KPR_KONTAKT", "KPR_KONTAKT_ID", "KPR_KONTAKTID"),
    ("MSIS_TILFELLE", "MSIS_TILFELLE_ID", "MSIS_TILFELLEID"),
    ("MFR_SVANGERSKAP", "MFR_SVANGERSKAP_ID", "MFR_SVANGERSKAPID"),
    ("RESEPT_UTLEVERING", "RESEPT_UTLEVERING_ID", "RESEPT_UTLEVERINGID"),
];

/// The id type of persons.
pub const PERSON_IDS: &str = "FNR";

/// A unit type that a holder adds.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddedUnitType {
    /// Name, e.g. `DAABA_SVAR`.
    pub name: String,
    /// Id type; absent for ids that are not pseudonymised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id_type: Option<String>,
    /// Name of the key column in scripts.
    pub identifier: String,
    /// Title.
    #[serde(default)]
    pub title: LangMap,
}

/// The unit types that an installation or a store knows.
#[derive(Clone, Debug, Default)]
pub struct UnitTypes {
    added: Vec<AddedUnitType>,
}

impl UnitTypes {
    /// The built-in types and these.
    pub fn with(added: &[AddedUnitType]) -> Self {
        Self { added: added.to_vec() }
    }

    /// The unit type of this name.
    pub fn get(&self, name: &str) -> Option<UnitType> {
        if let Some(built_in) = UnitType::built_in(name) {
            return Some(built_in);
        }
        let health = HEALTH.iter().find(|h| h.0 == name);
        if let Some((name, id_type, identifier)) = health {
            return Some(UnitType {
                name: (*name).into(),
                id_type: Some((*id_type).into()),
                identifier: (*identifier).into(),
            });
        }
        let added = self.added.iter().find(|a| a.name == name)?;
        Some(UnitType {
            name: added.name.clone(),
            id_type: added.id_type.clone(),
            identifier: added.identifier.clone(),
        })
    }

    /// All names, those of the public format first.
    pub fn names(&self) -> Vec<&str> {
        PUBLIC.into_iter().chain(HEALTH.iter().map(|h| h.0)).chain(self.added.iter().map(|a| a.name.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_080_every_named_type_is_known() {
        let types = UnitTypes::with(&[AddedUnitType {
            name: "SVAR".into(),
            id_type: Some("SVAR_ID".into()),
            identifier: "SVARID".into(),
            title: LangMap::default(),
        }]);
        for name in types.names() {
            assert!(types.get(name).is_some(), "{name}");
        }
        assert_eq!(types.get("FAMILIE").unwrap().id_type.as_deref(), Some(PERSON_IDS));
        assert!(types.get("KOMMUNE").unwrap().id_type.is_none());
        assert!(types.get("UKJENT").is_none());
    }
}
