//! Models as tables: the coefficients as researchers read them, what is said of the fit, and the further tables of a command. Also
//! the same in long form for files.

use disclosure::{
    Effect, Estimate, Model, ModelHead, ModelRows, ModelTable, NumberKind, Reference, TestNumber, TestResult, Titles,
    Value, Variance,
};
use kernel::Language;

use crate::format;
use crate::grid::{Grid, Head, Line, Written, written};
use crate::long::{Cell, Column, Long, number_cells, number_columns, text_columns};
use crate::words::{self, Words, say};

/// The label of the constant.
pub(crate) const CONSTANT: &str = "_cons";

/// All tables of a model, the coefficients first where it has any.
pub(crate) fn grids(model: &Model, stars: bool, language: Language) -> Vec<Grid> {
    let coefficients = coefficients(model, stars, language);
    let mut grids: Vec<Grid> = Vec::new();
    if !model.margins.is_empty() {
        grids.push(estimates(words::table("margins", language), &model.margins, model, language));
    }
    grids.extend(model.tables.iter().map(|table| further(table, model, language)));
    match grids.first_mut() {
        // A command whose result is its tables, as `anova`: what is said of the fit stands below the first of them.
        Some(first) if model.terms.is_empty() => {
            first.scalars.extend(coefficients.scalars);
            first.notes.extend(coefficients.notes);
        }
        _ => grids.insert(0, coefficients),
    }
    grids
}

/// The table of coefficients with what is said of the fit below it.
fn coefficients(model: &Model, stars: bool, language: Language) -> Grid {
    let head = &model.head;
    let several = !head.equations.is_empty();
    let with_error = head.effect != Effect::HazardRatio;
    let mut starred = false;
    let rows = model.terms.iter().map(|term| {
        let (equation, own) = split(head, &term.label);
        let mut names = vec![row_name(head, own, language)];
        if several {
            names.insert(0, equation.map_or_else(String::new, |e| title(&head.titles, e)));
        }
        let mut cells = estimate_cells(term, with_error, language);
        if let (true, Some(p)) = (stars, term.p.number()) {
            starred |= p < 0.05;
            cells[0].text.push_str(star(p));
        }
        Line { names, total: false, cells }
    });
    let rows = rows.collect();
    let mut stubs = vec![say(words::TERM, language).to_owned()];
    if several {
        stubs.insert(0, say(words::OUTCOME, language).to_owned());
    }
    let mut notes = notes(model, language);
    if starred {
        notes.push(stars_note(language));
    }
    let columns = estimate_heads(head.effect, with_error, model, language);
    Grid { stubs, columns, rows, scalars: scalars(model, language), notes, ..Grid::default() }
}

/// Stars by the p-value, as they are usual.
pub(crate) fn star(p: f64) -> &'static str {
    match p {
        p if p < 0.001 => "***",
        p if p < 0.01 => "**",
        p if p < 0.05 => "*",
        _ => "",
    }
}

/// What the stars mean.
pub(crate) fn stars_note(language: Language) -> String {
    format!("{}.", "* p < 0.05, ** p < 0.01, *** p < 0.001".replace('.', decimal_sign(language)))
}

fn decimal_sign(language: Language) -> &'static str {
    if language == Language::En { "." } else { "," }
}

/// The word before the colon of a label, where the model has several equations, and what comes after it.
pub(crate) fn split<'l>(head: &ModelHead, label: &'l str) -> (Option<&'l str>, &'l str) {
    let named =
        head.equations.iter().find_map(|e| label.strip_prefix(e.as_str())?.strip_prefix(':').map(|own| (e.len(), own)));
    named.map_or((None, label), |(length, own)| (Some(&label[..length]), own))
}

/// The title of a column or equation; the word itself where it has none.
pub(crate) fn title(titles: &Titles, name: &str) -> String {
    titles.get(name).cloned().unwrap_or_else(|| name.to_owned())
}

