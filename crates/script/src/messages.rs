//! The texts of the diagnostics in bokmål, nynorsk and English (LANG-107): what is wrong, and a hint what to do.
//! Plain language, no blame, the written word always quoted. What it is not: the rules that raise them.

use kernel::{Date, LangMap};

use crate::commands::{COMMANDS, CommandSpec};
use crate::diagnostic::{Code, Diagnostic};
use crate::functions::FunctionSpec;
use crate::span::Span;

mod checks;
mod datasets;
mod support;
pub(crate) use checks::*;
pub(crate) use datasets::*;
pub(crate) use support::*;

/// A text in three languages from three format strings.
macro_rules! say {
    ($nb:literal, $nn:literal, $en:literal $(,)?) => {
        kernel::LangMap::of(&format!($nb), &format!($nn), &format!($en))
    };
}
pub(crate) use say;

/// Something that may be expected at a place.
#[derive(Clone, Copy, Debug)]
pub struct What {
    texts: [&'static str; 3],
    /// Shown in quotes: it is to be written so.
    literal: bool,
}

impl What {
    fn shown(self, language: usize) -> String {
        let text = self.texts[language];
        match (self.literal, language) {
            (false, _) => text.to_owned(),
            (true, 2) => format!("\"{text}\""),
            (true, _) => format!("«{text}»"),
        }
    }
}

/// The things that are expected.
pub mod what {
    use super::What;
    use crate::lexer::Mark;

    const fn thing(nb: &'static str, nn: &'static str, en: &'static str) -> What {
        What { texts: [nb, nn, en], literal: false }
    }

    /// A mark as written.
    pub const fn mark(mark: Mark) -> What {
        word(mark.text())
    }

    /// A word as written.
    pub const fn word(word: &'static str) -> What {
        What { texts: [word, word, word], literal: true }
    }

    pub const END: What = thing("slutten av linja", "slutten av linja", "the end of the line");
    pub const COMMA: What = word(",");
    pub const COMMAND: What = thing("en kommando", "ein kommando", "a command");
    pub const MODEL: What = thing("en modellkommando", "ein modellkommando", "a model command");
    pub const CONDITION: What = thing("et vilkår", "eit vilkår", "a condition");
    pub const VARIABLE: What = thing("en variabel", "ein variabel", "a variable");
    pub const REGISTER_VARIABLE: What = thing("en registervariabel", "ein registervariabel", "a register variable");
    pub const NEW_NAME: What = thing("et nytt navn", "eit nytt namn", "a new name");
    pub const DATASET: What = thing("et datasett", "eit datasett", "a dataset");
    pub const NEW_DATASET: What =
        thing("navnet på et nytt datasett", "namnet på eit nytt datasett", "the name of a new dataset");
    pub const LIST: What = thing("en kodeliste", "ei kodeliste", "a code list");
    pub const PREFIX: What = thing("en forstavelse", "ei forstaving", "a prefix");
    pub const BINDING_NAME: What = thing("et navn", "eit namn", "a name");
    pub const STORE: What = thing("et datalager", "eit datalager", "a store");
    pub const VERSION: What = thing("en versjon", "ein versjon", "a version");
    pub const ALIAS: What = thing("et kortnavn", "eit kortnamn", "an alias");
    pub const VALUE: What = thing("en verdi", "ein verdi", "a value");
    pub const NUMBER: What = thing("et tall", "eit tal", "a number");
    pub const TEXT: What = thing("en tekst i hermetegn", "ein tekst i hermeteikn", "a quoted text");
    pub const WORD: What = thing("et ord", "eit ord", "a word");
    pub const INTERVAL: What = thing("et intervall", "eit intervall", "an interval");
    pub const TIME: What = thing("et tidspunkt", "eit tidspunkt", "a time");
    pub const SEED: What = thing("et startall", "eit starttal", "a seed");
    pub const CODE: What = thing("en kode", "ein kode", "a code");
    pub const LABEL: What = thing("en kodetekst", "ein kodetekst", "a label");
    pub const KEY: What = thing("en nøkkel", "ein nøkkel", "a key");
    pub const RULE: What = thing("en regel i parentes", "ein regel i parentes", "a rule in parentheses");
    pub const TERM: What = thing("et modelledd", "eit modelledd", "a term");
    pub const STATISTIC: What = thing("et statistisk mål", "eit statistisk mål", "a statistic");
    pub const OPTION: What = thing("et tilvalg", "eit tilval", "an option");
}

fn error(code: Code, span: Span, message: LangMap) -> Diagnostic {
    Diagnostic::new(code, span, message)
}

/// Words in a row: `a, b eller c`.
fn listed(parts: &[What]) -> LangMap {
    let in_language = |language: usize, or: &str| {
        let shown: Vec<String> = parts.iter().take(5).map(|p| p.shown(language)).collect();
        match shown.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, rest)) => format!("{} {or} {last}", rest.join(", ")),
            None => String::new(),
        }
    };
    LangMap::of(&in_language(0, "eller"), &in_language(1, "eller"), &in_language(2, "or"))
}

