//! Texts about settings, saved scripts, assertions and harmonised codes.

use std::collections::BTreeSet;

use kernel::{Date, LangMap};

use super::{error, say, shortened};
use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;

pub(crate) fn no_effect(span: Span, word: &str) -> Diagnostic {
    error(
        Code::W605,
        span,
        say!("«{word}» har ingen virkning her.", "«{word}» har ingen verknad her.", "\"{word}\" has no effect here.",),
    )
}

pub(crate) fn unknown_script(span: Span, name: &str) -> Diagnostic {
    let name = shortened(name);
    error(
        Code::E202,
        span,
        say!(
            "Det finnes ikke noe lagret skript som heter «{name}».",
            "Det finst ikkje noko lagra skript som heiter «{name}».",
            "There is no saved script \"{name}\".",
        ),
    )
}

/// Codes named in a message; the others are counted.
const CODES_NAMED: usize = 10;

pub(crate) fn codes_outside_the_list(span: Span, day: Date, codes: &BTreeSet<String>) -> Diagnostic {
    let mut named: Vec<String> = codes.iter().take(CODES_NAMED).map(|code| shortened(code)).collect();
    if codes.len() > CODES_NAMED {
        named.push(format!("… (+{})", codes.len() - CODES_NAMED));
    }
    let named = named.join(", ");
    error(
        Code::W617,
        span,
        say!(
            "Koder som ikke er i kodelisten {day}, blir stående der de finnes: {named}.",
            "Kodar som ikkje er i kodelista {day}, blir ståande der dei finst: {named}.",
            "Codes that are not in the list of {day} stay as they are where they occur: {named}.",
        ),
    )
}

pub(crate) fn loads_itself(span: Span, name: &str) -> Diagnostic {
    let name = shortened(name);
    error(
        Code::E202,
        span,
        say!(
            "Skriptet «{name}» laster seg selv, direkte eller gjennom et annet.",
            "Skriptet «{name}» lastar seg sjølv, direkte eller gjennom eit anna.",
            "The script \"{name}\" loads itself, directly or through another.",
        ),
    )
}

/// The code of the error, at the line that loads the script.
pub(crate) fn error_in_script(span: Span, name: &str, inner: &Diagnostic) -> Diagnostic {
    let (name, line) = (shortened(name), inner.span.line);
    let mut told = error(inner.code, span, inner.message.clone());
    told.hint = Some(say!(
        "Feilen er på linje {line} i skriptet «{name}».",
        "Feilen er på linje {line} i skriptet «{name}».",
        "The error is on line {line} of the script \"{name}\".",
    ));
    told
}

pub(crate) fn in_loaded_script(line: u32) -> LangMap {
    say!(
        "På linje {line} i skriptet som lastes.",
        "På linje {line} i skriptet som blir lasta.",
        "On line {line} of the script that is loaded.",
    )
}

pub(crate) fn assertion_failed(span: Span, message: Option<&str>) -> Diagnostic {
    match message.map(shortened) {
        Some(message) => error(Code::E604, span, say!("{message}", "{message}", "{message}")),
        None => error(
            Code::E604,
            span,
            say!("Vilkåret holder ikke.", "Vilkåret held ikkje.", "The condition does not hold."),
        ),
    }
}

pub(crate) fn not_in_an_assertion(span: Span, name: &str, known: &[&str]) -> Diagnostic {
    let known = known.join(", ");
    error(
        Code::E201,
        span,
        say!(
            "«{name}» kan ikke brukes i assert, som bare ser metadata.",
            "«{name}» kan ikkje brukast i assert, som berre ser metadata.",
            "\"{name}\" cannot be used in assert, which sees metadata only.",
        ),
    )
    .hint(say!(
        "Bruk {known} eller has(variabel).",
        "Bruk {known} eller has(variabel).",
        "Use {known} or has(variable).",
    ))
}

pub(crate) fn no_change_table(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E317,
        span,
        say!(
            "Kodene til «{name}» har ingen endringstabell.",
            "Kodane til «{name}» har ingen endringstabell.",
            "There is no change table for the codes of \"{name}\".",
        ),
    )
}

pub(crate) fn code_was_split(span: Span, code: &str) -> Diagnostic {
    error(
        Code::E317,
        span,
        say!(
            "Koden «{code}» ble delt mellom datoene.",
            "Koden «{code}» vart delt mellom datoane.",
            "The code \"{code}\" was split between the dates.",
        ),
    )
    .hint(say!(
        "Bruk split(largest) eller split(missing).",
        "Bruk split(largest) eller split(missing).",
        "Use split(largest) or split(missing).",
    ))
}
