//! Tables and figures from released values: semantic HTML tables, SVG bar charts, plain text, and files as JSON, CSV, Parquet,
//! LaTeX and HTML.
//!
//! Everything here is made from `disclosure::Released` alone (SDC-005), so a figure holds the same numbers as the table
//! beside it and nothing more, and so does every file. Hidden cells stand as a dotted pattern with their reason in words.
//! Texts are in the three languages of the product, numbers are written as the reader's language writes them. No inline
//! styles or scripts: the classes are styled by [`STYLESHEET`], colours come from CSS variables with fallbacks, so that light
//! and dark pages and stand-alone files all work. Files are bytes in memory; writing them is the caller's.
//!
//! What it is not: it computes no statistic and sorts by released numbers only.

mod analyses;
mod arrange;
mod compare;
mod csv;
mod draw;
mod export;
mod format;
mod grid;
mod html;
mod json;
mod latex;
mod long;
mod markdown;
mod models;
mod parquet;
mod plots;
mod terms;
mod words;

use disclosure::{Base, Chart, Content, Entry, Info, Layout, Output, Released, Scale, Summary, Table, View};
use kernel::Language;

pub use compare::{Compared, export_models, models as side_by_side};
pub use export::{ExportError, File, Format, Origin, export, has_form, object};
pub use format::{count, month, number};

/// Styles of the tables and figures, for the page's style sheet.
pub const STYLESHEET: &str = include_str!("figures.css");

/// How a result is to be presented.
#[derive(Clone, Copy, Debug)]
pub struct Presentation<'a> {
    /// Language of words and numbers.
    pub language: Language,
    /// Caption of the table, title of the figure: usually the command.
    pub caption: &'a str,
    /// Makes ids within the page unique, e.g. `r3`. Letters and digits.
    pub id: &'a str,
}

/// A table of counts or statistics as HTML.
pub fn table(table: &Released<Table>, contents: &[Content], layout: &Layout, how: Presentation<'_>) -> String {
    html::render(&grid::of_table(table.value(), contents, layout, how.language), how)
}

/// A summary of numeric variables as HTML.
pub fn summary(summary: &Released<Summary>, how: Presentation<'_>) -> String {
    html::render(&grid::of_summary(summary.value(), how.language), how)
}

/// A bar chart as one SVG element that can stand in a page or in a file of its own. None when there is nothing to draw:
/// the table says it then.
pub fn bars(table: &Released<Table>, chart: &Chart, how: Presentation<'_>) -> Option<String> {
    plots::of_table(table.value(), &View::Bars(chart.clone()), how).map(|drawing| draw::svg(&drawing))
}

/// A result of a document as it stands under its command: a receipt, a text, a table, or a figure with its table behind it.
pub fn result(entry: &Entry, how: Presentation<'_>) -> String {
    match (entry.info(), &entry.view) {
        (Some(Info::Text(text)), _) => html::text(&markdown::html(text.text(how.language))),
        (Some(Info::Block(text)), _) => html::text(&markdown::html(text)),
        (None, view) if is_figure(view) => figure(entry, how),
        _ => match grids(entry, how.language).as_slice() {
            [] => html::receipt(&receipt(entry, how.language), &words::notes(&entry.notes, how.language)),
            grids => tables(grids, how),
        },
    }
}

/// Tables below each other, each with an id of its own.
fn tables(grids: &[grid::Grid], how: Presentation<'_>) -> String {
    let one = |(i, grid)| {
        let id = block_id(how.id, i);
        html::render(grid, Presentation { id: &id, ..how })
    };
    grids.iter().enumerate().map(one).collect()
}

/// Whether a view is drawn.
fn is_figure(view: &View) -> bool {
    !matches!(
        view,
        View::Receipt
            | View::Table { .. }
            | View::Intervals { .. }
            | View::Model { .. }
            | View::Correlations { .. }
            | View::Tests
    )
}

/// Drawings with their tables folded behind them. Each block has an id of its own, which its drawing and its table share.
fn figure(entry: &Entry, how: Presentation<'_>) -> String {
    let grids = grids(entry, how.language);
    let ids = plots::ids(entry, how.id);
    let drawings = plots::of_entry(entry, how, &ids);
    // A drawing of all tables together stands before the first of them.
    let whole = drawings.len() == 1 && drawings[0].0 == 0;
    let drawing = |at: usize| drawings.iter().find(|(block, _)| *block == at).map(|(_, d)| draw::svg(d));
    if whole {
        return html::figure(&drawing(0).unwrap_or_default(), &tables(&grids, how), how);
    }
    let block = |(at, grid): (usize, &grid::Grid)| {
        let id = block_id(how.id, at);
        let how = Presentation { id: &id, ..how };
        let table = html::render(grid, how);
        match drawing(at) {
            Some(svg) => html::figure(&svg, &table, how),
            None => table,
        }
    };
    grids.iter().enumerate().map(block).collect()
}

fn block_id(id: &str, block: usize) -> String {
    if block == 0 { id.to_owned() } else { format!("{id}b{block}") }
}

/// A result as plain text with aligned columns, for a terminal.
pub fn text(entry: &Entry, language: Language) -> String {
    match grids(entry, language).as_slice() {
        [] => {
            let lines = std::iter::once(receipt(entry, language)).chain(words::notes(&entry.notes, language));
            lines.collect::<Vec<_>>().join("\n")
        }
        grids => grids.iter().map(csv::text).collect::<Vec<_>>().join("\n"),
    }
}