pub(crate) fn unexpected(span: Span, found: Option<&str>, expected: &[What]) -> Diagnostic {
    let wanted = listed(expected);
    let [nb, nn, en] = kernel::Language::ALL.map(|l| wanted.text(l).to_owned());
    let message = match found.map(shortened) {
        Some(found) => LangMap::of(
            &format!("Uventet «{found}». Her skulle det stå {nb}."),
            &format!("Uventa «{found}». Her skulle det stå {nn}."),
            &format!("Unexpected \"{found}\". Expected {en}."),
        ),
        None => LangMap::of(
            &format!("Linja slutter for tidlig. Her skulle det stå {nb}."),
            &format!("Linja sluttar for tidleg. Her skulle det stå {nn}."),
            &format!("The line ends too early. Expected {en}."),
        ),
    };
    error(Code::E103, span, message)
}

/// The first characters of a text that may be long.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or("")),
        None => text.to_owned(),
    }
}

pub(crate) fn part_missing(span: Span, part: What) -> Diagnostic {
    let [nb, nn, en] = [0, 1, 2].map(|l| part.shown(l));
    error(Code::E105, span, say!("Her mangler {nb}.", "Her manglar {nn}.", "Missing: {en}."))
}

pub(crate) fn unknown_command(span: Span, word: &str) -> Diagnostic {
    error(
        Code::E101,
        span,
        say!("Ukjent kommando «{word}».", "Ukjend kommando «{word}».", "Unknown command \"{word}\"."),
    )
}

pub(crate) fn unknown_option(span: Span, word: &str) -> Diagnostic {
    let hint = COMMANDS.iter().any(|c| c.word == word) || word == "if";
    let diagnostic = error(
        Code::E102,
        span,
        say!("Ukjent tilvalg «{word}».", "Ukjent tilval «{word}».", "Unknown option \"{word}\"."),
    );
    if !hint {
        return diagnostic;
    }
    diagnostic.hint(say!(
        "Etter kommaet kommer tilvalg. Vilkår (if) står foran kommaet, og hver kommando på sin egen linje.",
        "Etter kommaet kjem tilval. Vilkår (if) står framfor kommaet, og kvar kommando på si eiga linje.",
        "Options follow the comma. Conditions (if) stand in front of it, and every command on a line of its own.",
    ))
}

pub(crate) fn unknown_function(span: Span, word: &str) -> Diagnostic {
    error(
        Code::E207,
        span,
        say!("Ukjent funksjon «{word}».", "Ukjend funksjon «{word}».", "Unknown function \"{word}\"."),
    )
}

pub(crate) fn unknown_statistic(span: Span, word: &str, known: &[&str]) -> Diagnostic {
    let known = known.join(", ");
    error(
        Code::E103,
        span,
        say!("Ukjent statistisk mål «{word}».", "Ukjent statistisk mål «{word}».", "Unknown statistic \"{word}\".",),
    )
    .hint(say!("Bruk ett av disse: {known}.", "Bruk eitt av desse: {known}.", "Use one of: {known}."))
}

pub(crate) fn unknown_choice(span: Span, found: Option<&str>, words: &[&str]) -> Diagnostic {
    let known = words.join(", ");
    let found = shortened(found.unwrap_or(")"));
    error(Code::E103, span, say!("Uventet «{found}».", "Uventa «{found}».", "Unexpected \"{found}\".")).hint(say!(
        "Bruk ett av disse: {known}.",
        "Bruk eitt av desse: {known}.",
        "Use one of: {known}."
    ))
}

pub(crate) fn wrong_arity(span: Span, spec: &FunctionSpec, given: usize) -> Diagnostic {
    let FunctionSpec { name, signature, .. } = spec;
    error(
        Code::E210,
        span,
        say!(
            "Funksjonen «{name}» kan ikke ha {given} argumenter.",
            "Funksjonen «{name}» kan ikkje ha {given} argument.",
            "The function \"{name}\" cannot take {given} arguments.",
        ),
    )
    .hint(say!("Skriv {signature}.", "Skriv {signature}.", "Write {signature}."))
}

