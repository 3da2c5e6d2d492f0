//! Workbooks, values only (SDC-301): every sheet as a table, and whatever a workbook can carry besides values.

use super::Contents;
use unpack::{Archive, Fault};

use crate::markup::{Piece, Pieces, attribute, plain};
use crate::reason::Reason;
use crate::table::{MAX_COLUMNS, Table};

/// At most so many sheets.
const MAX_SHEETS: usize = 200;
/// A cell holds at most so many characters; a longer shared string is searched where it stands.
const MAX_CELL: usize = 32_767;
/// Rows without content between rows with content: more are no table of people.
const MAX_GAP: usize = 1_000;

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Unreadable => Reason::Unreadable,
            Fault::Unsafe => Reason::UnsafeArchive,
            Fault::Encrypted => Reason::Encrypted,
        }
    }
}

pub(crate) fn read(bytes: &[u8], contents: &mut Contents) {
    match workbook(bytes, contents) {
        Ok(()) => {}
        Err(fault) => contents.found(fault.into()),
    }
}

fn workbook(bytes: &[u8], contents: &mut Contents) -> Result<(), Fault> {
    let mut archive = Archive::open(bytes)?;
    if archive.padded {
        contents.found(Reason::Trailing);
    }
    let names: Vec<String> = archive.members.iter().map(|m| m.name.to_lowercase()).collect();
    if !names.iter().any(|n| n == "xl/workbook.xml") {
        contents.found(Reason::OtherThanNamed);
        return Ok(());
    }
    for name in &names {
        contents.findings.extend(part(name).map(Into::into));
    }
    let strings = match archive.named("xl/sharedStrings.xml")? {
        Some(bytes) => shared(&text(&bytes)),
        None => Vec::new(),
    };
    let titles = sheets(&text(&archive.named("xl/workbook.xml")?.unwrap_or_default()), contents);
    let members = archive.members.clone();
    let mut number = 0;
    for member in &members {
        let name = member.name.to_lowercase();
        let relations = name.ends_with(".rels");
        let about =
            name.starts_with("docprops/") || name.starts_with("xl/comments") || name.starts_with("xl/threadedcomments");
        if name.starts_with("xl/worksheets/") && name.ends_with(".xml") && number < MAX_SHEETS {
            let xml = archive.unpack(member)?;
            let title = titles.get(number).cloned().unwrap_or_else(|| (number + 1).to_string());
            sheet(&text(&xml), title, &strings, contents);
            number += 1;
        } else if relations || about || name == "xl/styles.xml" {
            let xml = text(&archive.unpack(member)?);
            if relations && xml.contains("TargetMode=\"External\"") {
                contents.found(Reason::External);
            }
            contents.texts.extend(texts(&xml));
        } else if name.ends_with(".xml") && name != "xl/sharedstrings.xml" && name != "xl/workbook.xml" {
            contents.texts.extend(texts(&text(&archive.unpack(member)?)));
        }
    }
    if number >= MAX_SHEETS {
        contents.found(Reason::Unreadable);
    }
    // Strings that no cell shows may still be there.
    contents.texts.extend(strings);
    Ok(())
}

/// What a part of this name is.
fn part(name: &str) -> Option<Reason> {
    let starts = |prefixes: &[&str]| prefixes.iter().any(|p| name.starts_with(p));
    if name.contains("vbaproject") || starts(&["xl/macrosheets", "xl/activex", "xl/ctrlprops"]) {
        Some(Reason::Macro)
    } else if starts(&["xl/externallinks", "xl/connections", "xl/querytables"]) {
        Some(Reason::External)
    } else if starts(&["xl/pivotcache", "xl/pivottables", "xl/slicercaches"]) {
        Some(Reason::PivotCache)
    } else if starts(&["xl/embeddings", "xl/model", "customxml", "xl/customdata"])
        || name.ends_with(".bin") && !name.contains("printersettings")
    {
        Some(Reason::Embedded)
    } else if starts(&["xl/media"]) {
        Some(Reason::Image)
    } else if starts(&["xl/comments", "xl/threadedcomments", "xl/charts"]) {
        // A chart keeps a copy of its numbers.
        Some(Reason::HiddenContent)
    } else {
        None
    }
}

fn text(bytes: &[u8]) -> String {
    crate::kind::decode(bytes).unwrap_or_default()
}

fn texts(xml: &str) -> Vec<String> {
    let text = |piece| if let Piece::Text(t) = piece { Some(plain(t)) } else { None };
    Pieces::new(xml).filter_map(text).filter(|t| !t.trim().is_empty()).collect()
}

