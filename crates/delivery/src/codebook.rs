//! What lies beside the data: `codebook.json` and `codebook.html` (DEL-041), `datapackage.json` for tools, `README.txt`
//! in Norwegian and English (DEL-042).

use kernel::{Date, LangMap, Language};
use protocol::documents::{Deviation, ExtractionOrder};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::granularity::CellKind;

/// The codebook of one delivery.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Codebook {
    pub source: String,
    pub series: String,
    pub permit_id: String,
    pub variables: Vec<Entry>,
}

/// One column of one table.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    pub table: String,
    /// Name of the column.
    pub name: String,
    /// The catalogue's variable id; none for the dates of a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    pub label: LangMap,
    #[serde(default)]
    pub description: LangMap,
    #[serde(rename = "type")]
    pub kind: Kind,
    pub granularity: String,
    pub period: (Date, Date),
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<Code>,
    /// Codes that stand for a missing value of a special kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing_codes: Vec<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deviations: Vec<Deviation>,
}

/// The type of a column, in the codebook's words.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Integer,
    Number,
    String,
    Date,
}

impl From<CellKind> for Kind {
    fn from(kind: CellKind) -> Self {
        match kind {
            CellKind::Int => Kind::Integer,
            CellKind::Float => Kind::Number,
            CellKind::Text => Kind::String,
            CellKind::Date => Kind::Date,
        }
    }
}

/// A code and its period.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Code {
    pub code: String,
    pub label: LangMap,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Date>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

/// Which key column the files have.
pub(crate) fn datapackage(codebook: &Codebook, key: &str, folder: &str) -> Value {
    let mut tables: Vec<&str> = codebook.variables.iter().map(|v| v.table.as_str()).collect();
    tables.dedup();
    let resources: Vec<Value> = tables
        .iter()
        .map(|table| {
            let mut fields = vec![json!({"name": key, "type": "integer", "constraints": {"required": true}})];
            for v in codebook.variables.iter().filter(|v| v.table == *table) {
                fields.push(json!({"name": v.name, "type": v.kind, "title": v.label.text(Language::En)}));
            }
            json!({
                "name": table.to_lowercase(), "path": format!("{folder}{table}.csv"), "profile": "tabular-data-resource",
                "format": "csv", "mediatype": "text/csv", "encoding": "utf-8",
                "dialect": {"delimiter": ";", "quoteChar": "\"", "doubleQuote": true, "lineTerminator": "\n", "header": true},
                "schema": {"fields": fields, "missingValues": [""]}
            })
        })
        .collect();
    json!({
        "profile": "tabular-data-package", "name": format!("{}-{}", codebook.series, codebook.source).to_lowercase(),
        "title": format!("{} {}", codebook.source, codebook.permit_id), "resources": resources
    })
}

/// The codebook as a page that needs nothing else.
pub(crate) fn html(codebook: &Codebook) -> String {
    let mut out = format!(
        "<!doctype html><html lang=\"nb\"><meta charset=\"utf-8\"><title>Kodebok {0}</title><h1>Kodebok {0}</h1>\n",
        escape(&codebook.permit_id)
    );
    for v in &codebook.variables {
        out.push_str(&format!(
            "<h2>{}.{}</h2><p>{}</p><p>{:?}, {}, {}–{}</p>\n",
            escape(&v.table),
            escape(&v.name),
            escape(v.label.text(Language::Nb)),
            v.kind,
            escape(&v.granularity),
            v.period.0,
            v.period.1
        ));
        if !v.codes.is_empty() {
            out.push_str("<table><tr><th>Kode</th><th>Betydning</th></tr>");
            for c in &v.codes {
                let row = (escape(&c.code), escape(c.label.text(Language::Nb)));
                out.push_str(&format!("<tr><td>{}</td><td>{}</td></tr>", row.0, row.1));
            }
            out.push_str("</table>\n");
        }
    }
    out.push_str("</html>\n");
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// The text for people, at most 40 lines.
pub(crate) fn readme(order: &ExtractionOrder, valid_to: Date, delete_by: Date) -> String {
    let tables: Vec<&str> = order.tables.iter().map(|t| t.table.as_str()).collect();
    let (tables, source) = (tables.join(", "), &order.source);
    let (permit, sequence) = (&order.permit_id, order.sequence);
    format!(
        "NORSK\n\
         Utlevering {sequence} fra {source} etter tillatelse {permit}.\n\
         Tabeller: {tables}. Variabler og koder står i codebook.json og codebook.html.\n\
         Personer har et løpenummer (person_id) som bare gjelder i dette analyserommet.\n\
         Vilkår: se CONDITIONS.md i rommet. Det er forbudt å prøve å finne ut hvem noen er.\n\
         Tilgangen slutter {valid_to}. Data slettes senest {delete_by}.\n\
         Kontroller filene: hap room verify. Spørsmål: den som ga tillatelsen.\n\
         \n\
         ENGLISH\n\
         Delivery {sequence} from {source} under permit {permit}.\n\
         Tables: {tables}. Variables and codes are described in codebook.json and codebook.html.\n\
         Persons have a number (person_id) that is valid in this analysis room only.\n\
         Conditions: see CONDITIONS.md in the room. Trying to find out who anybody is is forbidden.\n\
         Access ends {valid_to}. The data are deleted by {delete_by}.\n\
         Check the files: hap room verify. Questions: the body that issued the permit.\n"
    )
}