pub(crate) fn compare_missing(span: Span) -> Diagnostic {
    error(
        Code::E302,
        span,
        say!(
            "En sammenligning med manglende verdi (.) blir aldri sann.",
            "Ei samanlikning med manglande verdi (.) blir aldri sann.",
            "A comparison with the missing value (.) is never true.",
        ),
    )
    .hint(say!("Bruk sysmiss(x).", "Bruk sysmiss(x).", "Use sysmiss(x)."))
}

pub(crate) fn impossible_date(span: Span, text: &str) -> Diagnostic {
    error(
        Code::E306,
        span,
        say!("Datoen {text} finnes ikke.", "Datoen {text} finst ikkje.", "There is no such date: {text}."),
    )
}

pub(crate) fn reversed_interval(span: Span, from: Date, to: Date) -> Diagnostic {
    error(
        Code::E306,
        span,
        say!(
            "Tidsrommet slutter ({to}) før det begynner ({from}).",
            "Tidsrommet sluttar ({to}) før det byrjar ({from}).",
            "The interval ends ({to}) before it begins ({from}).",
        ),
    )
}

pub(crate) fn invalid_name(span: Span, text: &str) -> Diagnostic {
    let text = shortened(text);
    error(
        Code::E108,
        span,
        say!(
            "«{text}» er ikke et gyldig navn.",
            "«{text}» er ikkje eit gyldig namn.",
            "\"{text}\" is not a valid name."
        ),
    )
    .hint(say!(
        "Et navn begynner med en bokstav eller _ og har ellers bokstaver, sifre og _.",
        "Eit namn byrjar med ein bokstav eller _ og har elles bokstavar, siffer og _.",
        "A name starts with a letter or _ and goes on with letters, digits and _.",
    ))
}

/// The number that a word with an exponent would be, as in `1e6`.
pub(crate) fn with_exponent(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| text.contains(['e', 'E']) && number.is_finite())
}

/// A word that starts with a digit where a value is needed: a number with an exponent, or no name.
pub(crate) fn no_value(span: Span, text: &str) -> Diagnostic {
    let Some(number) = with_exponent(text) else { return invalid_name(span, text) };
    let text = shortened(text);
    let told = error(
        Code::E103,
        span,
        say!(
            "«{text}» er et tall med eksponent, og slike kan ikke stå i et skript.",
            "«{text}» er eit tal med eksponent, og slike kan ikkje stå i eit skript.",
            "\"{text}\" is a number with an exponent, which cannot stand in a script."
        ),
    );
    let plain = number.to_string();
    if plain.len() > 40 {
        return told.hint(say!(
            "Et tall er sifre, og om det trengs punktum og sifre.",
            "Eit tal er siffer, og om det trengst punktum og siffer.",
            "A number is digits, and if needed a point and digits.",
        ));
    }
    told.hint(say!("Skriv {plain}.", "Skriv {plain}.", "Write {plain}."))
}

pub(crate) fn stray_character(span: Span, c: char) -> Diagnostic {
    error(
        Code::E103,
        span,
        say!(
            "Tegnet «{c}» kan ikke stå her.",
            "Teiknet «{c}» kan ikkje stå her.",
            "The character \"{c}\" cannot stand here.",
        ),
    )
}

pub(crate) fn string_not_closed(span: Span) -> Diagnostic {
    error(
        Code::E104,
        span,
        say!(
            "Teksten mangler hermetegn på slutten.",
            "Teksten manglar hermeteikn på slutten.",
            "The text has no closing quote."
        ),
    )
}

pub(crate) fn continuation_at_end(span: Span) -> Diagnostic {
    error(
        Code::E110,
        span,
        say!(
            "«\\» sier at linja fortsetter, men skriptet slutter her.",
            "«\\» seier at linja held fram, men skriptet sluttar her.",
            "\"\\\" says that the line goes on, but the script ends here.",
        ),
    )
}

pub(crate) fn block_not_closed(span: Span, start: &str, end: &str) -> Diagnostic {
    error(
        Code::E106,
        span,
        say!("«{start}» mangler «{end}».", "«{start}» manglar «{end}».", "\"{start}\" has no \"{end}\"."),
    )
}

pub(crate) fn comment_not_closed(span: Span) -> Diagnostic {
    block_not_closed(Span { end_line: span.line, end_column: span.column + 2, end: span.start + 2, ..span }, "/*", "*/")
}

