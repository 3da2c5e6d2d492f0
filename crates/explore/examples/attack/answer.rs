//! Who answers a script: the real gate behind the runner that the data zone uses, or one of the mechanisms that other
//! systems use, which are here to show that the attacks work where nothing stops them.

use std::sync::Arc;

use disclosure::{
    BudgetRules, Fingerprint, GateKeys, Ledger, MemoryLedger, Output, PTable, PTableParams, Policy, Rules, Table, Value,
};
use engine::raw::{PersonSet, RawTable};
use engine::source::VariableSource;
use engine::{ImportCache, Outcome, Parameters, SourceCatalogue, Unattended};
use explore::meters::Meters;
use explore::{Job, Runner, RunnerParts, SnapshotBudget, Switch};
use kernel::Language;
use testkit::TestZone;

use super::Failure;

/// One table or summary as the analyst sees it.
#[derive(Clone, Default, Debug, PartialEq)]
pub struct Told {
    /// The codes of each dimension.
    pub codes: Vec<Vec<String>>,
    /// Cells and margins, as in a released table; hidden ones are none.
    pub counts: Vec<Option<f64>>,
    /// The statistics that were asked for, cell by cell.
    pub values: Vec<Option<f64>>,
}

impl Told {
    fn place(&self, codes: &[&str]) -> Option<usize> {
        let mut at = 0;
        for (known, code) in self.codes.iter().zip(codes) {
            let place = if code.is_empty() { Some(known.len()) } else { known.iter().position(|k| k == code) };
            at = at * (known.len() + 1) + place?;
        }
        Some(at)
    }

    /// The count of a cell, the empty code for a total; none when it is hidden or has no category.
    pub fn count(&self, codes: &[&str]) -> Option<f64> {
        self.place(codes).and_then(|at| self.counts[at])
    }

    /// The same as a number, where what is not shown is one more value.
    pub fn seen(&self, codes: &[&str]) -> f64 {
        self.count(codes).unwrap_or(-1.0)
    }
}

/// What a script gave.
#[derive(Clone, Default, Debug)]
pub struct Answers {
    pub told: Vec<Told>,
    /// The coefficients of every fit that was shown, by term, and how many persons it says it has.
    pub fits: Vec<(f64, Vec<(String, f64)>)>,
    /// Diagnostics that ended or accompanied it.
    pub codes: Vec<String>,
    /// Everything that was answered, word for word, with a mark for every number.
    pub text: String,
    pub seconds: f64,
}

/// A text with every run of digits as one mark: how many persons a number counts is not what is compared here.
fn without_numbers(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut digits = false;
    for c in text.chars() {
        let digit = c.is_ascii_digit() || (digits && c == '.');
        if !digit || !digits {
            out.push(if digit { '#' } else { c });
        }
        digits = digit;
    }
    out
}

/// A mechanism under attack.
pub trait Answer {
    fn name(&self) -> &'static str;
    /// Carries out a script for an account.
    fn ask(&self, account: &str, script: &str) -> Result<Answers, Failure>;
    /// The sum over everybody in a table for which `sum` was asked.
    fn sum(&self, told: &Told) -> f64 {
        told.values.last().copied().flatten().unwrap_or(0.0)
    }
}

/// The keys of an attacked installation.
pub fn keys(seed: u64) -> GateKeys {
    GateKeys::draw(&testkit::Seeded::new(seed))
}

/// The real gate.
pub struct Gateway {
    runner: Runner,
    name: &'static str,
}

/// The gate with its budgets; without them it is called `hap`.
pub const METERED: &str = "hap with budgets";

impl Gateway {
    pub fn new(source: Arc<dyn VariableSource>, keys: GateKeys, zone: &TestZone, policy: Policy) -> Self {
        Self::with(source, Arc::new(keys), zone, policy, Box::new(MemoryLedger::new()))
    }

    pub fn with(
        source: Arc<dyn VariableSource>,
        keys: Arc<GateKeys>,
        zone: &TestZone,
        policy: Policy,
        ledger: Box<dyn Ledger>,
    ) -> Self {
        let meters = without_stop(&policy);
        Self::of(source, keys, zone, policy, ledger, ("hap", meters))
    }

    /// With the budgets of the policy: what one project may ask.
    pub fn metered(source: Arc<dyn VariableSource>, keys: GateKeys, zone: &TestZone, policy: Policy) -> Self {
        let meters = Meters::in_memory(&policy);
        Self::of(source, Arc::new(keys), zone, policy, Box::new(MemoryLedger::new()), (METERED, meters))
    }

