//! Survival curves, correlations, tables of tests, intervals of means, histograms and hexagons as tables, written and in long form.

use disclosure::{
    Correlations, Curve, Hexbin, Histogram, Panel, Scale, Statistic, Summary, SummaryRow, Survival, TestNumber,
    TestNumbers, Value, mean_interval, note,
};
use kernel::Language;

use crate::format;
use crate::grid::{Grid, Head, Line, Written, written};
use crate::long::{Cell, Long, label_of, number_cells, number_columns, text_columns};
use crate::models::{crosswise, long_numbers, p_value, plain, title};
use crate::words::{self, say};

/// Steps from zero to the last time at which a fitted distribution is told.
const POINTS: u32 = 100;

/// Key figures by group, then the curves.
pub(crate) fn survival_grids(survival: &Survival, language: Language) -> Vec<Grid> {
    vec![key_figures(survival, language), curves(survival, language)]
}

fn group_stub(survival: &Survival) -> Option<String> {
    survival.head.group.as_ref().map(|g| title(&survival.head.titles, g))
}

/// The group of a curve in words.
pub(crate) fn curve_name(curve: &Curve, language: Language) -> String {
    curve.group.as_ref().map_or_else(|| say(words::ALL, language).to_owned(), |g| label_of(g, language))
}

/// The names of the parameters of a fitted distribution; empty where there is none. Then what is told of a curve follows from them, and
/// not from its steps (LANG-216).
fn parameters(survival: &Survival) -> Vec<&str> {
    survival.curves.first().map_or_else(Vec::new, |c| c.parameters.iter().map(|(name, _)| name.as_str()).collect())
}

fn parameter(curve: &Curve, name: &str) -> Value {
    curve.parameters.iter().find(|(n, _)| n == name).map_or(Value::Undefined, |(_, x)| *x)
}

/// Points of a fitted Weibull distribution up to the last time that is shown, from its parameters as they are shown (STAT-265); none
/// without such a distribution.
pub(crate) fn fitted(survival: &Survival, curve: &Curve) -> Option<Vec<[f64; 2]>> {
    let (shape, scale) = (parameter(curve, "shape").number()?, parameter(curve, "scale").number()?);
    let last = survival.curves.iter().flat_map(|c| c.points.iter().filter_map(|p| p.time.number())).reduce(f64::max)?;
    let point = |i: u32| {
        let time = last * f64::from(i) / f64::from(POINTS);
        [time, (-(time / scale).powf(shape)).exp()]
    };
    (scale > 0.0).then(|| (0..=POINTS).map(point).collect())
}

/// The same as numbers of a table.
fn fitted_values(survival: &Survival, curve: &Curve) -> Vec<[Value; 2]> {
    let rounded = |x: f64, digits: i32| {
        let unit = 10f64.powi(digits);
        Value::Value((x * unit).round() / unit)
    };
    let points = fitted(survival, curve).unwrap_or_default();
    let last = points.last().map_or(1.0, |[time, _]| time.max(f64::MIN_POSITIVE));
    let digits = 3 - last.log10().floor() as i32;
    points.into_iter().map(|[time, survival]| [rounded(time, digits), rounded(survival, 3)]).collect()
}

fn key_figures(survival: &Survival, language: Language) -> Grid {
    let level = format!("{}\u{a0}%", format::number(survival.level, language));
    let parameters = parameters(survival);
    let mut heads = vec!["n".to_owned(), words::measure("events", language)];
    if parameters.is_empty() {
        heads.push(say(words::MEDIAN, language).to_owned());
        heads.extend([words::LOWER, words::UPPER].map(|end| format!("{level} {}", say(end, language))));
    }
    heads.extend(parameters.iter().map(|p| words::measure(p, language)));
    let line = |curve: &Curve| {
        let mut values = vec![curve.n, curve.events];
        if parameters.is_empty() {
            values.extend([curve.median, curve.median_limits[0], curve.median_limits[1]]);
        }
        values.extend(parameters.iter().map(|name| parameter(curve, name)));
        let cells: Vec<Written> = values.into_iter().map(|v| plain(v, language)).collect();
        Line { names: vec![curve_name(curve, language)], total: false, cells }
    };
    let mut scalars = Vec::new();
    if let Some(test) = &survival.log_rank {
        let df = test.df.first().map_or_else(String::new, |df| format!(" ({})", format::number(*df, language)));
        scalars.push((format!("{} χ²{df}", say(words::LOG_RANK, language)), plain(test.statistic, language)));
        scalars.push(("p".to_owned(), p_value(test.p, language)));
    }
    Grid {
        title: Some(words::table("key_figures", language)),
        stubs: vec![group_stub(survival).unwrap_or_else(|| say(words::GROUP, language).to_owned())],
        columns: heads.into_iter().map(Head::single).collect(),
        rows: survival.curves.iter().map(line).collect(),
        scalars,
        notes: vec![say(words::MIDPOINTS, language).to_owned()],
        ..Grid::default()
    }
}

