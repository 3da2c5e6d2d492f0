//! The rule of each type of output (SDC-303). A rule gives reasons; a table without any passes.

use disclosure::Policy;

use crate::declaration::Declared;
use crate::output::{OutputType, Read, Role};
use crate::reason::Reason;
use crate::table::Cell;
use crate::verdict::Finding;

/// Counts leave rounded to a multiple of this.
const ROUNDING: f64 = 5.0;

/// The thresholds, from the policy (SDC-010).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub cell: f64,
    pub contributors: f64,
    pub rest_percent: f64,
    pub top_two: f64,
    /// Half of the order statistics that are averaged into a percentile (SDC-121).
    pub tail: f64,
    pub degrees: f64,
    pub dummy: u64,
    pub concentration: f64,
    pub events: f64,
    pub at_risk: f64,
}

impl Limits {
    pub(crate) fn of(policy: &Policy) -> Self {
        let rules = policy.rules();
        Self {
            cell: rules.min_cell as f64,
            contributors: rules.min_contributors as f64,
            rest_percent: rules.p_percent,
            top_two: rules.n_k,
            tail: rules.percentile.k as f64 / 2.0,
            degrees: rules.model.min_dof as f64,
            dummy: rules.model.dummy_min,
            concentration: rules.model.kappa_max,
            events: rules.survival.min_events as f64,
            at_risk: rules.survival.min_risk as f64,
        }
    }
}

/// What the rule of `output` says of a table.
pub(crate) fn judge(read: &Read<'_>, output: OutputType, declared: Option<&Declared>, limits: &Limits) -> Vec<Finding> {
    let nothing = Declared::default();
    let declared = declared.unwrap_or(&nothing);
    let table = Judged { read, declared, limits, counts: read.counts(output) };
    match output {
        OutputType::Frequency => table.frequency(),
        OutputType::Magnitude => table.magnitude(),
        OutputType::Summary => table.summary(),
        OutputType::Test => table.test(),
        OutputType::Regression => table.regression(),
        OutputType::Survival => table.survival(),
        // Whether a figure's numbers stand in a passed table is seen when all tables are judged.
        OutputType::Figure if declared.individuals == Some(true) => vec![Reason::Individuals.into()],
        OutputType::Figure => Vec::new(),
        OutputType::Model => vec![Reason::Model.into()],
        OutputType::Text | OutputType::Unknown => vec![Reason::TypeUnknown.into()],
    }
}

struct Judged<'a> {
    read: &'a Read<'a>,
    declared: &'a Declared,
    limits: &'a Limits,
    counts: Vec<usize>,
}

