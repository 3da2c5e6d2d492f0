//! The data of a case: the CSV with weights, filters and derived columns carried out, and the variables that a model takes of it.

use std::path::Path;

use serde_json::Value;
use statistics::Table;
use statistics::design::{Form, Piece, Term};

use super::case::{Case, Derive, Filter};

/// Columns of texts and, where all of a column are numbers, of numbers. A variable is put into the table when it is asked for.
pub struct Sheet {
    names: Vec<String>,
    columns: Vec<Column>,
    /// What estimators read.
    pub table: Table,
    /// Of each variable of the table: the column, and whether it is a factor.
    taken: Vec<(usize, bool)>,
}

#[derive(Clone)]
enum Column {
    /// NaN is missing.
    Numbers(Vec<f64>),
    /// An empty text is missing.
    Texts(Vec<String>),
}

impl Column {
    fn parse(fields: Vec<String>) -> Self {
        let number = |field: &String| if field.is_empty() { Some(f64::NAN) } else { field.parse().ok() };
        match fields.iter().map(number).collect() {
            Some(numbers) => Self::Numbers(numbers),
            None => Self::Texts(fields),
        }
    }

    fn pick(&self, rows: &[usize]) -> Self {
        match self {
            Self::Numbers(all) => Self::Numbers(rows.iter().map(|i| all[*i]).collect()),
            Self::Texts(all) => Self::Texts(rows.iter().map(|i| all[*i].clone()).collect()),
        }
    }

    fn is(&self, row: usize, value: &Value) -> bool {
        match (self, value) {
            (Self::Numbers(all), value) => value.as_f64().is_some_and(|v| all[row] == v),
            (Self::Texts(all), value) => value.as_str().is_some_and(|v| all[row] == v),
        }
    }
}

impl Sheet {
    /// Reads the data of a case.
    pub fn read(case: &Case, folder: &Path) -> Result<Self, String> {
        let path = folder.join(&case.data);
        let mut reader = csv::Reader::from_path(&path).map_err(|e| format!("{}: {e}", case.data))?;
        let names: Vec<String> = reader.headers().map_err(|e| e.to_string())?.iter().map(str::to_owned).collect();
        let mut fields = vec![Vec::new(); names.len()];
        for record in reader.records() {
            let record = record.map_err(|e| format!("{}: {e}", case.data))?;
            fields.iter_mut().zip(&record).for_each(|(column, field)| column.push(field.to_owned()));
        }
        let columns = fields.into_iter().map(Column::parse).collect();
        let mut sheet = Self { names, columns, table: Table::default(), taken: Vec::new() };
        if let Some(weights) = &case.weights {
            let times = sheet.numbers(weights)?;
            let rows = times.iter().enumerate().flat_map(|(i, w)| std::iter::repeat_n(i, *w as usize)).collect();
            sheet.keep(rows);
        }
        case.filter.iter().try_for_each(|filter| sheet.filter(filter))?;
        case.derive.iter().try_for_each(|derive| sheet.derive(derive))?;
        Ok(sheet)
    }

    fn place(&self, name: &str) -> Result<usize, String> {
        self.names.iter().position(|n| n == name).ok_or_else(|| format!("no column {name}"))
    }

    fn numbers(&self, name: &str) -> Result<Vec<f64>, String> {
        match &self.columns[self.place(name)?] {
            Column::Numbers(numbers) => Ok(numbers.clone()),
            Column::Texts(_) => Err(format!("{name} holds texts")),
        }
    }

    fn len(&self) -> usize {
        self.columns.first().map_or(0, |c| match c {
            Column::Numbers(all) => all.len(),
            Column::Texts(all) => all.len(),
        })
    }

    fn keep(&mut self, rows: Vec<usize>) {
        self.columns.iter_mut().for_each(|column| *column = column.pick(&rows));
    }

