//! Texts and files: the lay summary and the attachments (CHK-32, CHK-33).

use serde_json::Value;

use super::super::FieldKind;
use super::super::check::Level;
use super::super::outside::FileState;
use super::super::value::is_email;
use super::{Reader, part};

pub(super) fn run(r: &mut Reader<'_>) {
    summary(r);
    files(r);
}

/// CHK-32: readable, more than the title, without ways to reach a person.
fn summary(r: &mut Reader<'_>) {
    let text = r.text("pub.summary").trim();
    if text.is_empty() {
        return;
    }
    if text.eq_ignore_ascii_case(r.text("pub.title").trim()) {
        r.find("CHK-32", "pub.summary", "the summary repeats the title");
    }
    let reading = lix(text);
    if reading > 50 {
        r.find("CHK-32", "pub.summary", format!("reading level LIX {reading}"));
    }
    let trimmed = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    if text.split_whitespace().any(|word| is_email(&trimmed(word))) {
        r.find_at(Level::Block, "CHK-32", "pub.summary", "an e-mail address");
    }
    if has_phone(text) {
        r.find_at(Level::Block, "CHK-32", "pub.summary", "a telephone number");
    }
}

/// Eight digits in a row, with a plus sign and country code or in the groups in which they are written: 22 33 44 55,
/// 400 12 345. Years and amounts have fewer.
fn has_phone(text: &str) -> bool {
    let mut groups: Vec<usize> = Vec::new();
    let mut plus = false;
    let mut found = false;
    let mut digits = 0;
    for c in text.chars().chain(['\n']) {
        if c.is_ascii_digit() {
            digits += 1;
            continue;
        }
        if digits > 0 {
            groups.push(digits);
            digits = 0;
        }
        let usual = matches!(groups.as_slice(), [8] | [2, 2, 2, 2] | [3, 2, 3]);
        let abroad = plus && groups.iter().sum::<usize>() >= 8;
        if c != ' ' && c != '-' {
            found = found || usual || abroad;
            groups.clear();
            plus = c == '+';
        }
    }
    found
}

/// The reading level LIX (Björnsson 1968): words per sentence, and the share of words of more than six letters.
fn lix(text: &str) -> u32 {
    let words: Vec<usize> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.chars().count())
        .collect();
    let ends = |c: char| matches!(c, '.' | '!' | '?' | ':' | '\n');
    let sentences = text.split(ends).filter(|part| part.chars().any(char::is_alphanumeric)).count();
    if words.is_empty() || sentences == 0 {
        return 0;
    }
    let long = words.iter().filter(|length| **length > 6).count();
    (words.len() / sentences + 100 * long / words.len()) as u32
}

/// CHK-33: files that can be read, and the arrangement of joint controllers. Which attachments a purpose needs is said by
/// the fields themselves.
fn files(r: &mut Reader<'_>) {
    let mut found: Vec<(String, &Value)> = Vec::new();
    for field in r.form.fields() {
        let value = r.value(&field.id);
        match field.kind {
            FieldKind::File => found.push((field.id.clone(), value)),
            FieldKind::FileList => found.extend(value.as_array().into_iter().flatten().map(|v| (field.id.clone(), v))),
            FieldKind::Group => {
                let files = field.parts.iter().filter(|part| part.kind == FieldKind::File);
                found.extend(files.filter_map(|p| Some((format!("{}.{}", field.id, p.id), value.get(&p.id)?))));
            }
            kind if kind.has_rows() => {
                for (i, row) in value.as_array().into_iter().flatten().enumerate() {
                    let files = field.parts.iter().filter(|part| part.kind == FieldKind::File);
                    found.extend(files.filter_map(|p| Some((format!("{}.{i}.{}", field.id, p.id), row.get(&p.id)?))));
                }
            }
            _ => {}
        }
    }
    for (place, value) in found.into_iter().filter(|(_, value)| !value.is_null()) {
        let fault = match r.env.outside.file(part(value, "id")) {
            None | Some(FileState::Good) => continue,
            Some(FileState::Empty) => "the file is empty",
            Some(FileState::Protected) => "the file is protected by a password",
            Some(FileState::Unreadable) => "the file cannot be read or waits for a confirmation",
            Some(FileState::Missing) => "there is no such file",
        };
        r.find("CHK-33", place, fault);
    }
    if r.rows("proc.controllers").len() > 1 && r.rows("add.files").is_empty() {
        r.find("CHK-33", "add.files", "joint controllers attach their arrangement");
    }
}
