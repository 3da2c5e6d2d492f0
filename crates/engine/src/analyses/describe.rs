//! Correlations, tests of normality and survival curves: work that is done on the persons whom the gate names.

use std::sync::Arc;

use kernel::Language;
use roaring::RoaringBitmap;
use script::program::{Describe, DescribeKind, Name};
use statistics::descriptive::{self, Correlate};
use statistics::survival::{self, Interval, KaplanMeier, Outcome, Weibull};

use super::model::raw_test;
use super::sample::{Needs, Sample, View};
use crate::control::Control;
use crate::error::RunError;
use crate::raw::{
    Digits, Failed, Leaves, Over, PersonSet, RawAnalysis, RawCategory, RawCorrelations, RawCurve, RawCurves, RawMatrix,
    RawNumber, RawNumbers, RawPair, RawStep, RawSurvival, RawTests, SurvivalHead, TestsHead, Titles, Whom,
};
use crate::table::Scan;

/// Level of the intervals of curves (LANG-215).
const LEVEL: f64 = 95.0;

/// A description ready to be computed.
pub(crate) struct DescribeWork {
    sample: Sample,
    plan: Describe,
    variables: Vec<usize>,
    by: Option<usize>,
    titles: Titles,
    /// Variables that a row must have to count at all.
    needed: Vec<usize>,
}

impl DescribeWork {
    /// The variables of a command, looked up in the dataset.
    pub(crate) fn of(scan: &Scan<'_>, plan: &Describe, language: Language) -> Result<Self, RunError> {
        let mut sample = Sample::of(scan);
        let mut titles = Titles::new();
        for name in plan.variables.iter().chain(&plan.by) {
            let title = scan.column(name)?.title.as_ref().map(|t| t.text(language)).filter(|t| !t.is_empty());
            title.into_iter().for_each(|title| _ = titles.insert(name.to_string(), title.to_owned()));
        }
        let variables = plan.variables.iter().map(|name| sample.number(scan, name));
        let variables = variables.collect::<Result<Vec<usize>, RunError>>()?;
        let by = plan.by.as_ref().map(|name| sample.variable(scan, name, true)).transpose()?;
        let needed = match plan.kind {
            // Every pair, and every variable, has rows of its own (STAT-003).
            DescribeKind::NormalTest => Vec::new(),
            DescribeKind::Correlate if plan.options.has("pairwise") => Vec::new(),
            _ => variables.iter().copied().chain(by).collect(),
        };
        if let (DescribeKind::KaplanMeier | DescribeKind::Weibull, [event, time]) = (plan.kind, variables.as_slice()) {
            sample.need(*event, Needs::ZeroOrOne, "E_NOT_BINARY");
            sample.need(*time, Needs::NotNegative, "E_NEGATIVE_TIME");
            if plan.kind == DescribeKind::Weibull {
                sample.need(*time, Needs::Positive, "E_ZERO_TIME");
            }
        }
        Ok(Self { sample, plan: plan.clone(), variables, by, titles, needed })
    }

    fn raw<T>(self, control: &dyn Control) -> Result<RawAnalysis<T>, RunError>
    where
        Self: Over<T>,
    {
        let rows = self.sample.complete(&self.needed, control)?;
        let digest = format!("{:?}", Describe { condition: None, ..self.plan.clone() });
        let curves = matches!(self.plan.kind, DescribeKind::KaplanMeier | DescribeKind::Weibull);
        Ok(RawAnalysis {
            origin: self.sample.origin(),
            key: self.sample.key(&digest),
            core: (!curves).then(|| self.sample.core()),
            row_wise: self.sample.row_wise(),
            sample: self.sample.people().set(&rows),
            outside: self.sample.outside(control)?,
            parts: self.sample.parts(&self.split(), &rows, control)?,
            work: Arc::new(self),
            computed: None,
        })
    }

    /// `correlate` (LANG-166).
    pub(crate) fn correlations(self, control: &dyn Control) -> Result<RawCorrelations, RunError> {
        self.raw(control)
    }

    /// `normaltest` (LANG-169).
    pub(crate) fn tests(self, control: &dyn Control) -> Result<RawTests, RunError> {
        self.raw(control)
    }

    /// `kaplan-meier` and `weibull` (LANG-215, LANG-216).
    pub(crate) fn survival(self, control: &dyn Control) -> Result<RawSurvival, RunError> {
        self.raw(control)
    }

    /// Variables with groups of their own: of curves.
    fn split(&self) -> Vec<usize> {
        self.by.into_iter().collect()
    }

    fn name(&self, variable: usize) -> &Name {
        let place = self.variables.iter().position(|v| *v == variable).unwrap_or_default();
        &self.plan.variables[place]
    }
}

impl Whom for DescribeWork {
    fn without(&self, categories: &[(usize, f64)], control: &dyn Control) -> Result<PersonSet, RunError> {
        self.sample.without(&self.needed, categories, control)
    }

    fn covers(
        &self,
        persons: &RoaringBitmap,
        categories: &[(usize, f64)],
        control: &dyn Control,
    ) -> Result<bool, RunError> {
        self.sample.covers(&self.needed, persons, categories, control)
    }
}

