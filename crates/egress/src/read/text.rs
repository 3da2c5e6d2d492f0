//! Texts and code: aligned or delimited tables in them, tables of Markdown, and data that are written into the text.

use super::{Contents, delimited, html};
use crate::reason::Reason;
use crate::table::{Cell, Table};
use crate::verdict::Finding;

/// A run without blanks that is longer is no word.
const LONG_WORD: usize = 200;
/// So many numbers after each other are data.
const MANY_NUMBERS: usize = 40;
/// A block of fewer rows is no table.
const MIN_ROWS: usize = 2;

/// Plain text: all of it a delimited table, or blocks of aligned columns between lines of words.
pub(crate) fn plain(text: &str, contents: &mut Contents) {
    let lines = text.lines().filter(|l| !l.trim().is_empty());
    if lines.clone().nth(1).is_some() && delimited::sign(text).is_some_and(|s| lines.clone().all(|l| l.contains(s))) {
        delimited::read(text, contents);
        return patterns(text, contents);
    }
    blocks(text, contents, aligned);
    patterns(text, contents);
}

/// Code: data in it, and long strings.
pub(crate) fn code(text: &str, contents: &mut Contents) {
    let before = contents.tables.len();
    blocks(text, contents, |line| {
        let fields: Vec<String> =
            line.trim().trim_end_matches(['\\', ')', ']', '+']).split([',', ';', '\t']).map(clean).collect();
        let numbers = fields.iter().filter(|f| matches!(Cell::read(f), Cell::Number(_))).count();
        (fields.len() > 2 && numbers * 2 >= fields.len()).then_some(fields)
    });
    if contents.tables.len() > before {
        // Whatever rules the numbers pass: code is not where tables are sent from.
        contents.found(Reason::DataInText);
    }
    patterns(text, contents);
}

fn clean(field: &str) -> String {
    field.trim().trim_matches(['"', '\'', '(', '[', '{', '}', ']', ')']).to_owned()
}

/// Markdown: its tables, its text as plain text, and what it has of HTML.
pub(crate) fn markdown(text: &str, contents: &mut Contents) {
    blocks(text, contents, |line| {
        let line = line.trim();
        let inside = line.strip_prefix('|')?;
        let fields: Vec<String> = inside.trim_end_matches('|').split('|').map(|f| f.trim().to_owned()).collect();
        Some(fields)
    });
    contents.tables.iter_mut().for_each(without_rule);
    let mut page = Contents::default();
    html::read(text, &mut page);
    contents.tables.extend(page.tables);
    contents.findings.extend(page.findings);
    if text.contains("](data:image") || (text.contains("![") && text.contains("](")) {
        contents.found(Reason::Image);
    }
    let rest: String = text.lines().filter(|l| !l.trim_start().starts_with('|')).flat_map(|l| [l, "\n"]).collect();
    blocks(&rest, contents, aligned);
    patterns(text, contents);
}

/// The line of dashes under the head of a Markdown table is no row.
fn without_rule(table: &mut Table) {
    let dashes =
        |row: usize| table.columns.iter().all(|c| c.get(row).chars().all(|c| matches!(c, '-' | ':' | ' ' | '=')));
    if table.rows == 0 || !dashes(0) {
        return;
    }
    let mut kept = Table::new(table.name.clone(), table.header.clone());
    for row in 1..table.rows {
        kept.push(table.columns.iter().map(|c| c.get(row)));
    }
    *table = kept;
}

/// The fields of a line whose columns stand apart by two blanks or a tabulator, with numbers among them.
fn aligned(line: &str) -> Option<Vec<String>> {
    let line = line.trim();
    let mut fields: Vec<String> = Vec::new();
    for part in line.split('\t').flat_map(|t| t.split("  ")) {
        let part = part.trim().trim_matches(['|', '│']).trim();
        if !part.is_empty() {
            fields.push(part.to_owned());
        }
    }
    (fields.len() > 1).then_some(fields)
}

