//! Data on persons (SDC-302): identity numbers, pseudonyms, running numbers, dates of birth, columns and combinations that
//! point at single rows, free text. What is found is told by its place, never by its content (IDN-022).

use std::collections::{HashMap, HashSet};

use kernel::identity_number::{Accept, IdentityNumber, Rules, column_of_numbers, scan};

use crate::output::{OutputType, Read, Role, is_group_name};
use crate::read::Contents;
use crate::reason::Reason;
use crate::table::{Cell, Table};
use crate::verdict::Finding;

/// Tables with more rows are looked at as data on persons.
const MANY_ROWS: usize = 1_000;
/// A text of more characters is free text.
const FREE_TEXT: usize = 40;
/// Fewer rows of one pattern point at persons.
const MIN_PATTERN: usize = 10;

/// What the texts of a file say.
pub(crate) fn texts(contents: &Contents) -> Vec<Finding> {
    let mut found = Vec::new();
    for text in contents.texts.iter().chain(&contents.values) {
        found.extend(text_findings(text).into_iter().map(Finding::from));
    }
    if contents.values.iter().any(|v| is_free(v)) {
        found.push(Reason::FreeText.into());
    }
    found
}

fn text_findings(text: &str) -> Vec<Reason> {
    let mut found = Vec::new();
    if !scan(text, Accept::Both).is_empty() {
        found.push(Reason::IdentityNumber);
    }
    if text.len() >= 27 && text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_pseudonym) {
        found.push(Reason::Pseudonym);
    }
    if has_birth_date(text) {
        found.push(Reason::BirthDate);
    }
    found
}

/// What a table says. `guess` is what the machine takes it for.
pub(crate) fn table(read: &Read<'_>, guess: OutputType) -> Vec<Finding> {
    let table = read.table;
    let counts = read.named_counts();
    let mut found: Vec<Finding> = table
        .header
        .iter()
        .enumerate()
        .flat_map(|(c, name)| text_findings(name).into_iter().map(move |r| Finding::in_column(r, c)))
        .collect();
    for column in 0..table.columns.len() {
        found.extend(numbers(table, column));
        found.extend(running_numbers(table, column));
        found.extend(birth_dates(table, column));
        found.extend(free_text(read, column, &counts));
    }
    let grouped = has_groups(read, &counts);
    if table.rows > MANY_ROWS {
        found.push(Reason::ManyRows.into());
    }
    if !grouped {
        found.extend(near_unique(read));
    }
    // The columns of a matrix of correlations and the terms of a model are named like traits too.
    if !grouped && !matches!(guess, OutputType::Test | OutputType::Regression) {
        found.extend(patterns(read));
    }
    found
}

/// Identity numbers and pseudonyms in a column.
fn numbers(table: &Table, column: usize) -> Vec<Finding> {
    let mut found = Vec::new();
    let cells = || table.columns[column].iter();
    // A spreadsheet drops the zero of numbers that begin with one.
    let padded: Vec<String> = cells()
        .filter(|c| matches!(c.len(), 10..=12))
        .take(2_000)
        .map(|c| if c.len() == 10 && c.bytes().all(|b| b.is_ascii_digit()) { format!("0{c}") } else { c.to_owned() })
        .collect();
    let filled = cells().filter(|c| !c.is_empty()).count();
    if padded.len() * 10 >= filled.min(2_000) * 9 && column_of_numbers(padded.iter().map(String::as_str), Accept::Both)
    {
        found.push(Finding::in_column(Reason::IdentityNumber, column));
    }
    let any = Rules::any(Accept::Both);
    for (row, cell) in cells().enumerate().filter(|(_, c)| c.len() >= 11) {
        if !scan(cell, Accept::Both).is_empty() {
            found.push(Finding::at(Reason::IdentityNumber, row, column));
            break;
        }
        if found.is_empty()
            && cell.len() <= 14
            && !cell.contains('.')
            && IdentityNumber::parse_lenient(cell, &any).is_ok()
        {
            found.push(Finding::at(Reason::IdentityPattern, row, column));
        }
        if cell.split(|c: char| !c.is_ascii_alphanumeric()).any(is_pseudonym) {
            found.push(Finding::at(Reason::Pseudonym, row, column));
            break;
        }
        if let Some(reason) = has_birth_date(cell).then_some(Reason::BirthDate) {
            found.push(Finding::at(reason, row, column));
            break;
        }
    }
    if is_hex_column(table, column) {
        found.push(Finding::in_column(Reason::Pseudonym, column));
    }
    found
}

