//! Texts of the checks that need bindings or metadata.

use kernel::Date;

use super::{error, say, shortened};
use crate::catalogue::{RequestedVersion, VariableInfo};
use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;

pub(crate) fn unknown_binding(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E206,
        span,
        say!("«${name}» er ikke definert.", "«${name}» er ikkje definert.", "\"${name}\" is not defined."),
    )
    .hint(say!("Skriv let {name} = … først.", "Skriv let {name} = … først.", "Write let {name} = … first."))
}

pub(crate) fn param_missing(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E206,
        span,
        say!(
            "Parameteren «{name}» har ingen verdi.",
            "Parameteren «{name}» har ingen verdi.",
            "The parameter \"{name}\" has no value.",
        ),
    )
}

pub(crate) fn no_constant(span: Span) -> Diagnostic {
    error(
        Code::E301,
        span,
        say!("Uttrykket gir ingen verdi.", "Uttrykket gir ingen verdi.", "The expression gives no value."),
    )
}

pub(crate) fn text_too_long(span: Span, limit: usize) -> Diagnostic {
    error(
        Code::E601,
        span,
        say!(
            "Teksten er for lang (grensen er {limit} byte).",
            "Teksten er for lang (grensa er {limit} byte).",
            "The text is too long (the limit is {limit} bytes).",
        ),
    )
}

pub(crate) fn symbol_in_arithmetic(span: Span, name: &str) -> Diagnostic {
    let name = shortened(name);
    error(
        Code::E301,
        span,
        say!(
            "«{name}» er et navn, ikke et tall. Variabler har ingen verdi her.",
            "«{name}» er eit namn, ikkje eit tal. Variablar har ingen verdi her.",
            "\"{name}\" is a name, not a number. Variables have no value here.",
        ),
    )
}

pub(crate) fn not_for_constants(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E207,
        span,
        say!(
            "Funksjonen «{name}» kan ikke brukes på konstanter.",
            "Funksjonen «{name}» kan ikkje brukast på konstantar.",
            "The function \"{name}\" cannot be used on constants.",
        ),
    )
}

pub(crate) fn not_for_data(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E207,
        span,
        say!(
            "Funksjonen «{name}» kan ikke brukes her.",
            "Funksjonen «{name}» kan ikkje brukast her.",
            "The function \"{name}\" cannot be used here.",
        ),
    )
}

pub(crate) fn not_an_integer(span: Span, text: &str) -> Diagnostic {
    let text = shortened(text);
    error(
        Code::E301,
        span,
        say!("«{text}» er ikke et heltall.", "«{text}» er ikkje eit heiltal.", "\"{text}\" is not a whole number."),
    )
}

pub(crate) fn out_of_range(span: Span, text: &str, low: &str, high: &str) -> Diagnostic {
    let text = shortened(text);
    error(
        Code::E316,
        span,
        say!(
            "{text} er utenfor grensene {low} til {high}.",
            "{text} er utanfor grensene {low} til {high}.",
            "{text} is outside the limits {low} to {high}.",
        ),
    )
}

pub(crate) fn sample_size(span: Span) -> Diagnostic {
    error(
        Code::E316,
        span,
        say!(
            "Utvalget må ha mer enn 1000 enheter, eller være en andel mellom 0 og 1.",
            "Utvalet må ha meir enn 1000 einingar, eller vere ein del mellom 0 og 1.",
            "The sample must have more than 1000 units, or be a share between 0 and 1.",
        ),
    )
}

pub(crate) fn needs_number(span: Span) -> Diagnostic {
    error(
        Code::E301,
        span,
        say!(
            "Her trengs et tall, men dette er tekst.",
            "Her trengst eit tal, men dette er tekst.",
            "A number is needed here, but this is text."
        ),
    )
    .hint(say!(
        "Gjør teksten til tall med destring.",
        "Gjer teksten til tal med destring.",
        "Turn the text into numbers with destring."
    ))
}

