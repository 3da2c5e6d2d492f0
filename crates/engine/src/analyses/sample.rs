//! The rows of a dataset as estimators read them: those that meet the condition and in which no variable of the command is
//! missing, less those whom the gate leaves out (STAT-003, SDC-050, SDC-160).

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use roaring::RoaringBitmap;
use script::program::Name;
use statistics::{Category, Problem, Rows};

use super::evidence::Leader;
use crate::axis::Axis;
use crate::control::{CHUNK, Control, Stage, by_chunk};
use crate::dataset::{Column, Rows as UnitOfRow, column_key};
use crate::error::RunError;
use crate::lookup::pack;
use crate::magnitudes::{fence, numbers};
use crate::mask::Mask;
use crate::people::{NONE, People};
use crate::raw::{Leaves, Outside, Part, PersonSet, RawCategory};
use crate::run::OCCASION;
use crate::table::Scan;

/// A variable of a command.
struct Variable {
    name: Name,
    /// None for the unit of a row.
    column: Option<Column>,
    read: Reading,
}

/// How the values of a variable become numbers.
enum Reading {
    /// They are.
    Number,
    /// By the places of their categories.
    Factor(Axis, Arc<[Category]>),
    /// The unit of the row.
    Unit(UnitOfRow),
    /// One variable and twice the other: which of four cells a row with two values of 0 or 1 is in.
    Cell([usize; 2]),
}

/// What an estimator takes as a value of a variable.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    ZeroOrOne,
    Count,
    NotNegative,
    Positive,
}

impl Needs {
    fn met(self, x: f64) -> bool {
        match self {
            Needs::ZeroOrOne => x == 0.0 || x == 1.0,
            Needs::Count => x >= 0.0 && x.fract() == 0.0,
            Needs::NotNegative => x >= 0.0,
            Needs::Positive => x > 0.0,
        }
    }
}

/// Values of a variable that few have, with the share of those who are left out.
enum Few {
    /// These, ascending.
    Values(Vec<(f64, f64)>),
    /// All but the one that most have.
    AllBut(f64, f64),
}

impl Few {
    fn share(&self, x: f64) -> f64 {
        match self {
            Few::Values(each) => each.binary_search_by(|(value, _)| value.total_cmp(&x)).map_or(0.0, |at| each[at].1),
            Few::AllBut(mode, share) if x != *mode => *share,
            Few::AllBut(..) => 0.0,
        }
    }
}

/// A variable of which an estimator does not take every value.
struct Needed {
    variable: usize,
    needs: Needs,
    /// The problem of another value.
    problem: &'static str,
}

/// Persons below which a category may be left out: so many that the gate would never call more of them few, whatever noise it
/// adds and however near an earlier set is.
const SMALL: u64 = 256;
/// Rows from which a category is not looked at where a person has several: a few persons do not have so many.
const SMALL_ROWS: usize = 1 << 16;
/// Values of a number that may be those of an outcome with categories.
const MOST_VALUES: usize = 64;
/// Groups from which there are enough of them in any case.
const MANY_GROUPS: usize = SMALL as usize;

/// The variables of a command over the rows of a dataset.
pub(crate) struct Sample {
    variables: Vec<Variable>,
    needed: Vec<Needed>,
    /// Rows of the dataset that meet the condition.
    mask: Arc<Mask>,
    people: Arc<People>,
    /// Shares at which values are winsorised.
    winsor: (f64, f64),
}

impl Sample {
    /// Without variables yet.
    pub(crate) fn of(scan: &Scan<'_>) -> Self {
        Self {
            variables: Vec::new(),
            needed: Vec::new(),
            mask: Arc::clone(scan.mask),
            people: Arc::new(scan.people.clone()),
            winsor: scan.parameters.winsor,
        }
    }