fn curves(survival: &Survival, language: Language) -> Grid {
    let time = title(&survival.head.titles, &survival.head.time);
    let level = format!("{}\u{a0}%", format::number(survival.level, language));
    let grouped = group_stub(survival);
    let named = |curve: &Curve, time: Value| {
        let mut names = vec![plain(time, language).text];
        if grouped.is_some() {
            names.insert(0, curve_name(curve, language));
        }
        names
    };
    if !parameters(survival).is_empty() {
        let lines = survival.curves.iter().flat_map(|curve| {
            fitted_values(survival, curve).into_iter().map(|[time, left]| Line {
                names: named(curve, time),
                total: false,
                cells: vec![plain(left, language)],
            })
        });
        return Grid {
            title: Some(words::table("curves", language)),
            rows: lines.collect(),
            stubs: grouped.clone().into_iter().chain([time]).collect(),
            columns: vec![Head::single(words::measure("survival", language))],
            ..Grid::default()
        };
    }
    let heads = [
        words::measure("at_risk", language),
        words::measure("events", language),
        words::measure("survival", language),
        format!("{level} {}", say(words::LOWER, language)),
        format!("{level} {}", say(words::UPPER, language)),
    ];
    let lines = survival.curves.iter().flat_map(|curve| {
        curve.points.iter().map(|point| {
            let names = named(curve, point.time);
            let cells = [point.at_risk, point.events, point.survival, point.low, point.high];
            Line { names, total: false, cells: cells.map(|v| plain(v, language)).into() }
        })
    });
    Grid {
        title: Some(words::table("curves", language)),
        rows: lines.collect(),
        stubs: grouped.clone().into_iter().chain([time]).collect(),
        columns: heads.map(Head::single).into(),
        ..Grid::default()
    }
}

