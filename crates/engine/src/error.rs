//! Why a statement gave no result. Texts name what stands in the script, never a value, a count or a row (SDC-184).

use std::fmt;

use kernel::{LangMap, Language};

use crate::source::SourceError;

/// Why the run has to end before its statement is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stop {
    /// The user cancelled it.
    Cancelled,
    /// The time budget is used up (E602).
    OutOfTime,
}

/// A statement that failed. The run stays as it was before the statement.
#[derive(Clone, PartialEq, Debug)]
pub enum RunError {
    /// The statement cannot be carried out: code, named error of the statistics (LANG-109) and text.
    Statement {
        /// Stable code.
        code: script::Code,
        /// The named error, e.g. `E_CONTINUOUS`.
        name: Option<&'static str>,
        /// What is wrong and what to do, in every language.
        message: LangMap,
    },
    /// Something the run needs does not answer or is damaged.
    Unavailable(String),
    /// The run was stopped from outside.
    Stopped(Stop),
}

impl fmt::Display for RunError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RunError::Statement { code, message, .. } => write!(f, "{code}: {}", message.text(Language::En)),
            RunError::Unavailable(what) => write!(f, "{what} is not available"),
            RunError::Stopped(Stop::Cancelled) => f.write_str("cancelled"),
            RunError::Stopped(Stop::OutOfTime) => f.write_str("the time budget is used up"),
        }
    }
}

impl std::error::Error for RunError {}

impl From<SourceError> for RunError {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::UnknownVersion { .. } | SourceError::UnknownVariable { .. } => {
                let text = error.to_string();
                Self::statement(script::Code::E205, None, [&text, &text, &text])
            }
            SourceError::Time { name } => Self::statement(
                script::Code::E307,
                None,
                [
                    &format!("{name} har ingen verdier på dette tidspunktet."),
                    &format!("{name} har ingen verdiar på dette tidspunktet."),
                    &format!("{name} has no values at this time."),
                ],
            ),
            SourceError::NoKeys => RunError::Unavailable("the keys of the disclosure gate".to_owned()),
            SourceError::Unavailable { what } => RunError::Unavailable(what),
        }
    }
}

impl RunError {
    pub(crate) fn statement(code: script::Code, name: Option<&'static str>, [nb, nn, en]: [&str; 3]) -> Self {
        RunError::Statement { code, name, message: LangMap::of(nb, nn, en) }
    }

    pub(crate) fn unknown_dataset(name: &str) -> Self {
        let nb = format!("Datasettet «{name}» finnes ikke.");
        let nn = format!("Datasettet «{name}» finst ikkje.");
        Self::statement(script::Code::E202, None, [&nb, &nn, &format!("There is no dataset \"{name}\".")])
    }

    pub(crate) fn unknown_column(name: &str) -> Self {
        let nb = format!("Variabelen «{name}» finnes ikke i datasettet.");
        let nn = format!("Variabelen «{name}» finst ikkje i datasettet.");
        Self::statement(script::Code::E201, None, [&nb, &nn, &format!("The dataset has no variable \"{name}\".")])
    }

    pub(crate) fn no_dataset() -> Self {
        Self::statement(
            script::Code::E203,
            None,
            ["Ingen datasett er aktive.", "Ingen datasett er aktive.", "No dataset is active."],
        )
    }

    pub(crate) fn continuous(name: &str) -> Self {
        Self::statement(
            script::Code::E304,
            Some("E_CONTINUOUS"),
            [
                &format!("«{name}» er kontinuerlig og kan ikke deles i kategorier. Grupper den med recode."),
                &format!("«{name}» er kontinuerleg og kan ikkje delast i kategoriar. Grupper han med recode."),
                &format!("\"{name}\" is continuous and has no categories. Group it with recode."),
            ],
        )
    }

    pub(crate) fn too_many_cells() -> Self {
        Self::statement(
            script::Code::E601,
            Some("E_TABLE_TOO_LARGE"),
            [
                "Tabellen har for mange celler. Filtrer, bruk recode eller ta med færre variabler.",
                "Tabellen har for mange celler. Filtrer, bruk recode eller ta med færre variablar.",
                "The table has too many cells. Filter, recode or use fewer variables.",
            ],
        )
    }

    pub(crate) fn too_many_groups() -> Self {
        Self::statement(
            script::Code::E601,
            Some("E_TOO_MANY_GROUPS"),
            [
                "Det er for mange grupper. Filtrer, bruk recode eller ta med færre variabler i by().",
                "Det er for mange grupper. Filtrer, bruk recode eller ta med færre variablar i by().",
                "There are too many groups. Filter, recode or use fewer variables in by().",
            ],
        )
    }

