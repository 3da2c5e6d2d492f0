//! Several models side by side, of one document or of many: a column per model, a row per term, the numbers of the fits below. As
//! researchers set them in papers, with standard errors in parentheses and stars only where they are wanted.

use disclosure::{Effect, Entry, Model, Output, Value, Variance};
use kernel::Language;

use crate::export::{ExportError, File, Format, Origin};
use crate::grid::{Grid, Head, Line, Written};
use crate::long::{Cell, Long, number_cells, number_columns, text_columns};
use crate::models::{CONSTANT, effect_id, plain, row_name, split, star, stars_note, title};
use crate::words::{self, say};
use crate::{Presentation, csv, html, latex};

/// A model with the document that it stands in.
pub type Compared<'a> = (Origin<'a>, &'a Entry);

/// Models side by side as an HTML table; none when a result is no model, or there is none at all.
pub fn models(compared: &[Compared<'_>], stars: bool, how: Presentation<'_>) -> Option<String> {
    Some(html::render(&grid(&found(compared)?, stars, Errors::InCell, how.language), how))
}

/// Models side by side as a file: HTML without a page round it, LaTeX, text or CSV.
///
/// # Errors
/// [`ExportError::NotInThisForm`] for other formats, and when a result is no model.
pub fn export_models(
    compared: &[Compared<'_>],
    stars: bool,
    format: Format,
    how: Presentation<'_>,
    stem: &str,
) -> Result<File, ExportError> {
    let models = found(compared).ok_or(ExportError::NotInThisForm(format))?;
    let text = match format {
        Format::Html => html::render(&grid(&models, stars, Errors::InCell, how.language), how),
        Format::Latex => {
            latex::render(&grid(&models, stars, Errors::InRow, how.language), how.caption, &provenance(compared))
        }
        Format::Text => csv::text(&grid(&models, stars, Errors::Beside, how.language)),
        Format::Csv => csv::long(&long(&models, compared, how.language)),
        _ => return Err(ExportError::NotInThisForm(format)),
    };
    let name = format!("{stem}.{}", format.ending());
    Ok(File { name, media_type: format.media_type(), bytes: text.into_bytes() })
}

fn found<'a>(compared: &[Compared<'a>]) -> Option<Vec<&'a Model>> {
    let model = |(_, entry): &Compared<'a>| match entry.output() {
        Some(Output::Model(model)) => Some(model),
        _ => None,
    };
    let models: Vec<&Model> = compared.iter().map(model).collect::<Option<_>>()?;
    (!models.is_empty()).then_some(models)
}

fn provenance(compared: &[Compared<'_>]) -> Vec<(&'static str, String)> {
    compared.iter().flat_map(|(origin, entry)| origin.provenance(entry)).collect()
}

/// A term of any of the models: its equation and itself, as they are written, and its words.
struct Row {
    label: String,
    names: [String; 2],
}

/// The terms in the order in which they first come, constants last.
fn rows(models: &[&Model], language: Language) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for model in models {
        for term in &model.terms {
            if rows.iter().any(|row| row.label == term.label) {
                continue;
            }
            let titles = &model.head.titles;
            let (equation, own) = split(&model.head, &term.label);
            let names = [equation.map_or_else(String::new, |e| title(titles, e)), row_name(&model.head, own, language)];
            rows.push(Row { label: term.label.clone(), names });
        }
    }
    let constant = |row: &Row| row.label == CONSTANT || row.label.ends_with(":_cons");
    // Constants of one equation stay within their equation; the constant of models without equations stands last.
    if rows.iter().all(|row| row.names[0].is_empty()) {
        rows.sort_by_key(constant);
    }
    rows
}

/// Where a standard error stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Errors {
    /// On the line of its estimate.
    Beside,
    /// Below its estimate, in the same cell.
    InCell,
    /// Below its estimate, in a row of its own.
    InRow,
}