/// Tables in a text: lines after each other that have fields, as many as the line above or one more or less.
fn blocks(text: &str, contents: &mut Contents, fields: impl Fn(&str) -> Option<Vec<String>>) {
    let mut block: Vec<Vec<String>> = Vec::new();
    for line in text.lines() {
        let row = fields(line);
        let fits = |row: &Vec<String>| block.last().is_none_or(|l| l.len().abs_diff(row.len()) <= 1);
        match row {
            Some(row) if fits(&row) => block.push(row),
            Some(row) => {
                close(&mut block, contents);
                block.push(row);
            }
            None if line.trim().chars().all(|c| "-=_+|─═".contains(c)) && !line.trim().is_empty() => {}
            None => {
                close(&mut block, contents);
                if !line.trim().is_empty() {
                    contents.texts.push(line.to_owned());
                }
            }
        }
    }
    close(&mut block, contents);
}

fn close(block: &mut Vec<Vec<String>>, contents: &mut Contents) {
    let rows = std::mem::take(block);
    let numbers = rows.iter().flatten().filter(|f| matches!(Cell::read(f), Cell::Number(_))).count();
    if rows.len() < MIN_ROWS || numbers < 2 {
        contents.texts.extend(rows.into_iter().map(|r| r.join("  ")));
        return;
    }
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut rows = rows.into_iter();
    let (mut header, first) = delimited::named(rows.next().unwrap_or_default());
    // The stub of an aligned table has often no name.
    if header.len() + 1 == width {
        header.insert(0, String::new());
    }
    let mut table = Table::new((contents.tables.len() + 1).to_string(), header);
    for row in first.into_iter().chain(rows) {
        table.push(row.iter().map(String::as_str));
    }
    contents.add(table);
}

/// Long strings and long runs of numbers.
fn patterns(text: &str, contents: &mut Contents) {
    for (number, line) in text.lines().enumerate() {
        let long = line
            .split_whitespace()
            .any(|w| w.len() > LONG_WORD && !w.contains("://") && !w.chars().all(|c| "-=_*#~─═".contains(c)));
        if long {
            contents.findings.push(Finding::on_line(Reason::LongString, number));
        }
        let mut run = 0;
        for part in line.split([',', ';', ' ', '\t']).map(clean).filter(|p| !p.is_empty()) {
            run = if matches!(Cell::read(&part), Cell::Number(_)) { run + 1 } else { 0 };
            if run == MANY_NUMBERS {
                contents.findings.push(Finding::on_line(Reason::DataInText, number));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, by: fn(&str, &mut Contents)) -> Contents {
        let mut contents = Contents::default();
        by(text, &mut contents);
        contents
    }

    #[test]
    fn tables_in_texts_are_found() {
        let text = "Results of the run\n\nsex       n    mean\n----------------\nmen     120     3.1\nwomen    80     2.9\n\nThat was all.";
        let found = read(text, plain);
        assert_eq!((found.tables.len(), found.tables[0].rows, found.tables[0].header[1].as_str()), (1, 2, "n"));
        assert_eq!(found.texts.len(), 2);
        let text = "# A\n\n| sex | n |\n|---|---:|\n| m | 20 |\n| f | 30 |\n\nWords.";
        let found = read(text, markdown);
        assert_eq!((found.tables.len(), found.tables[0].rows), (1, 2));
        assert_eq!(read("One line.\nAnother line, with words.\n", plain).tables.len(), 0);
    }

    /// SDC-303: no data patterns in code.
    #[test]
    fn data_in_code_are_told() {
        assert_eq!(read("x <- lm(y ~ a, data = d)\nprint(x)\n", code).findings, []);
        let vector = format!("x <- c({})", "1, ".repeat(60));
        assert_eq!(read(&vector, code).findings[0].reason, Reason::DataInText);
        assert_eq!(
            read("d = [\n(1, 34, 501000),\n(2, 35, 402000),\n(3, 61, 303000),\n]", code).findings[0].reason,
            Reason::DataInText
        );
        assert_eq!(read(&"A".repeat(300), code).findings[0].reason, Reason::LongString);
    }
}
