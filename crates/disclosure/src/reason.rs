//! Why a number is hidden or a result withheld, and what the user can do: closed lists without values (SDC-003), with
//! their texts in three languages (SDC section 12). The wording is the same for every cause within a code (SDC-181).

use kernel::Language;
use serde::{Deserialize, Serialize};

/// Why a number or a result does not leave.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// Too few persons in a cell.
    Small,
    /// Single persons may dominate a sum or mean.
    Dominance,
    /// Too many small cells in a table.
    Sparse,
    /// The population would fall below its floor.
    Floor,
    /// An edit touches too few or almost all units.
    Edit,
    /// A percentile too far out for its group.
    Tail,
    /// A model with too many parameters for its sample.
    ModelSize,
    /// Few persons decide a coefficient.
    ModelTerm,
    /// A model that cannot be shown for its sample.
    ModelFit,
    /// Too few groups or clusters.
    Groups,
    /// Too few events or persons in a group of a survival analysis.
    Survival,
    /// Single values are never shown.
    Value,
    /// The limit for new numbers is reached.
    Budget,
    /// In a table that is made for publication: too few persons, or too few in a cell that could be worked out from this
    /// one (SDC-134). Never stops a statement.
    Secondary,
}

/// What the user can do about a [`Reason`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// Merge categories.
    MergeCategories,
    /// Use the median or larger groups.
    MedianOrLargerGroups,
    /// Fewer variables or coarser categories.
    FewerOrCoarser,
    /// Widen the filter.
    WidenFilter,
    /// Change the condition.
    ChangeCondition,
    /// Choose a more central percentile.
    MoreCentral,
    /// Fewer terms.
    FewerTerms,
    /// Merge levels or drop the term.
    MergeOrDrop,
    /// Check the model for separation.
    CheckSeparation,
    /// Another grouping.
    OtherGrouping,
    /// Merge groups.
    MergeGroups,
    /// Use percentiles.
    UsePercentiles,
    /// Wait, or apply for access.
    WaitOrApply,
}

/// A result that does not leave: a code and a way out, never a value (SDC-003).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Withheld {
    /// Why.
    pub code: Reason,
    /// What the user can do.
    pub remedy: Remedy,
}

impl Reason {
    /// The reasons that can stop a statement, in the order of the diagnostics E401 to E413 (LANG-108).
    pub const ALL: [Reason; 13] = [
        Reason::Small,
        Reason::Dominance,
        Reason::Sparse,
        Reason::Floor,
        Reason::Edit,
        Reason::Tail,
        Reason::ModelSize,
        Reason::ModelTerm,
        Reason::ModelFit,
        Reason::Groups,
        Reason::Survival,
        Reason::Value,
        Reason::Budget,
    ];

    /// The code as it stands in results, e.g. `MODEL_SIZE`.
    pub const fn code(self) -> &'static str {
        match self {
            Reason::Small => "SMALL",
            Reason::Dominance => "DOMINANCE",
            Reason::Sparse => "SPARSE",
            Reason::Floor => "FLOOR",
            Reason::Edit => "EDIT",
            Reason::Tail => "TAIL",
            Reason::ModelSize => "MODEL_SIZE",
            Reason::ModelTerm => "MODEL_TERM",
            Reason::ModelFit => "MODEL_FIT",
            Reason::Groups => "GROUPS",
            Reason::Survival => "SURVIVAL",
            Reason::Value => "VALUE",
            Reason::Budget => "BUDGET",
            Reason::Secondary => "SECONDARY",
        }
    }

    /// The code of the diagnostic when the reason stops a statement: `E401` to `E413` (LANG-108). What is hidden besides has
    /// that of what it protects.
    pub const fn diagnostic(self) -> &'static str {
        const CODES: [&str; 14] = [
            "E401", "E402", "E403", "E404", "E405", "E406", "E407", "E408", "E409", "E410", "E411", "E412", "E413",
            "E401",
        ];
        CODES[self as usize]
    }

    /// The one way out that belongs to the reason.
    pub const fn remedy(self) -> Remedy {
        match self {
            Reason::Small | Reason::Secondary => Remedy::MergeCategories,
            Reason::Dominance => Remedy::MedianOrLargerGroups,
            Reason::Sparse => Remedy::FewerOrCoarser,
            Reason::Floor => Remedy::WidenFilter,
            Reason::Edit => Remedy::ChangeCondition,
            Reason::Tail => Remedy::MoreCentral,
            Reason::ModelSize => Remedy::FewerTerms,
            Reason::ModelTerm => Remedy::MergeOrDrop,
            Reason::ModelFit => Remedy::CheckSeparation,
            Reason::Groups => Remedy::OtherGrouping,
            Reason::Survival => Remedy::MergeGroups,
            Reason::Value => Remedy::UsePercentiles,
            Reason::Budget => Remedy::WaitOrApply,
        }
    }

    /// The text for a reader.
    pub const fn text(self, language: Language) -> &'static str {
        let [nb, nn, en] = self.texts();
        pick(language, nb, nn, en)
    }

    const fn texts(self) -> [&'static str; 3] {
        match self {
            Reason::Small => ["Skjult: for få personer.", "Skjult: for få personar.", "Hidden: too few persons."],
            Reason::Dominance => [
                "Skjult: enkeltpersoner kan dominere tallet.",
                "Skjult: enkeltpersonar kan dominere talet.",
                "Hidden: single persons may dominate.",
            ],
            Reason::Sparse => [
                "Tabellen har for mange små celler.",
                "Tabellen har for mange små celler.",
                "The table has too many small cells.",
            ],
            Reason::Floor => [
                "Populasjonen blir mindre enn 1000 personer.",
                "Populasjonen blir mindre enn 1000 personar.",
                "The population would be under 1000 persons.",
            ],
            Reason::Edit => [
                "Endringen gjelder for få eller nesten alle enheter.",
                "Endringa gjeld for få eller nesten alle einingar.",
                "The edit touches too few or almost all units.",
            ],
            Reason::Tail => [
                "Persentilet ligger for langt ute for denne gruppen.",
                "Persentilen ligg for langt ute for denne gruppa.",
                "The percentile is too far out for this group.",
            ],
            Reason::ModelSize => [
                "Modellen har for mange parametere for utvalget.",
                "Modellen har for mange parametrar for utvalet.",
                "The model has too many parameters for the sample.",
            ],
            Reason::ModelTerm => [
                "Få personer avgjør en av koeffisientene.",
                "Få personar avgjer ein av koeffisientane.",
                "Few persons decide one of the coefficients.",
            ],
            Reason::ModelFit => [
                "Modellen kan ikke vises for dette utvalget.",
                "Modellen kan ikkje visast for dette utvalet.",
                "The model cannot be shown for this sample.",
            ],
            Reason::Groups => {
                ["For få grupper eller klynger.", "For få grupper eller klynger.", "Too few groups or clusters."]
            }
            Reason::Survival => [
                "For få hendelser eller personer i en gruppe.",
                "For få hendingar eller personar i ei gruppe.",
                "Too few events or persons in a group.",
            ],
            Reason::Value => [
                "Enkeltverdier vises ikke (min, maks, residualer).",
                "Enkeltverdiar blir ikkje viste (min, maks, residualar).",
                "Single values are not shown (min, max, residuals).",
            ],
            Reason::Budget => [
                "Grensen for nye tall er nådd.",
                "Grensa for nye tal er nådd.",
                "The limit for new numbers is reached.",
            ],
            Reason::Secondary => [
                "Skjult: for få personer her eller i en celle som kunne regnes ut fra denne.",
                "Skjult: for få personar her eller i ei celle som kunne reknast ut frå denne.",
                "Hidden: too few persons here or in a cell that could be worked out from this one.",
            ],
        }
    }
}

