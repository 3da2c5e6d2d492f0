//! Codes of one date translated to those of another (LANG-320..322): once per code, then the column as it was.

use std::collections::HashMap;
use std::sync::Arc;

use script::program::{Harmonised, Labels, Split};

use crate::data::{Data, Dictionary};
use crate::dataset::{Column, column_key};
use crate::error::RunError;
use crate::source::Values;
use crate::vector::{Kind, Value, Vector};

/// The column with its codes translated; codes that did not change stay as they are, flagged missing or not.
pub(crate) fn harmonise(
    column: &Column,
    name: &str,
    codes: &Harmonised,
    labels: Option<Arc<Labels>>,
) -> Result<Column, RunError> {
    let changed = |code: &str| codes.changes.iter().any(|c| c.from == code);
    let flagged = column.flagged.iter().filter(|f| !changed(&f.to_string())).cloned().collect();
    Ok(Column {
        data: Arc::new(translate(&column.data, name, codes)?),
        flagged: Arc::new(flagged),
        labels,
        key: column_key("harmonise", &[&column.key, format!("{:?} {:?}", codes.changes, codes.split).as_bytes()]),
        import: None,
        made: true,
        ..column.clone()
    })
}

/// The values translated. `name` is told when a split code is an error, which the change table alone decides.
pub(crate) fn translate(data: &Data, name: &str, codes: &Harmonised) -> Result<Data, RunError> {
    let Harmonised { changes, split, .. } = codes;
    if *split == Split::Error && changes.iter().any(|c| c.to.len() > 1) {
        return Err(RunError::split_code(name));
    }
    let heirs: HashMap<&str, Option<&str>> = changes
        .iter()
        .map(|c| {
            let heir = c.to.first().filter(|_| *split == Split::Largest || c.to.len() == 1);
            (c.from.as_str(), heir.map(|(code, _)| code.as_str()))
        })
        .collect();
    Ok(translated(data, &heirs))
}

fn translated(data: &Data, heirs: &HashMap<&str, Option<&str>>) -> Data {
    let new = |code: String| heirs.get(code.as_str()).map_or(Some(code), |heir| heir.map(str::to_owned));
    let Some(dictionary) = data.dictionary.as_deref() else { return numbers(data, heirs) };
    // The new dictionary, and the place of every old code in it.
    let codes: Vec<String> = match dictionary {
        Dictionary::Text(codes) => codes.iter().map(|c| c.to_string()).collect(),
        Dictionary::Integer(codes) => codes.iter().map(i64::to_string).collect(),
    };
    let mut texts: Vec<String> = Vec::new();
    let mut known: HashMap<String, u32> = HashMap::new();
    let places: Vec<Option<u32>> = codes
        .into_iter()
        .map(|code| {
            let code = new(code)?;
            Some(*known.entry(code).or_insert_with_key(|code| {
                texts.push(code.clone());
                (texts.len() - 1) as u32
            }))
        })
        .collect();
    let numbers: Option<Vec<i64>> = texts.iter().map(|t| t.parse().ok()).collect();
    let dictionary = match (dictionary, numbers) {
        (Dictionary::Integer(_), Some(numbers)) => Dictionary::Integer(numbers),
        _ => Dictionary::Text(texts.iter().map(|t| Arc::from(t.as_str())).collect()),
    };
    let rows = data.len();
    let place = |i: usize| {
        let code = if data.is_valid(i) { data.code(i) } else { None };
        code.and_then(|c| places.get(c as usize).copied().flatten())
    };
    let index: Vec<u32> = (0..rows).map(|i| place(i).unwrap_or(0)).collect();
    let valid = arrow::buffer::BooleanBuffer::collect_bool(rows, |i| place(i).is_some());
    Data::new(Values::Code32(index.into()), Some(arrow::buffer::NullBuffer::new(valid)), Some(Arc::new(dictionary)))
}

/// Numbers without code list.
fn numbers(data: &Data, heirs: &HashMap<&str, Option<&str>>) -> Data {
    let old = data.read(0..data.len());
    let values: Vec<Value> = (0..old.len())
        .map(|i| match old.get(i) {
            Value::Integer(n) => match heirs.get(n.to_string().as_str()) {
                None => Value::Integer(n),
                Some(heir) => heir.and_then(|h| h.parse().ok()).map_or(Value::Missing, Value::Integer),
            },
            other => other,
        })
        .collect();
    let kind = if values.iter().any(|v| matches!(v, Value::Decimal(_))) { Kind::Decimal } else { Kind::Integer };
    Data::of_chunks(vec![Vector::collect(&values, &kind)], kind)
}

#[cfg(test)]
mod tests {
    use script::DataType;
    use script::program::{CodeChange, Literal};

    use super::*;
    use crate::dataset::Core;

    fn change(from: &str, to: &[(&str, f64)]) -> CodeChange {
        CodeChange { from: from.into(), to: to.iter().map(|(c, s)| ((*c).to_owned(), *s)).collect() }
    }

    fn column(codes: &[&str]) -> Column {
        let texts: Vec<Value> = codes.iter().map(|c| Value::Text((*c).into())).collect();
        Column {
            data: Arc::new(Data::of_chunks(vec![Vector::collect(&texts, &Kind::Text)], Kind::Text)),
            data_type: DataType::Text,
            labels: None,
            flagged: Arc::new(vec![Literal::Text("9999".into())]),
            title: None,
            origin: Arc::default(),
            key: [1; 32],
            row_wise: true,
            import: None,
            core: Core::Registered([1; 32]),
            made: false,
        }
    }

    /// LANG-320: 1:1 and n:1 are exact; a split follows the option; codes without change stay.
    #[test]
    fn lang_320_relations_and_splits() {
        let changes = [
            change("1601", &[("5001", 1.0)]),
            change("1612", &[("5055", 0.6), ("5059", 0.4)]),
            change("1622", &[("5001", 1.0)]),
        ];
        let old = column(&["1601", "1612", "1622", "0301"]);
        let how = |changes: &[CodeChange], split| Harmonised {
            to: "2020-01-01".parse().unwrap(),
            changes: Arc::new(changes.to_vec()),
            split,
        };
        let codes = |split| {
            let new = harmonise(&old, "k", &how(&changes, split), None).unwrap();
            let v = new.data.read(0..4);
            (0..4)
                .map(|i| if let Value::Text(t) = v.get(i) { t.to_string() } else { String::new() })
                .collect::<Vec<_>>()
        };
        assert_eq!(codes(Split::Largest), ["5001", "5055", "5001", "0301"]);
        assert_eq!(codes(Split::Missing), ["5001", "", "5001", "0301"]);
        let refused = harmonise(&old, "k", &how(&changes, Split::Error), None).map(|_| ());
        assert!(matches!(refused, Err(RunError::Statement { code: script::Code::E317, .. })));
        let exact = harmonise(&old, "k", &how(&changes[..1], Split::Error), None).unwrap();
        assert!(exact.row_wise && exact.key != old.key && exact.flagged == old.flagged);
    }
}
