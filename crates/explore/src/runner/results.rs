//! From the engine's outcome of one statement to what is shown: which statistics the gate is asked for, the release, and
//! the view it is presented in. What it is not: the loop over statements, and no rule of disclosure.

use std::sync::PoisonError;

use disclosure::{
    Base, Body, Chart, Content, Ctx, Gate, Layout, Note, Output, Reason, Releasable, Released, Statistic, Stopped,
    View, Withheld,
};
use engine::{Outcome, Raw};
use kernel::{LangMap, Language};
use script::program::{Action, Barchart, Statistic as Asked, Step, Tabulate};
use script::{Code, Diagnostic};

use super::{Halt, Job, Runner, RunnerError};

/// What the gate let out of a statement, and how it is to be shown.
pub(super) struct Shown {
    pub(super) view: View,
    /// Codes of warnings.
    pub(super) warnings: Vec<String>,
    /// What a receipt adds from metadata.
    pub(super) notes: Vec<Note>,
    pub(super) content: Body,
}

impl Shown {
    fn new<T: Into<Output>>(view: View, released: Released<T>) -> Self {
        Self { view, warnings: Vec::new(), notes: Vec::new(), content: released.into_output().into() }
    }
}

/// Where the raw results of one statement are handed in.
pub(super) struct Counter<'a> {
    pub(super) runner: &'a Runner,
    pub(super) job: &'a Job<'a>,
    /// Digest of the script.
    pub(super) script: &'a str,
    /// Number of the statement, from 0.
    pub(super) number: usize,
}

impl Counter<'_> {
    /// Takes an outcome through the gate. Everything of it is released or nothing is: the statement may take effect only
    /// when this succeeds (LANG-241).
    pub(super) fn release(&self, step: &Step, outcome: Outcome) -> Result<Vec<Shown>, Halt> {
        match outcome {
            Outcome::Done | Outcome::Text(_) => Ok(Vec::new()),
            Outcome::Population(raw) => Ok(vec![Shown::new(View::Receipt, self.gate(step, &[], raw)?)]),
            Outcome::Edits(raws) => {
                raws.into_iter().map(|raw| Ok(Shown::new(View::Receipt, self.gate(step, &[], raw)?))).collect()
            }
            Outcome::Table(raw) => {
                let (contents, statistics) = match &step.action {
                    Action::Tabulate(plan) => table_view(plan),
                    _ => (vec![Content::Count], Vec::new()),
                };
                Ok(vec![Shown::new(
                    View::Table { contents, layout: Layout::default() },
                    self.gate(step, &statistics, raw)?,
                )])
            }
            Outcome::Summary(raw) => {
                let statistics = summary_statistics(&step.action);
                let released = self.gate(step, &statistics, raw)?;
                let contents = statistics.into_iter().map(Content::Statistic).collect();
                Ok(vec![Shown::new(View::Table { contents, layout: Layout::default() }, released)])
            }
            Outcome::Chart(raw) => {
                let Action::Barchart(plan) = &step.action else { return Ok(Vec::new()) };
                let content = bar_content(plan);
                let statistics: Vec<Statistic> = match content {
                    Content::Statistic(s) => vec![s],
                    // The number of valid values of variables without categories (LANG-182).
                    _ => vec![Statistic::N],
                };
                let chart = Chart { content, horizontal: plan.horizontal, stacked: plan.stack };
                Ok(vec![Shown::new(View::Bars(chart), self.gate(step, &statistics, raw)?)])
            }
        }
    }

    fn gate<T: Releasable>(
        &self,
        step: &Step,
        statistics: &[Statistic],
        raw: Raw<T>,
    ) -> Result<Released<T::Out>, Halt> {
        let runner = self.runner;
        let ctx = Ctx {
            account: self.job.account,
            project: self.job.project,
            at: runner.clock.now(),
            script: self.script,
            statement: u32::try_from(self.number).unwrap_or(u32::MAX),
            statistics,
            keys: &runner.keys,
            recompute: None,
        };
        let mut ledger = runner.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        match Gate::release(&runner.policy, &mut **ledger, &ctx, raw) {
            Ok(released) => Ok(released),
            Err(Stopped::LedgerUnavailable) => Err(RunnerError::Unavailable("the gate ledger".to_owned()).into()),
            Err(Stopped::Withheld(withheld)) => Err(Halt::Told(Box::new(refusal(step, withheld)))),
        }
    }
}