    /// The number of a variable, which is added when it is new.
    pub(crate) fn variable(&mut self, scan: &Scan<'_>, name: &Name, factor: bool) -> Result<usize, RunError> {
        let is_factor = |v: &Variable| matches!(v.read, Reading::Factor(..));
        let known = self.variables.iter().position(|v| v.name == *name && v.column.is_some() && is_factor(v) == factor);
        if let Some(known) = known {
            return Ok(known);
        }
        let column = scan.column(name)?.clone();
        let read = if factor {
            let axis = scan.axis(name)?;
            let category = |c: &RawCategory| Category { code: c.code.clone(), number: c.code.parse().ok() };
            let categories = axis.dimension.categories.iter().map(category).collect();
            Reading::Factor(axis, categories)
        } else if column.data_type.is_numeric() {
            Reading::Number
        } else {
            return Err(RunError::type_mismatch(name));
        };
        self.variables.push(Variable { name: Name::clone(name), column: Some(column), read });
        Ok(self.variables.len() - 1)
    }

    /// Values of a variable that do not meet this count as missing. How many persons have one the gate is told beside, and
    /// decides on: a single one must not decide whether there is a result (SDC-181).
    pub(crate) fn need(&mut self, variable: usize, needs: Needs, problem: &'static str) {
        self.needed.push(Needed { variable, needs, problem });
    }

    /// The persons of the population with values that an estimator does not take, by what it says to them.
    pub(crate) fn outside(&self, control: &dyn Control) -> Result<Vec<Outside>, RunError> {
        let rows = self.mask.len();
        let of = |needed: &Needed| {
            let words = by_chunk(control, rows, |range| {
                let mut here: Vec<u64> = self.mask.words(range.clone()).to_vec();
                let mut values = vec![0.0; range.len()];
                self.values(needed.variable, range, &mut values);
                let outside: Vec<u8> = values.iter().map(|x| u8::from(!x.is_nan() && !needed.needs.met(*x))).collect();
                here.iter_mut().zip(pack(&outside)).for_each(|(word, outside)| *word &= outside);
                here
            })?;
            let problem = Problem::with(needed.problem, &*self.variables[needed.variable].name);
            Ok(Outside { problem, set: self.people.set(&Mask::of_words(words, rows)) })
        };
        self.needed.iter().map(of).collect()
    }

    /// A numeric variable.
    pub(crate) fn number(&mut self, scan: &Scan<'_>, name: &Name) -> Result<usize, RunError> {
        self.variable(scan, name, false)
    }

    /// A variable that makes groups: as numbers where it has any.
    pub(crate) fn grouping(&mut self, scan: &Scan<'_>, name: &Name, factor: bool) -> Result<usize, RunError> {
        let factor = factor || !scan.column(name)?.data_type.is_numeric();
        self.variable(scan, name, factor)
    }

    /// The unit of every row of a panel, and the place of its occasion in the panel's time grid.
    pub(crate) fn panel(&mut self, scan: &Scan<'_>) -> Result<[usize; 2], RunError> {
        let read = Reading::Unit(scan.dataset.rows.clone());
        self.variables.push(Variable { name: Name::from("unit"), column: None, read });
        Ok([self.variables.len() - 1, self.variable(scan, &Name::from(OCCASION), true)?])
    }

    /// The cell of every row by two variables that are 0 or 1.
    pub(crate) fn cell(&mut self, of: [usize; 2]) -> usize {
        self.variables.push(Variable { name: Name::from("cell"), column: None, read: Reading::Cell(of) });
        self.variables.len() - 1
    }

    /// The categories of a factor with their labels.
    pub(crate) fn categories(&self, variable: usize) -> &[RawCategory] {
        match &self.variables[variable].read {
            Reading::Factor(axis, _) => &axis.dimension.categories,
            Reading::Number | Reading::Unit(_) | Reading::Cell(_) => &[],
        }
    }

    fn columns(&self) -> impl Iterator<Item = &Column> {
        self.variables.iter().filter_map(|v| v.column.as_ref())
    }

