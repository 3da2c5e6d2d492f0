//! Why a file or table does not simply leave, and what its author can do: closed lists with a stable code, the rule they
//! come from and the verdict they lead to. Their texts stand in `texts`.

use kernel::Language;

use crate::texts;
use crate::verdict::Verdict;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal, $rule:literal, $verdict:ident, $remedy:ident;)+) => {
        /// Why a file or table does not simply leave.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Reason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Reason {
            /// All reasons, in the order of the rules.
            pub const ALL: &'static [Reason] = &[$(Reason::$name,)+];

            /// The code of machines, e.g. `SMALL_COUNT`.
            pub const fn code(self) -> &'static str {
                match self { $(Reason::$name => $code,)+ }
            }

            /// The requirement it comes from.
            pub const fn rule(self) -> &'static str {
                match self { $(Reason::$name => $rule,)+ }
            }

            /// The verdict it leads to.
            pub const fn verdict(self) -> Verdict {
                match self { $(Reason::$name => Verdict::$verdict,)+ }
            }

            /// What the author can do.
            pub const fn remedy(self) -> Remedy {
                match self { $(Reason::$name => Remedy::$remedy,)+ }
            }
        }
    };
}

reasons! {
    /// A kind that is not on the list.
    NotListed = "NOT_LISTED", "SDC-301", Fail, SaveAsListed;
    /// A kind that is blocked by name: svg, gph, rds, pickle, h5 and their like.
    Blocked = "BLOCKED", "SDC-301", Fail, SaveAsListed;
    /// The content is not what the name says.
    OtherThanNamed = "OTHER_THAN_NAMED", "SDC-301", Fail, SaveAsListed;
    /// Larger than what may leave.
    TooLarge = "TOO_LARGE", "SDC-301", Fail, MakeSmaller;
    /// An archive.
    Archive = "ARCHIVE", "SDC-301", Review, SendFiles;
    /// An archive in an archive, one that leaves its root, or one that swells more than a hundredfold.
    UnsafeArchive = "UNSAFE_ARCHIVE", "SDC-301", Fail, SendFiles;
    /// Content that cannot be read without a key.
    Encrypted = "ENCRYPTED", "SDC-301", Fail, RemoveProtection;
    /// A macro.
    Macro = "MACRO", "SDC-301", Fail, SaveValues;
    /// A script in a page or document.
    Script = "SCRIPT", "SDC-301", Fail, RemoveScripts;
    /// Content that is fetched from elsewhere.
    External = "EXTERNAL", "SDC-301", Fail, RemoveLinks;
    /// A formula in a workbook.
    Formula = "FORMULA", "SDC-301", Fail, SaveValues;
    /// A hidden sheet.
    HiddenSheet = "HIDDEN_SHEET", "SDC-301", Fail, SaveValues;
    /// The cache of a pivot table, which holds the rows behind it.
    PivotCache = "PIVOT_CACHE", "SDC-301", Fail, SaveValues;
    /// A file or object inside the file.
    Embedded = "EMBEDDED", "SDC-301", Fail, SaveValues;
    /// Bytes behind the end of the content.
    Trailing = "TRAILING", "SDC-301", Fail, SaveAgain;
    /// Comments, hidden rows or columns, or text that is not shown.
    HiddenContent = "HIDDEN_CONTENT", "SDC-301", Review, RemoveHidden;
    /// Metadata in an image.
    Metadata = "METADATA", "SDC-301", Review, UseReencoded;
    /// An image.
    Image = "IMAGE", "SDC-301", Review, SendTable;
    /// A PDF: the machine reads its texts in part only.
    Pdf = "PDF", "SDC-301", Review, SendTable;
    /// Damaged, or in a form that cannot be read.
    Unreadable = "UNREADABLE", "SDC-301", Review, SaveAgain;
    /// The file of a trained model that was not declared as one.
    ModelFile = "MODEL_FILE", "SDC-301", Fail, DeclareModel;

    /// A national identity number with right control digits.
    IdentityNumber = "IDENTITY_NUMBER", "SDC-302", Fail, RemovePersons;
    /// Digits like an identity number, without a plausible date.
    IdentityPattern = "IDENTITY_PATTERN", "SDC-302", Review, RemovePersons;
    /// A pseudonym.
    Pseudonym = "PSEUDONYM", "SDC-302", Fail, RemovePersons;
    /// A column of running numbers of persons.
    PersonId = "PERSON_ID", "SDC-302", Fail, RemovePersons;
    /// Dates of birth.
    BirthDate = "BIRTH_DATE", "SDC-302", Fail, RemovePersons;
    /// More than 1000 rows, of which nearly each has a value of its own in a column.
    NearUnique = "NEAR_UNIQUE", "SDC-302", Fail, Aggregate;
    /// A combination of traits by which persons can be known, in fewer than 10 rows.
    QuasiIdentifiers = "QUASI_IDENTIFIERS", "SDC-302", Fail, Aggregate;
    /// Free text.
    FreeText = "FREE_TEXT", "SDC-302", Fail, RemoveText;
    /// A long label of a group.
    LongLabel = "LONG_LABEL", "SDC-302", Review, RemoveText;
    /// More than 1000 rows.
    ManyRows = "MANY_ROWS", "SDC-302", Review, Aggregate;

    /// A count of 1 to 9 is shown.
    SmallCount = "SMALL_COUNT", "SDC-303", Fail, HideSmall;
    /// Counts are masked.
    Masked = "MASKED", "SDC-303", Review, MergeCategories;
    /// Counts are masked by different signs.
    MaskedUnevenly = "MASKED_UNEVENLY", "SDC-303", Review, OneSign;
    /// Counts that are not rounded to 5.
    NotRounded = "NOT_ROUNDED", "SDC-303", Review, RoundToFive;
    /// A table of shares without the counts behind it.
    NoCounts = "NO_COUNTS", "SDC-303", Review, AddCounts;
    /// Fewer than 10 contributors.
    FewContributors = "FEW_CONTRIBUTORS", "SDC-303", Fail, MergeCategories;
    /// The number of contributors is not known.
    ContributorsUnknown = "CONTRIBUTORS_UNKNOWN", "SDC-303", Review, AddCounts;
    /// No evidence that single contributors do not dominate.
    DominanceUnknown = "DOMINANCE_UNKNOWN", "SDC-303", Review, StateDominance;
    /// The evidence shows that single contributors dominate.
    Dominance = "DOMINANCE", "SDC-303", Review, MergeCategories;
    /// A statistic of fewer than 10 units.
    FewUnits = "FEW_UNITS", "SDC-303", Fail, MergeCategories;
    /// The number of units is not known.
    UnitsUnknown = "UNITS_UNKNOWN", "SDC-303", Review, AddCounts;
    /// A percentile far out.
    ExtremePercentile = "EXTREME_PERCENTILE", "SDC-303", Review, CentralPercentile;
    /// The smallest or largest value.
    SingleValue = "SINGLE_VALUE", "SDC-303", Fail, CentralPercentile;
    /// A test or correlation of fewer than 10 units.
    SmallSample = "SMALL_SAMPLE", "SDC-303", Fail, LargerSample;
    /// Fewer than 10 degrees of freedom.
    FewDegrees = "FEW_DEGREES", "SDC-303", Review, LargerSample;
    /// The degrees of freedom are not known.
    DegreesUnknown = "DEGREES_UNKNOWN", "SDC-303", Review, AddCounts;
    /// No summary of the design of a model.
    NoDesign = "NO_DESIGN", "SDC-303", Review, SupplyDesign;
    /// As many parameters as persons, or a perfect fit.
    Saturated = "SATURATED", "SDC-303", Fail, FewerTerms;
    /// A dummy for one person.
    SinglePersonTerm = "SINGLE_PERSON_TERM", "SDC-303", Fail, FewerTerms;
    /// A dummy with fewer than 10 persons on a side.
    SmallDummy = "SMALL_DUMMY", "SDC-303", Review, FewerTerms;
    /// Few persons decide a coefficient.
    Concentrated = "CONCENTRATED", "SDC-303", Review, FewerTerms;
    /// A step of a survival curve for every event.
    EventTimes = "EVENT_TIMES", "SDC-303", Fail, CoarserSteps;
    /// Steps of fewer than 5 events.
    FewEvents = "FEW_EVENTS", "SDC-303", Review, CoarserSteps;
    /// The number of events per step is not known.
    EventsUnknown = "EVENTS_UNKNOWN", "SDC-303", Review, AddCounts;
    /// Fewer than 10 persons at risk.
    FewAtRisk = "FEW_AT_RISK", "SDC-303", Review, CoarserSteps;
    /// A figure that shows individuals.
    Individuals = "INDIVIDUALS", "SDC-303", Fail, Aggregate;
    /// The numbers of a figure do not all stand in a table that passed.
    NotFromTable = "NOT_FROM_TABLE", "SDC-303", Review, SendTable;
    /// A trained model: never passes by machine.
    Model = "MODEL", "SDC-303", Review, AskSteward;
    /// A model without a membership attack, or one that succeeds too often.
    ModelUntested = "MODEL_UNTESTED", "SDC-303", Review, TestModel;
    /// A model of a kind that contains its data.
    ModelHoldsData = "MODEL_HOLDS_DATA", "SDC-303", Fail, OtherModel;
    /// A long string without words.
    LongString = "LONG_STRING", "SDC-303", Review, RemoveText;
    /// Data written into a text or code.
    DataInText = "DATA_IN_TEXT", "SDC-303", Review, SendTable;
    /// What kind of output it is cannot be told.
    TypeUnknown = "TYPE_UNKNOWN", "SDC-303", Review, DeclareType;
    /// It looks like another type of output than declared.
    TypeContradicted = "TYPE_CONTRADICTED", "SDC-303", Review, DeclareType;
    /// The declaration cannot be read, or names what is not there.
    Declaration = "DECLARATION", "SDC-303", Review, MendDeclaration;

    /// Two tables differ by 1 to 9.
    Difference = "DIFFERENCE", "SDC-304", Review, MergeCategories;
    /// A hidden count follows from the others.
    Derivable = "DERIVABLE", "SDC-304", Review, HideMore;
    /// Two samples differ by fewer than 10.
    NestedSamples = "NESTED_SAMPLES", "SDC-304", Review, SameSample;
    /// Too large for the bounds of hidden counts to be computed.
    NotLinked = "NOT_LINKED", "SDC-304", Review, MakeSmaller;

    /// Released by the gate: signature and content hold.
    Released = "RELEASED", "SDC-306", Pass, Nothing;
    /// A released document whose signature does not hold.
    SealBroken = "SEAL_BROKEN", "SDC-306", Fail, FetchAgain;
    /// A released document, and no key to verify it with.
    SealUnverified = "SEAL_UNVERIFIED", "SDC-306", Review, GiveKey;
}