    fn of(
        source: Arc<dyn VariableSource>,
        keys: Arc<GateKeys>,
        zone: &TestZone,
        policy: Policy,
        ledger: Box<dyn Ledger>,
        (name, meters): (&'static str, Meters),
    ) -> Self {
        let runner = Runner::new(RunnerParts {
            source,
            cache: Arc::new(ImportCache::new(1 << 30)),
            policy,
            keys,
            ledger,
            meters: Arc::new(meters),
            signer: zone.signer.clone(),
            clock: zone.clock.clone(),
            snapshots: SnapshotBudget::default(),
        });
        Self { runner, name }
    }
}

/// Meters that stop nobody: what a mechanism withstands is measured without the budgets, which stop most attacks sooner.
fn without_stop(policy: &Policy) -> Meters {
    let all = 1 << 40;
    let budget = BudgetRules {
        sets_per_day: all,
        sets_per_version: all,
        splits_per_day: all,
        splits_per_version: all,
        fragmenting_per_version: all,
        student_part: 1,
    };
    let rules = Rules { budget, ..policy.rules().clone() };
    Meters::in_memory(&Policy::new(rules).unwrap_or_else(|_| policy.clone()))
}

impl Answer for Gateway {
    fn name(&self) -> &'static str {
        self.name
    }

    fn ask(&self, account: &str, script: &str) -> Result<Answers, Failure> {
        let start = std::time::Instant::now();
        let job = Job { project: account, ..Job::new("run", account, script, Language::En) };
        let ran = self.runner.run(&job, &Switch::default())?;
        let seconds = start.elapsed().as_secs_f64();
        let outputs = ran.released.results.iter().filter_map(|entry| entry.output());
        let told = outputs.filter_map(|output| match output {
            Output::Table(table) => Some(shown(table)),
            Output::Summary(summary) => Some(Told {
                codes: Vec::new(),
                counts: summary.rows.iter().map(|r| r.n.number()).collect(),
                values: summary.rows.iter().flat_map(|r| r.values.iter().map(|v| v.number())).collect(),
            }),
            Output::Survival(survival) => {
                let numbers = |of: &dyn Fn(&disclosure::Curve) -> Vec<Value>| {
                    survival.curves.iter().flat_map(of).map(Value::number).collect()
                };
                let points = |curve: &disclosure::Curve| {
                    curve.points.iter().flat_map(|p| [p.time, p.at_risk, p.events, p.survival]).collect()
                };
                Some(Told {
                    codes: Vec::new(),
                    counts: numbers(&|curve| vec![curve.n, curve.events]),
                    values: numbers(&points),
                })
            }
            _ => None,
        });
        let told = told.collect();
        let outputs = ran.released.results.iter().filter_map(|entry| entry.output());
        let fits = outputs.filter_map(|output| {
            let Output::Model(model) = output else { return None };
            let terms = model.terms.iter().map(|term| (term.label.clone(), term.b.number().unwrap_or(0.0)));
            Some((model.n.number().unwrap_or(0.0), terms.collect()))
        });
        let fits = fits.collect();
        let codes = ran.diagnostics.iter().map(|d| d.code.as_str().to_owned()).collect();
        let words = serde_json::to_string(&(&ran.released.results, &ran.diagnostics))?;
        Ok(Answers { told, fits, codes, text: without_numbers(&words), seconds })
    }
}

fn shown(table: &Table) -> Told {
    Told {
        codes: table.dimensions.iter().map(|d| d.categories.iter().map(|c| c.code.clone()).collect()).collect(),
        counts: table.cells.iter().map(|c| c.count.number()).collect(),
        values: table.cells.iter().flat_map(|c| c.values.iter().copied().map(Value::number)).collect(),
    }
}

/// What other systems do with a count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Weak {
    /// Shows it.
    None,
    /// Hides what is below ten.
    Suppression,
    /// Rounds to five and hides what is at most seven.
    Rounding,
    /// Noise that follows from the set of persons alone; hides what is below ten.
    CellKey,
}

/// Leaves out nobody.
struct Nobody;

impl engine::raw::Leaves for Nobody {
    fn out(&self, _: &mut dyn Iterator<Item = (u32, u128)>) -> Vec<u32> {
        Vec::new()
    }
}

/// Everything that is compared with the gate.
pub const WEAK: [Weak; 4] = [Weak::None, Weak::Suppression, Weak::Rounding, Weak::CellKey];

/// The engine with a mechanism that looks at one cell at a time.
pub struct Simple {
    source: Arc<dyn VariableSource>,
    cache: Arc<ImportCache>,
    keys: GateKeys,
    table: PTable,
    means: PTable,
    how: Weak,
}

