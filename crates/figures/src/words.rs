//! The words of tables and figures in three languages.

use disclosure::{Base, Content, DatasetKind, Done, Edit, Note, Population, Statistic, Value};
use kernel::Language;

use crate::format;

pub(crate) use crate::terms::*;

/// A text in the three languages.
pub(crate) type Words = [&'static str; 3];

pub(crate) const TOTAL: Words = ["I alt", "I alt", "Total"];
pub(crate) const MISSING: Words = ["Mangler", "Manglar", "Missing"];
pub(crate) const VARIABLE: Words = ["Variabel", "Variabel", "Variable"];
pub(crate) const DATE: Words = ["Dato", "Dato", "Date"];
pub(crate) const ADJUSTED: Words = [
    "Antallene er justert slik at de summerer seg.",
    "Tala er justerte slik at dei summerer seg.",
    "Counts are adjusted so that they add up.",
];
pub(crate) const PUBLISHED: Words = [
    "Tabellen er laget for en rapport: det er skjult så mange celler at de små ikke kan regnes ut av de andre tallene i den.",
    "Tabellen er laga for ein rapport: det er skjult så mange celler at dei små ikkje kan reknast ut av dei andre tala i han.",
    "The table is made for a report: so many cells are hidden that the small ones cannot be worked out from its other numbers.",
];
pub(crate) const UNSORTED: Words = [
    "Tabellen har ingen rad eller kolonne med kodene i sorteringen og står i kodenes rekkefølge.",
    "Tabellen har inga rad eller kolonne med kodane i sorteringa og står i rekkjefølgja til kodane.",
    "The table has no row or column with the codes to sort by and stands in the order of the codes.",
];
pub(crate) const PERTURBED_TEST: Words = [
    "Testen er beregnet på lett endrede antall.",
    "Testen er rekna på lett endra tal.",
    "The test is computed on perturbed counts.",
];
pub(crate) const SMALL_EXPECTED: Words = [
    "Mer enn en femtedel av de forventede antallene er under fem (W_SMALL_EXPECTED).",
    "Meir enn ein femdel av dei forventa tala er under fem (W_SMALL_EXPECTED).",
    "More than a fifth of the expected counts are below five (W_SMALL_EXPECTED).",
];
pub(crate) const SHOWN: Words = ["Viser", "Viser", "Shows"];
pub(crate) const HIDDEN: Words = ["skjult", "skjult", "hidden"];
pub(crate) const UNDEFINED: Words = ["Kan ikke beregnes", "Kan ikkje reknast ut", "Cannot be computed"];
pub(crate) const TABLE_BESIDE: Words = ["Tallene som tabell", "Tala som tabell", "The numbers as a table"];
pub(crate) const WINSORISED: Words = [
    "Gjennomsnitt er beregnet på verdier mellom 1. og 99. persentil av variabelen.",
    "Gjennomsnitt er rekna på verdiar mellom 1. og 99. persentil av variabelen.",
    "Means are computed on values between the 1st and 99th percentile of the variable.",
];

pub(crate) const DERIVED: Words = [
    "Variabler som skriptet lager, eller som har få verdier, har mer støy: typisk feil i et gjennomsnitt er to ganger avstanden \
     mellom 1. og 99. persentil av variabelen, delt på antall personer.",
    "Variablar som skriptet lagar, eller som har få verdiar, har meir støy: typisk feil i eit gjennomsnitt er to gonger avstanden \
     mellom 1. og 99. persentil av variabelen, delt på talet på personar.",
    "Variables that the script makes, or that have few values, carry more noise: the typical error of a mean is twice the distance \
     from the 1st to the 99th percentile of the variable, divided by the number of persons.",
];
pub(crate) const PART: Words = [
    "Beregnet uten en hemmelig, tilfeldig del av utvalget: noen hundre personer, av små utvalg omtrent en femdel.",
    "Rekna utan ein hemmeleg, tilfeldig del av utvalet: nokre hundre personar, av små utval om lag ein femdel.",
    "Computed without a secret random part of the sample: some hundred persons, of small samples about a fifth.",
];

pub(crate) const fn say(words: Words, language: Language) -> &'static str {
    match language {
        Language::Nb => words[0],
        Language::Nn => words[1],
        Language::En => words[2],
    }
}

/// What a cell or bar shows.
pub(crate) fn content(content: Content, language: Language) -> String {
    match content {
        Content::Count => say(["Antall personer", "Talet på personar", "Number of persons"], language).to_owned(),
        Content::Share(base) => say(
            match base {
                Base::Row => ["Prosent av rad", "Prosent av rad", "Per cent of row"],
                Base::Column => ["Prosent av kolonne", "Prosent av kolonne", "Per cent of column"],
                Base::Table => ["Prosent av alle", "Prosent av alle", "Per cent of all"],
            },
            language,
        )
        .to_owned(),
        Content::Statistic(s) => statistic(s, language),
        Content::Valid => say(["Prosent med verdi", "Prosent med verdi", "Per cent with a value"], language).to_owned(),
    }
}

