//! Rules for models (SDC-150..166): what a fit must be for anything of it to leave, and how its numbers are rounded.
//!
//! Guarantee: no coefficient rests on fewer persons than the policy says: no column of zeros and ones has fewer on a side, no
//! column fewer off its mode, no person more than the allowed leverage or share of a column. Two fits on samples that
//! differ by one person are one fit, or leave out different persons. A t, a p and an interval follow from what is shown.

use engine::raw::{
    FitState, RawEstimate, RawFit, RawFitRows, RawFitTable, RawModel, RawPredictions, RawTerm, Reference, TermRole,
};

use crate::analyses::{Filing, enough};
use crate::gate::private::Rules;
use crate::gate::{Desk, Stopped};
use crate::numbers::{shown, significant};
use crate::reason::Reason;
use crate::released::{Estimate, Model, ModelRows, ModelTable, TestNumber, Value};

/// Samples from this size have all digits of the policy (SDC-161).
const ALL_DIGITS_FROM: u64 = 3000;
/// Digits of a coefficient of a smaller sample, at most.
const FEWER_DIGITS: usize = 4;
/// Digits of a number of clusters, in the degrees of freedom that follow from it.
const CLUSTER_DIGITS: usize = 2;
/// Fewest clusters, and groups of a level of random effects.
const FEWEST_GROUPS: u64 = 10;
/// A fit that explains more is as good as exact.
const EXACT: f64 = 0.9999;

impl Rules for RawModel {
    type Out = Model;

    fn decide(mut self, desk: &mut Desk<'_>) -> Result<Model, Stopped> {
        let least = desk.policy().rules().model.min_n;
        let (filing, fit) = Filing::open(desk, &mut self, |n, problem| few_persons(least, n, problem))?;
        let refused = refusal(desk, filing.count.shown, &fit)?;
        filing.verdict(desk, refused)?;
        // Degrees of freedom as they can be had from what is shown.
        let mut residual = (filing.size().number().unwrap_or(0.0) - fit.parameters as f64).max(1.0);
        if let Some(clusters) = fit.clusters.filter(|_| fit.by_clusters) {
            // As a cluster may be a family, its number has few digits.
            let clusters = filing.number(desk, "clusters", significant(clusters as f64, CLUSTER_DIGITS))?;
            residual = residual.min(clusters - 1.0).max(1.0);
        }
        let scale = Scale::of(&fit, filing.count.shown, residual, desk);
        let mut terms = Vec::new();
        for term in &fit.terms {
            let own = match term.role {
                TermRole::Control | TermRole::Effect => continue,
                TermRole::Intercept => match &fit.base {
                    // SDC-162: what the constant stands for are the persons of the reference group.
                    Some(base) => enough(desk, base)?,
                    None => true,
                },
                TermRole::Shown | TermRole::Parameter => true,
            };
            let ratio = fit.head.effect.is_ratio() && term.role != TermRole::Parameter;
            let estimate = scale.estimate(&filing, desk, &term.label, term.estimate, term.se, own)?;
            terms.push(if ratio { scale.ratio(estimate) } else { estimate });
        }
        let mut margins = Vec::new();
        for margin in &fit.margins {
            let own = enough(desk, &margin.set)?;
            let label = format!("margin/{}", margin.label);
            let estimate = scale.estimate(&filing, desk, &label, margin.estimate, margin.se, own)?;
            margins.push(Estimate { label: margin.label.clone(), ..estimate });
        }
        let mut measures = Vec::new();
        for (name, x) in &fit.shares {
            let x = filing.number(desk, name, *x)?;
            measures.push((name.clone(), shown((x * 1000.0).round() / 1000.0)));
        }
        for (name, x) in &fit.likelihoods {
            measures.push((name.clone(), shown(significant(filing.number(desk, name, *x)?, 4))));
        }
        let tests = fit.tests.iter().map(|test| filing.test(desk, test, residual)).collect::<Result<_, Stopped>>()?;
        let mut counts = Vec::new();
        for (name, set) in &fit.counts {
            let count = desk.count(set, 0)?;
            counts.push((name.clone(), desk.show(count)));
        }
        let tables = fit.tables.iter().map(|t| scale.table(&filing, desk, t)).collect::<Result<_, Stopped>>()?;
        let model = Model {
            head: fit.head.into(),
            reference: fit.reference.into(),
            n: filing.size(),
            terms,
            measures,
            tests,
            counts,
            margins,
            tables,
            omitted: fit.omitted,
            notices: fit.notices,
            level: fit.level,
        };
        desk.shows(numbers(&model));
        Ok(model)
    }
}

