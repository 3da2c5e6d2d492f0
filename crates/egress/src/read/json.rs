//! JSON: tables are lists of objects or lists, objects of equally long lists, objects of objects, and whatever else has
//! numbers, so that none goes unseen; the rest is texts. JSON lines are a list of objects. Notebooks are JSON too: code and what it gave.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Contents, html, text};
use crate::reason::Reason;
use crate::table::{MAX_COLUMNS, Table};

/// A document with more values is not read: each costs memory many times its text.
const MAX_VALUES: usize = 3_000_000;
/// At most so many tables of one file.
const MAX_TABLES: usize = 500;

pub(crate) fn read(text: &str, contents: &mut Contents) {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.bytes().filter(|b| b",[{:".contains(b)).count() > MAX_VALUES {
        return contents.found(Reason::TooLarge);
    }
    let value = serde_json::from_str(text).ok().or_else(|| lines(text));
    let Some(value) = value else {
        contents.texts.push(text.to_owned());
        return contents.found(Reason::Unreadable);
    };
    if let (Some(_), Some(cells)) = (value.get("nbformat"), value.get("cells").and_then(Value::as_array)) {
        return cells.iter().for_each(|cell| notebook(cell, contents));
    }
    // The reader of JSON refuses what is nested deeper than 128 levels, so that this ends.
    walk(&value, contents);
}