/// The exchange form of pseudonyms (KEY-036): 26 characters of Crockford's base 32, the first below 8, and a check
/// character by ISO/IEC 7064, MOD 37,36.
fn is_pseudonym(word: &str) -> bool {
    let bytes = word.as_bytes();
    if bytes.len() != 27 || !matches!(bytes[0], b'0'..=b'7') || bytes.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let value = |b: u8| match b {
        b'0'..=b'9' => Some(u32::from(b - b'0')),
        b'A'..=b'Z' => Some(u32::from(b - b'A') + 10),
        _ => None,
    };
    let mut product = 36;
    for b in &bytes[..26] {
        if matches!(b, b'I' | b'L' | b'O' | b'U') {
            return false;
        }
        let Some(digit) = value(*b) else { return false };
        let sum = (product + digit) % 36;
        product = if sum == 0 { 36 } else { sum } * 2 % 37;
    }
    value(bytes[26]).is_some_and(|check| (product + check) % 36 == 1)
}

/// A column of 16 or more bytes in hexadecimal, or of UUIDs: keys of something, and nearly always of persons.
fn is_hex_column(table: &Table, column: usize) -> bool {
    let hex = |t: &str| {
        let digits = t.bytes().filter(|b| *b != b'-');
        t.len() >= 32 && digits.clone().all(|b| b.is_ascii_hexdigit()) && digits.count() >= 32
    };
    let filled = table.columns[column].iter().filter(|c| !c.is_empty()).count();
    filled >= 2 && table.columns[column].iter().filter(|c| hex(c)).count() * 10 >= filled * 9
}

/// A column that is called a person's number and has a value of its own in nearly each row.
fn running_numbers(table: &Table, column: usize) -> Option<Finding> {
    const NAMES: &[&str] = &[
        "personid",
        "pid",
        "patientid",
        "pasientid",
        "lopenr",
        "løpenr",
        "lopenummer",
        "løpenummer",
        "id",
        "respondentid",
        "unitid",
        "personnr",
        "fnr",
        "fodselsnummer",
        "fødselsnummer",
        "individid",
        "subjectid",
        "pseudonym",
    ];
    let name: String =
        table.header[column].chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if !NAMES.contains(&name.as_str()) || table.rows < 2 {
        return None;
    }
    // Rows of an event table repeat persons, so that half is enough; a table with few rows may number its lines.
    let distinct: HashSet<&str> = table.columns[column].iter().filter(|c| !c.is_empty()).collect();
    let certain = name != "id" || table.rows >= 20;
    (certain && distinct.len() * 2 >= table.rows).then(|| Finding::in_column(Reason::PersonId, column))
}

/// Whether a text is a calendar date with a day: `1961-03-12`, `12.03.1961`, `12/03/1961`.
pub(crate) fn is_full_date(text: &str) -> bool {
    // A time of day may stand behind it.
    let text = text.split(['T', ' ']).next().unwrap_or(text);
    let parts: Vec<&str> = text.split(['-', '.', '/']).collect();
    let [a, b, c] = parts.as_slice() else { return false };
    let number = |t: &str| t.parse::<u32>().ok().filter(|_| t.len() <= 4);
    let (Some(a), Some(b), Some(c)) = (number(a), number(b), number(c)) else {
        return false;
    };
    let year = |y: u32| (1880..2100).contains(&y);
    let day = |d: u32, m: u32| (1..=31).contains(&d) && (1..=31).contains(&m) && d.min(m) <= 12;
    (year(a) && day(b, c)) || (year(c) && day(a, b))
}

