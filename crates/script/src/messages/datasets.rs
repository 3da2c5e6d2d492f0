//! Texts about whole datasets, tables and code lists.

use super::{error, say};
use crate::diagnostic::{Code, Diagnostic};
use crate::span::Span;

pub(crate) fn no_units(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E202,
        span,
        say!(
            "Datasettet «{name}» har ingen enheter å kopiere.",
            "Datasettet «{name}» har ingen einingar å kopiere.",
            "The dataset \"{name}\" has no units to copy.",
        ),
    )
}

pub(crate) fn columns_differ(span: Span, prefix: &str) -> Diagnostic {
    error(
        Code::E301,
        span,
        say!(
            "Variablene som begynner med «{prefix}», har ikke samme type.",
            "Variablane som byrjar med «{prefix}», har ikkje same type.",
            "The variables that begin with \"{prefix}\" are not of one type.",
        ),
    )
}

pub(crate) fn codes_not_numeric(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E305,
        span,
        say!(
            "Kodelisten til «{name}» har koder som ikke er tall.",
            "Kodelista til «{name}» har kodar som ikkje er tal.",
            "The code list of \"{name}\" has codes that are not numbers.",
        ),
    )
    .hint(say!(
        "Bruk ignore() på tegn som skal bort, eller force for å gjøre slike koder manglende.",
        "Bruk ignore() på teikn som skal bort, eller force for å gjere slike kodar manglande.",
        "Use ignore() for characters to leave out, or force to make such codes missing.",
    ))
}

pub(crate) fn codes_meet(span: Span, name: &str) -> Diagnostic {
    error(
        Code::W611,
        span,
        say!(
            "Flere koder i «{name}» blir samme tall. Den første beholder etiketten.",
            "Fleire kodar i «{name}» blir same tal. Den første beheld etiketten.",
            "Several codes of \"{name}\" become one number. The first keeps its label.",
        ),
    )
}

pub(crate) fn not_placed(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E105,
        span,
        say!(
            "«{name}» står verken i rows() eller cols().",
            "«{name}» står verken i rows() eller cols().",
            "\"{name}\" stands neither in rows() nor in cols().",
        ),
    )
}

pub(crate) fn not_in_the_list(span: Span, name: &str) -> Diagnostic {
    error(
        Code::E105,
        span,
        say!(
            "«{name}» må også stå i listen foran kommaet.",
            "«{name}» må også stå i lista framfor kommaet.",
            "\"{name}\" must also stand in the list before the comma.",
        ),
    )
}

pub(crate) fn occasion_stays(span: Span) -> Diagnostic {
    error(
        Code::E303,
        span,
        say!(
            "date@panel skiller radene til en enhet og kan ikke endres.",
            "date@panel skil radene til ei eining og kan ikkje endrast.",
            "date@panel tells the rows of a unit apart and cannot be changed.",
        ),
    )
    .hint(say!(
        "Lag en kopi med generate eller clone-variables.",
        "Lag ein kopi med generate eller clone-variables.",
        "Make a copy with generate or clone-variables.",
    ))
}
