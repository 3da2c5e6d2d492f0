//! What stands in a file: its tables, its texts, and what speaks against its form. Every reader works within bounds and
//! answers with a reason where it cannot read on; none of them judges what it read.

mod delimited;
mod html;
mod json;
mod parquet;
mod pdf;
mod png;
mod text;
mod xlsx;

use crate::kind::{Kind, decode};
use crate::reason::Reason;
use crate::table::Table;
use crate::verdict::Finding;

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Tables, in order.
    pub tables: Vec<Table>,
    /// Texts in which numbers of persons may stand, apart from the tables.
    pub texts: Vec<String>,
    /// Texts that are values of data rather than written by the researcher.
    pub values: Vec<String>,
    /// What speaks against the form.
    pub findings: Vec<Finding>,
    /// The picture written again.
    pub reencoded: Option<Vec<u8>>,
}

impl Contents {
    pub(crate) fn found(&mut self, reason: Reason) {
        self.findings.push(reason.into());
    }

    /// Keeps a table that has something in it, and tells when it was cut.
    pub(crate) fn add(&mut self, table: Table) {
        if table.cut {
            self.found(Reason::Unreadable);
        }
        if table.rows > 0 || !table.header.is_empty() {
            self.tables.push(table);
        }
    }
}

/// Reads a file of this kind. Archives are opened by the caller.
pub(crate) fn read(kind: Kind, name: &str, bytes: &[u8]) -> Contents {
    let mut contents = Contents::default();
    let text = || decode(bytes).unwrap_or_default();
    match kind {
        Kind::Csv | Kind::Tsv => delimited::read(&text(), &mut contents),
        Kind::Json => json::read(&text(), &mut contents),
        Kind::Xlsx => xlsx::read(bytes, &mut contents),
        Kind::Parquet => parquet::read(bytes, &mut contents),
        Kind::Html => html::read(&text(), &mut contents),
        Kind::Markdown => text::markdown(&text(), &mut contents),
        Kind::Text => text::plain(&text(), &mut contents),
        Kind::Code => text::code(&text(), &mut contents),
        Kind::Png => png::read(bytes, &mut contents),
        Kind::Pdf => pdf::read(bytes, &mut contents),
        Kind::Model | Kind::Archive | Kind::Released | Kind::Svg | Kind::Blocked | Kind::Other => {}
    }
    // A name may say what the content does not.
    contents.texts.push(name.to_owned());
    contents
}