/// Words for birth, next to a date.
fn has_birth_date(text: &str) -> bool {
    let lower = text.to_lowercase();
    for word in ["født", "fødd", "fødselsdato", "born", "birth", "f. "] {
        for (at, _) in lower.match_indices(word) {
            let whole = lower[..at].chars().next_back().is_none_or(|c| !c.is_alphanumeric());
            let after = lower[at + word.len()..]
                .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '(' | ')' | '"'))
                .filter(|w| !w.is_empty());
            let date = after.take(2).any(|w| is_full_date(w.trim_end_matches('.')));
            if whole && date {
                return true;
            }
        }
    }
    false
}

/// A column of dates that is called a date of birth.
fn birth_dates(table: &Table, column: usize) -> Option<Finding> {
    let name = table.header[column].to_lowercase();
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).collect();
    let birth = ["fødselsdato", "fodselsdato", "fødd", "født", "birth", "dob", "birthdate", "foedselsdato", "bdate"];
    if !(words.iter().any(|w| birth.contains(w)) || name.contains("birth_date") || name.contains("fødselsdato")) {
        return None;
    }
    let dates = table.columns[column].iter().filter(|c| is_full_date(c) || is_packed_date(c)).count();
    let filled = table.columns[column].iter().filter(|c| !c.is_empty()).count();
    (dates > 0 && dates * 2 >= filled).then(|| Finding::in_column(Reason::BirthDate, column))
}

/// `YYYYMMDD`, or the running day number of a spreadsheet.
fn is_packed_date(text: &str) -> bool {
    let Ok(number) = text.parse::<u32>() else { return false };
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    ((1880..2100).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day))
        || (3_000..60_000).contains(&number)
}

/// More than 40 characters, of several words.
fn is_free(text: &str) -> bool {
    text.len() > FREE_TEXT && text.chars().count() > FREE_TEXT && text.split_whitespace().nth(2).is_some()
}

/// Free text, unless it is the name of a group that ten or more share.
fn free_text(read: &Read<'_>, column: usize, counts: &[usize]) -> Option<Finding> {
    let table = read.table;
    let row = table.columns[column].iter().position(is_free)?;
    let shared = |row: usize| {
        !counts.is_empty()
            && counts.iter().all(|c| match table.cell(row, *c) {
                Cell::Number(n) => n == 0.0 || n >= MIN_PATTERN as f64,
                Cell::Masked(_) | Cell::Empty => true,
                Cell::Text(_) => false,
            })
    };
    let rows = table.columns[column].iter().enumerate().filter(|(_, t)| is_free(t)).map(|(row, _)| row);
    let reason = if rows.into_iter().all(shared) { Reason::LongLabel } else { Reason::FreeText };
    Some(Finding::at(reason, row, column))
}

/// Whether the rows are groups of persons: a column that is called a count, and is not one throughout.
fn has_groups(read: &Read<'_>, counts: &[usize]) -> bool {
    counts.iter().any(|c| (0..read.table.rows).filter_map(|r| read.table.cell(r, *c).number()).any(|x| x > 1.0))
}

/// A column whose values are nearly all different, in a table of many rows. Where each row has a combination of group names
/// of its own, the rows may be groups, whose statistics differ: then names alone are looked at.
fn near_unique(read: &Read<'_>) -> Option<Finding> {
    let table = read.table;
    if table.rows <= MANY_ROWS {
        return None;
    }
    let names: Vec<usize> = read.of(Role::Label).filter(|c| is_group_name(&table.header[*c])).collect();
    let mut seen: HashSet<Vec<&str>> = HashSet::new();
    let of_its_own = |row| seen.insert(names.iter().map(|c| table.columns[*c].get(row)).collect());
    let groups = !names.is_empty() && (0..table.rows).all(of_its_own);
    let looked_at = |c: &usize| !groups || (read.roles[*c] == Role::Label && !names.contains(c));
    (0..table.columns.len()).filter(looked_at).find_map(|c| {
        let filled = table.columns[c].iter().filter(|t| !t.is_empty()).count();
        let distinct: HashSet<&str> = table.columns[c].iter().filter(|t| !t.is_empty()).collect();
        (filled > MANY_ROWS && distinct.len() * 10 >= filled * 9).then(|| Finding::in_column(Reason::NearUnique, c))
    })
}