/// How many numbers a model shows beside the size of its sample (SDC-170). What follows from others of them is none.
fn numbers(model: &Model) -> usize {
    let tables = model.tables.iter().flat_map(|table| -> Vec<Value> {
        match &table.rows {
            ModelRows::Estimates(rows) => rows.iter().map(|row| row.b).collect(),
            ModelRows::Tests(tests) => tests.iter().map(|test| test.statistic).collect(),
            ModelRows::Numbers(numbers) => numbers.iter().map(|number| number.value).collect(),
        }
    });
    let estimates = model.terms.iter().chain(&model.margins).map(|estimate| estimate.b);
    let tests = model.tests.iter().map(|test| test.statistic);
    let named = model.measures.iter().chain(&model.counts).map(|(_, value)| *value);
    estimates.chain(tests).chain(named).chain(tables).filter(|value| value.number().is_some()).count()
}

/// The columns of a model stay in the dataset; what is said of them later has rules of its own (SDC-230).
impl Rules for RawPredictions {
    type Out = ();

    fn decide(mut self, desk: &mut Desk<'_>) -> Result<(), Stopped> {
        let least = desk.policy().rules().model.min_n;
        Filing::open(desk, &mut self, |n, problem| few_persons(least, n, problem)).map(|_| ())
    }
}

/// Problems that are those of few persons: of too small a sample, and of a column or an outcome that nobody has. One person
/// more, and the fit would be refused for the same reason.
fn few_persons(least: u64, n: u64, problem: &str) -> Option<Reason> {
    match problem {
        _ if n < least => Some(Reason::ModelSize),
        "E_NO_ROWS" | "E_NO_RESIDUAL_DF" => Some(Reason::ModelSize),
        "E_COLLINEAR_ALL"
        | "E_NO_VARIATION"
        | "E_NO_EVENTS"
        | "E_NEEDS_TWO_GROUPS"
        | "E_MLOGIT_NEEDS_3"
        | "E_DID_NEEDS_FOUR_CELLS"
        | "E_NOT_A_PANEL"
        | "E_RDD_TOO_FEW"
        | "E_RDD_NO_JUMP"
        | "E_UNDERIDENTIFIED" => Some(Reason::ModelTerm),
        "E_TOO_FEW_CLUSTERS" => Some(Reason::Groups),
        _ => None,
    }
}

/// Why nothing of a fit leaves, if so (SDC-150). Sizes are released sizes.
fn refusal(desk: &mut Desk<'_>, n: u64, fit: &RawFit) -> Result<Option<Reason>, Stopped> {
    let rules = desk.policy().rules().model;
    let p = fit.parameters;
    if n < rules.min_n || n < p + rules.min_dof || p * rules.n_per_parameter > n {
        return Ok(Some(Reason::ModelSize));
    }
    // A term that follows from others would rest on one person if one more had it.
    let mut few = !fit.omitted.is_empty();
    for term in &fit.terms {
        // All are asked about, whatever the first of them says.
        few |= rests_on_few(desk, term, rules.dummy_min)?;
        few |= term.concentration.is_nan() || term.concentration > rules.kappa_max;
    }
    for set in &fit.varies {
        few |= desk.count(set, 0)?.shown < rules.dummy_min;
    }
    for (_, set) in &fit.counts {
        few |= desk.count(set, 0)?.shown < FEWEST_GROUPS;
    }
    // That there are ten groups must not be due to a few persons.
    let mut few_groups = false;
    for set in &fit.beyond {
        few_groups |= desk.count(set, 0)?.shown < rules.dummy_min;
    }
    if few || fit.leverage.is_nan() || fit.leverage > rules.h_max {
        return Ok(Some(Reason::ModelTerm));
    }
    let exact = fit.shares.iter().any(|(name, x)| name == "r2" && *x > EXACT);
    if fit.state != FitState::Converged || exact {
        return Ok(Some(Reason::ModelFit));
    }
    let groups = fit.clusters.iter().chain(&fit.groups);
    few_groups |= groups.min().is_some_and(|least| *least < FEWEST_GROUPS);
    Ok(few_groups.then_some(Reason::Groups))
}

fn rests_on_few(desk: &mut Desk<'_>, term: &RawTerm, least: u64) -> Result<bool, Stopped> {
    let mut few = false;
    for set in term.sides.iter().flatten().chain(&term.off_mode) {
        few |= desk.count(set, 0)?.shown < least;
    }
    Ok(few)
}