    pub(crate) fn out_of_memory() -> Self {
        Self::statement(
            script::Code::E601,
            None,
            [
                "Kjøringen bruker mer minne enn tillatt. Slett variabler eller datasett som ikke trengs.",
                "Køyringa bruker meir minne enn tillate. Slett variablar eller datasett som ikkje trengst.",
                "The run uses more memory than allowed. Drop variables or datasets that are not needed.",
            ],
        )
    }

    pub(crate) fn type_mismatch(name: &str) -> Self {
        Self::statement(
            script::Code::E301,
            None,
            [
                &format!("«{name}» har en annen type enn kommandoen krever."),
                &format!("«{name}» har ein annan type enn kommandoen krev."),
                &format!("\"{name}\" has another type than the command needs."),
            ],
        )
    }

    pub(crate) fn mixed_kinds(name: &str) -> Self {
        Self::statement(
            script::Code::E309,
            None,
            [
                &format!("«{name}» passer ikke i et datasett med hendelser eller paneldata."),
                &format!("«{name}» passar ikkje i eit datasett med hendingar eller paneldata."),
                &format!("\"{name}\" does not fit into a dataset of events or panel data."),
            ],
        )
    }

    pub(crate) fn other_units(name: &str) -> Self {
        Self::statement(
            script::Code::E308,
            None,
            [
                &format!("«{name}» gjelder andre enheter enn datasettet."),
                &format!("«{name}» gjeld andre einingar enn datasettet."),
                &format!("\"{name}\" is about other units than the dataset."),
            ],
        )
    }

    pub(crate) fn not_empty(name: &str) -> Self {
        Self::statement(
            script::Code::E311,
            None,
            [
                &format!("Datasettet «{name}» må være tomt."),
                &format!("Datasettet «{name}» må vere tomt."),
                &format!("The dataset \"{name}\" must be empty."),
            ],
        )
    }

    pub(crate) fn not_a_panel(name: &str) -> Self {
        Self::statement(
            script::Code::E310,
            Some("E_NOT_A_PANEL"),
            [
                &format!("Kommandoen krever paneldata, og det er «{name}» ikke."),
                &format!("Kommandoen krev paneldata, og det er «{name}» ikkje."),
                &format!("The command needs panel data, which \"{name}\" is not."),
            ],
        )
    }

    /// Says nothing of how many, or of which (LANG-245).
    pub(crate) fn not_unique(name: &str) -> Self {
        Self::statement(
            script::Code::E313,
            None,
            [
                &format!("«{name}» kan ha flere rader per nøkkel. Bruk collapse først."),
                &format!("«{name}» kan ha fleire rader per nøkkel. Bruk collapse først."),
                &format!("\"{name}\" may have several rows per key. Use collapse first."),
            ],
        )
    }

    pub(crate) fn no_link_key(name: &str) -> Self {
        Self::statement(
            script::Code::E312,
            None,
            [
                &format!("Radene i «{name}» har ingen felles nøkkel med datasettet de skal til."),
                &format!("Radene i «{name}» har ingen felles nøkkel med datasettet dei skal til."),
                &format!("The rows of \"{name}\" have no key in common with the dataset they go to."),
            ],
        )
    }

    pub(crate) fn not_a_number(name: &str) -> Self {
        Self::statement(
            script::Code::E305,
            None,
            [
                &format!("«{name}» kan ha koder som ikke er tall. Bruk force for å gjøre dem til manglende."),
                &format!("«{name}» kan ha kodar som ikkje er tal. Bruk force for å gjere dei til manglande."),
                &format!("\"{name}\" may have codes that are no numbers. Use force to make them missing."),
            ],
        )
    }

    pub(crate) fn split_code(name: &str) -> Self {
        Self::statement(
            script::Code::E317,
            None,
            [
                &format!("Koder i kodelisten til «{name}» er delt. Velg split(largest) eller split(missing)."),
                &format!("Kodar i kodelista til «{name}» er delte. Vel split(largest) eller split(missing)."),
                &format!("Codes in the list of \"{name}\" were split. Choose split(largest) or split(missing)."),
            ],
        )
    }

    pub(crate) fn not_yet(what: &str) -> Self {
        Self::statement(
            script::Code::E605,
            None,
            [
                &format!("{what} kan ikke kjøres ennå."),
                &format!("{what} kan ikkje køyrast enno."),
                &format!("{what} cannot be run yet."),
            ],
        )
    }
}