fn shared(xml: &str) -> Vec<String> {
    let (mut strings, mut inside, mut phonetic) = (Vec::new(), false, false);
    for piece in Pieces::new(xml) {
        match piece {
            Piece::Start(name, _) if name == "si" => strings.push(String::new()),
            Piece::Start(name, _) if name == "t" => inside = true,
            Piece::End(name) if name == "t" => inside = false,
            Piece::Start(name, _) if name == "rph" => phonetic = true,
            Piece::End(name) if name == "rph" => phonetic = false,
            Piece::Text(t) if inside && !phonetic => {
                strings.iter_mut().last().into_iter().for_each(|s: &mut String| s.push_str(&plain(t)))
            }
            _ => {}
        }
    }
    strings
}

/// Titles of sheets in their order; hidden ones and names that stand for formulas are told.
fn sheets(xml: &str, contents: &mut Contents) -> Vec<String> {
    let mut titles = Vec::new();
    for piece in Pieces::new(xml) {
        let Piece::Start(name, inside) = piece else { continue };
        match name.as_str() {
            "sheet" => {
                if attribute(inside, "state").is_some_and(|s| s != "visible") {
                    contents.found(Reason::HiddenSheet);
                }
                titles.push(plain(attribute(inside, "name").unwrap_or_default()));
            }
            "externalreference" => contents.found(Reason::External),
            _ => {}
        }
    }
    titles
}

/// Column of a reference such as `AB12`, from 0.
fn column(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_uppercase);
    let number = letters.take(4).fold(0usize, |n, b| n * 26 + usize::from(b - b'A') + 1);
    number.checked_sub(1)
}

/// One sheet while it is read.
struct Sheet<'a> {
    strings: &'a [String],
    table: Option<Table>,
    title: String,
    row: Vec<String>,
    kind: String,
    value: String,
    at: usize,
}

impl Sheet<'_> {
    fn cell(&mut self) {
        let value = std::mem::take(&mut self.value);
        let value = match self.kind.as_str() {
            "s" => {
                let string = value.trim().parse::<usize>().ok().and_then(|i| self.strings.get(i));
                string.map(|s| s.chars().take(MAX_CELL).collect()).unwrap_or_default()
            }
            _ => value,
        };
        if self.at < MAX_COLUMNS {
            if self.row.len() <= self.at {
                self.row.resize(self.at + 1, String::new());
            }
            self.row[self.at] = value;
        } else if let Some(table) = &mut self.table {
            table.cut = true;
        }
        self.at += 1;
    }

    /// The end of a row; titles above the header go to the texts.
    fn end(&mut self, contents: &mut Contents) {
        let row = std::mem::take(&mut self.row);
        self.at = 0;
        let filled = row.iter().filter(|f| !f.trim().is_empty()).count();
        match &mut self.table {
            _ if filled == 0 => {}
            Some(table) => table.push(row.iter().map(String::as_str)),
            None if filled == 1 && row.len() == 1 => contents.texts.extend(row),
            None => {
                let (header, first) = super::delimited::named(row);
                let mut table = Table::new(self.title.clone(), header);
                first.iter().for_each(|r| table.push(r.iter().map(String::as_str)));
                self.table = Some(table);
            }
        }
    }
}

fn sheet(xml: &str, title: String, strings: &[String], contents: &mut Contents) {
    let mut sheet =
        Sheet { strings, table: None, title, row: Vec::new(), kind: String::new(), value: String::new(), at: 0 };
    let (mut inside, mut last_row, mut formula) = (false, 0usize, false);
    for piece in Pieces::new(xml) {
        match piece {
            Piece::Start(name, attributes) => match name.as_str() {
                "row" => {
                    let number = attribute(attributes, "r").and_then(|r| r.parse::<usize>().ok());
                    let number = number.unwrap_or(last_row + 1);
                    if number.saturating_sub(last_row) > MAX_GAP {
                        contents.found(Reason::HiddenContent);
                    }
                    last_row = number;
                    if attribute(attributes, "hidden").is_some_and(|h| h == "1" || h == "true") {
                        contents.found(Reason::HiddenContent);
                    }
                }
                "col" if attribute(attributes, "hidden").is_some_and(|h| h == "1" || h == "true") => {
                    contents.found(Reason::HiddenContent);
                }
                "c" => {
                    sheet.kind = attribute(attributes, "t").unwrap_or_default().to_owned();
                    sheet.at = attribute(attributes, "r").and_then(column).unwrap_or(sheet.at);
                }
                "f" => {
                    contents.found(Reason::Formula);
                    formula = true;
                }
                "v" | "t" => inside = true,
                _ => {}
            },
            Piece::End(name) => match name.as_str() {
                "v" | "t" => inside = false,
                "f" => formula = false,
                "c" => sheet.cell(),
                "row" => sheet.end(contents),
                _ => {}
            },
            Piece::Text(text) if inside => sheet.value.push_str(&plain(text)),
            Piece::Text(text) if formula => contents.texts.push(plain(text)),
            Piece::Text(_) | Piece::Comment(_) => {}
        }
        if sheet.table.as_ref().is_some_and(|t| t.cut) {
            break;
        }
    }
    sheet.end(contents);
    sheet.table.into_iter().for_each(|t| contents.add(t));
}