pub(crate) fn statistic(statistic: Statistic, language: Language) -> String {
    let words = match statistic {
        Statistic::Mean => ["Gjennomsnitt", "Gjennomsnitt", "Mean"],
        Statistic::Sd => ["Standardavvik", "Standardavvik", "Standard deviation"],
        Statistic::Sum => ["Sum", "Sum", "Sum"],
        Statistic::Gini => ["Gini", "Gini", "Gini"],
        Statistic::N => ["Antall med verdi", "Talet med verdi", "Number with a value"],
        Statistic::Iqr => ["Kvartilavstand", "Kvartilavstand", "Interquartile range"],
        Statistic::Percentile(50.0) => ["Median", "Median", "Median"],
        Statistic::Percentile(p) => return format!("P{}", format::number(p, language)),
    };
    say(words, language).to_owned()
}

/// The heading of a column of a list or a file, by its id; the id itself where it has no words.
pub(crate) fn column(id: &str, language: Language) -> String {
    let words = match id {
        "code" => ["Kode", "Kode", "Code"],
        "label" => ["Navn", "Namn", "Label"],
        "flagged" => ["Regnes som manglende", "Reknast som manglande", "Counts as missing"],
        "valid_from" => ["Gyldig fra", "Gyldig frå", "Valid from"],
        "valid_until" => ["Gyldig til", "Gyldig til", "Valid until"],
        "name" | "variable" => VARIABLE,
        "date" => DATE,
        "total" => TOTAL,
        "category" => ["Kategori", "Kategori", "Category"],
        "category_label" => ["Navn på kategori", "Namn på kategori", "Label of category"],
        "status" => ["Status", "Status", "Status"],
        "dataset" => ["Datasett", "Datasett", "Dataset"],
        "title" => ["Tittel", "Tittel", "Title"],
        "unit_type" => ["Enhetstype", "Einingstype", "Unit type"],
        "temporality" => ["Tidstype", "Tidstype", "Temporality"],
        "data_type" => ["Datatype", "Datatype", "Data type"],
        "description" => ["Beskrivelse", "Omtale", "Description"],
        "result" => ["Resultat", "Resultat", "Result"],
        "format" => ["Format", "Format", "Format"],
        "file" => ["Fil", "Fil", "File"],
        "script" => ["Skript", "Skript", "Script"],
        "stores" => ["Datalager", "Datalager", "Data stores"],
        "policy" => ["Regelsett", "Regelsett", "Policy"],
        "command" => ["Kommando", "Kommando", "Command"],
        "term" => TERM,
        "term_label" => ["Navn på ledd", "Namn på ledd", "Label of term"],
        "outcome" => OUTCOME,
        "outcome_label" => ["Navn på utfall", "Namn på utfall", "Label of outcome"],
        "model" => ["Modell", "Modell", "Model"],
        "response" => RESPONSE,
        "effect" => ["Effekt", "Effekt", "Effect"],
        "panel" => ["Panel", "Panel", "Panel"],
        "group" => GROUP,
        "test" => TEST,
        "statistic" => STATISTIC,
        "row" => ["Rad", "Rad", "Row"],
        "step" => ["Trinn", "Trinn", "Step"],
        "from" => ["Fra", "Frå", "From"],
        "to" => ["Til", "Til", "To"],
        "line" => ["Linje", "Linje", "Line"],
        other => return other.to_owned(),
    };
    say(words, language).to_owned()
}

/// What a receipt says of a population: dataset, kind, unit type and released sizes (LANG-101, LANG-241).
pub(crate) fn population(p: &Population, language: Language) -> String {
    let kind = match p.dataset_kind {
        None => String::new(),
        Some(DatasetKind::CrossSection) => {
            format!(" ({}, {})", say(["tverrsnitt", "tverrsnitt", "cross-section"], language), p.unit_type)
        }
        Some(DatasetKind::Event) => format!(" ({}, {})", say(["forløp", "forløp", "events"], language), p.unit_type),
        Some(DatasetKind::Panel) => format!(" ({}, {})", say(["panel", "panel", "panel"], language), p.unit_type),
    };
    let has = say(["har", "har", "has"], language);
    let persons = say(["personer", "personar", "persons"], language);
    let what = if p.unit_type == "KOMMUNE" { p.unit_type.as_str() } else { persons };
    let size = released(p.persons, language);
    let size = match p.units {
        None => format!("{size} {what}"),
        Some(units) => {
            let behind = say(["enheter, med", "einingar, med", "units, with"], language);
            format!("{} {} {behind} {size} {persons}", released(units, language), p.unit_type)
        }
    };
    let before = p.before.map(|before| {
        let word = say(["før", "før", "before"], language);
        format!(" ({word}: {})", released(before, language))
    });
    format!("{}{kind} {has} {size}{}.", p.dataset, before.unwrap_or_default())
}

