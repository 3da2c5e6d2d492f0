//! A result as rows and columns of written cells: the one layout that HTML, LaTeX and text share.

use disclosure::{
    Content, Info, Layout, NumberKind, Reason, Statistic, Summary, SummaryRow, Table, Value, note, perturbed,
};
use kernel::Language;

use crate::arrange::{Arrangement, seen, value};
use crate::format;
use crate::words::{self, say};

/// Rows and columns, written.
#[derive(Default)]
pub(crate) struct Grid {
    /// What it shows, where a result has several.
    pub title: Option<String>,
    /// Headings of the columns that name the rows.
    pub stubs: Vec<String>,
    /// Heading over all value columns, if they are the categories of variables.
    pub group: Option<String>,
    /// The value columns.
    pub columns: Vec<Head>,
    /// The rows.
    pub rows: Vec<Line>,
    /// Names in the stub stand on every row (LANG-162, `flatten`).
    pub flat: bool,
    /// Cells are texts, not numbers.
    pub texts: bool,
    /// Results of the whole table: name and value.
    pub scalars: Vec<(String, Written)>,
    /// What is to be said below.
    pub notes: Vec<String>,
}

/// The heading of a value column.
#[derive(Clone)]
pub(crate) struct Head {
    /// From outer to inner.
    pub names: Vec<String>,
}

/// One row.
pub(crate) struct Line {
    /// The names of the row, one per stub.
    pub names: Vec<String>,
    /// Whether it is a total.
    pub total: bool,
    /// The values.
    pub cells: Vec<Written>,
}

/// One value as it is shown.
#[derive(Clone)]
pub(crate) struct Written {
    /// The number in the reader's language; empty when it is hidden or undefined. On a page it may have several lines.
    pub text: String,
    /// Why it is hidden.
    pub hidden: Option<Reason>,
}

/// What one column or row of numbers shows.
struct Shown {
    label: String,
    content: Content,
    measure: usize,
    kind: NumberKind,
}

impl Head {
    pub(crate) fn single(name: String) -> Self {
        Self { names: vec![name] }
    }

    /// All names on one line.
    pub(crate) fn joined(&self) -> String {
        self.names.join(" / ")
    }
}

impl Written {
    /// A cell that stands for nothing: the other half of a triangle.
    pub(crate) fn blank() -> Self {
        Self { text: "\u{a0}".to_owned(), hidden: None }
    }
}

pub(crate) fn of_table(table: &Table, contents: &[Content], layout: &Layout, language: Language) -> Grid {
    let table = &*seen(table, layout);
    let contents = contents_of(table, contents);
    let shown = shown(table, &contents, language);
    let order = Arrangement::of(table, layout, &contents);
    let head = &order.head;
    let cell = |s: &Shown, position: &[usize]| {
        let share = matches!(s.content, Content::Share(_) | Content::Valid);
        written(value(table, position, s.content, s.measure, head), s.kind, share, language)
    };
    let mut stubs: Vec<String> = order.stub.iter().map(|d| title(table, *d)).collect();
    let mut rows = Vec::new();
    for row in &order.rows {
        let total = order.is_total(table, &order.stub, row);
        let names: Vec<String> = order.stub.iter().zip(row).map(|(d, at)| category(table, *d, *at, language)).collect();
        if head.is_empty() {
            let cells = shown.iter().map(|s| cell(s, &order.position(row, &[]))).collect();
            rows.push(Line { names, total, cells });
            continue;
        }
        for s in &shown {
            let mut names = names.clone();
            if shown.len() > 1 {
                names.push(s.label.clone());
            }
            let cells = order.columns.iter().map(|column| cell(s, &order.position(row, column))).collect();
            rows.push(Line { names, total, cells });
        }
    }
    let columns = if head.is_empty() {
        shown.iter().map(|s| Head::single(s.label.clone())).collect()
    } else {
        let names = |column: &Vec<usize>| {
            head.iter().zip(column).map(|(d, at)| category(table, *d, *at, language)).collect::<Vec<_>>()
        };
        order.columns.iter().map(|c| Head { names: names(c) }).collect()
    };
    if !head.is_empty() && shown.len() > 1 {
        stubs.push(say(words::SHOWN, language).to_owned());
    }
    if stubs.is_empty() {
        stubs.push(String::new());
        rows.iter_mut().for_each(|r| r.names.push(say(words::TOTAL, language).to_owned()));
    }
    let titles: Vec<String> = head.iter().map(|d| title(table, *d)).collect();
    Grid {
        title: None,
        stubs,
        group: (!titles.is_empty()).then(|| titles.join(" / ")),
        columns,
        rows,
        flat: layout.flat,
        texts: false,
        scalars: scalars(table, language),
        notes: notes(table, layout, order.unsorted, language),
    }
}