/// A result as CSV in long form (UTF-8, comma, header line, point as decimal sign); a receipt is one line.
pub fn csv(entry: &Entry) -> String {
    match tables_of(entry, Language::En).as_slice() {
        [] => format!("receipt\n{}\n", csv::field(&receipt(entry, Language::En))),
        tables => tables.iter().map(csv::long).collect(),
    }
}

/// The line that says what a command did (LANG-101), or a text. Empty for results that have a table.
pub fn receipt(entry: &Entry, language: Language) -> String {
    match (entry.output(), entry.info()) {
        (Some(Output::Population(p)), _) => words::population(p, language),
        (Some(Output::Edit(e)), _) => words::edit(e, language),
        (_, Some(Info::Text(text))) => text.text(language).to_owned(),
        (_, Some(Info::Block(text))) => text.clone(),
        (_, Some(Info::Dataset { dataset, done, .. })) => words::dataset(dataset, done, language),
        _ => String::new(),
    }
}

/// The tables of a figure.
fn blocks(entry: &Entry) -> &[Table] {
    match entry.output() {
        Some(Output::Table(table)) => std::slice::from_ref(table),
        Some(Output::Blocks(blocks)) => &blocks.tables,
        _ => &[],
    }
}

/// A result as it is shown in rows and columns; none for receipts and texts.
fn grids(entry: &Entry, language: Language) -> Vec<grid::Grid> {
    let plain = Layout::default();
    match (entry.output(), &entry.view) {
        (Some(Output::Summary(s)), View::Intervals { level }) => vec![analyses::interval_grid(s, *level, language)],
        (Some(Output::Summary(s)), _) => vec![grid::of_summary(s, language)],
        (Some(Output::Model(m)), view) => models::grids(m, *view == View::Model { stars: true }, language),
        (Some(Output::Survival(s)), _) => analyses::survival_grids(s, language),
        (Some(Output::Correlations(c)), view) => analyses::correlation_grids(c, pairs(view), language),
        (Some(Output::TestNumbers(t)), _) => analyses::test_grids(t, language),
        (Some(Output::Histogram(h)), view) => vec![analyses::histogram_grid(h, scale(view), language)],
        (Some(Output::Hexbin(h)), _) => vec![analyses::hexbin_grid(h, language)],
        (Some(Output::Table(t)), View::Table { contents, layout }) => {
            vec![grid::of_table(t, contents, layout, language)]
        }
        (Some(Output::Table(t)), View::Pie) => {
            vec![grid::of_table(t, &[Content::Count, Content::Share(Base::Table)], &plain, language)]
        }
        (Some(_), View::Bars(chart)) => {
            let grid = |t| grid::of_table(t, &[chart.of_block(t).content], &plain, language);
            blocks(entry).iter().map(grid).collect()
        }
        (Some(_), _) => blocks(entry).iter().map(|t| grid::of_table(t, &[], &plain, language)).collect(),
        (None, _) => entry.info().and_then(|info| grid::of_info(info, language)).into_iter().collect(),
    }
}

/// A result in long form, as files hold it; none for receipts and texts.
fn tables_of(entry: &Entry, language: Language) -> Vec<long::Long> {
    let plain = Layout::default();
    match (entry.output(), &entry.view) {
        (Some(Output::Summary(s)), View::Intervals { level }) => vec![analyses::interval_long(s, *level, language)],
        (Some(Output::Summary(s)), _) => vec![long::of_summary(s, language)],
        (Some(Output::Model(m)), _) => models::longs(m, language),
        (Some(Output::Survival(s)), _) => analyses::survival_longs(s, language),
        (Some(Output::Correlations(c)), view) => vec![analyses::correlation_long(c, pairs(view), language)],
        (Some(Output::TestNumbers(t)), _) => analyses::test_longs(t, language),
        (Some(Output::Histogram(h)), view) => vec![analyses::histogram_long(h, scale(view), language)],
        (Some(Output::Hexbin(h)), _) => vec![analyses::hexbin_long(h, language)],
        (Some(Output::Table(t)), View::Table { contents, layout }) => {
            vec![long::of_table(t, contents, layout, language)]
        }
        (Some(Output::Table(t)), View::Pie) if t.dimensions.len() == 1 => vec![long::of_pie(t, language)],
        (Some(_), View::Sankey) if !blocks(entry).is_empty() => vec![long::of_sankey(blocks(entry), language)],
        (Some(_), View::Bars(chart)) if !blocks(entry).is_empty() => {
            vec![long::of_bars(blocks(entry), chart, language)]
        }
        (Some(_), _) => blocks(entry).iter().map(|t| long::of_table(t, &[], &plain, language)).collect(),
        (None, _) => entry.info().and_then(|info| long::of_info(info, language)).into_iter().collect(),
    }
}

/// What stands beside correlations.
fn pairs(view: &View) -> analyses::Pairs {
    match *view {
        View::Correlations { covariance, n, p } => analyses::Pairs { covariance, n, p },
        _ => analyses::Pairs { covariance: false, n: true, p: true },
    }
}

/// What the height of a bar shows.
fn scale(view: &View) -> Scale {
    match *view {
        View::Histogram { scale, .. } => scale,
        _ => Scale::default(),
    }
}
