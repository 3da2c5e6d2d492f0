//! `anova`: analysis of variance with effect coding (STAT-065 to STAT-068), and Tukey's comparisons.

use std::ops::Range;

use super::columns::{Columns, sum};
use super::influence::influence;
use super::model::Sample;
use super::regress::Numbers;
use super::solve::{Solution, solve};
use crate::design::{Form, Piece, Term};
use crate::fit::{Influence, Test, TestKind};
use crate::problem::{Notice, Problem};
use crate::rows::{Frame, Rows};

/// Most groups that are compared in pairs.
const GROUPS: usize = 40;

/// The model. Variables of terms are factors unless they are marked as continuous.
#[derive(Clone, Debug)]
pub struct Anova {
    /// The dependent variable.
    pub y: usize,
    /// The terms.
    pub terms: Vec<Term>,
    /// Whether there is a constant. Without it the first factor that is a term has a column for each of its categories, so that its
    /// effects are the means themselves, and sums of squares are about 0 (STAT-010).
    pub constant: bool,
    /// Compare all pairs of groups of each factor, with intervals of this level in per cent.
    pub posthoc: Option<f64>,
}

/// A source of variation.
#[derive(Clone, PartialEq, Debug)]
pub struct Source {
    /// The term as the script writes it: `supp#dose`.
    pub name: String,
    /// Sum of squares.
    pub ss: f64,
    /// Degrees of freedom; 0 when all columns of the term follow from others (STAT-066).
    pub df: f64,
}

impl Source {
    /// Sum of squares by degree of freedom.
    pub fn ms(&self) -> f64 {
        self.ss / self.df
    }
}

/// Two groups of a factor compared.
#[derive(Clone, PartialEq, Debug)]
pub struct Comparison {
    /// The factor.
    pub factor: String,
    /// `later-earlier`, by their codes.
    pub label: String,
    /// Difference of the means.
    pub difference: f64,
    /// Its standard error, √(MSE/2·(1/nᵢ + 1/nⱼ)).
    pub se: f64,
    /// Limits of the interval.
    pub limits: (f64, f64),
    /// From the studentised range.
    pub p: f64,
}

