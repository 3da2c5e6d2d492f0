//! New name for a variable, dataset, list or binding in a whole script. Names are compared as text: what has the same
//! name in a script stays together, so a script means the same afterwards. Names that are put together with `++` are not
//! seen; the caller checks the result and refuses it when it has new errors.

use super::highlight::{TokenClass, highlight};
use crate::lexer::normal;
use crate::span::Span;

/// The places of the name at line and column (from 1, in characters), in order; none where no name of the script stands.
/// A place is the name alone: without `$` and without `START@`.
pub fn occurrences(source: &str, line: u32, column: u32) -> Vec<Span> {
    let names: Vec<Span> = highlight(source).into_iter().filter_map(|(s, c)| bare(source, s, c)).collect();
    let Some(at) = names.iter().find(|span| span.holds(line, column)) else { return Vec::new() };
    // A binding is made under its bare name, so both spellings belong together.
    let wanted = normal(at.text(source));
    names.into_iter().filter(|span| normal(span.text(source)) == wanted).collect()
}

/// The name inside a token.
fn bare(source: &str, span: Span, class: TokenClass) -> Option<Span> {
    let text = span.text(source);
    let skip = match class {
        TokenClass::Binding => 1,
        TokenClass::Name => text.find('@').map_or(0, |at| at + 1),
        _ => return None,
    };
    let column = span.column + text.get(..skip)?.chars().count() as u32;
    Some(Span { start: span.start + skip, column, ..span })
}

/// The script with another name at these places.
pub fn renamed(source: &str, places: &[Span], name: &str) -> String {
    let mut text = String::with_capacity(source.len());
    let mut end = 0;
    for place in places {
        text.push_str(source.get(end..place.start).unwrap_or(""));
        text.push_str(name);
        end = place.end;
    }
    text.push_str(source.get(end..).unwrap_or(""));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rename(source: &str, line: u32, column: u32, name: &str) -> String {
        renamed(source, &occurrences(source, line, column), name)
    }

    /// LANG-341: every use of a name, in expressions, options, system columns and bindings; never texts or comments.
    #[test]
    fn lang_341_all_places_of_a_name() {
        let source = "generate lønn = 1 // lønn\nkeep if lønn > 2 & START@lønn < 3\ntabulate x, summarize(lønn)\nlet a = 'lønn'\n";
        let expected = "generate inntekt = 1 // lønn\nkeep if inntekt > 2 & START@inntekt < 3\ntabulate x, \
                        summarize(inntekt)\nlet a = 'lønn'\n";
        assert_eq!(rename(source, 2, 10, "inntekt"), expected);
        assert_eq!(rename(source, 2, 28, "inntekt"), expected);
        let source = "let år = 2020\nimport db/X $år as x++$år\n";
        assert_eq!(rename(source, 2, 15, "aar"), "let aar = 2020\nimport db/X $aar as x++$aar\n");
        assert!(occurrences(source, 2, 1).is_empty(), "a command has no other name");
        assert!(occurrences(source, 2, 11).is_empty(), "a register variable has no other name");
    }
}
