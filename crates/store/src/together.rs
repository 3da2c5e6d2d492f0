//! Several statements as one, for PostgreSQL: each one that it runs has a price of its own, and an answer that somebody is
//! woken for.
//!
//! The parts of one statement do not see each other. So only such are put together that cannot tell: inserts into tables,
//! and at most one update of a table that none of them inserts into. Foreign keys are checked when the whole is done.

use std::fmt::Write as _;

use crate::Value;

/// A statement with its parameters.
pub(crate) type Written = (String, Vec<Value>);

/// The most parameters of one statement.
const PARAMETERS: usize = 2_000;

/// What a statement does to which table.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind<'a> {
    Insert(&'a str),
    Update(&'a str),
    Other,
}

fn kind(sql: &str) -> Kind<'_> {
    let mut words = sql.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        // A row that is there already is another matter: two parts may not change one row.
        _ if sql.contains("ON CONFLICT") || sql.contains("RETURNING") => Kind::Other,
        (Some("INSERT"), Some("INTO"), Some(table)) => Kind::Insert(table),
        (Some("UPDATE"), Some(table), Some("SET")) => Kind::Update(table),
        _ => Kind::Other,
    }
}

/// Puts together what stands behind one another and can be, in its order.
pub(crate) fn together(statements: Vec<Written>) -> Vec<Written> {
    let mut out: Vec<Written> = Vec::new();
    let mut group: Vec<Written> = Vec::new();
    for statement in statements {
        if !fits(&group, &statement) {
            out.extend(one(std::mem::take(&mut group)));
        }
        group.push(statement);
    }
    out.extend(one(group));
    out
}

/// Whether the statement can be a part of one with those of the group.
fn fits(group: &[Written], statement: &Written) -> bool {
    let parameters: usize = group.iter().map(|(_, params)| params.len()).sum();
    let mut others = group.iter().map(|(sql, _)| kind(sql));
    parameters + statement.1.len() <= PARAMETERS
        && match kind(&statement.0) {
            Kind::Other => false,
            Kind::Insert(table) => others.all(|other| other != Kind::Other && other != Kind::Update(table)),
            Kind::Update(table) => others.all(|other| matches!(other, Kind::Insert(inserted) if inserted != table)),
        }
}

/// One statement for all: all but the last as parts of the last. Parameters are numbered through.
fn one(mut group: Vec<Written>) -> Option<Written> {
    if group.len() < 2 {
        return group.pop();
    }
    let (mut sql, mut params) = (String::new(), Vec::new());
    let last = group.len() - 1;
    for (i, (statement, own)) in group.into_iter().enumerate() {
        if i < last {
            let _ = write!(sql, "{} w{i} AS (", if i == 0 { "WITH" } else { "," });
        } else {
            sql.push(' ');
        }
        renumber(&mut sql, &statement, params.len());
        if i < last {
            sql.push(')');
        }
        params.extend(own);
    }
    Some((sql, params))
}

/// Writes a statement with the numbers of its parameters raised by `by`.
fn renumber(out: &mut String, statement: &str, by: usize) {
    let mut parts = statement.split('$');
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = part.split_at(digits);
        let _ = match number.parse::<usize>() {
            Ok(number) => write!(out, "${}{rest}", number + by),
            Err(_) => write!(out, "${part}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(statements: &[&str]) -> Vec<String> {
        let all = statements.iter().map(|sql| {
            let params = sql.matches('$').count();
            ((*sql).to_owned(), vec![Value::Int(Some(1)); params])
        });
        together(all.collect()).into_iter().map(|(sql, _)| sql).collect()
    }

    #[test]
    fn acc_008_what_cannot_tell_is_put_together() {
        assert_eq!(
            texts(&["INSERT INTO a VALUES ($1)", "UPDATE b SET x = $2 WHERE y = $1", "INSERT INTO c VALUES ($1, $2)"]),
            [
                "WITH w0 AS (INSERT INTO a VALUES ($1)), w1 AS (UPDATE b SET x = $3 WHERE y = $2) INSERT INTO c VALUES ($4, $5)"
            ]
        );
        assert_eq!(texts(&["DELETE FROM a"]), ["DELETE FROM a"]);
        assert!(texts(&[]).is_empty());
    }

    #[test]
    fn acc_008_statements_that_would_have_to_see_each_other_stay_apart() {
        for apart in [
            // The update would not find the row.
            ["INSERT INTO a VALUES ($1)", "UPDATE a SET x = $1"],
            ["UPDATE a SET x = $1", "INSERT INTO a VALUES ($1)"],
            // One of the two would have no effect.
            ["UPDATE a SET x = $1", "UPDATE a SET y = $1"],
            ["UPDATE a SET x = $1", "UPDATE b SET y = $1"],
            ["DELETE FROM a WHERE x = $1", "INSERT INTO a VALUES ($1)"],
            ["INSERT INTO a VALUES ($1)", "INSERT INTO a VALUES ($1) ON CONFLICT DO NOTHING"],
        ] {
            assert_eq!(texts(&apart), apart, "{apart:?}");
        }
    }
}
