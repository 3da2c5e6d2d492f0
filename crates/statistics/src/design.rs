//! Terms of a model as columns of numbers (STAT-006, STAT-007): continuous variables, dummies for the categories that occur
//! except the base, and products of them.

use std::ops::Range;

use crate::problem::Problem;
use crate::rows::{Frame, Rows};

/// How a variable enters a term.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Form {
    /// As a number: `age`, `c.age`.
    Continuous,
    /// As dummies: `i.race`. The base is the category with this number, or the lowest that occurs.
    Factor {
        /// The number of the base category.
        base: Option<usize>,
    },
}

/// A variable of a term.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// Its number at the rows.
    pub variable: usize,
    /// How it enters.
    pub form: Form,
}

/// A term: the product of its pieces.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Term {
    /// One, or several joined by `#`.
    pub pieces: Vec<Piece>,
    /// In the model, not in the result (STAT-009).
    pub control: bool,
}

impl Term {
    /// A continuous variable.
    pub fn number(variable: usize) -> Self {
        Self { pieces: vec![Piece { variable, form: Form::Continuous }], control: false }
    }

    /// A factor.
    pub fn factor(variable: usize, base: Option<usize>) -> Self {
        Self { pieces: vec![Piece { variable, form: Form::Factor { base } }], control: false }
    }
}

/// The variables of terms, each once, in the order in which they appear.
pub fn variables(terms: &[Term]) -> Vec<usize> {
    let mut all = Vec::new();
    for piece in terms.iter().flat_map(|t| &t.pieces) {
        if !all.contains(&piece.variable) {
            all.push(piece.variable);
        }
    }
    all
}

/// What a column takes of a variable.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Part {
    /// Its value.
    Value,
    /// 1 where it has this category, else 0.
    Is(f64),
}

/// A column of a design.
#[derive(Clone, PartialEq, Debug)]
pub struct Column {
    /// `_cons`, `age`, `race=2`, `sex=2#age`.
    pub label: String,
    /// The term that it belongs to; none for the constant.
    pub term: Option<usize>,
    /// The columns of the frame that it is the product of; the constant is that of none.
    pub parts: Vec<(usize, Part)>,
}

impl Column {
    /// Whether it holds zeros and ones because it is made of categories alone.
    pub fn is_dummy(&self) -> bool {
        !self.parts.is_empty() && self.parts.iter().all(|(_, part)| matches!(part, Part::Is(_)))
    }

    /// Its values over a range of rows of a frame.
    pub fn fill(&self, frame: &Frame, range: Range<usize>, out: &mut [f64]) {
        let mut parts = self.parts.iter();
        match parts.next() {
            None => out.fill(1.0),
            Some((place, Part::Value)) => out.copy_from_slice(&frame.columns[*place][range.clone()]),
            Some((place, Part::Is(code))) => {
                let values = &frame.columns[*place][range.clone()];
                out.iter_mut().zip(values).for_each(|(out, x)| *out = f64::from(u8::from(x == code)));
            }
        }
        for (place, part) in parts {
            let values = &frame.columns[*place][range.clone()];
            match part {
                Part::Value => out.iter_mut().zip(values).for_each(|(out, x)| *out *= x),
                Part::Is(code) => {
                    out.iter_mut().zip(values).for_each(|(out, x)| *out *= f64::from(u8::from(x == code)));
                }
            }
        }
    }
}

/// The columns of a model. The constant, where there is one, is the first, so that of columns that follow from each other the
/// later in the user's order is the one that goes; results show it last.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Design {
    /// In the order of the terms, after the constant.
    pub columns: Vec<Column>,
    /// Whether the first column is the constant.
    pub constant: bool,
}