/// What is not built yet says so, before any data is touched.
pub(super) fn not_yet(step: &Step) -> Option<Diagnostic> {
    let Action::Tabulate(plan) = &step.action else { return None };
    let options = [
        ("chi2", plan.chi2),
        ("flatten", plan.flatten),
        ("rows", plan.layout.is_some()),
        ("additive", plan.additive),
        ("rowsort", plan.row_sort.is_some()),
        ("colsort", plan.column_sort.is_some()),
        ("top", plan.top.is_some()),
        ("bottom", plan.bottom.is_some()),
    ];
    let (option, _) = options.into_iter().find(|(_, given)| *given)?;
    let message = LangMap::of(
        &format!("Valget «{option}» kan ikke brukes ennå."),
        &format!("Valet «{option}» kan ikkje brukast enno."),
        &format!("The option \"{option}\" cannot be used yet."),
    );
    Some(Diagnostic::new(Code::E605, step.span, message))
}

/// A refusal names the reason and its remedy, never a number (LANG-242).
fn refusal(step: &Step, withheld: Withheld) -> Diagnostic {
    let reason: Reason = withheld.code;
    let each = |f: &dyn Fn(Language) -> &'static str| LangMap::of(f(Language::Nb), f(Language::Nn), f(Language::En));
    let code = Code::ALL.iter().copied().find(|c| c.as_str() == reason.diagnostic()).unwrap_or(Code::E401);
    Diagnostic::new(code, step.span, each(&|l| reason.text(l)))
        .hint(each(&|l| withheld.remedy.text(l)))
        .named(reason.code())
}

fn statistic(asked: Asked) -> Option<Statistic> {
    Some(match asked {
        Asked::Mean => Statistic::Mean,
        Asked::Sum => Statistic::Sum,
        Asked::Sd => Statistic::Sd,
        Asked::Gini => Statistic::Gini,
        Asked::Iqr => Statistic::Iqr,
        // The least and the largest value are never shown; P1 and P99 stand for them (LANG-175).
        Asked::Min => Statistic::Percentile(1.0),
        Asked::Max => Statistic::Percentile(99.0),
        Asked::P25 => Statistic::Percentile(25.0),
        Asked::Median | Asked::P50 => Statistic::Percentile(50.0),
        Asked::P75 => Statistic::Percentile(75.0),
        Asked::Count | Asked::Percent | Asked::Semean | Asked::Sebinomial => return None,
    })
}

/// What a table shows, and which statistics the gate is asked for.
fn table_view(plan: &Tabulate) -> (Vec<Content>, Vec<Statistic>) {
    use script::program::Content as Asked;
    let mut contents: Vec<Content> = plan
        .contents
        .iter()
        .map(|c| match c {
            Asked::Freq => Content::Count,
            Asked::RowPct => Content::Share(Base::Row),
            Asked::ColPct => Content::Share(Base::Column),
            Asked::CellPct => Content::Share(Base::Table),
        })
        .collect();
    let statistics: Vec<Statistic> =
        plan.summarize.iter().flat_map(|(_, asked)| asked).filter_map(|s| statistic(*s)).collect();
    contents.extend(statistics.iter().copied().map(Content::Statistic));
    (contents, statistics)
}

fn summary_statistics(action: &Action) -> Vec<Statistic> {
    let mut all = vec![Statistic::Mean, Statistic::Sd];
    all.extend([1.0, 25.0, 50.0, 75.0, 99.0].map(Statistic::Percentile));
    if let Action::Summarize(plan) = action {
        all.extend(plan.gini.then_some(Statistic::Gini));
        all.extend(plan.iqr.then_some(Statistic::Iqr));
    }
    all
}

fn bar_content(plan: &Barchart) -> Content {
    match statistic(plan.statistic) {
        Some(statistic) => Content::Statistic(statistic),
        // Percent is within each group, where there are groups; the variable is the second dimension then (LANG-175).
        None if plan.statistic == Asked::Percent && (plan.by.is_some() || !plan.over.is_empty()) => {
            Content::Share(Base::Row)
        }
        None if plan.statistic == Asked::Percent => Content::Share(Base::Table),
        None => Content::Count,
    }
}