/// How estimates of a fit are rounded and compared.
struct Scale {
    digits: usize,
    residual: f64,
    reference: Reference,
    critical: f64,
}

impl Scale {
    fn of(fit: &RawFit, n: u64, residual: f64, desk: &Desk<'_>) -> Self {
        let sig = desk.policy().rules().model.sig;
        let digits = if n < ALL_DIGITS_FROM { sig.min(FEWER_DIGITS) } else { sig };
        let critical = match fit.reference {
            Reference::Student => distributions::t_critical(fit.level, residual),
            Reference::Normal => distributions::normal_critical(fit.level),
        };
        Self { digits, residual, reference: fit.reference, critical }
    }

    fn tails(&self, t: f64) -> f64 {
        match self.reference {
            Reference::Student => distributions::t_two_sided(t, self.residual),
            Reference::Normal => distributions::normal_two_sided(t),
        }
    }

    fn estimate(
        &self,
        filing: &Filing,
        desk: &mut Desk<'_>,
        label: &str,
        estimate: f64,
        se: f64,
        own: bool,
    ) -> Result<Estimate, Stopped> {
        let b = significant(filing.number(desk, &format!("b/{label}"), estimate)?, self.digits);
        let se = significant(filing.number(desk, &format!("se/{label}"), se)?, 3);
        let label = label.to_owned();
        if !own {
            let hidden = Value::Hidden(Reason::Small);
            return Ok(Estimate { label, b: hidden, se: hidden, t: hidden, p: hidden, low: hidden, high: hidden });
        }
        let t = if se > 0.0 { b / se } else { f64::NAN };
        Ok(Estimate {
            label,
            b: shown(b),
            se: shown(se),
            t: shown(significant(t, 3)),
            p: shown(significant(self.tails(t), 3)),
            low: shown(significant(b - self.critical * se, self.digits)),
            high: shown(significant(b + self.critical * se, self.digits)),
        })
    }

    /// The ratio that an estimate stands for: exp(b) with its error by the delta rule, and exp of the interval (STAT-210). All
    /// from the estimate as it is rounded; z and p are those of the coefficient.
    fn ratio(&self, of: Estimate) -> Estimate {
        let b = exp(of.b, self.digits);
        let se = match (b, of.se) {
            (Value::Value(b), Value::Value(se)) => shown(significant(b * se, 3)),
            _ => of.se,
        };
        Estimate { b, se, low: exp(of.low, self.digits), high: exp(of.high, self.digits), ..of }
    }

    /// A further table. Its rows rest on the whole sample, except numbers that say more.
    fn table(&self, filing: &Filing, desk: &mut Desk<'_>, raw: &RawFitTable) -> Result<ModelTable, Stopped> {
        let name = raw.name.clone();
        let rows = match &raw.rows {
            RawFitRows::Estimates(rows) => ModelRows::Estimates(
                rows.iter().map(|row| self.derived(filing, desk, &name, row)).collect::<Result<_, Stopped>>()?,
            ),
            RawFitRows::Tests(tests) => ModelRows::Tests(
                tests
                    .iter()
                    .map(|t| filing.test_of(desk, &format!("{name}/"), t, self.residual))
                    .collect::<Result<_, Stopped>>()?,
            ),
            RawFitRows::Numbers(numbers) => ModelRows::Numbers(
                numbers
                    .iter()
                    .map(|n| Ok(TestNumber { table: String::new(), ..filing.cell(desk, &name, n)? }))
                    .collect::<Result<_, Stopped>>()?,
            ),
        };
        Ok(ModelTable { name, rows })
    }

    /// An estimate that is no term; all that needs its error is undefined where it has none.
    fn derived(
        &self,
        filing: &Filing,
        desk: &mut Desk<'_>,
        table: &str,
        raw: &RawEstimate,
    ) -> Result<Estimate, Stopped> {
        let label = format!("{table}/{}", raw.label);
        let Some(se) = raw.se else {
            let b = filing.number(desk, &format!("b/{label}"), raw.estimate)?;
            let (b, none) = (shown(significant(b, self.digits)), Value::Undefined);
            return Ok(Estimate { label: raw.label.clone(), b, se: none, t: none, p: none, low: none, high: none });
        };
        let estimate = self.estimate(filing, desk, &label, raw.estimate, se, true)?;
        Ok(Estimate { label: raw.label.clone(), ..estimate })
    }
}

/// exp of a number that is shown.
fn exp(value: Value, digits: usize) -> Value {
    value.number().map_or(value, |x| shown(significant(x.exp(), digits)))
}
