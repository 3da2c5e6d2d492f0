//! The result object of LANG-100: what the interface answers and what a JSON file holds.

use disclosure::{Body, Entry, Info, Model, ModelRows, Output, PolicyStamp, Reason, Survival, Table, Value};
use kernel::Language;
use serde_json::{Map, Number, Value as Json, json};

use crate::long::{Cell, Long, reasons};
use crate::{Origin, is_figure, models, receipt, tables_of, words};

/// The object. Numbers that are withheld or undefined are `null`, with a status beside them (LANG-103).
pub(crate) fn object(entry: &Entry, origin: &Origin<'_>, language: Language) -> Json {
    let tables: Vec<Json> = tables_of(entry, language).iter().map(table).collect();
    let scalars = scalars(entry);
    let text = receipt(entry, language);
    let mut object = json!({
        "id": entry.id,
        "line": entry.line,
        "pass": entry.pass,
        "command": entry.command,
        "kind": kind(entry),
        "title": entry.command,
        "tables": tables,
        "scalars": scalars,
        "warnings": entry.warnings,
        "omitted": omitted(entry),
        "notes": words::notes(&entry.notes, language),
        "disclosure": disclosure(entry),
        "provenance": origin.provenance(entry).into_iter().map(|(k, v)| (k.to_owned(), Json::String(v))).collect::<Map<_, _>>(),
    });
    if !text.is_empty() {
        object["text"] = Json::String(text);
    }
    object
}

/// The kind of a result: receipt, table, figure or text.
pub(crate) fn kind(entry: &Entry) -> &'static str {
    match (&entry.content, &entry.view) {
        (Body::Released(_), view) if is_figure(view) => "figure",
        (Body::Released(r), _) => match r.value() {
            Output::Population(_) | Output::Edit(_) => "receipt",
            _ => "table",
        },
        (Body::Info { info }, _) => match info {
            Info::Text(_) | Info::Block(_) => "text",
            Info::Table { .. } => "table",
            Info::Dataset { .. } => "receipt",
        },
    }
}

fn table(long: &Long) -> Json {
    let columns: Vec<Json> =
        long.columns.iter().map(|c| json!({"id": c.id, "label": c.label, "kind": c.kind})).collect();
    let row = |cells: &Vec<Cell>| {
        let pairs = long.columns.iter().zip(cells).map(|(c, cell)| (c.id.clone(), self::cell(cell)));
        Json::Object(pairs.collect::<Map<_, _>>())
    };
    json!({"name": long.name, "columns": columns, "rows": long.rows.iter().map(row).collect::<Vec<_>>()})
}

fn cell(cell: &Cell) -> Json {
    match cell {
        Cell::None => Json::Null,
        Cell::Text(text) => Json::String(text.clone()),
        Cell::Flag(flag) => Json::Bool(*flag),
        Cell::Number(x) => number(*x),
    }
}

/// Whole numbers without decimals, as they are written everywhere else.
fn number(x: f64) -> Json {
    if x.fract() == 0.0 && x.abs() < 9e15 {
        return Json::from(x as i64);
    }
    Number::from_f64(x).map_or(Json::Null, Json::Number)
}

fn value(value: Value) -> Json {
    value.number().map_or(Json::Null, number)
}

fn scalars(entry: &Entry) -> Map<String, Json> {
    let mut scalars = Map::new();
    if let Some(Output::Table(Table { chi_square: Some(test), .. })) = entry.output() {
        let values = [("chi2", test.chi2), ("df", test.df), ("p", test.p), ("cramers_v", test.cramers_v)];
        scalars.extend(values.map(|(id, x)| (id.to_owned(), value(x))));
        if test.chi2.hidden().is_some() {
            scalars.insert("status".to_owned(), Json::String("suppressed".to_owned()));
        }
    }
    match entry.output() {
        Some(Output::Population(p)) => {
            scalars.insert("dataset".to_owned(), Json::String(p.dataset.clone()));
            scalars.insert("unit_type".to_owned(), Json::String(p.unit_type.clone()));
            if let Some(kind) = p.dataset_kind {
                scalars.insert("dataset_kind".to_owned(), json!(kind));
            }
            scalars.insert("persons".to_owned(), value(p.persons));
            scalars.extend(p.units.map(|u| ("units".to_owned(), value(u))));
            scalars.extend(p.before.map(|b| ("persons_before".to_owned(), value(b))));
        }
        Some(Output::Edit(e)) => {
            scalars.insert("dataset".to_owned(), Json::String(e.dataset.clone()));
            scalars.insert("variables".to_owned(), json!(e.columns));
            scalars.insert("touched".to_owned(), value(e.touched));
            scalars.extend(e.untouched.map(|u| ("untouched".to_owned(), value(u))));
        }
        Some(Output::Model(model)) => {
            scalars.extend(models::named_scalars(model).into_iter().map(|(id, x)| (id, value(x))));
            scalars.insert("level".to_owned(), number(model.level));
        }
        Some(Output::TestNumbers(tests)) => {
            scalars.insert("n".to_owned(), value(tests.n));
        }
        Some(Output::Survival(Survival { log_rank: Some(test), .. })) => {
            let df = test.df.first().map_or(Json::Null, |df| number(*df));
            let values = [("log_rank_chi2", value(test.statistic)), ("df", df), ("p", value(test.p))];
            scalars.extend(values.map(|(id, x)| (id.to_owned(), x)));
        }
        _ => {}
    }
    scalars
}