macro_rules! remedies {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal;)+) => {
        /// What the author can do about a [`Reason`].
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Remedy {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Remedy {
            /// All remedies.
            pub const ALL: &'static [Remedy] = &[$(Remedy::$name,)+];

            /// The code of machines, e.g. `round_to_five`.
            pub const fn code(self) -> &'static str {
                match self { $(Remedy::$name => $code,)+ }
            }
        }
    };
}

remedies! {
    /// Nothing needs to be done.
    Nothing = "nothing";
    /// Save it as one of the listed kinds.
    SaveAsListed = "save_as_listed";
    /// Make it smaller.
    MakeSmaller = "make_smaller";
    /// Send the files themselves.
    SendFiles = "send_files";
    /// Save it without password.
    RemoveProtection = "remove_protection";
    /// Save values only.
    SaveValues = "save_values";
    /// Remove scripts.
    RemoveScripts = "remove_scripts";
    /// Remove links to content elsewhere.
    RemoveLinks = "remove_links";
    /// Save it again with another program.
    SaveAgain = "save_again";
    /// Remove comments and hidden parts.
    RemoveHidden = "remove_hidden";
    /// Use the picture that the check wrote again.
    UseReencoded = "use_reencoded";
    /// Send the table behind it.
    SendTable = "send_table";
    /// Declare it as a model.
    DeclareModel = "declare_model";
    /// Remove what belongs to persons.
    RemovePersons = "remove_persons";
    /// Aggregate.
    Aggregate = "aggregate";
    /// Remove or shorten texts.
    RemoveText = "remove_text";
    /// Hide small counts.
    HideSmall = "hide_small";
    /// Merge categories.
    MergeCategories = "merge_categories";
    /// Use one sign.
    OneSign = "one_sign";
    /// Round to 5.
    RoundToFive = "round_to_five";
    /// Add the counts.
    AddCounts = "add_counts";
    /// State the shares of the largest contributors.
    StateDominance = "state_dominance";
    /// Use more central percentiles.
    CentralPercentile = "central_percentile";
    /// Use a larger sample.
    LargerSample = "larger_sample";
    /// Supply a summary of the design.
    SupplyDesign = "supply_design";
    /// Use fewer terms.
    FewerTerms = "fewer_terms";
    /// Use coarser steps.
    CoarserSteps = "coarser_steps";
    /// Ask the steward.
    AskSteward = "ask_steward";
    /// Test the model.
    TestModel = "test_model";
    /// Use another kind of model.
    OtherModel = "other_model";
    /// Declare the type.
    DeclareType = "declare_type";
    /// Mend the declaration.
    MendDeclaration = "mend_declaration";
    /// Hide more.
    HideMore = "hide_more";
    /// Use the same sample.
    SameSample = "same_sample";
    /// Fetch the result again.
    FetchAgain = "fetch_again";
    /// Give the key of the gate.
    GiveKey = "give_key";
}

impl Reason {
    /// The text for a reader.
    pub fn text(self, language: Language) -> &'static str {
        texts::reason(self)[language as usize]
    }
}

impl Remedy {
    /// The text for a reader.
    pub fn text(self, language: Language) -> &'static str {
        texts::remedy(self)[language as usize]
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// SDC-300: codes are stable names, each once, and every reason and remedy has a text in three languages.
    #[test]
    fn codes_are_unique_and_texts_complete() {
        let codes: BTreeSet<&str> = Reason::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        let remedies: BTreeSet<&str> = Remedy::ALL.iter().map(|r| r.code()).collect();
        assert_eq!(remedies.len(), Remedy::ALL.len());
        for language in Language::ALL {
            assert!(Reason::ALL.iter().all(|r| r.text(language).ends_with('.')));
            assert!(Remedy::ALL.iter().all(|r| r.text(language).ends_with('.')));
        }
        assert!(Remedy::ALL.iter().all(|r| Reason::ALL.iter().any(|reason| reason.remedy() == *r)));
    }
}