/// Curves (LANG-215), then key figures.
pub(crate) fn survival_longs(survival: &Survival, language: Language) -> Vec<Long> {
    let grouped = survival.head.group.is_some();
    let group = |curve: &Curve| match &curve.group {
        Some(g) if grouped => vec![Cell::Text(g.code.clone()), g.label.clone().map_or(Cell::None, Cell::Text)],
        None if grouped => vec![Cell::None, Cell::None],
        _ => Vec::new(),
    };
    let texts: &[&str] = if grouped { &["group", "group_label"] } else { &[] };
    let table = |name: &str, numbers: &[(&str, &'static str)]| {
        let mut columns = text_columns(texts, language);
        columns.extend(number_columns(numbers, language));
        Long { name: name.to_owned(), columns, rows: Vec::new() }
    };
    let numbers = [
        ("time", "time"),
        ("at_risk", "count"),
        ("events", "count"),
        ("survival", "share"),
        ("lcl", "share"),
        ("ucl", "share"),
    ];
    let parameters = parameters(survival);
    let mut curves = match parameters.is_empty() {
        true => table("curves", &numbers),
        false => table("curves", &[("time", "time"), ("survival", "share")]),
    };
    for curve in &survival.curves {
        for point in fitted_values(survival, curve) {
            let mut cells = group(curve);
            cells.extend(number_cells(&point));
            curves.rows.push(cells);
        }
        for p in curve.points.iter().filter(|_| parameters.is_empty()) {
            let mut cells = group(curve);
            cells.extend(number_cells(&[p.time, p.at_risk, p.events, p.survival, p.low, p.high]));
            curves.rows.push(cells);
        }
    }
    let mut numbers = vec![("n", "count"), ("events", "count")];
    if parameters.is_empty() {
        numbers.extend([("median", "percentile"), ("lcl", "percentile"), ("ucl", "percentile")]);
    }
    numbers.extend(parameters.iter().map(|p| (*p, "coefficient")));
    let mut key = table("key_figures", &numbers);
    for curve in &survival.curves {
        let mut cells = group(curve);
        let mut values = vec![curve.n, curve.events];
        if parameters.is_empty() {
            values.extend([curve.median, curve.median_limits[0], curve.median_limits[1]]);
        }
        values.extend(curve.parameters.iter().map(|(_, x)| *x));
        cells.extend(number_cells(&values));
        key.rows.push(cells);
    }
    vec![curves, key]
}

/// What stands beside the names of a pair of variables.
#[derive(Clone, Copy)]
pub(crate) struct Pairs {
    pub covariance: bool,
    pub n: bool,
    pub p: bool,
}

impl Pairs {
    fn ids(self) -> Vec<(&'static str, &'static str)> {
        let first = if self.covariance { ("cov", "test") } else { ("r", "test") };
        let mut ids = vec![first];
        ids.extend(self.n.then_some(("n", "count")));
        ids.extend(self.p.then_some(("p", "p")));
        ids
    }

    fn values(self, pair: &disclosure::Correlation) -> Vec<Value> {
        let first = if self.covariance { pair.covariance.unwrap_or(Value::Undefined) } else { pair.r };
        let mut values = vec![first];
        values.extend(self.n.then_some(pair.n));
        values.extend(self.p.then_some(pair.p));
        values
    }
}

/// The lower triangle as a matrix, one block per content (STAT-050).
pub(crate) fn correlation_grids(all: &Correlations, shown: Pairs, language: Language) -> Vec<Grid> {
    let mut names: Vec<&str> = Vec::new();
    for pair in &all.pairs {
        for name in &pair.names {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    let find = |a: &str, b: &str| {
        all.pairs.iter().find(|p| (p.names[0] == a && p.names[1] == b) || (p.names[0] == b && p.names[1] == a))
    };
    // A row per variable that has a pair with an earlier one, a column per variable that has one with a later one.
    let ids = shown.ids();
    let block = |(at, (id, _)): (usize, &(&'static str, &'static str))| {
        let cell = |row: usize, column: usize| match find(names[row], names[column]) {
            Some(pair) if column < row => {
                let value = shown.values(pair)[at];
                if *id == "p" { p_value(value, language) } else { plain(value, language) }
            }
            _ => Written::blank(),
        };
        let line = |row: usize| Line {
            names: vec![title(&all.titles, names[row])],
            total: false,
            cells: (0..names.len().saturating_sub(1)).map(|column| cell(row, column)).collect(),
        };
        Grid {
            title: Some(words::measure(id, language)),
            stubs: vec![say(words::VARIABLE, language).to_owned()],
            columns: names
                .iter()
                .take(names.len().saturating_sub(1))
                .map(|n| Head::single(title(&all.titles, n)))
                .collect(),
            rows: (1..names.len()).map(line).collect(),
            notes: if at + 1 == ids.len() { sampled(language) } else { Vec::new() },
            ..Grid::default()
        }
    };
    ids.iter().enumerate().map(block).collect()
}

pub(crate) fn correlation_long(all: &Correlations, shown: Pairs, language: Language) -> Long {
    let mut columns = text_columns(&["var1", "var2"], language);
    columns.extend(number_columns(&shown.ids(), language));
    let line = |pair: &disclosure::Correlation| {
        let mut cells: Vec<Cell> = pair.names.iter().map(|n| Cell::Text(n.clone())).collect();
        cells.extend(number_cells(&shown.values(pair)));
        cells
    };
    Long { name: "correlations".to_owned(), columns, rows: all.pairs.iter().map(line).collect() }
}

/// The tables of a result of tests, by their names in order.
fn tables(tests: &TestNumbers) -> Vec<(&str, Vec<&TestNumber>)> {
    let mut out: Vec<(&str, Vec<&TestNumber>)> = Vec::new();
    for number in &tests.numbers {
        match out.iter_mut().find(|(name, _)| *name == number.table) {
            Some((_, numbers)) => numbers.push(number),
            None => out.push((&number.table, vec![number])),
        }
    }
    out
}

pub(crate) fn test_grids(tests: &TestNumbers, language: Language) -> Vec<Grid> {
    let mut grids: Vec<Grid> = tables(tests)
        .into_iter()
        .map(|(name, numbers)| {
            let named = (!name.is_empty() && name != tests.head.command).then(|| words::table(name, language));
            Grid { title: named, ..crosswise(&numbers, &tests.head.titles, language) }
        })
        .collect();
    if let Some(first) = grids.first_mut() {
        first.scalars.push(("n".to_owned(), plain(tests.n, language)));
        if let Some(response) = &tests.head.response {
            first.notes.push(format!("{}: {}.", say(words::RESPONSE, language), title(&tests.head.titles, response)));
        }
        first.notes.extend(sampled(language));
    }
    grids
}

/// What is true of all numbers that are computed on a sample as a whole.
fn sampled(language: Language) -> Vec<String> {
    [words::ROUNDED, words::PART].map(|words| say(words, language).to_owned()).into()
}

pub(crate) fn test_longs(tests: &TestNumbers, language: Language) -> Vec<Long> {
    let named = |name: &str| if name.is_empty() { "tests".to_owned() } else { name.to_owned() };
    let long =
        |(name, numbers): (&str, Vec<&TestNumber>)| long_numbers(&named(name), &numbers, &tests.head.titles, language);
    tables(tests).into_iter().map(long).collect()
}

/// Mean with its standard error and interval, from what is shown of the summary (SDC-103).
fn interval(summary: &Summary, row: &SummaryRow, level: f64) -> [Value; 5] {
    let of = |wanted: Statistic| {
        let at = summary.statistics.iter().position(|s| *s == wanted);
        at.and_then(|at| row.values.get(at)).copied().unwrap_or(Value::Undefined)
    };
    let mean = of(Statistic::Mean);
    let [se, low, high] = mean_interval(mean, of(Statistic::Sd), row.n, level);
    [row.n, mean, se, low, high]
}

pub(crate) fn interval_grid(summary: &Summary, level: f64, language: Language) -> Grid {
    let percent = format!("{}\u{a0}%", format::number(level, language));
    let heads = [
        words::statistic(Statistic::N, language),
        words::statistic(Statistic::Mean, language),
        say(words::STANDARD_ERROR, language).to_owned(),
        format!("{percent} {}", say(words::LOWER, language)),
        format!("{percent} {}", say(words::UPPER, language)),
    ];
    let line = |row: &SummaryRow| Line {
        names: vec![row.measure.label.clone().unwrap_or_else(|| row.measure.name.clone())],
        total: false,
        cells: interval(summary, row, level).map(|v| plain(v, language)).into(),
    };
    Grid {
        stubs: vec![say(words::VARIABLE, language).to_owned()],
        columns: heads.map(Head::single).into(),
        rows: summary.rows.iter().map(line).collect(),
        notes: vec![note(&format::number(summary.typical_error, language), language)],
        ..Grid::default()
    }
}

pub(crate) fn interval_long(summary: &Summary, level: f64, language: Language) -> Long {
    let mut columns = text_columns(&["name", "label"], language);
    let numbers = [("n", "count"), ("mean", "mean"), ("se", "se"), ("lcl", "mean"), ("ucl", "mean")];
    columns.extend(number_columns(&numbers, language));
    let line = |row: &SummaryRow| {
        let label = row.measure.label.clone().map_or(Cell::None, Cell::Text);
        let mut cells = vec![Cell::Text(row.measure.name.clone()), label];
        cells.extend(number_cells(&interval(summary, row, level)));
        cells
    };
    Long { name: "intervals".to_owned(), columns, rows: summary.rows.iter().map(line).collect() }
}

/// How many have a value, in a panel.
pub(crate) fn panel_size(histogram: &Histogram, panel: &Panel) -> Value {
    let whole = &histogram.whole;
    let position: Vec<usize> = match (&panel.group, whole.dimensions.first()) {
        (Some(group), Some(d)) => {
            vec![d.categories.iter().position(|c| c == group).unwrap_or(d.categories.len())]
        }
        _ => whole.dimensions.iter().map(|d| d.categories.len()).collect(),
    };
    let n = whole.statistics.iter().position(|s| *s == Statistic::N);
    let valid = n.and_then(|n| whole.statistic(&position, 0, n));
    valid.or_else(|| whole.cell(&position).map(|c| c.count)).unwrap_or(Value::Undefined)
}

/// What the height of a bar shows (STAT-300), rounded to four digits.
pub(crate) fn bar_value(histogram: &Histogram, panel: &Panel, bar: &disclosure::Bar, scale: Scale) -> Value {
    let (count, whole) = match (bar.count, panel_size(histogram, panel)) {
        (count, _) if scale == Scale::Count => return count,
        (Value::Value(count), Value::Value(whole)) if whole > 0.0 => (count, whole),
        (Value::Hidden(reason), _) | (_, Value::Hidden(reason)) => return Value::Hidden(reason),
        _ => return Value::Undefined,
    };
    // A bar of a discrete variable is one unit wide.
    let width = if histogram.discrete { 1.0 } else { bar.to - bar.from };
    let share = match scale {
        Scale::Density => count / whole / width,
        Scale::Percent => 100.0 * count / whole,
        Scale::Fraction | Scale::Count => count / whole,
    };
    Value::Value(digits(share, 4))
}

/// A number to so many significant digits.
pub(crate) fn digits(x: f64, digits: usize) -> f64 {
    format!("{x:.*e}", digits.max(1) - 1).parse().unwrap_or(x)
}

pub(crate) fn histogram_grid(histogram: &Histogram, scale: Scale, language: Language) -> Grid {
    let grouped = histogram.whole.dimensions.first().filter(|_| histogram.panels.iter().any(|p| p.group.is_some()));
    let group = grouped.map(|d| d.label.clone().unwrap_or_else(|| d.name.clone()));
    let mut heads = vec![words::scale(Scale::Count, language)];
    if scale != Scale::Count {
        heads.push(words::scale(scale, language));
    }
    let lines = histogram.panels.iter().flat_map(|panel| {
        panel.bars.iter().map(|bar| {
            let mut names = vec![bar_name(histogram, bar, language)];
            if group.is_some() {
                names.insert(0, panel.group.as_ref().map_or_else(String::new, |g| label_of(g, language)));
            }
            let mut cells = vec![plain(bar.count, language)];
            if scale != Scale::Count {
                cells.push(plain(bar_value(histogram, panel, bar, scale), language));
            }
            Line { names, total: false, cells }
        })
    });
    Grid {
        rows: lines.collect(),
        stubs: group.clone().into_iter().chain([variable(histogram)]).collect(),
        columns: heads.into_iter().map(Head::single).collect(),
        notes: vec![
            note(&format::number(histogram.whole.typical_error, language), language),
            say(words::OUTER_BINS, language).to_owned(),
        ],
        ..Grid::default()
    }
}

/// The title of the variable of a histogram.
pub(crate) fn variable(histogram: &Histogram) -> String {
    histogram.title.clone().unwrap_or_else(|| histogram.name.clone())
}

/// The limits of a bar in words, or its value.
pub(crate) fn bar_name(histogram: &Histogram, bar: &disclosure::Bar, language: Language) -> String {
    let end = |x: f64| written(Value::Value(x), histogram.number, false, language).text;
    if histogram.discrete { end(bar.from) } else { format!("{}\u{a0}– {}", end(bar.from), end(bar.to)) }
}

/// LANG-178: `panel?`, `bin_low`, `bin_high`, `value`.
pub(crate) fn histogram_long(histogram: &Histogram, scale: Scale, language: Language) -> Long {
    let grouped = histogram.panels.iter().any(|p| p.group.is_some());
    let texts: &[&str] = if grouped { &["panel", "panel_label"] } else { &[] };
    let kind = if scale == Scale::Count { "count" } else { "share" };
    let mut columns = text_columns(texts, language);
    columns.extend(number_columns(
        &[("bin_low", "limit"), ("bin_high", "limit"), ("freq", "count"), ("value", kind)],
        language,
    ));
    let mut rows = Vec::new();
    for panel in &histogram.panels {
        for bar in &panel.bars {
            let mut cells = Vec::new();
            if grouped {
                let group = panel.group.as_ref();
                cells.push(group.map_or(Cell::None, |g| Cell::Text(g.code.clone())));
                cells.push(group.and_then(|g| g.label.clone()).map_or(Cell::None, Cell::Text));
            }
            let value = bar_value(histogram, panel, bar, scale);
            cells.extend(number_cells(&[Value::Value(bar.from), Value::Value(bar.to), bar.count, value]));
            rows.push(cells);
        }
    }
    Long { name: "histogram".to_owned(), columns, rows }
}

/// The centre of a hexagon in the units of the axes.
pub(crate) fn centre(hexbin: &Hexbin, at: [u16; 2]) -> [f64; 2] {
    let step = |axis: usize| {
        let [low, high] = hexbin.limits[axis];
        (high - low) / f64::from(hexbin.grid[axis].max(1))
    };
    let odd = f64::from(at[1] % 2) / 2.0;
    [hexbin.limits[0][0] + (f64::from(at[0]) + odd) * step(0), hexbin.limits[1][0] + f64::from(at[1]) / 2.0 * step(1)]
}

/// The smallest and largest count of each class of colour, of the classes that occur.
pub(crate) fn classes(hexbin: &Hexbin) -> Vec<(u8, f64, f64)> {
    let mut out: Vec<(u8, f64, f64)> = Vec::new();
    for hexagon in &hexbin.hexagons {
        let Some(n) = hexagon.count.number() else { continue };
        match out.iter_mut().find(|(class, ..)| *class == hexagon.class) {
            Some((_, low, high)) => (*low, *high) = (low.min(n), high.max(n)),
            None => out.push((hexagon.class, n, n)),
        }
    }
    out.sort_by_key(|(class, ..)| *class);
    out
}

pub(crate) fn hexbin_grid(hexbin: &Hexbin, language: Language) -> Grid {
    let axis = |axis: usize| title(&hexbin.titles, &hexbin.names[axis]);
    let heads = [words::scale(Scale::Count, language), say(words::CLASS, language).to_owned()];
    let line = |hexagon: &disclosure::Hexagon| {
        let names = centre(hexbin, hexagon.at).map(|x| format::number(digits(x, 4), language)).into();
        let class = Value::Value(f64::from(hexagon.class) + 1.0);
        Line { names, total: false, cells: vec![plain(hexagon.count, language), plain(class, language)] }
    };
    Grid {
        stubs: vec![axis(0), axis(1)],
        columns: heads.map(Head::single).into(),
        rows: hexbin.hexagons.iter().map(line).collect(),
        flat: true,
        notes: vec![
            note(&format::number(hexbin.typical_error, language), language),
            say(words::FEW_HEXAGONS, language).to_owned(),
        ],
        ..Grid::default()
    }
}

/// LANG-179: centres, class and the bounds of the class.
pub(crate) fn hexbin_long(hexbin: &Hexbin, language: Language) -> Long {
    let numbers = [
        ("x_center", "limit"),
        ("y_center", "limit"),
        ("freq", "count"),
        ("group", "label"),
        ("group_low", "count"),
        ("group_high", "count"),
    ];
    let bounds = classes(hexbin);
    let line = |hexagon: &disclosure::Hexagon| {
        let [x, y] = centre(hexbin, hexagon.at).map(|x| Value::Value(digits(x, 6)));
        let (low, high) = bounds
            .iter()
            .find(|(c, ..)| *c == hexagon.class)
            .map_or((f64::NAN, f64::NAN), |(_, low, high)| (*low, *high));
        let class = f64::from(hexagon.class) + 1.0;
        number_cells(&[x, y, hexagon.count, Value::Value(class), Value::Value(low), Value::Value(high)])
    };
    let columns = number_columns(&numbers, language);
    Long { name: "hexbin".to_owned(), columns, rows: hexbin.hexagons.iter().map(line).collect() }
}