impl Judged<'_> {
    fn rows(&self) -> std::ops::Range<usize> {
        0..self.read.table.rows
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        self.read.table.cell(row, column)
    }

    /// The first cell of these columns whose number fulfils something.
    fn first(&self, columns: impl IntoIterator<Item = usize>, holds: impl Fn(f64) -> bool) -> Option<(usize, usize)> {
        let mut columns = columns.into_iter();
        columns.find_map(|c| self.rows().find(|r| self.cell(*r, c).number().is_some_and(&holds)).map(|row| (row, c)))
    }

    fn of(&self, role: Role) -> Vec<usize> {
        self.read.of(role).collect()
    }

    /// Whether any number of these columns exists.
    fn some(&self, columns: &[usize]) -> bool {
        self.first(columns.iter().copied(), |_| true).is_some()
    }

    fn frequency(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let counts = || self.counts.iter().copied();
        if self.counts.is_empty() {
            found.push(Reason::NoCounts.into());
            return found;
        }
        let small = self.first(counts(), |x| x > 0.0 && x < self.limits.cell);
        found.extend(small.map(|(r, c)| Finding::at(Reason::SmallCount, r, c)));
        let unrounded = self.first(counts(), |x| x % ROUNDING != 0.0);
        found.extend(unrounded.map(|(r, c)| Finding::at(Reason::NotRounded, r, c)));
        found.extend(self.masked());
        found
    }

    /// Cells without a number in columns of counts, and whether one sign stands for all of them.
    fn masked(&self) -> Vec<Finding> {
        let mut signs: Vec<&str> = Vec::new();
        let mut first = None;
        for c in &self.counts {
            for r in self.rows() {
                let sign = match self.cell(r, *c) {
                    Cell::Number(_) => continue,
                    Cell::Empty => "",
                    Cell::Masked(sign) | Cell::Text(sign) => sign,
                };
                first = first.or(Some((r, *c)));
                if !signs.contains(&sign) {
                    signs.push(sign);
                }
            }
        }
        let Some((r, c)) = first else { return Vec::new() };
        let mut found = vec![Finding::at(Reason::Masked, r, c)];
        if signs.len() > 1 {
            found.push(Finding::at(Reason::MaskedUnevenly, r, c));
        }
        found
    }

    /// Contributors or units behind numbers: by columns of counts, else as declared.
    fn behind(&self, few: Reason, unknown: Reason, numbers: &[usize]) -> Vec<Finding> {
        let mut found = Vec::new();
        let least = self.limits.contributors;
        let small = self.first(self.counts.iter().copied(), |x| x > 0.0 && x < least);
        found.extend(small.map(|(r, c)| Finding::at(few, r, c)));
        if self.declared.min_contributors.is_some_and(|n| (n as f64) < least) {
            found.push(few.into());
        }
        let counted = |row: usize| self.counts.iter().all(|c| self.cell(row, *c).number().is_some());
        let shown = |row: usize| numbers.iter().any(|c| self.cell(row, *c).number().is_some());
        let uncounted = self.rows().find(|r| shown(*r) && !counted(*r));
        if self.declared.min_contributors.is_none() {
            match uncounted {
                _ if self.counts.is_empty()
                    && self.declared.n.is_some_and(|n| self.read.table.rows < 2 && n as f64 >= least) => {}
                _ if self.counts.is_empty() => found.push(unknown.into()),
                Some(row) => found.push(Finding::at(unknown, row, self.counts[0])),
                None => {}
            }
        }
        found
    }

    fn magnitude(&self) -> Vec<Finding> {
        let mut sums = self.of(Role::Sum);
        sums.extend(self.of(Role::Number));
        let mut found = self.behind(Reason::FewContributors, Reason::ContributorsUnknown, &sums);
        match self.declared.dominance {
            None => found.push(Reason::DominanceUnknown.into()),
            Some(e) if e.rest_percent < self.limits.rest_percent || e.top_two_share > self.limits.top_two => {
                found.push(Reason::Dominance.into());
            }
            Some(_) => {}
        }
        found.extend(self.order_statistics());
        found
    }

    fn summary(&self) -> Vec<Finding> {
        let mut numbers: Vec<usize> = self.of(Role::Number);
        numbers.extend((0..self.read.roles.len()).filter(|c| self.read.roles[*c].is_statistic()));
        let mut found = self.behind(Reason::FewUnits, Reason::UnitsUnknown, &numbers);
        found.extend(self.order_statistics());
        found
    }

    /// Smallest and largest values, and percentiles far out.
    fn order_statistics(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let single = self.read.of(Role::Single).find_map(|c| {
            let shown = |r: &usize| matches!(self.cell(*r, c), Cell::Number(_) | Cell::Text(_));
            self.rows().find(shown).map(|r| Finding::at(Reason::SingleValue, r, c))
        });
        found.extend(single);
        for (c, role) in self.read.roles.iter().enumerate() {
            let Role::Percentile(p) = role else { continue };
            let outer = p.min(100.0 - p);
            if outer == 0.0 && self.some(&[c]) {
                found.push(Finding::in_column(Reason::SingleValue, c));
                continue;
            }
            let far = |row: usize| {
                let few = |n: f64| outer / 100.0 * n < self.limits.tail;
                outer <= 1.0 || self.counts.iter().any(|count| self.cell(row, *count).number().is_some_and(few))
            };
            let row = self.rows().find(|r| self.cell(*r, c).number().is_some() && far(*r));
            found.extend(row.map(|r| Finding::at(Reason::ExtremePercentile, r, c)));
        }
        found
    }

    fn test(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let least = self.limits.degrees;
        let small = self.first(self.counts.iter().copied(), |n| n < self.limits.cell);
        found.extend(small.map(|(r, c)| Finding::at(Reason::SmallSample, r, c)));
        if self.declared.n.is_some_and(|n| (n as f64) < self.limits.cell) {
            found.push(Reason::SmallSample.into());
        }
        let degrees = self.of(Role::Degrees);
        let few = self.first(degrees.iter().copied(), |f| f < least);
        found.extend(few.map(|(r, c)| Finding::at(Reason::FewDegrees, r, c)));
        // A correlation of n pairs has n - 2 degrees of freedom.
        let stated = self.declared.degrees_of_freedom.or(self.declared.n.map(|n| n as f64 - 2.0));
        match stated {
            Some(f) if f < least => found.push(Reason::FewDegrees.into()),
            None if !self.some(&degrees) && !self.some(&self.counts) => found.push(Reason::DegreesUnknown.into()),
            _ => {}
        }
        found
    }

    fn regression(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let errors = self.of(Role::StandardError);
        let exact = |c: &usize| self.rows().all(|r| !matches!(self.cell(r, *c), Cell::Number(x) if x.abs() > 1e-9));
        if self.some(&self.of(Role::Coefficient)) && !errors.is_empty() && errors.iter().all(exact) {
            found.push(Finding::in_column(Reason::Saturated, errors[0]));
        }
        let Some(design) = self.declared.design else {
            found.push(Reason::NoDesign.into());
            return found;
        };
        let degrees = design.observations as f64 - design.parameters as f64;
        if degrees <= 0.0 {
            found.push(Reason::Saturated.into());
        } else if degrees < self.limits.degrees {
            found.push(Reason::FewDegrees.into());
        }
        match design.smallest_dummy {
            Some(0 | 1) => found.push(Reason::SinglePersonTerm.into()),
            Some(n) if n < self.limits.dummy => found.push(Reason::SmallDummy.into()),
            _ => {}
        }
        match design.concentration {
            None => found.push(Reason::NoDesign.into()),
            Some(k) if k > self.limits.concentration => found.push(Reason::Concentrated.into()),
            Some(_) => {}
        }
        found
    }

    /// Events per step, from their column, or from the curve and the numbers at risk.
    fn steps(&self) -> Option<Vec<(usize, f64)>> {
        if let Some(column) = self.read.of(Role::Events).next() {
            return Some(self.rows().filter_map(|r| Some((r, self.cell(r, column).number()?))).collect());
        }
        let (curve, risk) = (self.read.of(Role::Survival).next()?, self.read.of(Role::AtRisk).next()?);
        let mut before = 1.0;
        let mut steps = Vec::new();
        for row in self.rows() {
            let (Some(now), Some(n)) = (self.cell(row, curve).number(), self.cell(row, risk).number()) else {
                continue;
            };
            // A new group begins at the top again.
            if now <= before && before > 0.0 {
                steps.push((row, ((before - now) / before * n).round()));
            }
            before = now;
        }
        Some(steps)
    }

    fn survival(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let few = self.first(self.read.of(Role::AtRisk), |n| n > 0.0 && n < self.limits.at_risk);
        found.extend(few.map(|(r, c)| Finding::at(Reason::FewAtRisk, r, c)));
        let Some(steps) = self.steps().filter(|s| !s.is_empty()) else {
            found.push(Reason::EventsUnknown.into());
            return found;
        };
        let with: Vec<&(usize, f64)> = steps.iter().filter(|(_, e)| *e > 0.0).collect();
        let ones = with.iter().filter(|(_, e)| *e < 2.0).count();
        if ones > 2 && ones * 2 > with.len() {
            found.push(Reason::EventTimes.into());
        }
        let small = with.iter().find(|(_, e)| *e < self.limits.events);
        found.extend(small.map(|(row, _)| Finding {
            reason: Reason::FewEvents,
            place: crate::verdict::Place { row: Some(row + 1), column: None },
            other: None,
        }));
        found
    }
}