    /// Datasets that the variables are computed from, sorted.
    pub(crate) fn origin(&self) -> Vec<String> {
        let mut all: Vec<String> = self.columns().flat_map(|c| c.origin.iter().cloned()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether all variables have values outside the population, and a row is a person.
    pub(crate) fn row_wise(&self) -> bool {
        self.people.direct() && self.columns().all(|c| c.row_wise)
    }

    /// The key of what a command computes from the variables.
    pub(crate) fn key(&self, command: &str) -> [u8; 32] {
        let mut parts: Vec<&[u8]> = self.columns().map(|c| c.key.as_slice()).collect();
        // Where a person has several rows the persons do not tell which of them it is computed from.
        let rows = if self.people.direct() { [0; 32] } else { self.mask.digest() };
        parts.push(&rows);
        column_key(command, &parts)
    }

    /// The key of what the variables are but for a factor and a constant, in whatever order.
    pub(crate) fn core(&self) -> [u8; 32] {
        let mut parts: Vec<&[u8]> = self.columns().map(|c| c.core.key().as_slice()).collect();
        parts.sort_unstable();
        parts.dedup();
        column_key("core", &parts)
    }

    pub(crate) fn people(&self) -> &Arc<People> {
        &self.people
    }

    /// The rows of the population in which none of `variables` is missing.
    pub(crate) fn complete(&self, variables: &[usize], control: &dyn Control) -> Result<Mask, RunError> {
        self.within(variables, &self.mask, control)
    }

    fn within(&self, variables: &[usize], mask: &Mask, control: &dyn Control) -> Result<Mask, RunError> {
        let rows = mask.len();
        let words = by_chunk(control, rows, |range| {
            let mut here: Vec<u64> = mask.words(range.clone()).to_vec();
            let mut values = vec![0.0; range.len()];
            for variable in variables {
                if here.iter().all(|word| *word == 0) {
                    break;
                }
                self.values(*variable, range.clone(), &mut values);
                let needed: Vec<Needs> =
                    self.needed.iter().filter(|n| n.variable == *variable).map(|n| n.needs).collect();
                let taken = |x: &f64| u8::from(!x.is_nan() && needed.iter().all(|needs| needs.met(*x)));
                let present: Vec<u8> = values.iter().map(taken).collect();
                here.iter_mut().zip(pack(&present)).for_each(|(word, present)| *word &= present);
            }
            here
        })?;
        Ok(Mask::of_words(words, rows))
    }

    /// The values of a variable, of all rows.
    pub(crate) fn values(&self, variable: usize, range: Range<usize>, out: &mut [f64]) {
        let Variable { column, read, .. } = &self.variables[variable];
        match (read, column) {
            (Reading::Number, Some(column)) => out.copy_from_slice(&numbers(column, range)),
            (Reading::Number, None) => out.fill(f64::NAN),
            (Reading::Unit(rows), _) => {
                out.iter_mut().zip(range).for_each(|(out, row)| *out = f64::from(rows.unit(row)));
            }
            (Reading::Cell([one, other]), _) => {
                let mut more = vec![0.0; out.len()];
                self.values(*one, range.clone(), out);
                self.values(*other, range, &mut more);
                out.iter_mut().zip(more).for_each(|(out, more)| *out += 2.0 * more);
            }
            (Reading::Factor(axis, _), _) => {
                let mut places = vec![0; out.len()];
                axis.places().read(range, &mut places);
                for (out, place) in out.iter_mut().zip(places) {
                    *out = if place == NONE { f64::NAN } else { f64::from(place) };
                }
            }
        }
    }

    /// The rows that a result is computed on: complete ones of the population or of these persons, less those of persons
    /// who are left out.
    pub(crate) fn rows(
        &self,
        variables: &[usize],
        persons: Option<&RoaringBitmap>,
        leaves: &dyn Leaves,
        control: &dyn Control,
    ) -> Result<Mask, RunError> {
        let whole = self.whole(variables, persons, leaves, control)?;
        self.part(variables, &whole, leaves, control)
    }

    /// The same with those who are left out at random: whom a result rests on.
    pub(crate) fn whole(
        &self,
        variables: &[usize],
        persons: Option<&RoaringBitmap>,
        leaves: &dyn Leaves,
        control: &dyn Control,
    ) -> Result<Mask, RunError> {
        let rows = match persons {
            None => self.complete(variables, control)?,
            Some(persons) => self.within(variables, &self.rows_of(persons), control)?,
        };
        let mut rows = self.lacking(rows, leaves.categories(), control)?;
        for row in self.people.rows_of(&rows, &self.left_out(&rows, leaves)) {
            rows.unset(row);
        }
        Ok(rows)
    }

    /// These rows without those who are left out at random.
    pub(crate) fn part(
        &self,
        variables: &[usize],
        whole: &Mask,
        leaves: &dyn Leaves,
        control: &dyn Control,
    ) -> Result<Mask, RunError> {
        let mut rows = whole.clone();
        for row in self.people.rows_of(whole, &self.at_random(variables, whole, leaves, control)?) {
            rows.unset(row);
        }
        Ok(rows)
    }

    /// The persons who are left out at random: a share of all, and a larger one of those who have a value of a variable that
    /// few have.
    fn at_random(
        &self,
        variables: &[usize],
        rows: &Mask,
        leaves: &dyn Leaves,
        control: &dyn Control,
    ) -> Result<Vec<u32>, RunError> {
        let persons = self.people.members(rows).count() as usize;
        let Some(share) = leaves.share(persons, usize::MAX) else { return Ok(Vec::new()) };
        let of = |alike: usize| leaves.share(persons, alike).filter(|of_these| *of_these > share);
        let mut sides: Vec<(usize, Few)> = Vec::new();
        for variable in variables {
            let few = match self.counts(*variable, rows, 2, control)? {
                Some(counts) => {
                    let each = counts.into_iter().filter_map(|(value, count)| Some((value, of(count)?)));
                    Some(each.collect::<Vec<_>>()).filter(|few| !few.is_empty()).map(Few::Values)
                }
                None => {
                    let (mode, others) = self.mode(*variable, rows, control)?;
                    of(others).map(|share| Few::AllBut(mode, share))
                }
            };
            sides.extend(few.map(|few| (*variable, few)));
        }
        let words = by_chunk(control, rows.len(), |range| {
            let mut shares = vec![share; range.len()];
            let mut values = vec![0.0; range.len()];
            for (variable, few) in &sides {
                self.values(*variable, range.clone(), &mut values);
                shares.iter_mut().zip(&values).for_each(|(share, x)| *share = share.max(few.share(*x)));
            }
            let mut words: Vec<u64> = vec![0; range.len().div_ceil(64)];
            for row in rows.iter(range.clone()) {
                let at = row - range.start;
                let out = leaves.in_share(self.people.record_key(row), shares[at]);
                words[at / 64] |= u64::from(out) << (at % 64);
            }
            words
        })?;
        let marked = Mask::of_words(words, rows.len());
        let out = self.people.members(&marked);
        Ok(out.iter(0..out.len()).map(|person| person as u32).collect())
    }

    /// The value of a variable that most rows have, where more than half have it, and how many rows have another.
    fn mode(&self, variable: usize, rows: &Mask, control: &dyn Control) -> Result<(f64, usize), RunError> {
        let here = |range: Range<usize>| {
            let mut values = vec![0.0; range.len()];
            self.values(variable, range.clone(), &mut values);
            rows.iter(range.clone()).map(|row| values[row - range.start]).filter(|x| !x.is_nan()).collect::<Vec<f64>>()
        };
        let leaders = by_chunk(control, rows.len(), |range| {
            let mut leader = Leader::default();
            here(range).into_iter().for_each(|x| leader.vote(x, 1));
            leader
        })?;
        let mut whole = Leader::default();
        leaders.iter().filter(|part| part.lead > 0).for_each(|part| whole.vote(part.candidate, part.lead));
        let others =
            by_chunk(control, rows.len(), |range| here(range).iter().filter(|x| **x != whole.candidate).count())?;
        Ok((whole.candidate, others.into_iter().sum()))
    }

    /// The rows of persons, where each person is one.
    fn rows_of(&self, persons: &RoaringBitmap) -> Mask {
        let mut rows = Mask::empty(self.mask.len());
        let here = persons.iter().take_while(|p| (*p as usize) < self.mask.len());
        here.for_each(|person| rows.set(person as usize));
        rows
    }

    /// Whether each of these persons has all variables and none of these categories.
    pub(crate) fn covers(
        &self,
        variables: &[usize],
        persons: &RoaringBitmap,
        categories: &[(usize, f64)],
        control: &dyn Control,
    ) -> Result<bool, RunError> {
        let complete = self.within(variables, &self.rows_of(persons), control)?;
        Ok(self.lacking(complete, categories, control)?.count() == persons.len())
    }

    /// The persons who have all variables and none of these categories.
    pub(crate) fn without(
        &self,
        variables: &[usize],
        categories: &[(usize, f64)],
        control: &dyn Control,
    ) -> Result<PersonSet, RunError> {
        let rows = self.complete(variables, control)?;
        Ok(self.people.set(&self.lacking(rows, categories, control)?))
    }

    /// The rows that have none of these categories.
    fn lacking(&self, rows: Mask, categories: &[(usize, f64)], control: &dyn Control) -> Result<Mask, RunError> {
        let mut variables: Vec<usize> = categories.iter().map(|(variable, _)| *variable).collect();
        variables.dedup();
        let mut rows = rows;
        for variable in variables {
            let words = by_chunk(control, rows.len(), |range| {
                let mut values = vec![0.0; range.len()];
                self.values(variable, range.clone(), &mut values);
                let stays = |x: &f64| u8::from(!categories.iter().any(|(of, value)| *of == variable && value == x));
                let stays: Vec<u8> = values.iter().map(stays).collect();
                rows.words(range).iter().zip(pack(&stays)).map(|(here, stays)| here & stays).collect()
            })?;
            rows = Mask::of_words(words, rows.len());
        }
        Ok(rows)
    }

    /// The small categories of variables that a result has columns or groups for, over these rows. What many persons have
    /// is not told; nor are categories of a number that has more than [`MOST_VALUES`].
    pub(crate) fn parts(&self, variables: &[usize], rows: &Mask, control: &dyn Control) -> Result<Vec<Part>, RunError> {
        let mut parts = Vec::new();
        for variable in variables {
            for (value, count) in self.counts(*variable, rows, MOST_VALUES, control)?.unwrap_or_default() {
                if count > if self.people.direct() { SMALL as usize } else { SMALL_ROWS } {
                    continue;
                }
                let set = self.persons(rows, &[*variable], control, |x| x[0] == value)?;
                if set.persons < SMALL {
                    parts.push(Part { variable: *variable, value, set });
                }
            }
        }
        Ok(parts)
    }

    /// How many rows have each value of a variable, by value; none where there are more values than `most`.
    pub(crate) fn counts(
        &self,
        variable: usize,
        rows: &Mask,
        most: usize,
        control: &dyn Control,
    ) -> Result<Option<Vec<(f64, usize)>>, RunError> {
        let most = most.max(self.categories(variable).len());
        let parts = by_chunk(control, rows.len(), |range| {
            let mut values = vec![0.0; range.len()];
            self.values(variable, range.clone(), &mut values);
            let mut found: Vec<(f64, usize)> = Vec::new();
            for row in rows.iter(range.clone()) {
                let x = values[row - range.start];
                match found.binary_search_by(|(value, _)| value.total_cmp(&x)) {
                    Ok(at) => found[at].1 += 1,
                    Err(_) if found.len() == most => return None,
                    Err(at) => found.insert(at, (x, 1)),
                }
            }
            Some(found)
        })?;
        let mut all: Vec<(f64, usize)> = Vec::new();
        for part in parts {
            let Some(part) = part else { return Ok(None) };
            for (x, n) in part {
                match all.binary_search_by(|(value, _)| value.total_cmp(&x)) {
                    Ok(at) => all[at].1 += n,
                    Err(at) => all.insert(at, (x, n)),
                }
            }
        }
        Ok((all.len() <= most).then_some(all))
    }

    /// The persons behind the rows for which `keep` holds, given the values of some variables.
    fn persons(
        &self,
        rows: &Mask,
        variables: &[usize],
        control: &dyn Control,
        keep: impl Fn(&[f64]) -> bool + Sync,
    ) -> Result<PersonSet, RunError> {
        let words = by_chunk(control, rows.len(), |range| {
            let mut columns = vec![vec![0.0; range.len()]; variables.len()];
            columns.iter_mut().zip(variables).for_each(|(out, v)| self.values(*v, range.clone(), out));
            let mut words: Vec<u64> = vec![0; range.len().div_ceil(64)];
            let mut values = vec![0.0; variables.len()];
            for row in rows.iter(range.clone()) {
                let at = row - range.start;
                values.iter_mut().zip(&columns).for_each(|(x, column)| *x = column[at]);
                words[at / 64] |= u64::from(keep(&values)) << (at % 64);
            }
            words
        })?;
        Ok(self.people.set(&Mask::of_words(words, rows.len())))
    }

    /// The persons behind the rows who are left out. Those of every stretch are found side by side; whom the rule chooses of
    /// all is among them.
    fn left_out(&self, rows: &Mask, leaves: &dyn Leaves) -> Vec<u32> {
        let members = self.people.members(rows);
        let keys = self.people.record_keys();
        let of = |person: u32| (person, keys.record()[person as usize]);
        let chunks: Vec<Range<usize>> =
            (0..members.len()).step_by(CHUNK).map(|start| start..(start + CHUNK).min(members.len())).collect();
        let chosen: Vec<Vec<u32>> = chunks
            .into_par_iter()
            .map(|range| leaves.out(&mut members.iter(range).map(|person| of(person as u32))))
            .collect();
        leaves.out(&mut chosen.into_iter().flatten().map(of))
    }
}

/// The rows of a sample that count, as an estimator sees them.
pub(crate) struct View<'a> {
    pub(crate) sample: &'a Sample,
    pub(crate) rows: &'a Mask,
    pub(crate) control: &'a dyn Control,
    /// How far out values count, by variable; as they are where there is none.
    fences: Vec<Option<(f64, f64)>>,
}

impl<'a> View<'a> {
    /// The rows as they are.
    pub(crate) fn of(sample: &'a Sample, rows: &'a Mask, control: &'a dyn Control) -> Self {
        Self { sample, rows, control, fences: Vec::new() }
    }