/// A term in words: by its own title, else by those of the parts of an interaction or of the categories that are compared.
pub(crate) fn term_name(titles: &Titles, label: &str, language: Language) -> String {
    if let Some(title) = titles.get(label).cloned().or_else(|| pair_name(titles, label)) {
        return title;
    }
    if label == CONSTANT {
        return say(words::CONSTANT, language).to_owned();
    }
    let parts: Vec<String> = label.split('#').map(|part| title(titles, part)).collect();
    parts.join(" × ")
}

/// A comparison of two categories of a factor, `sex 2-1`, where both have titles.
fn pair_name(titles: &Titles, label: &str) -> Option<String> {
    let (factor, pair) = label.split_once(' ')?;
    let category = |code: &str| titles.get(&format!("{factor}={code}"));
    let found = pair.match_indices('-').find_map(|(at, _)| category(&pair[..at]).zip(category(&pair[at + 1..])));
    found.map(|(one, other)| format!("{}: {one} − {other}", title(titles, factor)))
}

/// A row of a model in words: a part of the result that the command itself names, else a term.
pub(crate) fn row_name(head: &ModelHead, label: &str, language: Language) -> String {
    let own = words::component(&head.command, label);
    own.map_or_else(|| term_name(&head.titles, label, language), |w| say(w, language).to_owned())
}

fn estimate_heads(effect: Effect, with_error: bool, model: &Model, language: Language) -> Vec<Head> {
    let level = format!("{}\u{a0}%", format::number(model.level, language));
    let interval = |end: Words| format!("{level} {}", say(end, language));
    let mut heads = vec![say(words::effect(effect), language).to_owned()];
    if with_error {
        heads.push(say(words::STANDARD_ERROR, language).to_owned());
    }
    heads.push(reference(model.reference).to_owned());
    heads.push("p".to_owned());
    heads.extend([interval(words::LOWER), interval(words::UPPER)]);
    heads.into_iter().map(Head::single).collect()
}

/// The letter of the test statistic of an estimate.
pub(crate) fn reference(reference: Reference) -> &'static str {
    match reference {
        Reference::Student => "t",
        Reference::Normal => "z",
    }
}

fn estimate_cells(of: &Estimate, with_error: bool, language: Language) -> Vec<Written> {
    let mut cells = vec![plain(of.b, language)];
    if with_error {
        cells.push(plain(of.se, language));
    }
    cells.extend([plain(of.t, language), p_value(of.p, language), plain(of.low, language), plain(of.high, language)]);
    cells
}

/// A number as it was released.
pub(crate) fn plain(value: Value, language: Language) -> Written {
    written(value, NumberKind::Decimal, false, language)
}

/// A p-value with three decimals; small ones as `< 0.001` (STAT-351).
pub(crate) fn p_value(value: Value, language: Language) -> Written {
    match value {
        Value::Value(p) if p < 0.001 => {
            Written { text: format!("<\u{a0}{}", format::number(0.001, language)), hidden: None }
        }
        Value::Value(p) => Written { text: format::fixed(p, 3, language), hidden: None },
        other => plain(other, language),
    }
}

/// What is said of the fit: n, other counts, measures, tests.
pub(crate) fn scalars(model: &Model, language: Language) -> Vec<(String, Written)> {
    let mut out = vec![("n".to_owned(), plain(model.n, language))];
    out.extend(model.counts.iter().map(|(name, n)| (words::measure(name, language), plain(*n, language))));
    out.extend(model.measures.iter().map(|(name, x)| (words::measure(name, language), plain(*x, language))));
    for test in &model.tests {
        out.push((test_name(test, language), plain(test.statistic, language)));
        if test.p != Value::Undefined {
            out.push(("p".to_owned(), p_value(test.p, language)));
        }
    }
    out
}

/// A test with its degrees of freedom: `F(3, 3 996)`, `χ²(2)`.
fn test_name(test: &TestResult, language: Language) -> String {
    let df: Vec<String> = test.df.iter().map(|df| format::number(*df, language)).collect();
    let name = words::measure(&test.name, language);
    if df.is_empty() { name } else { format!("{name} ({})", df.join("; ")) }
}