/// The test of independence, as it stands below the table.
fn scalars(table: &Table, language: Language) -> Vec<(String, Written)> {
    let Some(test) = &table.chi_square else { return Vec::new() };
    let plain = |x: Value| written(x, NumberKind::Decimal, false, language);
    let p = match test.p {
        Value::Value(p) if p < 0.001 => {
            Written { text: format!("< {}", format::number(0.001, language)), hidden: None }
        }
        p => plain(p),
    };
    let df = say(["Frihetsgrader", "Fridomsgrader", "Degrees of freedom"], language);
    vec![
        ("χ²".to_owned(), plain(test.chi2)),
        (df.to_owned(), plain(test.df)),
        ("p".to_owned(), p),
        ("Cramérs V".to_owned(), plain(test.cramers_v)),
    ]
}

fn notes(table: &Table, layout: &Layout, unsorted: bool, language: Language) -> Vec<String> {
    let publication = layout.publication.as_ref();
    let adds_up = publication.map_or(layout.additive, |p| p.base.is_none());
    let error = format::number(table.typical_error, language);
    let mut notes = vec![if adds_up { perturbed(&error, language) } else { note(&error, language) }];
    let winsorised = table.measures.iter().any(|m| m.winsorised);
    let test = table.chi_square.as_ref();
    for (said, words) in [
        (winsorised, words::WINSORISED),
        (table.measures.iter().any(|m| m.derived), words::DERIVED),
        (adds_up, words::ADJUSTED),
        (unsorted, words::UNSORTED),
        (test.is_some(), words::PERTURBED_TEST),
        (test.is_some_and(|t| t.small_expected), words::SMALL_EXPECTED),
    ] {
        notes.extend(said.then(|| say(words, language).to_owned()));
    }
    notes.extend(publication.and_then(|p| p.base).map(|base| words::rounded_to(base, language)));
    notes.extend(publication.map(|_| say(words::PUBLISHED, language).to_owned()));
    notes
}

pub(crate) fn of_summary(summary: &Summary, language: Language) -> Grid {
    let columns = std::iter::once(words::content(Content::Count, language))
        .chain(summary.statistics.iter().map(|s| words::statistic(*s, language)))
        .map(Head::single)
        .collect();
    let panel = summary.rows.iter().any(|r| r.occasion.is_some());
    let row = |row: &SummaryRow| {
        let name = match &row.measure.label {
            Some(label) if *label != row.measure.name => format!("{label} ({})", row.measure.name),
            _ => row.measure.name.clone(),
        };
        let occasion = row.occasion.as_ref().map(|o| o.label.clone().unwrap_or_else(|| o.code.clone()));
        let values = row
            .values
            .iter()
            .zip(&summary.statistics)
            .map(|(v, s)| written(*v, kind(Content::Statistic(*s), row.measure.kind), false, language));
        let cells = std::iter::once(written(row.n, NumberKind::Integer, false, language)).chain(values).collect();
        let names = occasion.filter(|_| panel).into_iter().chain([name]).collect();
        Line { names, total: false, cells }
    };
    let mut notes = vec![note(&format::number(summary.typical_error, language), language)];
    if summary.rows.iter().any(|r| r.measure.winsorised) {
        notes.push(say(words::WINSORISED, language).to_owned());
    }
    if summary.rows.iter().any(|r| r.measure.derived) {
        notes.push(say(words::DERIVED, language).to_owned());
    }
    if !summary.skipped.is_empty() {
        let skipped = say(["Ikke tall", "Ikkje tal", "Not numeric"], language);
        notes.push(format!("{skipped}: {}.", summary.skipped.join(", ")));
    }
    let date = panel.then(|| say(words::DATE, language).to_owned());
    Grid {
        title: None,
        stubs: date.into_iter().chain([say(words::VARIABLE, language).to_owned()]).collect(),
        group: None,
        columns,
        rows: summary.rows.iter().map(row).collect(),
        flat: false,
        texts: false,
        scalars: Vec::new(),
        notes,
    }
}