    /// The rows with no value of a derived number further out than others are (SDC-160). Where a number has two values alone
    /// they stay, for what few have is left out oftener.
    pub(crate) fn fenced(sample: &'a Sample, rows: &'a Mask, control: &'a dyn Control) -> Result<Self, RunError> {
        let fence_of = |(i, variable): (usize, &Variable)| match (&variable.read, &variable.column) {
            (Reading::Number, Some(column)) if column.core.is_derived() => {
                let two = sample.counts(i, rows, 2, control)?.is_some();
                Ok(if two { None } else { fence(column, &sample.people, rows, sample.winsor) })
            }
            _ => Ok(None),
        };
        let fences = sample.variables.iter().enumerate().map(fence_of).collect::<Result<_, RunError>>()?;
        Ok(Self { fences, ..Self::of(sample, rows, control) })
    }

    /// The same over other rows.
    pub(crate) fn over<'b>(&'b self, rows: &'b Mask) -> View<'b> {
        View { sample: self.sample, rows, control: self.control, fences: self.fences.clone() }
    }

    /// The same with another control.
    pub(crate) fn under<'b>(self, control: &'b dyn Control) -> View<'b>
    where
        'a: 'b,
    {
        View { control, ..self }
    }
}

impl View<'_> {
    /// The persons behind the rows for which `keep` holds, given the values of some variables.
    pub(crate) fn persons(
        &self,
        variables: &[usize],
        keep: impl Fn(&[f64]) -> bool + Sync,
    ) -> Result<PersonSet, RunError> {
        self.sample.persons(self.rows, variables, self.control, keep)
    }

    /// The persons who do not have the value of a variable that most have; none where no value is that of more than half.
    pub(crate) fn off_mode(&self, variable: usize) -> Result<Option<PersonSet>, RunError> {
        let (mode, _) = self.sample.mode(variable, self.rows, self.control)?;
        let off = self.persons(&[variable], |x| !x[0].is_nan() && x[0] != mode)?;
        let all = self.persons(&[variable], |x| !x[0].is_nan())?;
        Ok((2 * off.persons < all.persons || all.persons == 0).then_some(off))
    }

    /// Where the rows are in few groups by these variables, the persons beyond the nine largest.
    pub(crate) fn beyond_nine(&self, variables: &[usize]) -> Result<Option<PersonSet>, RunError> {
        if let [variable] = variables {
            let counts = self.sample.counts(*variable, self.rows, MANY_GROUPS, self.control)?;
            let Some(mut groups) = counts.filter(|groups| groups.len() <= MANY_GROUPS) else { return Ok(None) };
            groups.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.total_cmp(&b.0)));
            groups.truncate(9);
            return self.persons(variables, |x| !groups.iter().any(|(group, _)| *group == x[0])).map(Some);
        }
        let mut groups: BTreeMap<Vec<u64>, usize> = BTreeMap::new();
        for start in (0..self.rows.len()).step_by(CHUNK) {
            crate::control::stopped(self.control)?;
            let range = start..(start + CHUNK).min(self.rows.len());
            let mut columns = vec![vec![0.0; range.len()]; variables.len()];
            columns.iter_mut().zip(variables).for_each(|(out, v)| self.sample.values(*v, range.clone(), out));
            for row in self.rows.iter(range) {
                *groups.entry(columns.iter().map(|c| c[row - start].to_bits()).collect()).or_default() += 1;
            }
            if groups.len() > MANY_GROUPS {
                return Ok(None);
            }
        }
        let mut largest: Vec<(usize, Vec<u64>)> = groups.into_iter().map(|(group, n)| (n, group)).collect();
        largest.sort_unstable_by(|a, b| b.cmp(a));
        largest.truncate(9);
        let beyond =
            |x: &[f64]| !largest.iter().any(|(_, group)| group.iter().zip(x).all(|(bits, x)| *bits == x.to_bits()));
        self.persons(variables, beyond).map(Some)
    }

    /// The record key of the person of a row; 0 where there is none.
    pub(crate) fn record_key(&self, row: usize) -> u128 {
        self.sample.people.record_key(row)
    }

    /// The person of every row, where rows are not persons themselves.
    pub(crate) fn persons_by_row(&self) -> Option<Vec<u32>> {
        (!self.sample.people.direct()).then(|| self.sample.people.member_of_rows(self.rows.len()))
    }
}