/// What stands below the coefficients, in words.
fn notes(model: &Model, language: Language) -> Vec<String> {
    let head = &model.head;
    let mut notes = Vec::new();
    if !head.response.is_empty() {
        notes.push(format!("{}: {}.", say(words::RESPONSE, language), title(&head.titles, &head.response)));
    }
    match &head.variance {
        Variance::Model => {}
        Variance::Robust => notes.push(say(words::ROBUST, language).to_owned()),
        Variance::Cluster(column) => {
            notes.push(format!("{} {}.", say(words::CLUSTERED, language), title(&head.titles, column)));
        }
    }
    let listed = |words: Words, terms: &[String]| {
        let terms: Vec<String> = terms.iter().map(|t| term_name(&head.titles, t, language)).collect();
        (!terms.is_empty()).then(|| format!("{}: {}.", say(words, language), terms.join(", ")))
    };
    notes.extend(listed(words::CONTROLS, &head.controls));
    notes.extend(listed(words::OMITTED, &model.omitted));
    notes.extend(model.notices.iter().map(|n| n.text(language).to_owned()));
    notes.push(say(words::ROUNDED, language).to_owned());
    notes.push(say(words::PART, language).to_owned());
    notes
}

/// A table of estimates that are no coefficients.
fn estimates(name: String, rows: &[Estimate], model: &Model, language: Language) -> Grid {
    let line = |row: &Estimate| Line {
        names: vec![term_name(&model.head.titles, &row.label, language)],
        total: false,
        cells: estimate_cells(row, true, language),
    };
    Grid {
        title: Some(name),
        stubs: vec![say(words::TERM, language).to_owned()],
        columns: estimate_heads(Effect::Coefficient, true, model, language),
        rows: rows.iter().map(line).collect(),
        ..Grid::default()
    }
}

fn further(table: &ModelTable, model: &Model, language: Language) -> Grid {
    let name = words::table(&table.name, language);
    match &table.rows {
        ModelRows::Estimates(rows) => estimates(name, rows, model, language),
        ModelRows::Tests(tests) => {
            let line = |test: &TestResult| {
                let df: Vec<String> = test.df.iter().map(|df| format::number(*df, language)).collect();
                let df = Written { text: df.join("; "), hidden: None };
                let cells = vec![plain(test.statistic, language), df, p_value(test.p, language)];
                Line { names: vec![of_test(&test.name, &model.head.titles, language)], total: false, cells }
            };
            let heads = [say(words::STATISTIC, language), say(words::FREEDOM, language), "p"];
            let mut grid = Grid {
                title: Some(name),
                stubs: vec![say(words::TEST, language).to_owned()],
                columns: heads.map(|h| Head::single(h.to_owned())).into(),
                rows: tests.iter().map(line).collect(),
                ..Grid::default()
            };
            // Numbers that are no tests have neither degrees of freedom nor p.
            if tests.iter().all(|test| test.df.is_empty() && test.p == Value::Undefined) {
                grid.stubs = vec![say(words::TERM, language).to_owned()];
                grid.columns.truncate(1);
                grid.rows.iter_mut().for_each(|line| line.cells.truncate(1));
            }
            grid
        }
        ModelRows::Numbers(numbers) => {
            let mut grid = crosswise(&numbers.iter().collect::<Vec<_>>(), &model.head.titles, language);
            grid.title = Some(name);
            if table.name == "means" {
                grid.stubs = vec![say(words::GROUP, language).to_owned()];
            }
            grid
        }
    }
}

/// A row of a table of tests: one that has words, `F age`, or a term.
fn of_test(name: &str, titles: &Titles, language: Language) -> String {
    match name.split_once(' ') {
        _ if words::measure(name, language) != name => words::measure(name, language),
        Some((word, term)) => format!("{} {}", words::measure(word, language), term_name(titles, term, language)),
        None => term_name(titles, name, language),
    }
}