pub(crate) fn end_without_start(span: Span, end: &str, start: &str) -> Diagnostic {
    error(
        Code::E107,
        span,
        say!(
            "«{end}» uten «{start}» foran.",
            "«{end}» utan «{start}» framfor.",
            "\"{end}\" without \"{start}\" in front of it.",
        ),
    )
}

pub(crate) fn unequal_lists(span: Span, names: usize, lists: usize) -> Diagnostic {
    error(
        Code::E210,
        span,
        say!(
            "{names} navn går i takt, men det er {lists} lister.",
            "{names} namn går i takt, men det er {lists} lister.",
            "{names} names walk in step, but there are {lists} lists.",
        ),
    )
}

pub(crate) fn option_repeats(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E109,
        span,
        say!(
            "Tilvalget «{name}» står to ganger med ulikt innhold.",
            "Tilvalet «{name}» står to gonger med ulikt innhald.",
            "The option \"{name}\" stands twice with different contents.",
        ),
    )
}

pub(crate) fn option_again(span: Span, name: &str) -> Diagnostic {
    error(
        Code::W606,
        span,
        say!(
            "Tilvalget «{name}» står to ganger.",
            "Tilvalet «{name}» står to gonger.",
            "The option \"{name}\" stands twice."
        ),
    )
}

pub(crate) fn options_exclude(span: Span, first: &str, second: &str) -> Diagnostic {
    error(
        Code::E109,
        span,
        say!(
            "«{first}» og «{second}» kan ikke brukes sammen.",
            "«{first}» og «{second}» kan ikkje brukast saman.",
            "\"{first}\" and \"{second}\" cannot be used together.",
        ),
    )
}

pub(crate) fn needs_two_variables(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E109,
        span,
        say!(
            "«{name}» trenger minst to variabler.",
            "«{name}» treng minst to variablar.",
            "\"{name}\" needs at least two variables.",
        ),
    )
}

pub(crate) fn option_needs(span: Span, name: &str, other: &str) -> Diagnostic {
    error(
        Code::E105,
        span,
        say!("«{name}» trenger «{other}».", "«{name}» treng «{other}».", "\"{name}\" needs \"{other}\"."),
    )
}

pub(crate) fn option_missing(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E105,
        span,
        say!("Tilvalget «{name}» mangler.", "Tilvalet «{name}» manglar.", "The option \"{name}\" is missing."),
    )
}

pub(crate) fn option_needs_argument(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E105,
        span,
        say!(
            "«{name}» trenger noe i parentesen: {name}(…).",
            "«{name}» treng noko i parentesen: {name}(…).",
            "\"{name}\" needs something in parentheses: {name}(…).",
        ),
    )
}

pub(crate) fn number_too_large(span: Span) -> Diagnostic {
    error(Code::E103, span, say!("Tallet er for stort.", "Talet er for stort.", "The number is too large."))
}

pub(crate) fn expression_too_deep(span: Span, limit: u32) -> Diagnostic {
    error(
        Code::E601,
        span,
        say!(
            "Uttrykket er for sammensatt (grensen er {limit} nivåer). Del det opp.",
            "Uttrykket er for samansett (grensa er {limit} nivå). Del det opp.",
            "The expression is too deep (the limit is {limit} levels). Split it.",
        ),
    )
}

pub(crate) fn loops_too_deep(span: Span, limit: usize) -> Diagnostic {
    error(
        Code::E601,
        span,
        say!(
            "For mange løkker i hverandre (grensen er {limit}).",
            "For mange løkker i kvarandre (grensa er {limit}).",
            "Too many nested loops (the limit is {limit}).",
        ),
    )
}

pub(crate) fn script_too_large(span: Span) -> Diagnostic {
    error(
        Code::E601,
        span,
        say!(
            "Skriptet er for stort (grensen er 2 MiB og 200 000 linjer).",
            "Skriptet er for stort (grensa er 2 MiB og 200 000 linjer).",
            "The script is too large (the limit is 2 MiB and 200 000 lines).",
        ),
    )
}

pub(crate) fn not_yet_available(span: Span, what: &str) -> Diagnostic {
    error(
        Code::E605,
        span,
        say!(
            "«{what}» er ikke tilgjengelig ennå.",
            "«{what}» er ikkje tilgjengeleg enno.",
            "\"{what}\" is not yet available.",
        ),
    )
}

/// The sentence about a command, for hover and completion.
pub(crate) fn about(spec: &CommandSpec) -> LangMap {
    LangMap::of(spec.about[0], spec.about[1], spec.about[2])
}
