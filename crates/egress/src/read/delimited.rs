//! Delimited text: the sign between fields is found from the first lines, fields may be in quotes, rows of other lengths
//! are kept. Lines before the header that have no fields (titles) are texts.

use super::Contents;
use crate::reason::Reason;
use crate::table::{Table, header_number};

/// Signs that stand between fields, the likeliest first.
const SIGNS: [char; 4] = ['\t', ';', ',', '|'];
/// A row of several lines is no longer than this.
const MAX_ROW: usize = 65_536;
/// After so many quotes that were never closed, quotes end with their line.
const MAX_UNCLOSED: usize = 100;

/// The sign that cuts the first lines into the same number of fields, if there is one.
pub(crate) fn sign(text: &str) -> Option<char> {
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).take(20).collect();
    let fields = |line: &str, sign| Fields { rest: Some(line), sign }.count();
    let most = |sign: char| {
        let counts: Vec<usize> = lines.iter().map(|l| fields(l, sign)).collect();
        let widest = counts.iter().copied().max().unwrap_or(1);
        let alike = counts.iter().filter(|c| **c == widest).count();
        // A title or a note may have fewer fields.
        (widest > 1 && alike * 10 >= counts.len() * 6).then_some((alike, widest, sign))
    };
    SIGNS.into_iter().filter_map(most).max_by_key(|(alike, widest, _)| (*alike, *widest)).map(|(_, _, s)| s)
}

pub(crate) fn read(text: &str, contents: &mut Contents) {
    let text = text.trim_start_matches('\u{feff}');
    let sign = sign(text).unwrap_or(',');
    let mut rows = Rows { text, sign, unclosed: 0 };
    let mut before: Vec<Vec<String>> = Vec::new();
    // Titles stand before the header: rows of one field, where the rows below have more.
    let header = loop {
        let Some(row) = rows.next() else { break None };
        if row.iter().filter(|f| !f.trim().is_empty()).count() > 1 || before.len() >= 5 {
            break Some(row);
        }
        before.push(row);
    };
    let header = match header {
        Some(header) => {
            contents.texts.extend(before.iter().flatten().cloned());
            header
        }
        // One column throughout.
        None if before.is_empty() => return contents.found(Reason::Unreadable),
        None => before.remove(0),
    };
    if !before.is_empty() && rows.text.is_empty() && header.len() == 1 {
        let mut table = Table::new("1", header);
        before.iter().for_each(|row| table.push(row.iter().map(String::as_str)));
        return contents.add(table);
    }
    let (header, first) = named(header);
    let mut table = Table::new("1", header);
    if let Some(first) = first {
        table.push(first.iter().map(String::as_str));
    }
    for row in rows {
        if row.iter().any(|f| !f.trim().is_empty()) {
            table.push(row.iter().map(String::as_str));
        }
        if table.cut {
            break;
        }
    }
    contents.add(table);
}

/// The header that a first row is, or names that are empty and the row, when it is none: a row with numbers, unless they are
/// years or count on like codes of categories.
pub(crate) fn named(row: Vec<String>) -> (Vec<String>, Option<Vec<String>>) {
    let numbers: Vec<f64> = row.iter().filter_map(|f| header_number(f)).collect();
    let steps: Vec<f64> = numbers.windows(2).map(|w| w[1] - w[0]).collect();
    let even = steps.windows(2).all(|w| w[0] == w[1]) && steps.first().is_some_and(|s| *s > 0.0);
    let codes = even && numbers.len() < row.len() && (steps.len() > 1 || steps == [1.0]);
    if numbers.is_empty() || codes {
        return (row, None);
    }
    (vec![String::new(); row.len()], Some(row))
}

/// The rows of a text.
struct Rows<'a> {
    text: &'a str,
    sign: char,
    unclosed: usize,
}

impl Iterator for Rows<'_> {
    type Item = Vec<String>;

    fn next(&mut self) -> Option<Vec<String>> {
        if self.text.is_empty() {
            return None;
        }
        // Where quotes are signs of their own kind, they do not hold lines together.
        let end = match self.unclosed {
            0..MAX_UNCLOSED => end_of_row(self.text, self.sign),
            _ => None,
        };
        let end = end.unwrap_or_else(|| {
            self.unclosed += 1;
            self.text.find('\n').unwrap_or(self.text.len())
        });
        let row = Fields { rest: Some(self.text[..end].trim_end_matches('\r')), sign: self.sign };
        let row = row.map(|f| f.replace("\"\"", "\"")).collect();
        self.text = self.text.get(end + 1..).unwrap_or("");
        Some(row)
    }
}

/// The end of a row: a line break outside quotes; none when a quote is never closed.
fn end_of_row(text: &str, sign: char) -> Option<usize> {
    let line = text.find('\n').unwrap_or(text.len());
    if !text[..line].contains('"') {
        return Some(line);
    }
    let (mut quoted, mut starts) = (false, true);
    for (at, c) in text.char_indices().take(MAX_ROW) {
        match c {
            '"' if quoted || starts => quoted = !quoted,
            '\n' if !quoted => return Some(at),
            _ => {}
        }
        starts = c == sign || c == '"';
    }
    (!quoted).then_some(text.len()).filter(|end| *end <= MAX_ROW)
}

/// The fields of a row.
struct Fields<'a> {
    rest: Option<&'a str>,
    sign: char,
}

impl<'a> Iterator for Fields<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        if let Some(quoted) = rest.trim_start_matches(' ').strip_prefix('"') {
            let mut from = 0;
            while let Some(at) = quoted[from..].find('"').map(|at| at + from) {
                if quoted[at + 1..].starts_with('"') {
                    from = at + 2;
                    continue;
                }
                let after = &quoted[at + 1..];
                self.rest = after.find(self.sign).map(|s| &after[s + self.sign.len_utf8()..]);
                return Some(&quoted[..at]);
            }
        }
        match rest.split_once(self.sign) {
            Some((field, after)) => {
                self.rest = Some(after);
                Some(field)
            }
            None => {
                self.rest = None;
                Some(rest)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        let mut contents = Contents::default();
        read(text, &mut contents);
        contents.tables.remove(0)
    }

    #[test]
    fn delimited_texts_are_read_as_people_write_them() {
        let t = table("kjønn;antall\r\n\"menn; gutter\";20\r\nkvinner;25\r\n");
        assert_eq!((t.header.as_slice(), t.rows), (&["kjønn".to_owned(), "antall".into()][..], 2));
        assert_eq!(t.columns[0].get(0), "menn; gutter");
        let t = table("Table 1\n\na,b\n\"x\ny\",2\n\"p \"\"q\"\"\",3\n");
        assert_eq!((t.header.len(), t.rows, t.columns[0].get(0), t.columns[0].get(1)), (2, 2, "x\ny", "p \"q\""));
        let t = table("1,2,3\n4,5,6\n");
        assert_eq!((t.header[0].as_str(), t.rows), ("", 2));
        let t = table("year,2019,2020\nm,10,20\n");
        assert_eq!((t.header[1].as_str(), t.rows), ("2019", 1));
        let t = table("men,4\nwomen,20\n");
        assert_eq!((t.header[0].as_str(), t.rows), ("", 2));
        let t = table("sex,1,2,3\nm,10,20,30\n");
        assert_eq!((t.header[1].as_str(), t.rows, t.numbers_in_header()), ("1", 1, true));
        let t = table("only\na\nb\n");
        assert_eq!((t.header[0].as_str(), t.rows), ("only", 2));
        let t = table("a,b\n\"never closed,2\nc,3\n");
        assert_eq!(t.rows, 2);
    }
}