impl Remedy {
    /// The text for a reader.
    pub const fn text(self, language: Language) -> &'static str {
        let [nb, nn, en] = match self {
            Remedy::MergeCategories => ["Slå sammen kategorier.", "Slå saman kategoriar.", "Merge categories."],
            Remedy::MedianOrLargerGroups => [
                "Bruk median eller større grupper.",
                "Bruk median eller større grupper.",
                "Use the median or larger groups.",
            ],
            Remedy::FewerOrCoarser => [
                "Bruk færre variabler eller grovere kategorier.",
                "Bruk færre variablar eller grovare kategoriar.",
                "Use fewer variables or coarser categories.",
            ],
            Remedy::WidenFilter => ["Utvid filteret.", "Utvid filteret.", "Widen the filter."],
            Remedy::ChangeCondition => ["Endre betingelsen.", "Endre vilkåret.", "Change the condition."],
            Remedy::MoreCentral => [
                "Velg et persentil nærmere midten.",
                "Vel ein persentil nærare midten.",
                "Choose a more central percentile.",
            ],
            Remedy::FewerTerms => ["Bruk færre ledd.", "Bruk færre ledd.", "Use fewer terms."],
            Remedy::MergeOrDrop => [
                "Slå sammen nivåer eller ta ut leddet.",
                "Slå saman nivå eller ta ut leddet.",
                "Merge levels or drop the term.",
            ],
            Remedy::CheckSeparation => [
                "Se etter ledd som skiller utfallene helt.",
                "Sjå etter ledd som skil utfalla heilt.",
                "Check for separation.",
            ],
            Remedy::OtherGrouping => {
                ["Velg en annen gruppering.", "Vel ei anna gruppering.", "Choose another grouping."]
            }
            Remedy::MergeGroups => ["Slå sammen grupper.", "Slå saman grupper.", "Merge groups."],
            Remedy::UsePercentiles => ["Bruk persentiler.", "Bruk persentilar.", "Use percentiles."],
            Remedy::WaitOrApply => {
                ["Vent, eller søk om tilgang.", "Vent, eller søk om tilgang.", "Wait, or apply for access."]
            }
        };
        pick(language, nb, nn, en)
    }
}

impl Withheld {
    /// The refusal with the one remedy of its reason.
    pub const fn because(code: Reason) -> Self {
        Self { code, remedy: code.remedy() }
    }
}

/// The note under every table of perturbed counts; `error` is the typical error of the policy (SDC section 12, NOTE).
pub fn note(error: &str, language: Language) -> String {
    let sums = pick(language, "Summer kan avvike.", "Summar kan avvike.", "Sums may differ.");
    format!("{} {sums}", perturbed(error, language))
}

/// The same under a table whose counts were adjusted to add up (SDC-133).
pub fn perturbed(error: &str, language: Language) -> String {
    match language {
        Language::Nb => format!("Tallene er lett endret; typisk feil ±{error}."),
        Language::Nn => format!("Tala er lett endra; typisk feil ±{error}."),
        Language::En => format!("Numbers are slightly perturbed; typical error ±{error}."),
    }
}

const fn pick(language: Language, nb: &'static str, nn: &'static str, en: &'static str) -> &'static str {
    match language {
        Language::Nb => nb,
        Language::Nn => nn,
        Language::En => en,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LANG-108: the reasons map to the diagnostics in their fixed order.
    #[test]
    fn reasons_map_to_diagnostics_in_order() {
        for (i, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(reason.diagnostic(), format!("E{}", 401 + i));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.code());
            for language in Language::ALL {
                assert!(!reason.text(language).is_empty() && !reason.remedy().text(language).is_empty());
            }
        }
        assert_eq!(Reason::ModelSize.diagnostic(), "E407");
    }
}