/// Combinations of traits in fewer than ten rows, where rows are no groups. A table that has each combination once, and
/// nearly all combinations, is a cross table of something else than persons.
fn patterns(read: &Read<'_>) -> Option<Finding> {
    let table = read.table;
    let traits: Vec<usize> = (0..table.columns.len()).filter(|c| is_trait(&table.header[*c])).collect();
    if traits.len() < 2 || table.rows < 2 {
        return None;
    }
    let mut seen: HashMap<Vec<&str>, usize> = HashMap::new();
    let mut distinct: Vec<HashSet<&str>> = vec![HashSet::new(); traits.len()];
    for row in 0..table.rows {
        let key: Vec<&str> = traits.iter().map(|c| table.columns[*c].get(row)).collect();
        distinct.iter_mut().zip(&key).for_each(|(d, k)| {
            d.insert(k);
        });
        *seen.entry(key).or_default() += 1;
    }
    let all: usize = distinct.iter().map(HashSet::len).fold(1, usize::saturating_mul);
    let crossed = seen.values().all(|n| *n == 1) && seen.len() * 10 >= all.saturating_mul(8);
    (!crossed && seen.values().any(|n| *n < MIN_PATTERN))
        .then(|| Finding::in_column(Reason::QuasiIdentifiers, traits[0]))
}

/// Traits by which people know each other.
fn is_trait(name: &str) -> bool {
    const TRAITS: &[&str] = &[
        "sex",
        "gender",
        "kjønn",
        "kjonn",
        "age",
        "alder",
        "birthyear",
        "fødselsår",
        "fodselsar",
        "kommune",
        "municipality",
        "postnr",
        "postnummer",
        "postcode",
        "zip",
        "county",
        "fylke",
        "country",
        "landbakgrunn",
        "fødeland",
        "nationality",
        "occupation",
        "yrke",
        "sivilstand",
        "marital",
        "education",
        "utdanning",
        "bydel",
        "region",
        "diagnosis",
        "diagnose",
    ];
    let lower = name.to_lowercase();
    let joined: String = lower.chars().filter(|c| c.is_alphanumeric()).collect();
    lower.split(|c: char| !c.is_alphanumeric()).any(|w| TRAITS.contains(&w)) || TRAITS.contains(&joined.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SDC-302, KEY-036: the exchange form is known by its check character.
    #[test]
    fn pseudonyms_are_known_by_their_check_character() {
        for right in ["4RP689PH0PWNA3428A2TS0AQ022", "3YS89S8T897C5AG92VWFM5RNBHT"] {
            assert!(is_pseudonym(right));
            let mut wrong = right.as_bytes().to_vec();
            wrong[5] = if wrong[5] == b'7' { b'8' } else { b'7' };
            assert!(!is_pseudonym(std::str::from_utf8(&wrong).unwrap()));
        }
        assert!(!is_pseudonym("000000000000000000000000000"));
        assert!(!is_pseudonym("ABC"));
    }

    #[test]
    fn dates_of_birth_are_known_by_the_word_beside_them() {
        assert!(has_birth_date("Pasienten er født 12.03.1961 i Oslo"));
        assert!(has_birth_date("born: 1961-03-12"));
        assert!(!has_birth_date("Born in 1961"));
        assert!(!has_birth_date("Extracted 2024-03-12"));
        assert!(!has_birth_date("Birth cohort, extracted 2024-03-12"));
        assert!(is_full_date("1961-03-12T00:00:00"));
        assert!(!is_full_date("1961-03"));
        assert!(!is_full_date("1-2-3"));
    }
}
