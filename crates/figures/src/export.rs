//! Results as files in memory (LANG-330). Every file says which script, stores, policy and result it comes from; a number
//! that is withheld is empty, with a status beside it. Writing them anywhere is the caller's.

use std::fmt;
use std::str::FromStr;

use disclosure::{Entry, Head};
use kernel::Language;

use crate::draw::{self, Drawing};
use crate::html::escape;
use crate::{
    Presentation, STYLESHEET, csv, grids, is_figure, json, latex, long, parquet, plots, result, tables_of, text, words,
};

/// A format of exported files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// The result object of LANG-100.
    Json,
    /// Long form, one file per table.
    Csv,
    /// The columns of the CSV file, typed; one file per table.
    Parquet,
    /// A page that stands alone.
    Html,
    /// A table for a paper.
    Latex,
    /// A figure that scales.
    Svg,
    /// A figure as a picture.
    Png,
    /// A figure that scales, for print.
    Pdf,
    /// Aligned columns.
    Text,
}

/// One exported file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Its name: the stem that was asked for, a number where there are several, and the ending.
    pub name: String,
    /// Its media type.
    pub media_type: &'static str,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Why a result was not written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportError {
    /// A result of this kind has no such form: only figures are pictures, and a receipt has no table.
    NotInThisForm(Format),
    /// The file could not be made.
    Failed(Format),
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ExportError::NotInThisForm(format) => write!(f, "this result has no form as {}", format.ending()),
            ExportError::Failed(format) => write!(f, "the {} file could not be made", format.ending()),
        }
    }
}

impl std::error::Error for ExportError {}

impl Format {
    /// The ending of its files.
    pub const fn ending(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Parquet => "parquet",
            Format::Html => "html",
            Format::Latex => "tex",
            Format::Svg => "svg",
            Format::Png => "png",
            Format::Pdf => "pdf",
            Format::Text => "txt",
        }
    }

    /// The media type of its files.
    pub const fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Csv => "text/csv; charset=utf-8; header=present",
            Format::Parquet => "application/vnd.apache.parquet",
            Format::Html => "text/html; charset=utf-8",
            Format::Latex => "application/x-tex; charset=utf-8",
            Format::Svg => "image/svg+xml",
            Format::Png => "image/png",
            Format::Pdf => "application/pdf",
            Format::Text => "text/plain; charset=utf-8",
        }
    }
}

impl FromStr for Format {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "json" => Format::Json,
            "csv" => Format::Csv,
            "parquet" => Format::Parquet,
            "html" => Format::Html,
            "latex" => Format::Latex,
            "svg" => Format::Svg,
            "png" => Format::Png,
            "pdf" => Format::Pdf,
            "text" => Format::Text,
            _ => return Err(()),
        })
    }
}

/// Where results come from: the head of their document.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a>(pub &'a Head);

impl Origin<'_> {
    /// Result, script, stores and policy, as every file carries them.
    pub(crate) fn provenance(&self, entry: &Entry) -> Vec<(&'static str, String)> {
        let stores: Vec<String> = self.0.stores.iter().map(|s| format!("{}:{}", s.store, s.version)).collect();
        let policy = entry.released().map(|r| {
            let p = r.policy();
            format!("{} {} {}", p.name, p.version, p.sha256)
        });
        vec![
            ("result", format!("{}/{}", self.0.run, entry.id)),
            ("script", self.0.script.clone()),
            ("stores", stores.join(" ")),
            ("policy", policy.unwrap_or_default()),
        ]
    }
}

/// Whether a result has a form in a format: only figures are pictures, and a receipt has no table.
pub fn has_form(entry: &Entry, format: Format) -> bool {
    match format {
        Format::Json | Format::Html | Format::Text => true,
        Format::Csv | Format::Parquet => !tables_of(entry, Language::En).is_empty(),
        Format::Latex => !grids(entry, Language::En).is_empty(),
        Format::Svg | Format::Png | Format::Pdf => is_figure(&entry.view) && entry.output().is_some(),
    }
}

/// A result as the object of LANG-100.
pub fn object(entry: &Entry, origin: Origin<'_>, language: Language) -> serde_json::Value {
    json::object(entry, &origin, language)
}

