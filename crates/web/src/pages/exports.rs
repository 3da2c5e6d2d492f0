//! Files of released results: the same from the page, from a permanent link and from the API (LANG-330).

use axum::http::header;
use axum::response::{IntoResponse, Response};
use disclosure::{Document, Entry, Output};
use figures::{Compared, File, Format, Origin, Presentation};
use kernel::{Language, Problem};

use crate::WebError;
use crate::visitor::Visitor;

/// The formats that are offered.
const FORMATS: [Format; 8] =
    [Format::Csv, Format::Parquet, Format::Json, Format::Html, Format::Latex, Format::Svg, Format::Png, Format::Pdf];

/// The files that a page offers beside a result, as what follows the address of the run, and the name: those that its
/// `export` asked for, or its own in every format that is offered.
pub(crate) fn links(document: &Document, entry: &Entry, language: Language) -> Vec<(String, String)> {
    let asked_for = explore::exported(document, entry, language);
    if asked_for.is_empty() {
        return names(document, entry, language).into_iter().map(|name| (name.clone(), name)).collect();
    }
    let link = |file: File| (format!("{}/{}", entry.id, crate::frame::encode(&file.name)), file.name);
    asked_for.into_iter().map(link).collect()
}

/// The file of this name that the `export` with this number asked for.
pub(crate) fn exported(visitor: &Visitor, document: &Document, id: u32, name: &str) -> Result<Response, WebError> {
    let entry = document.results.iter().find(|e| e.id == id);
    let files = entry.map(|entry| explore::exported(document, entry, visitor.lang)).unwrap_or_default();
    let file = files.into_iter().find(|f| f.name == name);
    let file = file.ok_or_else(|| visitor.fail()(Problem::not_found("result")))?;
    let name = file.name.clone();
    Ok(attached(file, &name))
}

/// The files of one result, by the names they have below the address of the run: `3.csv`, or `3-2.csv` for the second of
/// several tables.
fn names(document: &Document, entry: &Entry, language: Language) -> Vec<String> {
    // Files are made when somebody asks for one. How many there are of a kind, its cheapest form says.
    let number = |format: Format| files(document, entry, format, language).map_or(0, |f| f.len());
    let (tables, papers, pictures) = (number(Format::Csv), number(Format::Latex), number(Format::Svg));
    if tables == 0 {
        // A receipt is a line of text.
        return Vec::new();
    }
    let of = |format: Format| {
        let number = match format {
            Format::Csv | Format::Parquet => tables,
            Format::Latex => papers,
            Format::Svg | Format::Png | Format::Pdf => pictures,
            Format::Json | Format::Html | Format::Text => 1,
        };
        (0..number).map(move |i| match number {
            1 => format!("{}.{}", entry.id, format.ending()),
            _ => format!("{}-{}.{}", entry.id, i + 1, format.ending()),
        })
    };
    FORMATS.into_iter().flat_map(of).collect()
}

fn files(document: &Document, entry: &Entry, format: Format, language: Language) -> Option<Vec<File>> {
    figures::export(entry, Origin(&document.head), format, language, &entry.id.to_string()).ok()
}

/// All models of a run in one table, a column each, as papers set them; stars of significance are there for those who want them.
pub(crate) struct Models {
    pub(crate) plain: String,
    pub(crate) starred: String,
    /// Names below the address of the run, without and with stars.
    pub(crate) files: [Vec<String>; 2],
}

/// The formats of the table of all models.
const MODEL_FORMATS: [Format; 4] = [Format::Csv, Format::Html, Format::Latex, Format::Text];
/// Names of its files.
const MODELS: &str = "models";
const STARRED: &str = "models-stars";

/// The models of a run; those that have no coefficients to show are left out.
fn compared(document: &Document) -> Vec<Compared<'_>> {
    let is_model = |entry: &&Entry| matches!(entry.output(), Some(Output::Model(model)) if !model.terms.is_empty());
    document.results.iter().filter(is_model).map(|entry| (Origin(&document.head), entry)).collect()
}