pub(crate) fn needs_text(span: Span) -> Diagnostic {
    error(
        Code::E301,
        span,
        say!(
            "Her trengs en tekst, men dette er tall.",
            "Her trengst ein tekst, men dette er tal.",
            "A text is needed here, but this is a number."
        ),
    )
    .hint(say!(
        "Gjør tallet til tekst med string().",
        "Gjer talet til tekst med string().",
        "Turn the number into text with string()."
    ))
}

pub(crate) fn needs_variable(span: Span) -> Diagnostic {
    error(Code::E301, span, say!("Her trengs en variabel.", "Her trengst ein variabel.", "A variable is needed here."))
}

pub(crate) fn text_against_number(span: Span, code: Option<&str>) -> Diagnostic {
    let diagnostic = error(
        Code::E301,
        span,
        say!(
            "Tekst og tall kan ikke sammenlignes.",
            "Tekst og tal kan ikkje samanliknast.",
            "Text and numbers cannot be compared.",
        ),
    );
    match code {
        Some(code) => {
            let mut hinted = diagnostic.hint(say!(
                "Variabelen er tekst: skriv koden i hermetegn, '{code}', eller bruk destring.",
                "Variabelen er tekst: skriv koden i hermeteikn, '{code}', eller bruk destring.",
                "The variable is text: quote the code, '{code}', or use destring.",
            ));
            hinted.replacement = Some(format!("'{code}'"));
            hinted
        }
        None => diagnostic.hint(say!(
            "Gjør teksten til tall med destring, eller tallet til tekst med string().",
            "Gjer teksten til tal med destring, eller talet til tekst med string().",
            "Turn the text into numbers with destring, or the number into text with string().",
        )),
    }
}

pub(crate) fn types_differ(span: Span, name: &str, is_text: bool) -> Diagnostic {
    if is_text {
        return error(
            Code::E301,
            span,
            say!(
                "«{name}» er tekst og kan ikke få eller sammenlignes med et tall.",
                "«{name}» er tekst og kan ikkje få eller samanliknast med eit tal.",
                "\"{name}\" is text and cannot take or be compared with a number.",
            ),
        )
        .hint(say!(
            "Skriv koden i hermetegn, eller bruk destring.",
            "Skriv koden i hermeteikn, eller bruk destring.",
            "Quote the code, or use destring.",
        ));
    }
    error(
        Code::E301,
        span,
        say!(
            "«{name}» er tall og kan ikke få eller sammenlignes med en tekst.",
            "«{name}» er tal og kan ikkje få eller samanliknast med ein tekst.",
            "\"{name}\" is a number and cannot take or be compared with a text.",
        ),
    )
}

pub(crate) fn interval_on_text(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E301,
        span,
        say!(
            "«{name}» er tekst: intervaller gjelder bare tall.",
            "«{name}» er tekst: intervall gjeld berre tal.",
            "\"{name}\" is text: intervals are for numbers only.",
        ),
    )
    .hint(say!(
        "Skriv kodene hver for seg, eller bruk destring.",
        "Skriv kodane kvar for seg, eller bruk destring.",
        "Write the codes one by one, or use destring."
    ))
}

pub(crate) fn text_as_condition(span: Span) -> Diagnostic {
    error(
        Code::E301,
        span,
        say!(
            "En tekst kan ikke være et vilkår.",
            "Ein tekst kan ikkje vere eit vilkår.",
            "A text cannot be a condition."
        ),
    )
    .hint(say!(
        "Sammenlign med en kode: x == '1'.",
        "Samanlikn med ein kode: x == '1'.",
        "Compare with a code: x == '1'."
    ))
}

