//! The words of tables and figures in three languages.

use disclosure::{Base, Content, Edit, Population, Statistic, Value};
use kernel::Language;

use crate::format;

/// A text in the three languages.
pub(crate) type Words = [&'static str; 3];

pub(crate) const TOTAL: Words = ["I alt", "I alt", "Total"];
pub(crate) const MISSING: Words = ["Mangler", "Manglar", "Missing"];
pub(crate) const VARIABLE: Words = ["Variabel", "Variabel", "Variable"];
pub(crate) const SHOWN: Words = ["Viser", "Viser", "Shows"];
pub(crate) const HIDDEN: Words = ["skjult", "skjult", "hidden"];
pub(crate) const UNDEFINED: Words = ["Kan ikke beregnes", "Kan ikkje reknast ut", "Cannot be computed"];
pub(crate) const TABLE_BESIDE: Words = ["Tallene som tabell", "Tala som tabell", "The numbers as a table"];
pub(crate) const WINSORISED: Words = [
    "Gjennomsnitt er beregnet på verdier mellom 1. og 99. persentil av variabelen.",
    "Gjennomsnitt er rekna på verdiar mellom 1. og 99. persentil av variabelen.",
    "Means are computed on values between the 1st and 99th percentile of the variable.",
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

pub(crate) fn population(p: &Population, language: Language) -> String {
    let size = released(p.persons, language);
    let (dataset, units) = (&p.dataset, p.units.map(|u| released(u, language)));
    let persons = say(["personer", "personar", "persons"], language);
    let has = say(["har", "har", "has"], language);
    let what = if p.unit_type == "KOMMUNE" { p.unit_type.as_str() } else { persons };
    match units {
        None => format!("{dataset} {has} {size} {what}."),
        Some(units) => {
            let behind = say(["enheter, med", "einingar, med", "units, with"], language);
            format!("{dataset} {has} {units} {} {behind} {size} {persons}.", p.unit_type)
        }
    }
}

pub(crate) fn edit(e: &Edit, language: Language) -> String {
    let columns = e.columns.join(", ");
    let touched = released(e.touched, language);
    match language {
        Language::Nb => format!("{}: {columns} er satt for {touched} enheter.", e.dataset),
        Language::Nn => format!("{}: {columns} er sett for {touched} einingar.", e.dataset),
        Language::En => format!("{}: {columns} is set for {touched} units.", e.dataset),
    }
}

fn released(value: Value, language: Language) -> String {
    match value {
        Value::Value(x) => format::number(x, language),
        Value::Hidden(_) => say(["få", "få", "few"], language).to_owned(),
        Value::Undefined => "–".to_owned(),
    }
}
