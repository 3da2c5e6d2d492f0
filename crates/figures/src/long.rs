//! A result in long form, as files hold it (LANG-102, LANG-103): one row per cell, codes beside labels, typed columns, and
//! a status where a number is withheld or undefined. CSV, JSON and Parquet write the same columns.

use disclosure::{Base, Category, Chart, Content, Info, Layout, NumberKind, Reason, Statistic, Summary, Table, Value};
use kernel::{Date, Language};

use crate::arrange::{Arrangement, seen, value};
use crate::grid::{contents_of, kind};
use crate::words;

/// A table of typed columns.
pub(crate) struct Long {
    /// Its name within the result.
    pub name: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

/// A column: its id is the same in every format.
pub(crate) struct Column {
    pub id: String,
    pub label: String,
    /// What it holds, in the words of STAT-350.
    pub kind: &'static str,
    pub holds: Holds,
}

/// The type of a column.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Holds {
    Text,
    Flag,
    Whole,
    Number,
}

/// One value.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Cell {
    None,
    Text(String),
    Flag(bool),
    Number(f64),
}

/// Collects columns and the statuses of numbers while rows are written.
struct Numbers {
    contents: Vec<(Content, NumberKind)>,
}

impl Numbers {
    /// One column per content, then the status of the row, and of each number where there are several.
    fn columns(&self, ids: &[String], language: Language) -> Vec<Column> {
        let mut columns: Vec<Column> = self
            .contents
            .iter()
            .zip(ids)
            .map(|((content, of), id)| Column {
                id: id.clone(),
                label: words::content(*content, language),
                kind: kind_word(*content),
                holds: match kind(*content, *of) {
                    NumberKind::Date => Holds::Text,
                    NumberKind::Integer if matches!(content, Content::Count | Content::Statistic(Statistic::N)) => {
                        Holds::Whole
                    }
                    _ => Holds::Number,
                },
            })
            .collect();
        columns.extend(status_columns(ids, language));
        columns
    }

    fn cells(&self, values: &[Value]) -> Vec<Cell> {
        let number = |(value, (content, of)): (&Value, &(Content, NumberKind))| match value {
            Value::Value(x) if kind(*content, *of) == NumberKind::Date => Cell::Text(month(*x)),
            Value::Value(x) => Cell::Number(*x),
            Value::Hidden(_) | Value::Undefined => Cell::None,
        };
        let mut cells: Vec<Cell> = values.iter().zip(&self.contents).map(number).collect();
        cells.extend(status_cells(values));
        cells
    }
}

/// The status of the row, and of each number where there are several.
fn status_columns<S: AsRef<str>>(ids: &[S], language: Language) -> Vec<Column> {
    let mut columns = vec![label_column("status", language)];
    if ids.len() > 1 {
        columns.extend(ids.iter().map(AsRef::as_ref).map(|id| Column {
            id: format!("{id}_status"),
            label: format!("{id}: {}", words::column("status", language)),
            kind: "label",
            holds: Holds::Text,
        }));
    }
    columns
}

fn status_cells(values: &[Value]) -> Vec<Cell> {
    let worst = values.iter().copied().max_by_key(|v| match v {
        Value::Value(_) => 0,
        Value::Undefined => 1,
        Value::Hidden(_) => 2,
    });
    let mut cells = vec![status(worst.unwrap_or(Value::Undefined))];
    if values.len() > 1 {
        cells.extend(values.iter().copied().map(status));
    }
    cells
}