impl Rows for View<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn name(&self, variable: usize) -> &str {
        &self.sample.variables[variable].name
    }

    fn read(&self, variable: usize, range: Range<usize>, out: &mut [f64]) {
        let words = self.rows.words(range.clone());
        if words.iter().all(|word| *word == 0) {
            out.fill(f64::NAN);
            return;
        }
        self.sample.values(variable, range, out);
        if let Some((low, high)) = self.fences.get(variable).copied().flatten() {
            // Missing stays missing.
            out.iter_mut().for_each(|x| *x = if *x < low { low } else { *x });
            out.iter_mut().for_each(|x| *x = if *x > high { high } else { *x });
        }
        for (out, word) in out.chunks_mut(64).zip(words) {
            if *word == u64::MAX {
                continue;
            }
            for (i, x) in out.iter_mut().enumerate() {
                *x = if word >> i & 1 == 1 { *x } else { f64::NAN };
            }
        }
    }

    fn categories(&self, variable: usize) -> Option<Arc<[Category]>> {
        match &self.sample.variables[variable].read {
            Reading::Factor(_, categories) => Some(Arc::clone(categories)),
            Reading::Number | Reading::Unit(_) | Reading::Cell(_) => None,
        }
    }

    fn stopped(&self) -> bool {
        self.control.stop().is_some()
    }

    fn step(&self, number: usize) -> bool {
        Stage::step(self.control, number);
        self.stopped()
    }
}