    fn filter(&mut self, filter: &Filter) -> Result<(), String> {
        let column = &self.columns[self.place(&filter.var)?];
        let values = match (filter.op.as_str(), &filter.value) {
            ("==", value) => std::slice::from_ref(value),
            ("in", Value::Array(values)) => values.as_slice(),
            (op, _) => return Err(format!("unknown filter {op}")),
        };
        self.keep((0..self.len()).filter(|i| values.iter().any(|v| column.is(*i, v))).collect());
        Ok(())
    }

    fn derive(&mut self, derive: &Derive) -> Result<(), String> {
        let source = derive.args.first().and_then(Value::as_str).ok_or("a derived column names its source first")?;
        let constant = derive.args.get(1).and_then(Value::as_f64).unwrap_or(f64::NAN);
        let flag = |holds: bool| f64::from(u8::from(holds));
        let function: Box<dyn Fn(f64) -> f64> = match derive.function.as_str() {
            "pow" => Box::new(|x| x.powf(constant)),
            "ln" => Box::new(f64::ln),
            "eq" => Box::new(|x| flag(x == constant)),
            "ge" => Box::new(|x| flag(x >= constant)),
            "le" => Box::new(|x| flag(x <= constant)),
            "add" => Box::new(|x| x + constant),
            other => return Err(format!("unknown function {other}")),
        };
        let made = self.numbers(source)?.iter().map(|x| if x.is_nan() { *x } else { function(*x) }).collect();
        self.names.push(derive.name.clone());
        self.columns.push(Column::Numbers(made));
        Ok(())
    }

    /// The number of a variable of the table; panics where the case names a column that is not there, which is a fault of the case.
    fn take(&mut self, name: &str, factor: bool) -> usize {
        let place = self.place(name).unwrap_or_else(|fault| panic!("{fault}"));
        if let Some(taken) = self.taken.iter().position(|t| *t == (place, factor)) {
            return taken;
        }
        self.taken.push((place, factor));
        match (&self.columns[place], factor) {
            (Column::Numbers(numbers), false) => self.table.number(name, numbers.clone()),
            (Column::Numbers(numbers), true) => self.table.factor(name, numbers),
            (Column::Texts(texts), true) => {
                let texts: Vec<Option<&str>> = texts.iter().map(|t| (!t.is_empty()).then_some(t.as_str())).collect();
                self.table.text(name, &texts)
            }
            (Column::Texts(_), false) => panic!("{name} holds texts"),
        }
    }

    /// A variable as a number.
    pub fn number(&mut self, name: &str) -> usize {
        self.take(name, false)
    }

    /// A variable as a factor, of numbers or texts.
    pub fn factor(&mut self, name: &str) -> usize {
        self.take(name, true)
    }

    /// The place of a category of a factor.
    pub fn category(&self, variable: usize, value: &Value) -> Option<usize> {
        let categories = self.table.variables[variable].categories.as_deref()?;
        let code = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        categories.iter().position(|c| c.code == code || (value.is_number() && c.number == value.as_f64()))
    }

    /// The terms of a case: `{var}`, `{var, factor, base}` or `{interaction: […]}`.
    pub fn terms(&mut self, terms: &[Value]) -> Vec<Term> {
        terms.iter().map(|term| self.term(term)).collect()
    }

    fn term(&mut self, term: &Value) -> Term {
        let pieces = match term.get("interaction").and_then(Value::as_array) {
            Some(pieces) => pieces.iter().map(|piece| self.piece(piece)).collect(),
            None => vec![self.piece(term)],
        };
        Term { pieces, control: false }
    }

    fn piece(&mut self, piece: &Value) -> Piece {
        let name = piece["var"].as_str().unwrap_or_default();
        if piece["factor"] != Value::Bool(true) {
            return Piece { variable: self.number(name), form: Form::Continuous };
        }
        let variable = self.factor(name);
        let base = piece.get("base").and_then(|base| self.category(variable, base));
        Piece { variable, form: Form::Factor { base } }
    }
}