/// Numbers with a row and a column each, as the table that they make.
pub(crate) fn crosswise(numbers: &[&TestNumber], titles: &Titles, language: Language) -> Grid {
    let (rows, columns) = (distinct(numbers, 0), distinct(numbers, 1));
    let cell = |row: &str, column: &str| {
        let found = numbers.iter().find(|n| n.name[0] == row && n.name[1] == column);
        let value = found.map_or(Value::Undefined, |n| n.value);
        if column == "p" { p_value(value, language) } else { plain(value, language) }
    };
    let line = |row: &&str| Line {
        names: vec![words::row(row).map_or_else(|| term_name(titles, row, language), |w| say(w, language).to_owned())],
        total: false,
        cells: columns.iter().map(|column| cell(row, column)).collect(),
    };
    Grid {
        stubs: vec![say(words::SOURCE, language).to_owned()],
        columns: columns.iter().map(|c| Head::single(words::measure(c, language))).collect(),
        rows: rows.iter().map(line).collect(),
        ..Grid::default()
    }
}

/// The rows (0) or columns (1) that occur, in their order.
pub(crate) fn distinct<'n>(numbers: &[&'n TestNumber], which: usize) -> Vec<&'n str> {
    let mut out: Vec<&str> = Vec::new();
    for number in numbers {
        let name = number.name[which].as_str();
        if !out.contains(&name) {
            out.push(name);
        }
    }
    out
}

/// The id of the column of estimates in files (LANG-188, LANG-194, LANG-217).
pub(crate) fn effect_id(effect: Effect) -> &'static str {
    match effect {
        Effect::Coefficient => "b",
        Effect::Standardised => "beta",
        Effect::OddsRatio => "or",
        Effect::RateRatio => "irr",
        Effect::HazardRatio => "hr",
    }
}

/// All tables of a model in long form; the scalars are the second.
pub(crate) fn longs(model: &Model, language: Language) -> Vec<Long> {
    let head = &model.head;
    let mut coefficients = long_estimates("coefficients", &model.terms, effect_id(head.effect), model, language);
    if head.effect == Effect::HazardRatio {
        let at = coefficients.columns.iter().position(|c| c.id == "se");
        let status = coefficients.columns.iter().position(|c| c.id == "se_status");
        for at in status.into_iter().chain(at) {
            coefficients.columns.remove(at);
            coefficients.rows.iter_mut().for_each(|row| drop(row.remove(at)));
        }
    }
    let mut out = vec![fit(model, language)];
    if !model.terms.is_empty() || model.tables.is_empty() {
        out.insert(0, coefficients);
    }
    if !model.margins.is_empty() {
        out.push(long_estimates("margins", &model.margins, "margin", model, language));
    }
    out.extend(model.tables.iter().map(|table| match &table.rows {
        ModelRows::Estimates(rows) => long_estimates(&table.name, rows, "effect", model, language),
        ModelRows::Tests(tests) => long_tests(&table.name, tests, language),
        ModelRows::Numbers(numbers) => {
            long_numbers(&table.name, &numbers.iter().collect::<Vec<_>>(), &head.titles, language)
        }
    }));
    out
}

fn long_estimates(name: &str, rows: &[Estimate], effect: &str, model: &Model, language: Language) -> Long {
    let head = &model.head;
    let several = name == "coefficients" && !head.equations.is_empty();
    let mut texts = vec!["term", "term_label"];
    if several {
        texts.splice(0..0, ["outcome", "outcome_label"]);
    }
    let numbers = [
        (effect, "coefficient"),
        ("se", "se"),
        (reference(model.reference), "test"),
        ("p", "p"),
        ("lcl", "coefficient"),
        ("ucl", "coefficient"),
    ];
    let mut columns = text_columns(&texts, language);
    columns.extend(number_columns(&numbers, language));
    let line = |row: &Estimate| {
        let (equation, own) = split(head, &row.label);
        let mut cells = vec![Cell::Text(own.to_owned()), title_cell(&head.titles, own)];
        if several {
            let equation = equation.unwrap_or_default();
            cells.splice(0..0, [Cell::Text(equation.to_owned()), title_cell(&head.titles, equation)]);
        }
        cells.extend(number_cells(&[row.b, row.se, row.t, row.p, row.low, row.high]));
        cells
    };
    Long { name: name.to_owned(), columns, rows: rows.iter().map(line).collect() }
}