pub(crate) fn edit(e: &Edit, language: Language) -> String {
    let columns = e.columns.join(", ");
    let touched = released(e.touched, language);
    let mut text = match language {
        Language::Nb => format!("{}: {columns} er satt for {touched} enheter", e.dataset),
        Language::Nn => format!("{}: {columns} er sett for {touched} einingar", e.dataset),
        Language::En => format!("{}: {columns} is set for {touched} units", e.dataset),
    };
    if let Some(untouched) = e.untouched.map(|u| released(u, language)) {
        text.push_str(&match language {
            Language::Nb => format!(", {untouched} er som før"),
            Language::Nn => format!(", {untouched} er som før"),
            Language::En => format!(", {untouched} are as before"),
        });
    }
    text.push('.');
    text
}

/// What happened to a dataset without a population.
pub(crate) fn dataset(name: &str, done: &Done, language: Language) -> String {
    match (done, language) {
        (Done::Created, Language::En) => format!("{name} is made and is empty."),
        (Done::Created, Language::Nb) => format!("{name} er laget og er tomt."),
        (Done::Created, Language::Nn) => format!("{name} er laga og er tomt."),
        (Done::Deleted, Language::En) => format!("{name} is deleted."),
        (Done::Deleted, Language::Nb) => format!("{name} er slettet."),
        (Done::Deleted, Language::Nn) => format!("{name} er sletta."),
        (Done::CopyOf(of), Language::En) => format!("{name} is a copy of {of}."),
        (Done::CopyOf(of), Language::Nb) => format!("{name} er en kopi av {of}."),
        (Done::CopyOf(of), Language::Nn) => format!("{name} er ein kopi av {of}."),
        (Done::UnitsOf(of), Language::En) => format!("{name} has the units of {of}."),
        (Done::UnitsOf(of), Language::Nb) => format!("{name} har enhetene til {of}."),
        (Done::UnitsOf(of), Language::Nn) => format!("{name} har einingane til {of}."),
        (Done::RenamedFrom(from), Language::En) => format!("{from} is called {name} now."),
        (Done::RenamedFrom(from), Language::Nb) => format!("{from} heter nå {name}."),
        (Done::RenamedFrom(from), Language::Nn) => format!("{from} heiter no {name}."),
    }
}

/// What receipts add from metadata, a line each.
pub(crate) fn notes(notes: &[Note], language: Language) -> Vec<String> {
    notes.iter().flat_map(|n| note_lines(n, language)).collect()
}

fn note_lines(note: &Note, language: Language) -> Vec<String> {
    let Note::Harmonised { column, to, changed, splits } = note;
    let to = to.map_or_else(String::new, |d| d.to_string());
    let changed = format::count(u64::from(*changed), language);
    let mut lines = vec![match language {
        Language::Nb => format!("{column}: kodelisten er den som gjelder {to}; {changed} koder er endret."),
        Language::Nn => format!("{column}: kodelista er den som gjeld {to}; {changed} kodar er endra."),
        Language::En => format!("{column}: the code list is the one in force on {to}; {changed} codes have changed."),
    }];
    for split in splits {
        let heirs = split.heirs.join(", ");
        let missing = say(["manglende", "manglande", "missing"], language);
        let chosen = split.chosen.as_deref().unwrap_or(missing);
        lines.push(match language {
            Language::Nb => format!("{column}: {} er delt i {heirs}; valgt er {chosen}.", split.from),
            Language::Nn => format!("{column}: {} er delt i {heirs}; vald er {chosen}.", split.from),
            Language::En => format!("{column}: {} was split into {heirs}; {chosen} is chosen.", split.from),
        });
    }
    lines
}

/// What the counts of a published table are rounded to.
pub(crate) fn rounded_to(base: u32, language: Language) -> String {
    let base = format::count(u64::from(base), language);
    match language {
        Language::Nb => format!("Antallene er avrundet til nærmeste {base}."),
        Language::Nn => format!("Tala er runda av til næraste {base}."),
        Language::En => format!("Counts are rounded to the nearest {base}."),
    }
}

fn released(value: Value, language: Language) -> String {
    match value {
        Value::Value(x) => format::number(x, language),
        Value::Hidden(_) => say(["få", "få", "few"], language).to_owned(),
        Value::Undefined => "–".to_owned(),
    }
}