/// A result.
#[derive(Clone, Debug)]
pub struct Table {
    /// Partial (type III), by term.
    pub partial: Vec<Source>,
    /// Sequential (type I), by term.
    pub sequential: Vec<Source>,
    /// All terms together.
    pub model: Source,
    /// What is left.
    pub residual: Source,
    /// About the mean, or about 0 where there is no constant.
    pub total: Source,
    /// `n`, `r2`, `r2_adj`, `sigma` (root mean squared error).
    pub scalars: Vec<(&'static str, f64)>,
    /// Comparisons, factor by factor, in the order of their codes.
    pub posthoc: Vec<Comparison>,
    /// Terms of which no column is left.
    pub omitted: Vec<String>,
    /// What is said beside it.
    pub notices: Vec<Notice>,
    /// By kept column of the effects.
    pub influence: Influence,
    /// The rows, with a design of dummies.
    pub sample: Sample,
}

impl Table {
    /// The test of a source against the residual; none where it has no degree of freedom, or the residual has no variation.
    pub fn test(&self, source: &Source) -> Option<Test> {
        let exact = self.residual.ss <= 1e-12 * self.total.ss;
        let statistic = if exact { f64::NAN } else { source.ms() / self.residual.ms() };
        let kind = TestKind::F(source.df, self.residual.df);
        (source.df > 0.0).then(|| Test { name: format!("F[{}]", source.name), statistic, kind })
    }
}

impl Anova {
    /// Fits it. `persons` is the person of each source row, where one may have several rows.
    ///
    /// # Errors
    /// `E_NEEDS_TWO_GROUPS` for a factor with one category, `E_NO_RESIDUAL_DF`, `E_TOO_MANY_GROUPS`, `E_COLLINEAR_ALL`, `E_STOPPED`.
    pub fn fit(&self, rows: &dyn Rows, persons: Option<&[u32]>) -> Result<Table, Problem> {
        let sample = Sample::of(rows, self.y, &self.terms, self.constant, None, persons.is_some())?;
        let effects = Effects::of(rows, &sample, &self.terms, self.constant)?;
        let solution = solve(&effects, sample.response(), Some(&sample.patterns.weight));
        let mean = usize::from(self.constant);
        if solution.size() <= mean {
            return Err(Problem::new("E_COLLINEAR_ALL"));
        }
        let influence = influence(&effects, &solution, None, &sample.patterns, persons);
        let numbers = Numbers::of(&sample, solution);
        if numbers.df() <= 0.0 {
            return Err(Problem::new("E_NO_RESIDUAL_DF"));
        }
        let names: Vec<String> = self.terms.iter().map(|term| name(rows, term)).collect();
        let (partial, sequential) = sources(&names, &effects, &numbers.solution);
        let omitted: Vec<String> = partial.iter().filter(|s| s.df == 0.0).map(|s| s.name.clone()).collect();
        let mut notices: Vec<Notice> = omitted.iter().map(|name| Notice::with("W_COLLINEAR", name)).collect();
        if numbers.exact() {
            notices.push(Notice::new("W_PERFECT_FIT"));
        }
        let df_model = (numbers.solution.size() - mean) as f64;
        let source = |name: &str, ss: f64, df: f64| Source { name: name.to_owned(), ss, df };
        let r2 = numbers.solution.explained / numbers.total;
        let all = numbers.n - mean as f64;
        let mut posthoc = Vec::new();
        if let Some(level) = self.posthoc {
            for term in &self.terms {
                if let [piece] = term.pieces.as_slice()
                    && matches!(piece.form, Form::Factor { .. })
                {
                    posthoc.extend(pairs(rows, &sample, piece.variable, &numbers, level)?);
                }
            }
        }
        Ok(Table {
            partial,
            sequential,
            model: source("model", numbers.solution.explained, df_model),
            residual: source("residual", numbers.rss, numbers.df()),
            total: source("total", numbers.total, all),
            scalars: vec![
                ("n", numbers.n),
                ("r2", r2),
                ("r2_adj", 1.0 - (1.0 - r2) * all / numbers.df()),
                ("sigma", numbers.sigma2().sqrt()),
            ],
            posthoc,
            omitted,
            notices,
            influence,
            sample,
        })
    }
}

/// A term as the script writes it.
fn name(rows: &dyn Rows, term: &Term) -> String {
    term.pieces.iter().map(|piece| rows.name(piece.variable)).collect::<Vec<_>>().join("#")
}

/// Sums of squares by term: partial ones as b'V⁻¹b with V the part of (X'X)⁻¹, sequential ones from the steps of the decomposition.
fn sources(names: &[String], effects: &Effects<'_>, solution: &Solution) -> (Vec<Source>, Vec<Source>) {
    let inverse = solution.inverse();
    let each = |(number, name): (usize, &String)| {
        let of_term = |i: &usize| effects.columns[solution.kept[*i]].term == Some(number);
        let own: Vec<usize> = (0..solution.size()).filter(of_term).collect();
        let df = own.len() as f64;
        let part = nalgebra::DMatrix::from_fn(own.len(), own.len(), |i, j| inverse[(own[i], own[j])]);
        let b = nalgebra::DVector::from_fn(own.len(), |i, _| solution.b[own[i]]);
        let partial = match part.cholesky() {
            Some(factor) => b.dot(&factor.solve(&b)),
            None if own.is_empty() => 0.0,
            None => f64::NAN,
        };
        let sequential = sum(own.iter().map(|i| solution.steps[*i]));
        (Source { name: name.clone(), ss: partial, df }, Source { name: name.clone(), ss: sequential, df })
    };
    names.iter().enumerate().map(each).unzip()
}

/// What an effect column takes of a variable, which is a column of the frame.
#[derive(Clone, Copy)]
enum Effect {
    /// Its value.
    Value(usize),
    /// 1 for the first category, −1 for the last that occurs, else 0.
    Level(usize, f64, f64),
    /// 1 for the category, else 0.
    Is(usize, f64),
}

struct EffectColumn {
    term: Option<usize>,
    parts: Vec<Effect>,
}

/// Columns in effect coding: the coefficients of a factor's categories add up to zero.
struct Effects<'a> {
    frame: &'a Frame,
    constant: bool,
    columns: Vec<EffectColumn>,
}