fn omitted(entry: &Entry) -> Vec<String> {
    match entry.output() {
        Some(Output::Summary(s)) => s.skipped.clone(),
        Some(Output::Model(m)) => m.omitted.clone(),
        _ => Vec::new(),
    }
}

/// What the gate did: the policy, the typical error, and the reasons for which numbers are withheld.
fn disclosure(entry: &Entry) -> Json {
    let Some(released) = entry.released() else { return json!({}) };
    let PolicyStamp { name, version, sha256 } = released.policy();
    let (withheld, error, winsorised) = match released.value() {
        Output::Table(t) => of_tables(std::slice::from_ref(t)),
        Output::Blocks(b) => of_tables(&b.tables),
        Output::Summary(s) => {
            let values = s.rows.iter().flat_map(|r| std::iter::once(r.n).chain(r.values.iter().copied()));
            (reasons(values), Some(s.typical_error), s.rows.iter().any(|r| r.measure.winsorised))
        }
        Output::Histogram(h) => {
            let (mut withheld, error, winsorised) = of_tables(std::slice::from_ref(&h.whole));
            withheld.extend(h.panels.iter().flat_map(|p| &p.bars).filter_map(|b| b.count.hidden()));
            withheld.sort_unstable();
            withheld.dedup();
            (withheld, error, winsorised)
        }
        Output::Hexbin(h) => (Vec::new(), Some(h.typical_error), false),
        Output::Model(m) => (reasons(values_of(m)), None, false),
        Output::Survival(s) => (reasons(s.curves.iter().flat_map(|c| [c.n, c.events, c.median])), None, false),
        Output::Correlations(c) => (reasons(c.pairs.iter().flat_map(|p| [p.n, p.r, p.p])), None, false),
        Output::TestNumbers(t) => (reasons(t.numbers.iter().map(|n| n.value)), None, false),
        Output::Population(_) | Output::Edit(_) => (Vec::new(), None, false),
    };
    let codes: Vec<&str> = withheld.iter().map(|r| r.code()).collect();
    let mut out = json!({"policy": {"name": name, "version": version, "sha256": sha256}, "withheld": codes});
    if let Some(error) = error {
        out["typical_error"] = json!(error);
        out["winsorised"] = json!(winsorised);
        let layout = match &entry.view {
            disclosure::View::Table { layout, .. } => layout.clone(),
            _ => disclosure::Layout::default(),
        };
        out["additive"] = json!(layout.additive);
        if let Some(publication) = layout.publication {
            out["publication"] = json!(publication);
        }
    }
    out
}

/// The numbers of a model that may be hidden.
fn values_of(model: &Model) -> impl Iterator<Item = Value> {
    let further = model.tables.iter().flat_map(|table| match &table.rows {
        ModelRows::Estimates(rows) => rows.iter().map(|r| r.b).collect::<Vec<_>>(),
        ModelRows::Tests(tests) => tests.iter().map(|t| t.statistic).collect(),
        ModelRows::Numbers(numbers) => numbers.iter().map(|n| n.value).collect(),
    });
    let estimates = model.terms.iter().chain(&model.margins).map(|e| e.b);
    estimates.chain(model.counts.iter().map(|(_, n)| *n)).chain(further)
}

fn of_tables(tables: &[Table]) -> (Vec<Reason>, Option<f64>, bool) {
    let values =
        tables.iter().flat_map(|t| &t.cells).flat_map(|c| std::iter::once(c.count).chain(c.values.iter().copied()));
    let winsorised = tables.iter().flat_map(|t| &t.measures).any(|m| m.winsorised);
    (reasons(values), tables.first().map(|t| t.typical_error), winsorised)
}
