//! The texts inside a file, as far as they are needed to find identity numbers in them.

use kernel::identity_number::{Accept, column_of_numbers, scan, scan_column_value};

use super::kind::FileKind;
use super::{Place, Refusal};

/// More places than this are not listed: the file is stopped by the first.
const MOST_PLACES: usize = 20;
/// Columns of delimited text that are looked at as columns; single values are looked at in all of them.
const MOST_COLUMNS: usize = 500;
/// Rows that tell whether a column may be one of identity numbers.
const SAMPLE: usize = 50;

/// What was found while a file was read.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub places: Vec<Place>,
}

impl Reading {
    /// Looks through a text of one part of the file.
    pub(super) fn text(&mut self, part: &str, text: &str) {
        let (mut line, mut counted) = (1, 0);
        for hit in scan(text, Accept::Both) {
            line += text.as_bytes()[counted..hit.start].iter().filter(|b| **b == b'\n').count();
            counted = hit.start;
            self.put(Place { part: part.to_owned(), line, masked: hit.masked });
        }
    }

    fn put(&mut self, place: Place) {
        if self.places.len() < MOST_PLACES && !self.places.contains(&place) {
            self.places.push(place);
        }
    }
}

/// Reads plain and delimited text.
pub(super) fn of_text(kind: FileKind, bytes: &[u8], reading: &mut Reading) -> Result<(), Refusal> {
    let text = decode(bytes).ok_or(Refusal::OtherThanNamed)?;
    reading.text("", &text);
    if kind == FileKind::Csv {
        columns(&text, reading);
    }
    Ok(())
}

/// UTF-8, UTF-16 with its mark, else one byte per character; none with control characters, which no text has.
fn decode(bytes: &[u8]) -> Option<String> {
    let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = rest.chunks_exact(2).map(|pair| unit([pair[0], pair[1]])).collect();
        String::from_utf16(&units).ok()
    };
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes)?,
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes)?,
        [0xef, 0xbb, 0xbf, rest @ ..] => std::str::from_utf8(rest).ok()?.to_owned(),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|b| char::from(*b)).collect(),
        },
    };
    let binary = text.chars().any(|c| c.is_ascii_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}'));
    (!binary).then_some(text)
}

/// A column of which nearly all values are numbers with right control digits is one of identity numbers, also where a
/// single value would not be taken for one (IDN-021).
fn columns(text: &str, reading: &mut Reading) {
    let first = text.lines().next().unwrap_or_default();
    let delimiter = [';', '\t', '|', ','].into_iter().max_by_key(|d| first.matches(*d).count()).unwrap_or(';');
    let width = first.split(delimiter).count().min(MOST_COLUMNS);
    for column in 0..width {
        let values = || {
            let cells = text.lines().skip(1).filter_map(move |line| line.split(delimiter).nth(column));
            cells.map(|value| value.trim().trim_matches('"').trim())
        };
        // A few rows tell most columns apart, so that large files are read once and not once for each column.
        if !column_of_numbers(values().take(SAMPLE), Accept::Both) || !column_of_numbers(values(), Accept::Both) {
            continue;
        }
        for (row, value) in values().enumerate().take(MOST_PLACES) {
            for hit in scan_column_value(value, Accept::Both) {
                reading.put(Place { part: String::new(), line: row + 2, masked: hit.masked });
            }
        }
    }
}

/// Elements after which a new line of text begins: paragraphs, rows and cells of documents and workbooks.
const BLOCKS: &[&str] = &["w:p", "w:tc", "w:br", "text:p", "text:h", "table:table-cell", "c", "v", "si", "row", "a:p"];

/// The text of an XML part: tags are left out, so that a number that is written in several runs is one number.
pub(super) fn of_xml(bytes: &[u8]) -> String {
    let source = String::from_utf8_lossy(bytes);
    let mut text = String::new();
    let mut rest = source.as_ref();
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let Some(end) = rest[at..].find('>').map(|end| at + end) else { return plain(&text) };
        let tag = rest[at + 1..end].trim_start_matches('/');
        let name = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
        if BLOCKS.contains(&name) && !text.ends_with('\n') {
            text.push('\n');
        } else if name == "w:tab" || name == "text:s" || name == "text:tab" {
            text.push(' ');
        }
        rest = &rest[end + 1..];
    }
    text.push_str(rest);
    plain(&text)
}

/// Digits may be written as references to characters; the others of XML do not matter here.
fn plain(text: &str) -> String {
    if !text.contains("&#") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("&#") {
        out.push_str(&rest[..at]);
        let body = &rest[at + 2..];
        let Some((code, after)) = body.split_once(';').filter(|(code, _)| code.len() <= 8) else {
            out.push_str("&#");
            rest = body;
            continue;
        };
        let value = match code.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok(),
            None => code.parse().ok(),
        };
        out.extend(value.and_then(char::from_u32));
        rest = after;
    }
    out.push_str(rest);
    out
}