pub(crate) fn text_needs_factor(span: Span, name: &str) -> Diagnostic {
    let mut diagnostic = error(
        Code::E301,
        span,
        say!(
            "«{name}» er tekst og må være en faktor.",
            "«{name}» er tekst og må vere ein faktor.",
            "\"{name}\" is text and must be a factor.",
        ),
    )
    .hint(say!("Skriv i.{name}.", "Skriv i.{name}.", "Write i.{name}."))
    .named("E_STRING_NEEDS_FACTOR");
    diagnostic.replacement = Some(format!("i.{name}"));
    diagnostic
}

pub(crate) fn key_in_expression(span: Span) -> Diagnostic {
    error(
        Code::E303,
        span,
        say!(
            "En enhetsnøkkel kan ikke vises eller regnes med.",
            "Ein einingsnøkkel kan ikkje visast eller reknast med.",
            "A unit key cannot be shown or computed with.",
        ),
    )
}

pub(crate) fn no_active_dataset(span: Span) -> Diagnostic {
    error(Code::E203, span, say!("Ingen datasett er aktive.", "Ingen datasett er aktive.", "No dataset is active."))
        .hint(say!(
            "Skriv create-dataset NAVN først.",
            "Skriv create-dataset NAMN først.",
            "Write create-dataset NAME first.",
        ))
}

pub(crate) fn unknown_dataset(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E202,
        span,
        say!("Datasettet «{name}» finnes ikke.", "Datasettet «{name}» finst ikkje.", "There is no dataset \"{name}\"."),
    )
}

pub(crate) fn into_itself(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E202,
        span,
        say!(
            "«{name}» er det aktive datasettet og kan ikke kobles med seg selv.",
            "«{name}» er det aktive datasettet og kan ikkje koplast med seg sjølv.",
            "\"{name}\" is the active dataset and cannot be linked with itself.",
        ),
    )
}

pub(crate) fn unknown_variable(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E201,
        span,
        say!(
            "Variabelen «{name}» finnes ikke i datasettet.",
            "Variabelen «{name}» finst ikkje i datasettet.",
            "There is no variable \"{name}\" in the dataset.",
        ),
    )
}

pub(crate) fn name_taken(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E209,
        span,
        say!("«{name}» er allerede i bruk.", "«{name}» er allereie i bruk.", "\"{name}\" is already in use."),
    )
}

pub(crate) fn too_many(span: Span, what: &str, limit: usize) -> Diagnostic {
    let (nb, nn) = match what {
        "columns" => ("variabler i datasettet", "variablar i datasettet"),
        "datasets" => ("datasett", "datasett"),
        _ => ("setninger", "setningar"),
    };
    error(
        Code::E601,
        span,
        say!(
            "For mange {nb} (grensen er {limit}).",
            "For mange {nn} (grensa er {limit}).",
            "Too many {what} (the limit is {limit})."
        ),
    )
}

pub(crate) fn empty_loop(span: Span, from: i64, to: i64) -> Diagnostic {
    error(Code::W607, span, say!("{from} : {to} er tom.", "{from} : {to} er tom.", "{from} : {to} is empty."))
}

pub(crate) fn unequal_lengths(span: Span, first: usize, other: usize) -> Diagnostic {
    error(
        Code::E210,
        span,
        say!(
            "Lister som går i takt må være like lange, men én har {first} verdier og en annen {other}.",
            "Lister som går i takt må vere like lange, men éi har {first} verdiar og ei anna {other}.",
            "Lists that walk in step must be equally long, but one has {first} values and another {other}.",
        ),
    )
}

pub(crate) fn unknown_store(span: Span, store: &str, stores: &[String]) -> Diagnostic {
    let diagnostic = error(
        Code::E205,
        span,
        say!(
            "Datalageret «{store}» finnes ikke.",
            "Datalageret «{store}» finst ikkje.",
            "There is no store \"{store}\"."
        ),
    );
    if stores.is_empty() {
        return diagnostic;
    }
    let known = stores.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
    diagnostic.hint(say!("Disse finnes: {known}.", "Desse finst: {known}.", "There are: {known}."))
}