impl Simple {
    pub fn new(source: Arc<dyn VariableSource>, keys: GateKeys, how: Weak) -> Result<Self, Failure> {
        let cache = Arc::new(ImportCache::new(1 << 30));
        let means = PTable::new(PTableParams::new(5, 2.0, 0))?;
        Ok(Self { source, cache, keys, table: PTable::new(PTableParams::new(5, 3.0, 2))?, means, how })
    }

    fn count(&self, set: &PersonSet) -> Option<f64> {
        let n = set.persons;
        match self.how {
            Weak::None => Some(n as f64),
            Weak::Suppression => (n == 0 || n >= 10).then_some(n as f64),
            Weak::Rounding => (n == 0 || n > 7).then_some((n as f64 / 5.0).round() * 5.0),
            Weak::CellKey if n == 0 => Some(0.0),
            Weak::CellKey => {
                let u = self.keys.cell_key(Fingerprint(set.fingerprint), "count", "");
                let noisy = n as i64 + self.table.change(n, u);
                (noisy >= 10).then_some(noisy as f64)
            }
        }
    }

    /// Means exact, or with the noise of SDC-102 on the set's own key.
    fn mean(&self, group: &engine::raw::RawMagnitude) -> Option<f64> {
        let shown = self.count(&group.set)?;
        let (mean, far) = (group.plain.mean?, group.plain.farthest.first()?);
        Some(match self.how {
            Weak::CellKey => {
                let u = self.keys.cell_key(Fingerprint(group.set.fingerprint), "mean", "INCOME");
                mean + 0.3 * far * self.means.change(u64::MAX, u) as f64 / shown
            }
            _ => mean,
        })
    }

    fn table(&self, table: &RawTable) -> Told {
        Told {
            codes: table.dimensions.iter().map(|d| d.categories.iter().map(|c| c.code.clone()).collect()).collect(),
            counts: table.cells.iter().map(|c| self.count(&c.set)).collect(),
            values: table.cells.iter().flat_map(|c| c.magnitudes.iter().map(|m| self.mean(m))).collect(),
        }
    }
}

impl Answer for Simple {
    fn name(&self) -> &'static str {
        match self.how {
            Weak::None => "none",
            Weak::Suppression => "suppression < 10",
            Weak::Rounding => "rounding to 5",
            Weak::CellKey => "cell key only",
        }
    }

    /// Whatever is asked for, these give means; their sums are consistent with their counts.
    fn sum(&self, told: &Told) -> f64 {
        let last = |numbers: &[Option<f64>]| numbers.last().copied().flatten().unwrap_or(0.0);
        last(&told.values) * last(&told.counts)
    }

    fn ask(&self, _: &str, script: &str) -> Result<Answers, Failure> {
        let settings = script::Settings { running: true, ..script::Settings::default() };
        let compiled = script::compile(script, &SourceCatalogue(&*self.source), &settings);
        let program = compiled.program.ok_or_else(|| format!("{:?}", compiled.diagnostics))?;
        let cache = Arc::clone(&self.cache);
        let mut run = engine::Run::new(Arc::clone(&self.source), cache, Parameters::default(), Language::En);
        let mut answers = Answers::default();
        for step in &program.steps {
            run.activate(step.dataset.as_ref());
            let outcome = match run.execute(step, &Unattended)? {
                Outcome::Groups(_) => run.fill_exact(&Unattended)?,
                outcome => outcome,
            };
            match outcome {
                Outcome::Table(raw) => answers.told.push(self.table(raw.peek())),
                Outcome::Summary(raw) => {
                    let rows = &raw.peek().rows;
                    answers.told.push(Told {
                        codes: Vec::new(),
                        counts: rows.iter().map(|r| self.count(&r.magnitude.set)).collect(),
                        // As the gate has them: mean, standard deviation, percentiles.
                        values: rows
                            .iter()
                            .flat_map(|r| {
                                let percentiles = r.magnitude.percentiles.iter().map(|p| Some(p.exact));
                                [self.mean(&r.magnitude), None].into_iter().chain(percentiles).collect::<Vec<_>>()
                            })
                            .collect(),
                    });
                }
                Outcome::Survival(raw) => {
                    let work = &raw.peek().work;
                    let curves = work.over(None, &Nobody, &Unattended).map_err(|_| "no curves")?.curves;
                    let steps = curves.iter().flat_map(|c| &c.steps);
                    answers.told.push(Told {
                        codes: Vec::new(),
                        counts: curves.iter().flat_map(|c| [self.count(&c.set), self.count(&c.events)]).collect(),
                        values: steps.flat_map(|s| [s.time, s.at_risk as f64, s.events as f64].map(Some)).collect(),
                    });
                }
                _ => {}
            }
            run.accept();
        }
        Ok(answers)
    }
}