/// The table.
fn grid(models: &[&Model], stars: bool, errors_stand: Errors, language: Language) -> Grid {
    let terms = rows(models, language);
    let several = terms.iter().any(|row| !row.names[0].is_empty());
    let named = |row: &Row| if several { row.names.to_vec() } else { row.names[1..].to_vec() };
    let width = if several { 2 } else { 1 };
    let between = if errors_stand == Errors::InCell { '\n' } else { ' ' };
    let mut starred = false;
    let mut lines = Vec::new();
    for row in &terms {
        let cells = models.iter().map(|model| cell(model, &row.label, stars, language));
        let (estimates, errors): (Vec<Written>, Vec<Written>) = cells.unzip();
        starred |= estimates.iter().any(|c| c.text.contains('*'));
        if errors_stand == Errors::InRow {
            lines.push(Line { names: named(row), total: false, cells: estimates });
            lines.push(Line { names: vec![String::new(); width], total: false, cells: errors });
            continue;
        }
        let joined = estimates.into_iter().zip(errors).map(|(b, se)| match se.text.trim() {
            "" => b,
            se => Written { text: format!("{}{between}{se}", b.text), hidden: b.hidden },
        });
        lines.push(Line { names: named(row), total: false, cells: joined.collect() });
    }
    lines.extend(fits(models, width, language));
    let mut notes = vec![say(words::ERRORS_IN_PARENTHESES, language).to_owned()];
    if starred {
        notes.push(stars_note(language));
    }
    notes.push(say(words::ROUNDED, language).to_owned());
    notes.push(say(words::PART, language).to_owned());
    let heads = models.iter().enumerate().map(|(i, model)| {
        let head = &model.head;
        let estimator = head.estimator.as_ref().map_or_else(String::new, |e| format!(", {e}"));
        let effect = say(words::effect(head.effect), language);
        Head {
            names: vec![
                format!("({}) {}{estimator}", i + 1, head.command),
                format!("{}: {effect}", title(&head.titles, &head.response)),
            ],
        }
    });
    let mut stubs = vec![say(words::TERM, language).to_owned()];
    if several {
        stubs.insert(0, say(words::OUTCOME, language).to_owned());
    }
    Grid { stubs, columns: heads.collect(), rows: lines, flat: errors_stand == Errors::InRow, notes, ..Grid::default() }
}

/// An estimate and its error in parentheses; blank where the model lacks the term.
fn cell(model: &Model, label: &str, stars: bool, language: Language) -> (Written, Written) {
    let Some(term) = model.terms.iter().find(|t| t.label == label) else {
        return (Written::blank(), Written::blank());
    };
    let mut estimate = plain(term.b, language);
    if let (true, Some(p)) = (stars, term.p.number()) {
        estimate.text.push_str(star(p));
    }
    let error = match term.se {
        Value::Value(_) if model.head.effect != Effect::HazardRatio => {
            Written { text: format!("({})", plain(term.se, language).text), hidden: None }
        }
        _ => Written::blank(),
    };
    (estimate, error)
}

/// What is said of the fits: n, the measures that any of them has, and how errors are made.
fn fits(models: &[&Model], width: usize, language: Language) -> Vec<Line> {
    let line = |name: String, cells: Vec<Written>| {
        let mut names = vec!["\u{a0}".to_owned(); width];
        names[0] = name;
        Line { names, total: true, cells }
    };
    let mut lines = vec![line("n".to_owned(), models.iter().map(|m| plain(m.n, language)).collect())];
    let mut measures: Vec<&str> = Vec::new();
    for (name, _) in models.iter().flat_map(|m| m.counts.iter().chain(&m.measures)) {
        if !measures.contains(&name.as_str()) {
            measures.push(name);
        }
    }
    for measure in measures {
        let of = |model: &&Model| {
            let found = model.counts.iter().chain(&model.measures).find(|(name, _)| name == measure);
            found.map_or_else(Written::blank, |(_, x)| plain(*x, language))
        };
        lines.push(line(words::measure(measure, language), models.iter().map(of).collect()));
    }
    let errors = |model: &&Model| {
        let text = match &model.head.variance {
            Variance::Model => "\u{a0}".to_owned(),
            Variance::Robust => say(words::ROBUST_SHORT, language).to_owned(),
            Variance::Cluster(column) => title(&model.head.titles, column),
        };
        Written { text, hidden: None }
    };
    if models.iter().any(|m| m.head.variance != Variance::Model) {
        lines.push(line(say(words::ROBUST_OR_CLUSTER, language).to_owned(), models.iter().map(errors).collect()));
    }
    lines
}

/// All models below each other, a row per term.
fn long(models: &[&Model], compared: &[Compared<'_>], language: Language) -> Long {
    let mut columns =
        text_columns(&["result", "model", "command", "response", "outcome", "term", "term_label", "effect"], language);
    let numbers = [
        ("b", "coefficient"),
        ("se", "se"),
        ("statistic", "test"),
        ("p", "p"),
        ("lcl", "coefficient"),
        ("ucl", "coefficient"),
    ];
    columns.extend(number_columns(&numbers, language));
    let mut rows = Vec::new();
    for (i, (model, (origin, entry))) in models.iter().zip(compared).enumerate() {
        let head = &model.head;
        for term in &model.terms {
            let (equation, own) = split(head, &term.label);
            let text = |text: &str| Cell::Text(text.to_owned());
            let mut cells = vec![
                Cell::Text(format!("{}/{}", origin.0.run, entry.id)),
                Cell::Text((i + 1).to_string()),
                text(&head.command),
                text(&head.response),
                equation.map_or(Cell::None, text),
                text(own),
                head.titles.get(own).map_or(Cell::None, |t| text(t)),
                text(effect_id(head.effect)),
            ];
            cells.extend(number_cells(&[term.b, term.se, term.t, term.p, term.low, term.high]));
            rows.push(cells);
        }
    }
    Long { name: "models".to_owned(), columns, rows }
}