pub(crate) fn unknown_version(span: Span, store: &str, version: &RequestedVersion, versions: &[String]) -> Diagnostic {
    let known = versions.iter().rev().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
    error(
        Code::E205,
        span,
        say!(
            "Datalageret «{store}» har ingen versjon {version}.",
            "Datalageret «{store}» har ingen versjon {version}.",
            "The store \"{store}\" has no version {version}.",
        ),
    )
    .hint(say!("Disse finnes: {known}.", "Desse finst: {known}.", "There are: {known}."))
}

pub(crate) fn not_at_hand(span: Span, store: &str) -> Diagnostic {
    error(
        Code::W618,
        span,
        say!(
            "Metadata for «{store}» er ikke for hånden. Variablene kan ikke kontrolleres.",
            "Metadata for «{store}» er ikkje for handa. Variablane kan ikkje kontrollerast.",
            "Metadata of \"{store}\" are not at hand. Its variables cannot be checked.",
        ),
    )
}

pub(crate) fn unknown_alias(span: Span, alias: &str) -> Diagnostic {
    error(
        Code::E204,
        span,
        say!(
            "«{alias}» er ikke koblet til et datalager.",
            "«{alias}» er ikkje kopla til eit datalager.",
            "\"{alias}\" is not connected to a store.",
        ),
    )
    .hint(say!(
        "Skriv require DATALAGER:VERSJON as {alias} først.",
        "Skriv require DATALAGER:VERSJON as {alias} først.",
        "Write require STORE:VERSION as {alias} first.",
    ))
}

pub(crate) fn ambiguous_alias(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E204,
        span,
        say!(
            "Det er ikke klart hvilket datalager «{name}» hører til.",
            "Det er ikkje klart kva datalager «{name}» høyrer til.",
            "It is not clear to which store \"{name}\" belongs.",
        ),
    )
    .hint(say!("Skriv kortnavn/{name}.", "Skriv kortnamn/{name}.", "Write alias/{name}."))
}

pub(crate) fn unknown_register_variable(span: Span, name: &str, store: &str) -> Diagnostic {
    error(
        Code::E205,
        span,
        say!(
            "Datalageret «{store}» har ingen variabel «{name}».",
            "Datalageret «{store}» har ingen variabel «{name}».",
            "The store \"{store}\" has no variable \"{name}\".",
        ),
    )
}

pub(crate) fn time_ignored(span: Span, name: &str) -> Diagnostic {
    error(
        Code::W602,
        span,
        say!(
            "«{name}» er fast: tidspunktet har ingen betydning.",
            "«{name}» er fast: tidspunktet har inga meining.",
            "\"{name}\" is fixed: the time is ignored.",
        ),
    )
}

fn coverage(info: &VariableInfo) -> String {
    let end = |d: Option<Date>| d.map_or(String::new(), |d| d.to_string());
    format!("{} – {}", end(info.covered_from), end(info.covered_until))
}

pub(crate) fn time_needed(span: Span, info: &VariableInfo) -> Diagnostic {
    let (name, coverage) = (&info.name, coverage(info));
    error(
        Code::E307,
        span,
        say!("«{name}» trenger et tidspunkt.", "«{name}» treng eit tidspunkt.", "\"{name}\" needs a time."),
    )
    .hint(say!(
        "Skriv en dato etter navnet. Variabelen dekker {coverage}.",
        "Skriv ein dato etter namnet. Variabelen dekkjer {coverage}.",
        "Write a date after the name. The variable covers {coverage}.",
    ))
}