/// A cell of a notebook: its source is code, what it gave is text, a page or a picture.
fn notebook(cell: &Value, contents: &mut Contents) {
    let joined = |value: &Value| match value {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect::<String>(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    text::code(&joined(cell.get("source").unwrap_or(&Value::Null)), contents);
    for output in cell.get("outputs").and_then(Value::as_array).into_iter().flatten() {
        text::plain(&joined(output.get("text").unwrap_or(&Value::Null)), contents);
        for (kind, data) in output.get("data").and_then(Value::as_object).into_iter().flatten() {
            match kind.as_str() {
                "text/html" => html::read(&joined(data), contents),
                "text/plain" | "text/markdown" => text::plain(&joined(data), contents),
                _ if kind.starts_with("image/") => contents.found(Reason::Image),
                _ => contents.found(Reason::Embedded),
            }
        }
    }
    if cell.get("attachments").is_some() {
        contents.found(Reason::Image);
    }
}

fn lines(text: &str) -> Option<Value> {
    let lines = text.lines().filter(|l| !l.trim().is_empty());
    let rows =
        lines.map(|l| serde_json::from_str::<Value>(l).ok().filter(Value::is_object)).collect::<Option<Vec<_>>>()?;
    (!rows.is_empty()).then_some(Value::Array(rows))
}

fn is_scalar(value: &Value) -> bool {
    !value.is_array() && !value.is_object()
}

fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn walk(value: &Value, contents: &mut Contents) {
    if contents.tables.len() >= MAX_TABLES {
        return contents.findings.push(Reason::Unreadable.into());
    }
    // By number: a key may be a value of the data.
    let name = (contents.tables.len() + 1).to_string();
    if let Some(table) = table(value, &name) {
        return contents.add(table);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|v| walk(v, contents)),
        Value::Object(map) => {
            for (key, inside) in map {
                contents.texts.push(key.clone());
                walk(inside, contents);
            }
        }
        Value::String(text) => contents.values.push(text.clone()),
        Value::Number(number) => {
            contents.found(Reason::TypeUnknown);
            contents.texts.push(number.to_string());
        }
        Value::Bool(_) | Value::Null => {}
    }
}

fn table(value: &Value, name: &str) -> Option<Table> {
    match value {
        Value::Array(cells) if cells.iter().all(is_scalar) && cells.iter().any(Value::is_number) => {
            let mut table = Table::new(name, vec![String::new()]);
            cells.iter().for_each(|cell| table.push([text_of(cell).as_str()]));
            Some(table)
        }
        Value::Array(rows) if !rows.is_empty() => rows_of_objects(rows, name).or_else(|| rows_of_lists(rows, name)),
        // One row: its names may say what it holds.
        Value::Object(map) if map.values().all(is_scalar) && map.values().any(Value::is_number) => {
            rows_of_objects(std::slice::from_ref(value), name)
        }
        Value::Object(map) if map.len() > 1 => split(map, name).or_else(|| columns(map, name)),
        _ => None,
    }
}

fn rows_of_objects(rows: &[Value], name: &str) -> Option<Table> {
    let (mut header, mut known): (Vec<String>, HashSet<&str>) = Default::default();
    for row in rows {
        let map = row.as_object().filter(|m| m.values().all(is_scalar))?;
        for key in map.keys() {
            if header.len() <= MAX_COLUMNS && known.insert(key) {
                header.push(key.clone());
            }
        }
    }
    // A header that is too long says that there was more.
    let names: Vec<String> = header.iter().take(MAX_COLUMNS).cloned().collect();
    let mut table = Table::new(name, header);
    for map in rows.iter().filter_map(Value::as_object) {
        let cells: Vec<String> = names.iter().map(|k| map.get(k).map(text_of).unwrap_or_default()).collect();
        table.push(cells.iter().map(String::as_str));
    }
    Some(table)
}

fn rows_of_lists(rows: &[Value], name: &str) -> Option<Table> {
    let cells =
        |row: &Value| row.as_array().filter(|r| r.iter().all(is_scalar)).map(|r| r.iter().map(text_of).collect());
    let mut rows = rows.iter().map(cells).collect::<Option<Vec<Vec<String>>>>()?;
    let (header, first) = super::delimited::named(rows.remove(0));
    let mut table = Table::new(name, header);
    for row in first.iter().chain(&rows) {
        table.push(row.iter().map(String::as_str));
    }
    Some(table)
}

/// `{"columns": […], "data": [[…]]}`, with or without `"index"`.
fn split(map: &Map<String, Value>, name: &str) -> Option<Table> {
    let columns = map.get("columns")?.as_array()?;
    let data = map.get("data")?.as_array()?;
    let index = map.get("index").and_then(Value::as_array);
    let head = index.map(|_| "index".to_owned()).into_iter();
    let mut table = Table::new(name, head.chain(columns.iter().map(text_of)).collect());
    for (i, row) in data.iter().enumerate() {
        let row = row.as_array().filter(|r| r.iter().all(is_scalar))?;
        let stub = index.map(|x| x.get(i).map(text_of).unwrap_or_default());
        let cells: Vec<String> = stub.into_iter().chain(row.iter().map(text_of)).collect();
        table.push(cells.iter().map(String::as_str));
    }
    Some(table)
}

/// Columns by name: lists of one length, or objects from row to value.
fn columns(map: &Map<String, Value>, name: &str) -> Option<Table> {
    let header: Vec<String> = map.keys().cloned().collect();
    if let Some(lists) = map.values().map(Value::as_array).collect::<Option<Vec<_>>>() {
        let rows = lists.first().map_or(0, |l| l.len());
        if rows < 2 || !lists.iter().all(|l| l.len() == rows && l.iter().all(is_scalar)) {
            return None;
        }
        let mut table = Table::new(name, header);
        for row in 0..rows {
            let cells: Vec<String> = lists.iter().map(|l| text_of(&l[row])).collect();
            table.push(cells.iter().map(String::as_str));
        }
        return Some(table);
    }
    let maps = map.values().map(|v| v.as_object().filter(|m| m.values().all(is_scalar))).collect::<Option<Vec<_>>>()?;
    let rows: Vec<&String> = maps.first()?.keys().collect();
    if rows.is_empty() || !maps.iter().all(|m| m.len() == rows.len() && rows.iter().all(|r| m.contains_key(*r))) {
        return None;
    }
    let mut table = Table::new(name, std::iter::once(String::new()).chain(header).collect());
    for row in rows {
        let cells: Vec<String> = std::iter::once(row.clone()).chain(maps.iter().map(|m| text_of(&m[row]))).collect();
        table.push(cells.iter().map(String::as_str));
    }
    Some(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(text: &str) -> Contents {
        let mut contents = Contents::default();
        read(text, &mut contents);
        contents
    }

    #[test]
    fn tables_are_found_in_the_shapes_that_tools_write() {
        for (text, rows) in [(r#"[{"n":4}]"#, 1), (r#"{"a":{"n":4,"mean":2.5}}"#, 1), (r#"{"values":[4,5,6]}"#, 3)] {
            let found = contents(text);
            assert_eq!((found.tables.len(), found.tables[0].rows), (1, rows), "{text}");
        }
        assert_eq!(contents(r#"{"a":[[1]],"b":"c"}"#).tables.len(), 1);
        for text in [
            r#"[{"sex":"m","n":10},{"sex":"f","n":20}]"#,
            "{\"sex\":\"m\",\"n\":10}\n{\"sex\":\"f\",\"n\":20}\n",
            r#"[["sex","n"],["m",10],["f",20]]"#,
            r#"{"sex":["m","f"],"n":[10,20]}"#,
            r#"{"sex":{"0":"m","1":"f"},"n":{"0":10,"1":20}}"#,
            r#"{"columns":["sex","n"],"index":[0,1],"data":[["m",10],["f",20]]}"#,
            r#"{"results":{"rows":[{"sex":"m","n":10},{"sex":"f","n":20}]}}"#,
        ] {
            let found = contents(text);
            assert_eq!(found.tables.len(), 1, "{text}");
            let table = &found.tables[0];
            assert_eq!(table.rows, 2);
            assert!(table.header.contains(&"n".to_owned()));
        }
    }

    /// Notebooks are code with what it gave.
    #[test]
    fn notebooks_are_code_with_what_it_gave() {
        let found = contents(
            r#"{"nbformat":4,"cells":[{"source":["fit = ols('y ~ a lot of terms with long names', data=persons)\n"],"outputs":[
            {"data":{"text/html":"<table><tr><th>sex<th>n<tr><td>m<td>4</table>","image/png":"AAAA"}},{"text":"done"}]}]}"#,
        );
        assert_eq!((found.tables.len(), found.findings[0].reason), (1, Reason::Image));
        assert_eq!(found.values, Vec::<String>::new());
    }

    #[test]
    fn what_is_too_deep_or_broken_is_told() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        for text in [deep.as_str(), "{", "nonsense"] {
            assert_eq!(contents(text).findings[0].reason, Reason::Unreadable);
        }
        let wide = format!("[{}0]", "0,".repeat(MAX_VALUES));
        assert_eq!(contents(&wide).findings[0].reason, Reason::TooLarge);
    }
}
