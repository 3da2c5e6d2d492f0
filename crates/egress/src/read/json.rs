//! JSON: tables are lists of objects, lists of lists, objects of equally long lists, and objects of objects; the rest is
//! texts. JSON lines are a list of objects. Notebooks are JSON too: their cells are texts, pictures in them are told.

use serde_json::{Map, Value};

use super::Contents;
use crate::reason::Reason;
use crate::table::Table;

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
    if value.get("nbformat").is_some() && value.get("cells").is_some() && has_picture(text) {
        contents.found(Reason::Image);
    }
    // The reader of JSON refuses what is nested deeper than 128 levels, so that this ends.
    walk(&value, "", contents);
}

fn has_picture(text: &str) -> bool {
    text.contains("\"image/")
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

fn walk(value: &Value, name: &str, contents: &mut Contents) {
    if contents.tables.len() >= MAX_TABLES {
        return contents.findings.push(Reason::Unreadable.into());
    }
    if let Some(table) = table(value, name, contents.tables.len() + 1) {
        return contents.add(table);
    }
    match value {
        Value::Array(items) => items.iter().for_each(|v| walk(v, name, contents)),
        Value::Object(map) => {
            for (key, inside) in map {
                contents.texts.push(key.clone());
                walk(inside, key, contents);
            }
        }
        Value::String(text) => contents.values.push(text.clone()),
        Value::Number(number) => contents.texts.push(number.to_string()),
        Value::Bool(_) | Value::Null => {}
    }
}

fn table(value: &Value, name: &str, number: usize) -> Option<Table> {
    let name = if name.is_empty() { number.to_string() } else { format!("{number} {}", short(name)) };
    match value {
        Value::Array(rows) if rows.len() > 1 => rows_of_objects(rows, &name).or_else(|| rows_of_lists(rows, &name)),
        Value::Object(map) if map.len() > 1 => split(map, &name).or_else(|| columns(map, &name)),
        _ => None,
    }
}

fn short(name: &str) -> String {
    name.chars().take(40).collect()
}

fn rows_of_objects(rows: &[Value], name: &str) -> Option<Table> {
    let mut header: Vec<String> = Vec::new();
    for row in rows {
        let map = row.as_object().filter(|m| m.values().all(is_scalar))?;
        for key in map.keys() {
            if header.len() < crate::table::MAX_COLUMNS && !header.contains(key) {
                header.push(key.clone());
            }
        }
    }
    let mut table = Table::new(name, header.clone());
    for map in rows.iter().filter_map(Value::as_object) {
        let cells: Vec<String> = header.iter().map(|k| map.get(k).map(text_of).unwrap_or_default()).collect();
        table.push(cells.iter().map(String::as_str));
        table.cut |= map.keys().any(|k| header.len() >= crate::table::MAX_COLUMNS && !header.contains(k));
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