pub(crate) fn not_a_status_date(
    span: Span,
    info: &VariableInfo,
    date: Date,
    before: Option<Date>,
    after: Option<Date>,
) -> Diagnostic {
    let name = &info.name;
    let total = info.status_dates.len();
    let near = [before, after].into_iter().flatten().map(|d| d.to_string()).collect::<Vec<_>>().join(", ");
    error(
        Code::E307,
        span,
        say!(
            "«{name}» er ikke målt {date}.",
            "«{name}» er ikkje målt {date}.",
            "\"{name}\" was not measured on {date}."
        ),
    )
    .hint(say!(
        "Nærmeste måledatoer: {near}. Det er {total} i alt.",
        "Næraste måledatoar: {near}. Det er {total} i alt.",
        "Nearest dates: {near}. There are {total} in all.",
    ))
}

pub(crate) fn outside_coverage(span: Span, info: &VariableInfo, date: Date) -> Diagnostic {
    let (name, coverage) = (&info.name, coverage(info));
    error(
        Code::E307,
        span,
        say!("«{name}» dekker ikke {date}.", "«{name}» dekkjer ikkje {date}.", "\"{name}\" does not cover {date}."),
    )
    .hint(say!(
        "Variabelen dekker {coverage}.",
        "Variabelen dekkjer {coverage}.",
        "The variable covers {coverage}."
    ))
}

pub(crate) fn no_spells(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E307,
        span,
        say!(
            "«{name}» er fast og har ingen forløp. Bruk import.",
            "«{name}» er fast og har ingen forløp. Bruk import.",
            "\"{name}\" is fixed and has no spells. Use import.",
        ),
    )
}

pub(crate) fn unit_types_differ(span: Span, variable: &str, dataset: &str, pointers: &[String]) -> Diagnostic {
    let diagnostic = error(
        Code::E308,
        span,
        say!(
            "Variabelen gjelder {variable}, men datasettet gjelder {dataset}.",
            "Variabelen gjeld {variable}, men datasettet gjeld {dataset}.",
            "The variable is about {variable}, but the dataset is about {dataset}.",
        ),
    );
    if pointers.is_empty() {
        return diagnostic;
    }
    let pointers = pointers.join(", ");
    diagnostic.hint(say!(
        "Lag et datasett for {variable} og koble med merge gjennom {pointers}.",
        "Lag eit datasett for {variable} og kople med merge gjennom {pointers}.",
        "Make a dataset of {variable} and link it with merge through {pointers}.",
    ))
}

pub(crate) fn kinds_mixed(span: Span) -> Diagnostic {
    error(
        Code::E309,
        span,
        say!(
            "Tverrsnitt, forløp og paneldata kan ikke blandes i ett datasett.",
            "Tverrsnitt, forløp og paneldata kan ikkje blandast i eitt datasett.",
            "Cross-section, event and panel data cannot be mixed in one dataset.",
        ),
    )
    .hint(say!(
        "Lag et datasett til, og koble dem med merge.",
        "Lag eit datasett til, og kople dei med merge.",
        "Make another dataset, and link them with merge.",
    ))
}

pub(crate) fn needs_panel(span: Span, word: &str) -> Diagnostic {
    error(
        Code::E310,
        span,
        say!("«{word}» trenger paneldata.", "«{word}» treng paneldata.", "\"{word}\" needs panel data."),
    )
    .hint(say!(
        "Bruk import-panel eller reshape-to-panel.",
        "Bruk import-panel eller reshape-to-panel.",
        "Use import-panel or reshape-to-panel."
    ))
    .named("E_NOT_A_PANEL")
}

pub(crate) fn already_panel(span: Span) -> Diagnostic {
    error(
        Code::E310,
        span,
        say!(
            "Datasettet er allerede paneldata.",
            "Datasettet er allereie paneldata.",
            "The dataset is panel data already."
        ),
    )
}

pub(crate) fn dataset_not_empty(span: Span) -> Diagnostic {
    error(
        Code::E311,
        span,
        say!(
            "Paneldata kan bare importeres i et tomt datasett.",
            "Paneldata kan berre importerast i eit tomt datasett.",
            "Panel data can be imported into an empty dataset only.",
        ),
    )
}