impl<'a> Effects<'a> {
    fn of(rows: &dyn Rows, sample: &'a Sample, terms: &[Term], constant: bool) -> Result<Self, Problem> {
        let frame = &sample.patterns.frame;
        let mut columns = Vec::new();
        if constant {
            columns.push(EffectColumn { term: None, parts: Vec::new() });
        }
        let is_factor = |term: &Term| matches!(term.pieces.as_slice(), [Piece { form: Form::Factor { .. }, .. }]);
        let whole = terms.iter().position(is_factor).filter(|_| !constant);
        for (number, term) in terms.iter().enumerate() {
            let mut products: Vec<Vec<Effect>> = vec![Vec::new()];
            for piece in &term.pieces {
                let place = sample.variables.iter().position(|v| *v == piece.variable).unwrap_or_default();
                let choices: Vec<Effect> = match piece.form {
                    Form::Continuous => vec![Effect::Value(place)],
                    Form::Factor { .. } => {
                        let levels = occurring(&frame.columns[place]);
                        let Some((last, others)) = levels.split_last().filter(|(_, others)| !others.is_empty()) else {
                            return Err(Problem::with("E_NEEDS_TWO_GROUPS", rows.name(piece.variable)));
                        };
                        if whole == Some(number) {
                            levels.iter().map(|level| Effect::Is(place, *level)).collect()
                        } else {
                            others.iter().map(|level| Effect::Level(place, *level, *last)).collect()
                        }
                    }
                };
                let with = |product: &Vec<_>, choice: &Effect| [product.as_slice(), &[*choice]].concat();
                products = products.iter().flat_map(|p| choices.iter().map(move |c| with(p, c))).collect();
            }
            columns.extend(products.into_iter().map(|parts| EffectColumn { term: Some(number), parts }));
        }
        Ok(Self { frame, constant, columns })
    }
}

/// The distinct values of a column, ascending.
fn occurring(column: &[f64]) -> Vec<f64> {
    let mut seen: Vec<f64> = Vec::new();
    for x in column {
        if let Err(place) = seen.binary_search_by(|s| s.total_cmp(x)) {
            seen.insert(place, *x);
        }
    }
    seen
}

impl Columns for Effects<'_> {
    fn len(&self) -> usize {
        self.frame.len()
    }
    fn width(&self) -> usize {
        self.columns.len()
    }
    fn constant(&self) -> bool {
        self.constant
    }
    fn fill(&self, range: Range<usize>, out: &mut [f64]) {
        for (column, out) in self.columns.iter().zip(out.chunks_mut(range.len().max(1))) {
            out.fill(1.0);
            for part in &column.parts {
                match part {
                    Effect::Value(place) => {
                        out.iter_mut().zip(&self.frame.columns[*place][range.clone()]).for_each(|(out, x)| *out *= x);
                    }
                    Effect::Level(place, is, last) => {
                        let values = &self.frame.columns[*place][range.clone()];
                        let flag = |holds: bool| f64::from(u8::from(holds));
                        out.iter_mut().zip(values).for_each(|(out, x)| *out *= flag(x == is) - flag(x == last));
                    }
                    Effect::Is(place, is) => {
                        let values = &self.frame.columns[*place][range.clone()];
                        out.iter_mut().zip(values).for_each(|(out, x)| *out *= f64::from(u8::from(x == is)));
                    }
                }
            }
        }
    }
}

/// Tukey's and Kramer's comparisons of the groups of a factor (STAT-067).
fn pairs(
    rows: &dyn Rows,
    sample: &Sample,
    variable: usize,
    numbers: &Numbers,
    level: f64,
) -> Result<Vec<Comparison>, Problem> {
    let place = sample.variables.iter().position(|v| *v == variable).unwrap_or_default();
    let column = &sample.patterns.frame.columns[place];
    let levels = occurring(column);
    if levels.len() > GROUPS {
        return Err(Problem::with("E_TOO_MANY_GROUPS", rows.name(variable)));
    }
    let categories = rows.categories(variable).unwrap_or_else(|| std::sync::Arc::from([]));
    let groups: Vec<(String, f64, f64)> = levels
        .iter()
        .map(|level| {
            let own = || (0..column.len()).filter(|i| column[*i] == *level);
            let n = sum(own().map(|i| sample.patterns.weight[i]));
            let mean = sum(own().map(|i| sample.patterns.sum[i])) / n;
            let code = categories.get(*level as usize).map_or_else(|| format!("{level}"), |c| c.code.clone());
            (code, n, mean)
        })
        .collect();
    let (count, df) = (groups.len() as f64, numbers.df());
    let critical = distributions::studentised_range_critical(level, count, df);
    let mut out = Vec::new();
    for (earlier, first) in groups.iter().enumerate() {
        for second in &groups[earlier + 1..] {
            let difference = second.2 - first.2;
            let se = (numbers.sigma2() / 2.0 * (1.0 / first.1 + 1.0 / second.1)).sqrt();
            out.push(Comparison {
                factor: rows.name(variable).to_owned(),
                label: format!("{}-{}", second.0, first.0),
                difference,
                se,
                limits: (difference - critical * se, difference + critical * se),
                p: distributions::studentised_range_upper(difference.abs() / se, count, df),
            });
        }
    }
    Ok(out)
}

#[cfg(test)]
#[path = "anova_tests.rs"]
mod tests;