/// A table of texts from metadata; none for other texts.
pub(crate) fn of_info(info: &Info, language: Language) -> Option<Grid> {
    let Info::Table { columns, rows } = info else { return None };
    let cell = |text: &kernel::LangMap| Written { text: text.text(language).to_owned(), hidden: None };
    let line = |row: &Vec<kernel::LangMap>| {
        let mut cells: Vec<Written> = row.iter().map(cell).collect();
        let first = if cells.is_empty() { String::new() } else { cells.remove(0).text };
        Line { names: vec![first], total: false, cells }
    };
    let mut heads = columns.iter().map(|id| words::column(id, language));
    Some(Grid {
        title: None,
        stubs: vec![heads.next().unwrap_or_default()],
        group: None,
        columns: heads.map(Head::single).collect(),
        rows: rows.iter().map(line).collect(),
        flat: true,
        texts: true,
        scalars: Vec::new(),
        notes: Vec::new(),
    })
}

/// The label of a category, or of the total.
pub(crate) fn category(table: &Table, dimension: usize, at: usize, language: Language) -> String {
    match table.dimensions[dimension].categories.get(at) {
        None => say(words::TOTAL, language).to_owned(),
        Some(c) => match &c.label {
            Some(label) => label.clone(),
            None if c.missing && c.code.is_empty() => say(words::MISSING, language).to_owned(),
            None => c.code.clone(),
        },
    }
}

/// The title of a grouping variable.
pub(crate) fn title(table: &Table, dimension: usize) -> String {
    let d = &table.dimensions[dimension];
    d.label.clone().unwrap_or_else(|| d.name.clone())
}

/// A value in words of the reader's language.
pub(crate) fn written(value: Value, kind: NumberKind, share: bool, language: Language) -> Written {
    let text = match value {
        Value::Value(x) => match kind {
            NumberKind::Date => format::month(x, language),
            _ if share => format::fixed(x, 1, language),
            _ => format::number(x, language),
        },
        Value::Hidden(_) | Value::Undefined => String::new(),
    };
    Written { text, hidden: value.hidden() }
}

/// What kind of number a content shows of a measure: a statistic of dates may be a length of time in days.
pub(crate) fn kind(content: Content, of: NumberKind) -> NumberKind {
    match content {
        Content::Statistic(Statistic::N) | Content::Count => NumberKind::Integer,
        Content::Statistic(Statistic::Sd | Statistic::Gini | Statistic::Iqr) => NumberKind::Decimal,
        Content::Share(_) | Content::Valid => NumberKind::Decimal,
        Content::Statistic(_) => of,
    }
}

/// The contents that were asked for; without any, all that the table has.
pub(crate) fn contents_of(table: &Table, contents: &[Content]) -> Vec<Content> {
    if !contents.is_empty() {
        contents.to_vec()
    } else if table.measures.is_empty() {
        vec![Content::Count]
    } else {
        table.statistics.iter().map(|s| Content::Statistic(*s)).collect()
    }
}

fn shown(table: &Table, contents: &[Content], language: Language) -> Vec<Shown> {
    let mut out = Vec::new();
    for &content in contents {
        let label = words::content(content, language);
        if matches!(content, Content::Count | Content::Share(_)) {
            out.push(Shown { label, content, measure: 0, kind: NumberKind::Integer });
            continue;
        }
        for (measure, m) in table.measures.iter().enumerate() {
            let name = m.label.as_ref().unwrap_or(&m.name);
            let label = format!("{name}: {}", lower_first(&label, content));
            out.push(Shown { label, content, measure, kind: kind(content, m.kind) });
        }
    }
    out
}

fn lower_first(text: &str, content: Content) -> String {
    use disclosure::Statistic::{Gini, Percentile};
    let keep = match content {
        Content::Statistic(Percentile(p)) => p != 50.0,
        Content::Statistic(statistic) => statistic == Gini,
        _ => false,
    };
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !keep => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}