pub(crate) fn no_link_key(span: Span, pointers: &[&str]) -> Diagnostic {
    let diagnostic = error(
        Code::E312,
        span,
        say!(
            "Datasettene har ingen felles nøkkel.",
            "Datasetta har ingen felles nøkkel.",
            "The datasets have no key in common.",
        ),
    );
    if pointers.is_empty() {
        return diagnostic;
    }
    let pointers = pointers.join(", ");
    diagnostic.hint(say!(
        "Skriv on og en av disse: {pointers}.",
        "Skriv on og ein av desse: {pointers}.",
        "Write on and one of: {pointers}."
    ))
}

pub(crate) fn prefix_matches_nothing(span: Span, prefix: &str) -> Diagnostic {
    error(
        Code::E315,
        span,
        say!(
            "Ingen variabler heter «{prefix}» fulgt av sifre.",
            "Ingen variablar heiter «{prefix}» følgt av siffer.",
            "No variable is named \"{prefix}\" followed by digits.",
        ),
    )
}

pub(crate) fn unknown_list(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E208,
        span,
        say!(
            "Kodelisten «{name}» finnes ikke.",
            "Kodelista «{name}» finst ikkje.",
            "There is no code list \"{name}\"."
        ),
    )
}

pub(crate) fn no_code_list(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E208,
        span,
        say!("«{name}» har ingen kodeliste.", "«{name}» har inga kodeliste.", "\"{name}\" has no code list."),
    )
}

pub(crate) fn unknown_label(span: Span, label: &str, name: &str) -> Diagnostic {
    let label = shortened(label);
    error(
        Code::E314,
        span,
        say!(
            "«{name}» har ingen kode med teksten «{label}».",
            "«{name}» har ingen kode med teksten «{label}».",
            "\"{name}\" has no code labelled \"{label}\".",
        ),
    )
}

pub(crate) fn no_label_contains(span: Span, part: &str, name: &str) -> Diagnostic {
    let part = shortened(part);
    error(
        Code::W616,
        span,
        say!(
            "Ingen kodetekst i «{name}» inneholder «{part}».",
            "Ingen kodetekst i «{name}» inneheld «{part}».",
            "No label of \"{name}\" contains \"{part}\".",
        ),
    )
}

pub(crate) fn no_code_matches(span: Span, list: &str, name: &str) -> Diagnostic {
    error(
        Code::W612,
        span,
        say!(
            "Ingen koder i «{list}» passer til «{name}».",
            "Ingen kodar i «{list}» passar til «{name}».",
            "No code of \"{list}\" fits \"{name}\".",
        ),
    )
    .hint(say!(
        "Tall passer til tall, og tekst i hermetegn til tekst.",
        "Tal passar til tal, og tekst i hermeteikn til tekst.",
        "Numbers fit numbers, and quoted texts fit text.",
    ))
}

pub(crate) fn code_not_in_list(span: Span, code: &str, name: &str) -> Diagnostic {
    let code = shortened(code);
    error(
        Code::W617,
        span,
        say!(
            "Kodelisten til «{name}» har ingen kode «{code}».",
            "Kodelista til «{name}» har ingen kode «{code}».",
            "The code list of \"{name}\" has no code \"{code}\".",
        ),
    )
}

pub(crate) fn rule_never_matches(span: Span) -> Diagnostic {
    error(
        Code::W610,
        span,
        say!("Regler etter * blir aldri brukt.", "Reglar etter * blir aldri brukte.", "Rules behind * are never used.",),
    )
}

pub(crate) fn bars_of_several(span: Span) -> Diagnostic {
    error(
        Code::W613,
        span,
        say!(
            "Med flere variabler gir tall uten kodeliste én søyle: antall gyldige verdier.",
            "Med fleire variablar gir tal utan kodeliste éi søyle: talet på gyldige verdiar.",
            "With several variables, numbers without a code list give one bar: the number of valid values.",
        ),
    )
}