/// A result as files. `stem` is the name without ending.
///
/// # Errors
/// [`ExportError::NotInThisForm`] where the result has no such form: `svg` of a table, `csv` of a receipt.
pub fn export(
    entry: &Entry,
    origin: Origin<'_>,
    format: Format,
    language: Language,
    stem: &str,
) -> Result<Vec<File>, ExportError> {
    let provenance = origin.provenance(entry);
    let tables = || {
        let with = |t| long::with_provenance(t, &provenance, language);
        tables_of(entry, language).into_iter().map(with).collect::<Vec<_>>()
    };
    let how = Presentation { language, caption: &entry.command, id: "r" };
    let parts: Vec<Vec<u8>> = match format {
        Format::Json => {
            let object = json::object(entry, &origin, language);
            let mut bytes = serde_json::to_vec_pretty(&object).map_err(|_| ExportError::Failed(format))?;
            bytes.push(b'\n');
            vec![bytes]
        }
        Format::Csv => tables().iter().map(|t| csv::long(t).into_bytes()).collect(),
        Format::Parquet => {
            let bytes = |t| parquet::bytes(t, &provenance).map_err(|_| ExportError::Failed(format));
            tables().iter().map(bytes).collect::<Result<_, _>>()?
        }
        Format::Html => vec![page(entry, how, &provenance).into_bytes()],
        Format::Latex => {
            grids(entry, language).iter().map(|g| latex::render(g, &entry.command, &provenance).into_bytes()).collect()
        }
        Format::Svg | Format::Png | Format::Pdf => {
            let ids = plots::ids(entry, how.id);
            let drawings = plots::of_entry(entry, how, &ids);
            drawings.iter().map(|(_, d)| picture(d, format, &provenance)).collect::<Result<_, _>>()?
        }
        Format::Text => vec![with_lines(text(entry, language), &provenance).into_bytes()],
    };
    if parts.is_empty() {
        return Err(ExportError::NotInThisForm(format));
    }
    let several = parts.len() > 1;
    let name = |i: usize| match several {
        true => format!("{stem}-{}.{}", i + 1, format.ending()),
        false => format!("{stem}.{}", format.ending()),
    };
    let file = |(i, bytes)| File { name: name(i), media_type: format.media_type(), bytes };
    Ok(parts.into_iter().enumerate().map(file).collect())
}

/// A page that stands alone: no script, no picture and no address of anything else.
fn page(entry: &Entry, how: Presentation<'_>, provenance: &[(&'static str, String)]) -> String {
    let facts: String = provenance
        .iter()
        .map(|(id, text)| format!("<dt>{}</dt><dd>{}</dd>", escape(&words::column(id, how.language)), escape(text)))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"{}\" data-color-scheme=\"auto\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title><style>\
         :root{{color-scheme:light dark}}body{{font:1rem/1.5 system-ui,sans-serif;margin:1rem;max-inline-size:72rem}}\
         dl{{font-size:.875em;display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}}\
         dd{{margin:0;overflow-wrap:anywhere}}{STYLESHEET}</style></head>\
         <body><main>{body}</main><footer><dl>{facts}</dl></footer></body></html>\n",
        how.language.code(),
        title = escape(how.caption),
        body = result(entry, how),
    )
}

/// A drawing as a file, with where it comes from in the place that is meant for it.
fn picture(
    drawing: &Drawing<'_>,
    format: Format,
    provenance: &[(&'static str, String)],
) -> Result<Vec<u8>, ExportError> {
    let facts: Vec<String> = provenance.iter().map(|(id, text)| format!("{id}: {text}")).collect();
    let about = facts.join("\n");
    match format {
        Format::Png => draw::png(drawing, &about).ok_or(ExportError::Failed(format)),
        Format::Pdf => Ok(draw::pdf(drawing, &facts.join("; "))),
        _ => {
            let svg = draw::svg_file(drawing);
            let body = svg.trim_end_matches("</svg>");
            Ok(format!("{body}<metadata>{}</metadata></svg>\n", escape(&about)).into_bytes())
        }
    }
}

fn with_lines(text: String, provenance: &[(&'static str, String)]) -> String {
    let lines: String = provenance.iter().map(|(id, text)| format!("{id}: {text}\n")).collect();
    format!("{}\n\n{lines}", text.trim_end())
}
