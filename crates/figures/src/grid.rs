//! A result as rows and columns of written cells: the one layout that HTML, text and CSV share.

use disclosure::{Content, NumberKind, Reason, Summary, Table, Value, note};
use kernel::Language;

use crate::format;
use crate::words::{self, say};

/// Rows and columns, written.
pub(crate) struct Grid {
    /// Headings of the columns that name the rows.
    pub stubs: Vec<String>,
    /// Heading over all value columns, if they are the categories of a variable.
    pub group: Option<String>,
    /// Headings of the value columns.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Line>,
    /// What is to be said below.
    pub notes: Vec<String>,
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
pub(crate) struct Written {
    /// The number in the reader's language; empty when it is hidden or undefined.
    pub text: String,
    /// The number for machines.
    pub plain: String,
    /// Why it is hidden.
    pub hidden: Option<Reason>,
}

/// What one column or row of numbers shows.
struct Shown {
    label: String,
    content: Content,
    measure: usize,
    statistic: usize,
    kind: NumberKind,
}

pub(crate) fn of_table(table: &Table, contents: &[Content], language: Language) -> Grid {
    let shown = shown(table, contents, language);
    // The second variable forms the columns (LANG-162); the others nest in the stub.
    let across = (table.dimensions.len() >= 2).then_some(1);
    let stub: Vec<usize> = (0..table.dimensions.len()).filter(|d| Some(*d) != across).collect();
    let mut stubs: Vec<String> = stub.iter().map(|d| title(table, *d)).collect();
    let mut rows = Vec::new();
    for names in positions(table, &stub) {
        let mut position = vec![0; table.dimensions.len()];
        for (d, at) in stub.iter().zip(&names) {
            position[*d] = *at;
        }
        let total = stub.iter().zip(&names).any(|(d, at)| *at == table.dimensions[*d].categories.len());
        let labels: Vec<String> = stub.iter().zip(&names).map(|(d, at)| category(table, *d, *at, language)).collect();
        match across {
            None => {
                let cells = shown.iter().map(|s| s.cell(table, &position, language)).collect();
                rows.push(Line { names: labels, total, cells });
            }
            Some(d) => {
                for s in &shown {
                    let cells = (0..=table.dimensions[d].categories.len())
                        .map(|at| {
                            position[d] = at;
                            s.cell(table, &position, language)
                        })
                        .collect();
                    let mut names = labels.clone();
                    if shown.len() > 1 {
                        names.push(s.label.clone());
                    }
                    rows.push(Line { names, total, cells });
                }
            }
        }
    }
    let columns = match across {
        None => shown.iter().map(|s| s.label.clone()).collect(),
        Some(d) => (0..=table.dimensions[d].categories.len()).map(|at| category(table, d, at, language)).collect(),
    };
    if across.is_some() && shown.len() > 1 {
        stubs.push(say(words::SHOWN, language).to_owned());
    }
    if stubs.is_empty() {
        stubs.push(String::new());
        rows.iter_mut().for_each(|r| r.names.push(say(words::TOTAL, language).to_owned()));
    }
    let mut notes = vec![note(&format::number(table.typical_error, language), language)];
    if table.measures.iter().any(|m| m.winsorised) {
        notes.push(say(words::WINSORISED, language).to_owned());
    }
    Grid { stubs, group: across.map(|d| title(table, d)), columns, rows, notes }
}

pub(crate) fn of_summary(summary: &Summary, language: Language) -> Grid {
    let columns = std::iter::once(words::content(Content::Count, language))
        .chain(summary.statistics.iter().map(|s| words::statistic(*s, language)))
        .collect();
    let rows = summary
        .rows
        .iter()
        .map(|row| {
            let name = match &row.measure.label {
                Some(label) => format!("{label} ({})", row.measure.name),
                None => row.measure.name.clone(),
            };
            let values = row.values.iter().zip(&summary.statistics).map(|(v, s)| {
                let kind = if is_length(Content::Statistic(*s)) { NumberKind::Decimal } else { row.measure.kind };
                written(*v, kind, false, language)
            });
            let cells = std::iter::once(written(row.n, NumberKind::Integer, false, language)).chain(values).collect();
            Line { names: vec![name], total: false, cells }
        })
        .collect();
    let mut notes = vec![note(&format::number(summary.typical_error, language), language)];
    if summary.rows.iter().any(|r| r.measure.winsorised) {
        notes.push(say(words::WINSORISED, language).to_owned());
    }
    if !summary.skipped.is_empty() {
        let skipped = say(["Ikke tall", "Ikkje tal", "Not numeric"], language);
        notes.push(format!("{skipped}: {}.", summary.skipped.join(", ")));
    }
    Grid { stubs: vec![say(words::VARIABLE, language).to_owned()], group: None, columns, rows, notes }
}

/// The label of a category, or of the total.
pub(crate) fn category(table: &Table, dimension: usize, at: usize, language: Language) -> String {
    match table.dimensions[dimension].categories.get(at) {
        None => say(words::TOTAL, language).to_owned(),
        Some(c) => match &c.label {
            Some(label) => label.clone(),
            None if c.missing => say(words::MISSING, language).to_owned(),
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
    match value {
        Value::Value(x) => {
            let text = match kind {
                NumberKind::Date => format::month(x, language),
                _ if share => format::fixed(x, 1, language),
                _ => format::number(x, language),
            };
            let plain = match kind {
                NumberKind::Date => {
                    kernel::Date::from_days(x.clamp(-700_000.0, 2_900_000.0) as i32).to_string()[..7].to_owned()
                }
                _ => format!("{x}"),
            };
            Written { text, plain, hidden: None }
        }
        Value::Hidden(reason) => Written { text: String::new(), plain: String::new(), hidden: Some(reason) },
        Value::Undefined => Written { text: String::new(), plain: String::new(), hidden: None },
    }
}

/// Whether a statistic of dates is a length of time in days and no date itself.
fn is_length(content: Content) -> bool {
    use disclosure::Statistic::{Gini, Iqr, Sd};
    matches!(content, Content::Statistic(Sd | Gini | Iqr))
}

impl Shown {
    fn cell(&self, table: &Table, position: &[usize], language: Language) -> Written {
        let value = match self.content {
            Content::Count => table.cell(position).map(|c| c.count),
            Content::Share(base) => Some(table.share(position, base, &[1])),
            Content::Statistic(_) => table.statistic(position, self.measure, self.statistic),
            Content::Valid => table.valid_share(position, self.measure),
        };
        let share = matches!(self.content, Content::Share(_));
        written(value.unwrap_or(Value::Undefined), self.kind, share, language)
    }
}

fn shown(table: &Table, contents: &[Content], language: Language) -> Vec<Shown> {
    let all: Vec<Content>;
    let contents = if !contents.is_empty() {
        contents
    } else if table.measures.is_empty() {
        &[Content::Count][..]
    } else {
        all = table.statistics.iter().map(|s| Content::Statistic(*s)).collect();
        &all
    };
    let mut out = Vec::new();
    for &content in contents {
        let label = words::content(content, language);
        match content {
            Content::Statistic(wanted) => {
                let Some(statistic) = table.statistics.iter().position(|s| *s == wanted) else { continue };
                for (measure, m) in table.measures.iter().enumerate() {
                    let name = m.label.as_ref().unwrap_or(&m.name);
                    let label = format!("{name}: {}", lower_first(&label, wanted));
                    let kind = if is_length(content) { NumberKind::Decimal } else { m.kind };
                    out.push(Shown { label, content, measure, statistic, kind });
                }
            }
            _ => out.push(Shown { label, content, measure: 0, statistic: 0, kind: NumberKind::Integer }),
        }
    }
    out
}

fn lower_first(text: &str, statistic: disclosure::Statistic) -> String {
    use disclosure::Statistic::{Gini, Percentile};
    let keep = matches!(statistic, Gini) || matches!(statistic, Percentile(p) if p != 50.0);
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if !keep => first.to_lowercase().chain(chars).collect(),
        _ => text.to_owned(),
    }
}

fn positions(table: &Table, dimensions: &[usize]) -> Vec<Vec<usize>> {
    dimensions.iter().fold(vec![Vec::new()], |heads, d| {
        let size = table.dimensions[*d].categories.len() + 1;
        heads
            .iter()
            .flat_map(|head| {
                (0..size).map(move |at| {
                    let mut position: Vec<usize> = head.clone();
                    position.push(at);
                    position
                })
            })
            .collect()
    })
}
