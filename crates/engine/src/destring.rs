//! `destring` (LANG-145, LANG-146): numbers out of texts, once per distinct text.

use std::sync::Arc;

use script::DataType;
use script::program::{Destring, Literal, RecodeColumn};

use crate::control::{Control, by_chunk};
use crate::data::{Data, Dictionary};
use crate::dataset::{Column, column_key};
use crate::error::RunError;
use crate::lookup::pack;
use crate::mask::Mask;
use crate::vector::{Kind, Value, Vector};

/// What a text says.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Read {
    Nothing,
    Whole(i64),
    Decimal(f64),
    NoNumber,
}

/// Blanks round it, then the ignored characters, then the comma; `[+-]digits[.digits]`.
fn read(text: &str, plan: &Destring) -> Read {
    let mut kept: String = text.chars().filter(|c| !plan.ignore.contains(*c)).collect();
    if plan.decimal_comma {
        kept = kept.replace(',', ".");
    }
    let kept = kept.trim();
    if kept.is_empty() {
        return Read::Nothing;
    }
    let digits = kept.strip_prefix(['+', '-']).unwrap_or(kept);
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(w, f)| (w, Some(f)));
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || fraction.is_some_and(|f| !all_digits(f)) {
        return Read::NoNumber;
    }
    match (fraction, kept.parse::<i64>()) {
        (None, Ok(n)) => Read::Whole(n),
        _ => match kept.parse::<f64>() {
            Ok(x) if x.is_finite() => Read::Decimal(x + 0.0),
            _ => Read::NoNumber,
        },
    }
}

fn value(read: Read) -> Value {
    match read {
        Read::Whole(n) => Value::Integer(n),
        Read::Decimal(x) => Value::Decimal(x),
        Read::Nothing | Read::NoNumber => Value::Missing,
    }
}

/// The numbers of a text column, and the rows of the dataset that have a text that is none, where they decide: where the
/// column has a code list the list does, so that the error tells nothing of the data (LANG-245).
pub(crate) fn destring(
    source: &Column,
    column: &RecodeColumn,
    plan: &Destring,
    mask: &Mask,
    control: &dyn Control,
) -> Result<(Column, Option<Mask>), RunError> {
    if source.data_type != DataType::Text {
        return Err(RunError::type_mismatch(&column.source));
    }
    let empty = Arc::new(Dictionary::Text(Vec::new()));
    let dictionary = source.data.dictionary.as_ref().unwrap_or(&empty);
    let texts = match &**dictionary {
        Dictionary::Text(texts) => texts.clone(),
        Dictionary::Integer(numbers) => numbers.iter().map(|n| Arc::from(n.to_string())).collect(),
    };
    let reads: Vec<Read> = texts.iter().map(|t| read(t, plan)).collect();
    let found = match &source.labels {
        _ if plan.force => None,
        Some(labels) if labels.entries.iter().any(|l| read(&l.code.to_string(), plan) == Read::NoNumber) => {
            return Err(RunError::not_a_number(&column.source));
        }
        // A list may lack codes that the column has.
        Some(_) if !reads.contains(&Read::NoNumber) => None,
        _ => Some(met(&source.data, &reads, mask, control)?),
    };
    let values: Vec<Value> = reads.iter().map(|r| value(*r)).chain([Value::Missing]).collect();
    let kind = if reads.iter().any(|r| matches!(r, Read::Decimal(_))) { Kind::Decimal } else { Kind::Integer };
    let data = match source.data.span().filter(|_| source.data.dictionary.is_some()) {
        Some(span) => span.column(&source.data, &Vector::collect(&values, &kind), kind, mask.len(), control)?,
        None => Data::of_chunks(vec![Vector::repeat(&Value::Missing, mask.len())], kind),
    };
    let number = |flag: &Literal| match read(&flag.to_string(), plan) {
        Read::Whole(n) => Some(Literal::Integer(n)),
        Read::Decimal(x) => Some(Literal::Decimal(x)),
        Read::Nothing | Read::NoNumber => None,
    };
    let options = format!("{:?} {} {}", plan.ignore, plan.decimal_comma, plan.force);
    let numbers = Column {
        data: Arc::new(data),
        data_type: column.data_type.clone(),
        labels: column.labels.clone(),
        flagged: Arc::new(source.flagged.iter().filter_map(number).collect()),
        key: column_key("destring", &[&source.key, options.as_bytes()]),
        import: None,
        made: true,
        ..source.clone()
    };
    Ok((numbers, found))
}

/// The rows of the dataset that have a text that is no number.
fn met(data: &Data, reads: &[Read], mask: &Mask, control: &dyn Control) -> Result<Mask, RunError> {
    let bad: Vec<bool> = reads.iter().map(|r| *r == Read::NoNumber).collect();
    if !bad.contains(&true) {
        return Ok(Mask::empty(mask.len()));
    }
    let words = by_chunk(control, mask.len(), |range| {
        let bad = |i: usize| data.is_valid(i) && data.code(i).is_some_and(|c| bad.get(c as usize) == Some(&true));
        let rows: Vec<u8> = range.clone().map(|i| u8::from(bad(i))).collect();
        mask.words(range).iter().zip(pack(&rows)).map(|(here, bad)| here & bad).collect()
    })?;
    Ok(Mask::of_words(words, mask.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(ignore: &str, decimal_comma: bool) -> Destring {
        Destring { columns: Vec::new(), ignore: ignore.into(), decimal_comma, force: false }
    }

    /// LANG-145: blanks, ignored characters, comma, then the number.
    #[test]
    fn lang_145_what_a_number_is() {
        let plain = plan("", false);
        for (text, expected) in [
            (" 042 ", Read::Whole(42)),
            ("", Read::Nothing),
            ("  ", Read::Nothing),
            ("+7", Read::Whole(7)),
            ("-7.50", Read::Decimal(-7.5)),
            ("7.", Read::NoNumber),
            (".5", Read::NoNumber),
            ("1e5", Read::NoNumber),
            ("--1", Read::NoNumber),
            ("1,5", Read::NoNumber),
            ("9223372036854775807", Read::Whole(i64::MAX)),
            ("-9223372036854775808", Read::Whole(i64::MIN)),
            ("9223372036854775808", Read::Decimal(9_223_372_036_854_775_808.0)),
            ("-0", Read::Whole(0)),
        ] {
            assert_eq!(read(text, &plain), expected, "{text:?}");
        }
        assert_eq!(read("kr 1 000,50", &plan("kr ", true)), Read::Decimal(1000.5));
        assert_eq!(read(&"9".repeat(400), &plain), Read::NoNumber);
    }
}