fn title_cell(titles: &Titles, name: &str) -> Cell {
    titles.get(name).cloned().map_or(Cell::None, Cell::Text)
}

/// The scalars of a model as rows.
fn fit(model: &Model, language: Language) -> Long {
    let mut columns: Vec<Column> = text_columns(&["statistic"], language);
    columns.extend(number_columns(&[("value", "test")], language));
    let line = |(name, value): (String, Value)| {
        let mut cells = vec![Cell::Text(name)];
        cells.extend(number_cells(&[value]));
        cells
    };
    Long { name: "fit".to_owned(), columns, rows: named_scalars(model).into_iter().map(line).collect() }
}

/// The scalars under the names of LANG-192 and LANG-193.
pub(crate) fn named_scalars(model: &Model) -> Vec<(String, Value)> {
    let mut out = vec![("n".to_owned(), model.n)];
    out.extend(model.counts.iter().cloned());
    out.extend(model.measures.iter().cloned());
    for (number, test) in model.tests.iter().enumerate() {
        out.push((test.name.clone(), test.statistic));
        let df = |at: usize| Value::Value(test.df[at]);
        let (first, second, p) = match (test.name.as_str(), number) {
            ("F", _) => ("df_model".to_owned(), "df_resid".to_owned(), "p_F".to_owned()),
            ("lr_chi2" | "chi2", 0) => ("df".to_owned(), "df_resid".to_owned(), "p".to_owned()),
            (name, _) => (format!("{name}_df"), format!("{name}_df_resid"), format!("{name}_p")),
        };
        let names = [first, second];
        out.extend(names.into_iter().take(test.df.len()).enumerate().map(|(at, name)| (name, df(at))));
        if test.p != Value::Undefined {
            out.push((p, test.p));
        }
    }
    out
}

fn long_tests(name: &str, tests: &[TestResult], language: Language) -> Long {
    let mut columns = text_columns(&["test"], language);
    columns
        .extend(number_columns(&[("statistic", "test"), ("df", "test"), ("df_resid", "test"), ("p", "p")], language));
    let line = |test: &TestResult| {
        let df = |at: usize| test.df.get(at).map_or(Value::Undefined, |df| Value::Value(*df));
        let mut cells = vec![Cell::Text(test.name.clone())];
        cells.extend(number_cells(&[test.statistic, df(0), df(1), test.p]));
        cells
    };
    Long { name: name.to_owned(), columns, rows: tests.iter().map(line).collect() }
}

/// Numbers with a row and a column each: one line per row.
pub(crate) fn long_numbers(name: &str, numbers: &[&TestNumber], titles: &Titles, language: Language) -> Long {
    let (rows, heads) = (distinct(numbers, 0), distinct(numbers, 1));
    let mut columns = text_columns(&["row", "row_label"], language);
    let kinds: Vec<(&str, &'static str)> = heads.iter().map(|h| (*h, if *h == "p" { "p" } else { "test" })).collect();
    columns.extend(number_columns(&kinds, language));
    let line = |row: &&str| {
        let value = |head: &&str| {
            let found = numbers.iter().find(|n| n.name[0] == *row && n.name[1] == *head);
            found.map_or(Value::Undefined, |n| n.value)
        };
        let mut cells = vec![Cell::Text((*row).to_owned()), title_cell(titles, row)];
        cells.extend(number_cells(&heads.iter().map(value).collect::<Vec<_>>()));
        cells
    };
    Long { name: name.to_owned(), columns, rows: rows.iter().map(line).collect() }
}
