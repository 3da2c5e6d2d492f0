//! Entries of the gate ledger as lines of JSON: the file of a folder that is marked synthetic, and batches that an earlier
//! program wrote to a database. What it is not: the form in which batches are written now (see `wire`).

use disclosure::{Fingerprint, LedgerEntry, LedgerError, Reason, Recipe, Sketch, Stored, ValueKey};
use kernel::Timestamp;
use serde::{Deserialize, Serialize};

/// One entry as it is written.
#[derive(Serialize, Deserialize)]
struct Line {
    set: String,
    kind: String,
    variable: String,
    column: String,
    policy: String,
    value: Written,
    persons: u64,
    sketch: Vec<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    script: String,
    statement: u32,
    cell: u32,
    at: Timestamp,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Written {
    Number(f64),
    Hidden(Reason),
}

impl Line {
    fn of(entry: &LedgerEntry) -> Self {
        let key = &entry.key;
        Line {
            set: format!("{:032x}", key.set.0),
            kind: key.kind.to_string(),
            variable: key.variable.to_string(),
            column: key.column.iter().map(|b| format!("{b:02x}")).collect(),
            policy: key.policy.to_string(),
            value: match entry.value {
                Stored::Number(x) => Written::Number(x),
                Stored::Hidden(reason) => Written::Hidden(reason),
            },
            persons: entry.persons,
            sketch: entry.sketch.0.to_vec(),
            root: entry.root.map(|root| format!("{:032x}", root.0)),
            script: entry.recipe.script.to_string(),
            statement: entry.recipe.statement,
            cell: entry.recipe.cell,
            at: entry.at,
        }
    }

    fn entry(self) -> Option<LedgerEntry> {
        let mut column = [0u8; 32];
        if self.column.len() != 64 || !self.column.is_ascii() {
            return None;
        }
        for (i, byte) in column.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&self.column[2 * i..2 * i + 2], 16).ok()?;
        }
        Some(LedgerEntry {
            key: ValueKey {
                set: Fingerprint(u128::from_str_radix(&self.set, 16).ok()?),
                kind: self.kind.into(),
                variable: self.variable.into(),
                column,
                policy: self.policy.into(),
            },
            value: match self.value {
                Written::Number(x) => Stored::Number(x),
                Written::Hidden(reason) => Stored::Hidden(reason),
            },
            persons: self.persons,
            sketch: Sketch(self.sketch.try_into().ok()?),
            root: match self.root {
                Some(root) => Some(Fingerprint(u128::from_str_radix(&root, 16).ok()?)),
                None => None,
            },
            members: engine::Members::default(),
            recipe: Recipe { script: self.script.into(), statement: self.statement, cell: self.cell },
            at: self.at,
        })
    }
}

/// Writes entries as lines of JSON, for a sealed batch or a file.
pub(crate) fn to_lines(entries: &[&LedgerEntry]) -> Result<Vec<u8>, LedgerError> {
    let mut out = Vec::new();
    for entry in entries {
        serde_json::to_writer(&mut out, &Line::of(entry)).map_err(|_| LedgerError)?;
        out.push(b'\n');
    }
    Ok(out)
}

/// Reads what [`to_lines`] wrote.
pub(crate) fn from_lines(bytes: &[u8]) -> Result<Vec<LedgerEntry>, LedgerError> {
    let lines = bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    lines.map(|line| serde_json::from_slice::<Line>(line).ok().and_then(Line::entry).ok_or(LedgerError)).collect()
}