fn models_how(language: Language, caption: &str, stars: bool) -> Presentation<'_> {
    Presentation { language, caption, id: if stars { "modelsstars" } else { "models" } }
}

/// No two tables of a page are called the same.
fn models_caption(language: Language, stars: bool) -> String {
    let models = crate::texts::text(language, "explore-models");
    if !stars {
        return models;
    }
    format!("{models} ({})", crate::texts::text(language, "explore-models-stars").to_lowercase())
}

/// The table of all models of a run; none where there is no model.
pub(crate) fn models(document: &Document, language: Language) -> Option<Models> {
    let compared = compared(document);
    let table = |stars: bool| {
        let caption = models_caption(language, stars);
        figures::side_by_side(&compared, stars, models_how(language, &caption, stars))
    };
    let names = |stem: &str| MODEL_FORMATS.iter().map(|format| format!("{stem}.{}", format.ending())).collect();
    Some(Models { plain: table(false)?, starred: table(true)?, files: [names(MODELS), names(STARRED)] })
}

/// A file of the table of all models.
fn models_file(visitor: &Visitor, document: &Document, stem: &str, ending: &str) -> Option<File> {
    let format = MODEL_FORMATS.into_iter().find(|format| format.ending() == ending)?;
    let stars = stem == STARRED;
    let caption = models_caption(visitor.lang, stars);
    let how = models_how(visitor.lang, &caption, stars);
    figures::export_models(&compared(document), stars, format, how, stem).ok()
}

/// The file of a name that [`names`] or [`models`] gave.
pub(crate) fn file(visitor: &Visitor, document: &Document, name: &str) -> Result<Response, WebError> {
    let missing = || visitor.fail()(Problem::not_found("result"));
    let (stem, ending) = name.split_once('.').ok_or_else(missing)?;
    if stem == MODELS || stem == STARRED {
        let file = models_file(visitor, document, stem, ending).ok_or_else(missing)?;
        return Ok(answer(document, file));
    }
    let id = stem.split_once('-').map_or(stem, |(id, _)| id).parse::<u32>().map_err(|_| missing())?;
    let entry = document.results.iter().find(|e| e.id == id).ok_or_else(missing)?;
    let format = FORMATS.into_iter().find(|f| f.ending() == ending).ok_or_else(missing)?;
    let files = files(document, entry, format, visitor.lang).unwrap_or_default();
    let file = files.into_iter().find(|f| f.name == name).ok_or_else(missing)?;
    Ok(answer(document, file))
}

/// One result in a format, by the format's name: for the API. Of several tables the first.
pub(crate) fn in_format(
    visitor: &Visitor,
    document: &Document,
    entry: &Entry,
    format: &str,
) -> Result<Response, WebError> {
    let unknown = |message: String| visitor.fail()(Problem::invalid("format", "unknown", message));
    let known: Format = format.parse().map_err(|()| unknown(format!("{format} is not a format")))?;
    let stem = entry.id.to_string();
    let files = figures::export(entry, Origin(&document.head), known, visitor.lang, &stem);
    let file = files.map_err(|e| unknown(e.to_string()))?.into_iter().next();
    file.map(|file| answer(document, file)).ok_or_else(|| unknown(format!("no {format} of this result")))
}

fn answer(document: &Document, file: File) -> Response {
    let name = format!("{}-{}", document.head.run, file.name);
    attached(file, &name)
}

/// To be kept under a name. Letters beyond ASCII stand in the form that RFC 6266 has for them.
fn attached(file: File, name: &str) -> Response {
    let plain: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let mut kept = format!("attachment; filename=\"{plain}\"");
    if plain != name {
        kept.push_str(&format!("; filename*=UTF-8''{}", crate::frame::encode(name)));
    }
    ([(header::CONTENT_TYPE, file.media_type.to_owned()), (header::CONTENT_DISPOSITION, kept)], file.bytes)
        .into_response()
}