impl Over<RawMatrix> for DescribeWork {
    fn over(
        &self,
        persons: Option<&RoaringBitmap>,
        leaves: &dyn Leaves,
        control: &dyn Control,
    ) -> Result<RawMatrix, Failed> {
        let rows = self.sample.rows(&self.needed, persons, leaves, control)?;
        let view = View::fenced(&self.sample, &rows, control)?;
        let asked = Correlate { variables: self.variables.clone(), pairwise: self.plan.options.has("pairwise") };
        let found = descriptive::correlate(&view, &asked)?;
        let pairs = found.pairs.into_iter().map(|pair| {
            let set = view.persons(&pair.variables, |x| !x[0].is_nan() && !x[1].is_nan())?;
            Ok(RawPair {
                names: pair.variables.map(|v| self.name(v).to_string()),
                set,
                r: pair.r,
                covariance: pair.covariance.filter(|_| self.plan.options.has("covariance")),
                concentration: pair.concentration,
            })
        });
        Ok(RawMatrix { titles: self.titles.clone(), pairs: pairs.collect::<Result<_, RunError>>()? })
    }
}

impl Over<RawNumbers> for DescribeWork {
    fn over(
        &self,
        persons: Option<&RoaringBitmap>,
        leaves: &dyn Leaves,
        control: &dyn Control,
    ) -> Result<RawNumbers, Failed> {
        let rows = self.sample.rows(&self.needed, persons, leaves, control)?;
        let view = View::fenced(&self.sample, &rows, control)?;
        let mut numbers = Vec::new();
        let keys = |row: u32| view.record_key(row as usize) as u64;
        let all = descriptive::normaltest(&view, &self.variables, Some(&keys))?;
        for (variable, found) in self.variables.iter().zip(all) {
            let set = view.persons(&[*variable], |x| !x[0].is_nan())?;
            // Where nearly all have the same value the tests are about the few others.
            let off = view.off_mode(*variable)?;
            let tests = [
                ("skewness", found.skewness_test),
                ("kurtosis", found.kurtosis_test),
                ("s-k", found.both),
                ("jarque-bera", found.jarque_bera),
                ("shapiro-wilk", found.shapiro_wilk),
            ];
            for (test, tested) in tests {
                for (column, value) in [("statistic", tested.map(|t| t.statistic)), ("p", tested.map(|t| t.p))] {
                    numbers.push(RawNumber {
                        table: self.name(*variable).to_string(),
                        name: [test.to_owned(), column.to_owned()],
                        value,
                        digits: Digits::Three,
                        rests_on: off.iter().chain([&set]).map(PersonSet::copy).collect(),
                    });
                }
            }
        }
        let head = TestsHead { command: "normaltest".to_owned(), response: None, titles: self.titles.clone() };
        Ok(RawNumbers { head, numbers })
    }
}

impl Over<RawCurves> for DescribeWork {
    fn over(
        &self,
        persons: Option<&RoaringBitmap>,
        leaves: &dyn Leaves,
        control: &dyn Control,
    ) -> Result<RawCurves, Failed> {
        let rows = self.sample.rows(&self.needed, persons, leaves, control)?;
        let view = View::of(&self.sample, &rows, control);
        let [event, time] = self.variables.as_slice() else { return Err(RunError::unknown_column("").into()) };
        let outcome = Outcome { event: *event, time: *time };
        let asked = KaplanMeier { outcome, by: self.by, level: LEVEL, interval: Interval::LogLog, times: None };
        let found = survival::kaplan_meier(&view, &asked)?;
        let parameters = match self.plan.kind {
            DescribeKind::Weibull => {
                let groups = survival::weibull(&view, &Weibull { outcome, by: self.by })?;
                groups.into_iter().map(|group| Ok(shape(&group.fit?))).collect::<Result<Vec<_>, Failed>>()?
            }
            _ => vec![Vec::new(); found.curves.len()],
        };
        let mut curves = Vec::new();
        for (curve, parameters) in found.curves.into_iter().zip(parameters) {
            let (set, events) = self.group(&view, curve.group)?;
            let step = |s: &survival::Step| RawStep { time: s.time, at_risk: s.at_risk, events: s.events };
            curves.push(RawCurve {
                group: curve.group.and_then(|group| self.category(group)),
                set,
                events,
                steps: curve.steps.iter().map(step).collect(),
                parameters,
            });
        }
        Ok(RawCurves {
            head: SurvivalHead {
                command: if self.plan.kind == DescribeKind::Weibull { "weibull" } else { "kaplan-meier" }.to_owned(),
                event: self.plan.variables[0].to_string(),
                time: self.plan.variables[1].to_string(),
                group: self.plan.by.as_ref().map(|by| by.to_string()),
                titles: self.titles.clone(),
            },
            level: asked.level,
            curves,
            log_rank: found.log_rank.map(|found| raw_test(&found.test)),
        })
    }
}

impl DescribeWork {
    fn category(&self, group: usize) -> Option<RawCategory> {
        self.sample.categories(self.by?).get(group).cloned()
    }

    /// The persons of a group, and those of them with an event.
    fn group(&self, view: &View<'_>, group: Option<usize>) -> Result<(PersonSet, PersonSet), RunError> {
        let event = self.variables[0];
        let variables: Vec<usize> = std::iter::once(event).chain(self.by).collect();
        let inside = |x: &[f64]| group.is_none_or(|group| x.get(1).copied() == Some(group as f64));
        let set = view.persons(&variables, inside)?;
        let events = view.persons(&variables, |x| inside(x) && x[0] == 1.0)?;
        Ok((set, events))
    }
}

fn shape(fit: &survival::WeibullShape) -> Vec<(String, f64)> {
    let named = [
        ("shape", fit.shape),
        ("shape_se", fit.se_shape),
        ("scale", fit.scale),
        ("scale_se", fit.se_scale),
        ("ll", fit.ll),
        ("median", fit.median()),
    ];
    named.into_iter().map(|(name, x)| (name.to_owned(), x)).collect()
}