/// Columns of numbers by id and kind (STAT-350), then their statuses.
pub(crate) fn number_columns(ids: &[(&str, &'static str)], language: Language) -> Vec<Column> {
    let column = |(id, kind): &(&str, &'static str)| Column {
        id: (*id).to_owned(),
        label: words::measure(id, language),
        kind,
        holds: Holds::Number,
    };
    let names: Vec<&str> = ids.iter().map(|(id, _)| *id).collect();
    ids.iter().map(column).chain(status_columns(&names, language)).collect()
}

/// The cells of [`number_columns`].
pub(crate) fn number_cells(values: &[Value]) -> Vec<Cell> {
    let number = |value: &Value| value.number().filter(|x| x.is_finite()).map_or(Cell::None, Cell::Number);
    values.iter().map(number).chain(status_cells(values)).collect()
}

/// Columns of texts.
pub(crate) fn text_columns(ids: &[&str], language: Language) -> Vec<Column> {
    ids.iter().map(|id| label_column(id, language)).collect()
}

/// A category in words.
pub(crate) fn label_of(category: &Category, language: Language) -> String {
    match &category.label {
        Some(label) => label.clone(),
        None if category.missing && category.code.is_empty() => words::say(words::MISSING, language).to_owned(),
        None => category.code.clone(),
    }
}

/// `piechart` (LANG-177): the categories with their shares.
pub(crate) fn of_pie(table: &Table, language: Language) -> Long {
    let mut columns = text_columns(&["category", "category_label"], language);
    columns.extend(number_columns(&[("n", "count"), ("pct", "share")], language));
    let size = table.dimensions.first().map_or(0, |d| d.categories.len());
    let row = |at: usize| {
        let mut cells: Vec<Cell> = pair(table, 0, at).into();
        let of = |content| value(table, &[at], content, 0, &[]);
        cells.extend(number_cells(&[of(Content::Count), of(Content::Share(Base::Table))]));
        cells
    };
    Long { name: "pie".to_owned(), columns, rows: (0..size).map(row).collect() }
}

/// `sankey` (LANG-180): the flows of every step.
pub(crate) fn of_sankey(tables: &[Table], language: Language) -> Long {
    let mut columns = text_columns(&["step", "from", "from_label", "to", "to_label"], language);
    columns.extend(number_columns(&[("n", "count")], language));
    let mut rows = Vec::new();
    for table in tables.iter().filter(|t| t.dimensions.len() == 2) {
        let step = format!("{} → {}", table.dimensions[0].name, table.dimensions[1].name);
        for from in 0..table.dimensions[0].categories.len() {
            for to in 0..table.dimensions[1].categories.len() {
                let mut cells = vec![Cell::Text(step.clone())];
                cells.extend(pair(table, 0, from).into_iter().chain(pair(table, 1, to)));
                cells.extend(number_cells(&[value(table, &[from, to], Content::Count, 0, &[])]));
                rows.push(cells);
            }
        }
    }
    Long { name: "flows".to_owned(), columns, rows }
}

/// The status of a number: empty when it is shown (LANG-103). The reason is told for the table, not in every cell.
fn status(value: Value) -> Cell {
    match value {
        Value::Value(_) => Cell::None,
        Value::Hidden(_) => Cell::Text("suppressed".to_owned()),
        Value::Undefined => Cell::Text("undefined".to_owned()),
    }
}

/// Month of a day, `2020-02`.
fn month(days: f64) -> String {
    Date::from_days(days.clamp(-700_000.0, 2_900_000.0) as i32).to_string()[..7].to_owned()
}

/// `tabulate` (LANG-162): the cells in the order in which they are shown.
pub(crate) fn of_table(table: &Table, contents: &[Content], layout: &Layout, language: Language) -> Long {
    let table = &*seen(table, layout);
    let contents = contents_of(table, contents);
    let order = Arrangement::of(table, layout, &contents);
    let several = table.measures.len() > 1;
    let of = table.measures.first().map_or(NumberKind::Integer, |m| m.kind);
    let numbers = Numbers { contents: contents.iter().map(|c| (*c, of)).collect() };
    let ids: Vec<String> = contents.iter().map(|c| id(*c)).collect();
    let mut columns = category_columns(table, language);
    columns.push(Column {
        id: "total".to_owned(),
        label: words::column("total", language),
        kind: "label",
        holds: Holds::Flag,
    });
    if several {
        columns.push(label_column("variable", language));
    }
    columns.extend(numbers.columns(&ids, language));
    let mut rows = Vec::new();
    for row in &order.rows {
        for column in &order.columns {
            let position = order.position(row, column);
            let all: Vec<usize> = (0..position.len()).collect();
            let total = order.is_total(table, &all, &position);
            for measure in 0..table.measures.len().max(1) {
                let mut cells = category_cells(table, &position);
                cells.push(Cell::Flag(total));
                if several {
                    cells.push(Cell::Text(table.measures[measure].name.clone()));
                }
                let values: Vec<Value> =
                    contents.iter().map(|c| value(table, &position, *c, measure, &order.head)).collect();
                cells.extend(numbers.cells(&values));
                rows.push(cells);
            }
        }
    }
    Long { name: "table".to_owned(), columns, rows }
}

/// `barchart` (LANG-175): groups, category or variable, value; no totals.
pub(crate) fn of_bars(tables: &[Table], chart: &Chart, language: Language) -> Long {
    let mut long = Long { name: "bars".to_owned(), columns: Vec::new(), rows: Vec::new() };
    // The value may be a date in one table and a count in another; a file has one type per column.
    let kinds = tables.iter().flat_map(|t| &t.measures).map(|m| m.kind);
    let dates = kinds.clone().all(|k| k == NumberKind::Date) && kinds.count() > 0;
    let of = if dates { NumberKind::Date } else { NumberKind::Decimal };
    let numbers = Numbers { contents: vec![(chart.content, of)] };
    for table in tables {
        let content = chart.of_block(table).content;
        let measures = !table.measures.is_empty();
        let variable = if measures { None } else { Some(1.min(table.dimensions.len().saturating_sub(1))) };
        let groups: Vec<usize> = (0..table.dimensions.len()).filter(|d| Some(*d) != variable).collect();
        if long.columns.is_empty() {
            long.columns = bar_columns(table, &groups, chart, language);
            long.columns.extend(numbers.columns(&["value".to_owned()], language));
        }
        for at in 0..table.cells.len() {
            let position = table.position(at);
            let inner = position.iter().zip(&table.dimensions).all(|(p, d)| *p < d.categories.len());
            if !inner {
                continue;
            }
            for measure in 0..table.measures.len().max(1) {
                let mut cells: Vec<Cell> = groups.iter().flat_map(|d| pair(table, *d, position[*d])).collect();
                match variable {
                    Some(d) => {
                        cells.push(Cell::Text(table.dimensions[d].name.clone()));
                        cells.extend(pair(table, d, position[d]));
                    }
                    None => {
                        cells.push(Cell::Text(table.measures[measure].name.clone()));
                        cells.extend([Cell::None, Cell::None]);
                    }
                }
                cells.extend(numbers.cells(&[value(table, &position, content, measure, &[1])]));
                long.rows.push(cells);
            }
        }
    }
    long
}

fn bar_columns(table: &Table, groups: &[usize], chart: &Chart, language: Language) -> Vec<Column> {
    let mut columns = Vec::new();
    for (i, d) in groups.iter().enumerate() {
        let dimension = &table.dimensions[*d];
        let panel = chart.panels && i + 1 == groups.len();
        let id = if panel { "panel" } else { &dimension.name };
        let label = dimension.label.clone().unwrap_or_else(|| dimension.name.clone());
        columns.push(text_column(id.to_owned(), label.clone(), "term"));
        columns.push(text_column(format!("{id}_label"), label, "label"));
    }
    columns.extend(["variable", "category", "category_label"].map(|id| label_column(id, language)));
    columns
}

/// `summarize` and `summarize-panel` (LANG-160, LANG-161).
pub(crate) fn of_summary(summary: &Summary, language: Language) -> Long {
    let panel = summary.rows.iter().any(|r| r.occasion.is_some());
    let contents = std::iter::once(Content::Count).chain(summary.statistics.iter().map(|s| Content::Statistic(*s)));
    let contents: Vec<Content> = contents.collect();
    let ids: Vec<String> =
        std::iter::once("n".to_owned()).chain(summary.statistics.iter().map(ToString::to_string)).collect();
    let dates = !summary.rows.is_empty() && summary.rows.iter().all(|r| r.measure.kind == NumberKind::Date);
    let of = if dates { NumberKind::Date } else { NumberKind::Decimal };
    let numbers = Numbers { contents: contents.iter().map(|c| (*c, of)).collect() };
    let mut columns: Vec<Column> = Vec::new();
    if panel {
        columns.push(label_column("date", language));
    }
    columns.extend(["name", "label"].map(|id| label_column(id, language)));
    columns.extend(numbers.columns(&ids, language));
    let rows = summary
        .rows
        .iter()
        .map(|row| {
            let mut cells = Vec::new();
            if panel {
                cells.push(row.occasion.as_ref().map_or(Cell::None, |o| Cell::Text(o.code.clone())));
            }
            cells.push(Cell::Text(row.measure.name.clone()));
            cells.push(row.measure.label.clone().map_or(Cell::None, Cell::Text));
            let values: Vec<Value> = std::iter::once(row.n).chain(row.values.iter().copied()).collect();
            cells.extend(numbers.cells(&values));
            cells
        })
        .collect();
    Long { name: "summary".to_owned(), columns, rows }
}

/// A table of texts from metadata; none for other texts.
pub(crate) fn of_info(info: &Info, language: Language) -> Option<Long> {
    let Info::Table { columns, rows } = info else { return None };
    let cell = |text: &kernel::LangMap| Cell::Text(text.text(language).to_owned());
    Some(Long {
        name: "list".to_owned(),
        columns: columns.iter().map(|id| label_column(id, language)).collect(),
        rows: rows.iter().map(|row| row.iter().map(cell).collect()).collect(),
    })
}

/// Constant columns that say where a row comes from.
pub(crate) fn with_provenance(mut long: Long, provenance: &[(&'static str, String)], language: Language) -> Long {
    long.columns.extend(provenance.iter().map(|(id, _)| label_column(id, language)));
    for row in &mut long.rows {
        row.extend(provenance.iter().map(|(_, text)| Cell::Text(text.clone())));
    }
    long
}

/// The column id of a content (LANG-162, LANG-160).
fn id(content: Content) -> String {
    match content {
        Content::Count => "freq".to_owned(),
        Content::Share(Base::Row) => "rowpct".to_owned(),
        Content::Share(Base::Column) => "colpct".to_owned(),
        Content::Share(Base::Table) => "cellpct".to_owned(),
        Content::Valid => "percent".to_owned(),
        Content::Statistic(Statistic::Sd) => "std".to_owned(),
        Content::Statistic(statistic) => statistic.to_string(),
    }
}

fn kind_word(content: Content) -> &'static str {
    match content {
        Content::Count | Content::Statistic(Statistic::N) => "count",
        Content::Share(_) | Content::Valid => "share",
        Content::Statistic(Statistic::Mean) => "mean",
        Content::Statistic(Statistic::Sum) => "sum",
        Content::Statistic(Statistic::Sd) => "sd",
        Content::Statistic(Statistic::Gini) => "gini",
        Content::Statistic(Statistic::Iqr | Statistic::Percentile(_)) => "percentile",
    }
}

fn category_columns(table: &Table, language: Language) -> Vec<Column> {
    let own = |name: &str, label: &str| {
        [
            text_column(name.to_owned(), label.to_owned(), "term"),
            text_column(format!("{name}_label"), format!("{label}: {}", words::column("label", language)), "label"),
        ]
    };
    table.dimensions.iter().flat_map(|d| own(&d.name, d.label.as_deref().unwrap_or(&d.name))).collect()
}

fn category_cells(table: &Table, position: &[usize]) -> Vec<Cell> {
    position.iter().enumerate().flat_map(|(d, at)| pair(table, d, *at)).collect()
}

/// Code and label of a category; both empty for a total.
fn pair(table: &Table, dimension: usize, at: usize) -> [Cell; 2] {
    let code = |c: &Category| if c.missing && c.code.is_empty() { ".".to_owned() } else { c.code.clone() };
    match table.dimensions[dimension].categories.get(at) {
        None => [Cell::None, Cell::None],
        Some(c) => [Cell::Text(code(c)), c.label.clone().map_or(Cell::None, Cell::Text)],
    }
}

fn label_column(id: &str, language: Language) -> Column {
    text_column(id.to_owned(), words::column(id, language), "label")
}

fn text_column(id: String, label: String, kind: &'static str) -> Column {
    Column { id, label, kind, holds: Holds::Text }
}

/// The reasons for which numbers of a result are withheld, each once, in the order of their codes.
pub(crate) fn reasons(values: impl Iterator<Item = Value>) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = values.filter_map(Value::hidden).collect();
    reasons.sort_unstable();
    reasons.dedup();
    reasons
}