impl Design {
    /// The columns of `terms` over a frame of their variables. `places` says which column of the frame holds a variable.
    ///
    /// # Errors
    /// `E_COLLINEAR_ALL` when no column is left.
    pub fn of(
        rows: &dyn Rows,
        frame: &Frame,
        places: &dyn Fn(usize) -> usize,
        terms: &[Term],
        constant: bool,
    ) -> Result<Self, Problem> {
        let mut columns = Vec::new();
        if constant {
            columns.push(Column { label: "_cons".to_owned(), term: None, parts: Vec::new() });
        }
        for (number, term) in terms.iter().enumerate() {
            // Earlier pieces vary slowest.
            let mut products = vec![Column { label: String::new(), term: Some(number), parts: Vec::new() }];
            for piece in &term.pieces {
                let place = places(piece.variable);
                let name = rows.name(piece.variable);
                let choices: Vec<(String, Part)> = match piece.form {
                    Form::Continuous => vec![(name.to_owned(), Part::Value)],
                    Form::Factor { base } => levels(rows, frame, piece.variable, place, base)
                        .into_iter()
                        .map(|(number, code)| (format!("{name}={code}"), Part::Is(number as f64)))
                        .collect(),
                };
                let with = |product: &Column, (label, part): &(String, Part)| {
                    let label =
                        if product.label.is_empty() { label.clone() } else { format!("{}#{label}", product.label) };
                    let mut parts = product.parts.clone();
                    parts.push((place, *part));
                    Column { label, term: product.term, parts }
                };
                products = products.iter().flat_map(|p| choices.iter().map(move |c| with(p, c))).collect();
            }
            columns.extend(products);
        }
        if columns.is_empty() {
            return Err(Problem::new("E_COLLINEAR_ALL"));
        }
        Ok(Self { columns, constant })
    }

    /// Number of columns, the constant included.
    pub fn len(&self) -> usize {
        self.columns.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// The columns over a range of rows of a frame, one after the other in `out`: column `j` at `j * range.len()`.
    pub fn fill(&self, frame: &Frame, range: Range<usize>, out: &mut [f64]) {
        let size = range.len();
        for (column, out) in self.columns.iter().zip(out.chunks_mut(size.max(1))) {
            column.fill(frame, range.clone(), out);
        }
    }

    /// The same without the columns with these numbers.
    #[must_use]
    pub fn without(&self, omitted: &[usize]) -> Self {
        let kept = self.columns.iter().enumerate().filter(|(i, _)| !omitted.contains(i)).map(|(_, c)| c.clone());
        Self { columns: kept.collect(), constant: self.constant && !omitted.contains(&0) }
    }

    /// The numbers of the columns in the order of results: the constant last.
    pub fn order(&self) -> impl Iterator<Item = usize> {
        let first = usize::from(self.constant);
        (first..self.len()).chain(0..first)
    }
}

/// The categories of a factor that occur, with their codes, without the base.
fn levels(rows: &dyn Rows, frame: &Frame, variable: usize, place: usize, base: Option<usize>) -> Vec<(usize, String)> {
    let categories = rows.categories(variable).unwrap_or_else(|| std::sync::Arc::from([]));
    let mut seen = vec![false; categories.len()];
    for x in &frame.columns[place] {
        if let Some(seen) = seen.get_mut(*x as usize) {
            *seen = true;
        }
    }
    let base = base.or_else(|| seen.iter().position(|seen| *seen));
    let here = categories.iter().enumerate().filter(|(i, _)| seen[*i] && Some(*i) != base);
    here.map(|(i, category)| (i, category.code.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::Table;

    /// STAT-006, STAT-007: dummies for the categories that occur except the base, products with labels, the constant.
    #[test]
    fn stat_006_terms_become_columns() {
        let mut table = Table::default();
        let age = table.number("age", vec![10.0, 20.0, 30.0, 40.0]);
        let race = table.factor("race", &[1.0, 2.0, 3.0, 2.0]);
        let sex = table.text("sex", &[Some("m"), Some("f"), Some("m"), Some("f")]);
        let product = Term {
            pieces: vec![
                Piece { variable: sex, form: Form::Factor { base: None } },
                Piece { variable: age, form: Form::Continuous },
            ],
            control: false,
        };
        let terms = [Term::number(age), Term::factor(race, Some(1)), product];
        let all = variables(&terms);
        assert_eq!(all, [age, race, sex]);
        let frame = Frame::of(&table, &all);
        let places = |v: usize| all.iter().position(|a| *a == v).unwrap();
        let design = Design::of(&table, &frame, &places, &terms, true).unwrap();
        let labels: Vec<&str> = design.columns.iter().map(|c| c.label.as_str()).collect();
        assert_eq!(labels, ["_cons", "age", "race=1", "race=3", "sex=m#age"]);
        assert_eq!(design.order().collect::<Vec<_>>(), [1, 2, 3, 4, 0]);
        let mut out = vec![0.0; 5 * 3];
        design.fill(&frame, 1..4, &mut out);
        let wanted = [[1.0, 1.0, 1.0], [20.0, 30.0, 40.0], [0.0; 3], [0.0, 1.0, 0.0], [0.0, 30.0, 0.0]];
        assert_eq!(out, wanted.concat());
        assert_eq!(design.without(&[0, 2]).columns.len(), 3);
        assert!(!design.without(&[0]).constant);
    }
}
