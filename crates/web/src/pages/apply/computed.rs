//! Fields of the application form that follow from the others, in words: sources and who decides for them, the size of the
//! tables of a request.

use serde_json::Value;

use super::control::Maker;
use super::plain;
use crate::texts::{text, text_with};

impl Maker<'_> {
    /// The value of a computed field.
    pub(super) fn computed(&self, id: &str, value: &Value) -> String {
        match id {
            "cart.sources" if value.is_null() => self.sources(),
            "cart.bodies" => self.bodies(value),
            "tab.cells" => self.cells(value),
            "tab.preview" => text(self.language, "apply-preview-none"),
            _ => plain(value),
        }
    }

    fn sources(&self) -> String {
        let mut names: Vec<&str> = self.draft.cart.iter().map(|line| line.source_name.text(self.language)).collect();
        names.sort_unstable();
        names.dedup();
        names.join("; ")
    }

    /// Who decides for each source, and which part of the application is forwarded.
    fn bodies(&self, value: &Value) -> String {
        let body = |row: &Value| {
            let (source, body) = (self.names.source(&plain(&row["source"])), plain(&row["body"]));
            let key = if row["forwarded"] == true { "apply-body-forwarded" } else { "apply-body" };
            text_with(self.language, key, &[("source", &source), ("body", &body)])
        };
        value.as_array().into_iter().flatten().map(body).collect::<Vec<_>>().join("; ")
    }

    /// How many cells the tables have, and which variables have no list of codes.
    fn cells(&self, value: &Value) -> String {
        let n = value["cells"].as_u64().unwrap_or(0).to_string();
        let cells = text_with(self.language, "apply-cells", &[("n", &n)]);
        let unknown = value["unknown"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let unknown: Vec<String> = unknown.map(|id| self.names.variable(id)).collect();
        if unknown.is_empty() {
            return cells;
        }
        let left_out = text_with(self.language, "apply-cells-unknown", &[("names", &unknown.join(", "))]);
        format!("{cells} {left_out}")
    }
}
