//! From the engine's outcome of one statement to what is shown: which statistics the gate is asked for, the release, and
//! the view it is presented in. What it is not: the loop over statements, and no rule of disclosure.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use disclosure::{
    Base, Body, Chart, Content, Ctx, Done, Gate, Info, Layout, Ledger, NeedsTwoByTwo, Note, Output, Policy, Population,
    Publication, Reason, Releasable, Released, Rules, Scale, SplitCode, Statistic, Stopped, Table, Value, View,
    Withheld,
};
use engine::raw::{RawAnalysis, RawChart, RawGroups, RawTable};
use engine::{Control, Judged, Outcome, Problem, Raw, Warning};
use kernel::{LangMap, Language, Timestamp};
use script::program::{
    Action, Barchart, Describe, DescribeKind, Harmonised, Info as PlanInfo, Literal, Name, Publish, Sample, SampleSize,
    SortBy, Split, Statistic as Asked, Step, Tabulate,
};
use script::{Code, Diagnostic, VariableInfo};

use crate::meters::{StatementMeter, Use, Who, reset_after};

use super::work::{Halt, halt};
use super::{Job, Runner, RunnerError};

/// What the gate let out of a statement, and how it is to be shown.
#[derive(Clone)]
pub(super) struct Shown {
    pub(super) view: View,
    /// What the statement wants said beside its result.
    pub(super) warnings: Vec<Warning>,
    /// What a receipt adds from metadata.
    pub(super) notes: Vec<Note>,
    pub(super) content: Body,
}

impl Shown {
    /// Something that metadata say.
    pub(super) fn said(info: Info) -> Self {
        Self { view: View::Receipt, warnings: Vec::new(), notes: Vec::new(), content: info.into() }
    }

    fn of(view: View, released: Released<Output>) -> Self {
        Self { view, warnings: Vec::new(), notes: Vec::new(), content: released.into() }
    }

    /// Whether every count of a statistic was hidden because nobody or only a few are in it. Both are told in the same words,
    /// which say no more than the hidden counts would (LANG-245).
    fn without_observations(&self) -> bool {
        let none = |count: &Value| matches!(count, Value::Hidden(Reason::Small)) || *count == Value::Value(0.0);
        let empty = |table: &Table| table.cells.iter().all(|cell| none(&cell.count));
        match &self.content {
            Body::Info { .. } => false,
            Body::Released(released) => match released.value() {
                Output::Table(table) => empty(table),
                Output::Blocks(blocks) => blocks.tables.iter().all(empty),
                Output::Summary(summary) => !summary.rows.is_empty() && summary.rows.iter().all(|row| none(&row.n)),
                Output::Correlations(c) => !c.pairs.is_empty() && c.pairs.iter().all(|pair| none(&pair.n)),
                Output::Histogram(h) => empty(&h.whole),
                Output::Hexbin(h) => h.hexagons.is_empty(),
                // A model or a curve of few is withheld as a whole.
                Output::Model(_) | Output::Survival(_) | Output::TestNumbers(_) => false,
                Output::Population(_) | Output::Edit(_) => false,
            },
        }
    }

    fn new<T: Into<Output>>(view: View, released: Released<T>) -> Self {
        Self::of(view, released.into_output())
    }
}

/// Where the raw results of one statement are handed in.
pub(super) struct Counter<'a> {
    pub(super) runner: &'a Runner,
    pub(super) job: &'a Job<'a>,
    /// Digest of the script.
    pub(super) script: &'a str,
    /// What the statement is metered as: the same for the same statement on the same data.
    pub(super) metered_as: [u8; 32],
    /// How often the gate has been asked for it.
    pub(super) asked: &'a Cell<u64>,
    /// Number of the statement, from 0.
    pub(super) number: usize,
    /// What the statement asks for that is metered.
    pub(super) usage: &'a Use,
    /// Asked and told while a model is computed.
    pub(super) control: &'a dyn Control,
    /// The policy that counts for it.
    pub(super) policy: &'a Policy,
}

impl Counter<'_> {
    /// Takes an outcome through the gate. Everything of it is released or nothing is: the statement may take effect only
    /// when this succeeds (LANG-241).
    pub(super) fn release(&self, step: &Step, outcome: Outcome) -> Result<Vec<Shown>, Halt> {
        let shown = self.shown(step, outcome)?;
        if !shown.is_empty() && shown.iter().all(Shown::without_observations) {
            return Err(Halt::Told(Box::new(no_observations(step))));
        }
        Ok(shown)
    }

    /// The values that the gate gives to groups, for each column one per group.
    pub(super) fn group_values(&self, step: &Step, raws: Vec<Raw<RawGroups>>) -> Result<Vec<Vec<Option<f64>>>, Halt> {
        raws.into_iter().map(|raw| Ok(self.gate(step, &[], raw)?.into_value().values)).collect()
    }

    fn shown(&self, step: &Step, outcome: Outcome) -> Result<Vec<Shown>, Halt> {
        match outcome {
            Outcome::Done => Ok(dataset_receipt(&step.action).into_iter().collect()),
            Outcome::Text(text) => Ok(vec![Shown::said(Info::Block(text))]),
            Outcome::Population(raw) => {
                let released = self.gate(step, &[], raw)?;
                let warnings = sample_of_all(&step.action, released.value()).into_iter().collect();
                let receipt = Shown::new(View::Receipt, released);
                Ok(vec![Shown { notes: notes(&step.action), warnings, ..receipt }])
            }
            Outcome::Edits(raws) => {
                let receipts = raws.into_iter().map(|raw| Ok(Shown::new(View::Receipt, self.gate(step, &[], raw)?)));
                let mut receipts = receipts.collect::<Result<Vec<Shown>, Halt>>()?;
                if let Some(last) = receipts.last_mut() {
                    last.notes = notes(&step.action);
                }
                Ok(receipts)
            }
            Outcome::Judged { verdicts, then } => {
                for Judged { verdict, error } in verdicts {
                    if self.gate(step, &[], verdict)?.value().found {
                        return Err(halt(error, step));
                    }
                }
                self.shown(step, *then)
            }
            // Asked for before the statement is at its end ([`Counter::group_values`]).
            Outcome::Groups(_) => Ok(Vec::new()),
            Outcome::Table(raw) => match &step.action {
                Action::Tabulate(plan) => self.table(step, plan, raw).map(|shown| vec![shown]),
                Action::Describe(_) => Ok(vec![Shown::new(View::Pie, self.gate(step, &[], raw)?)]),
                _ => {
                    let view = View::Table { contents: vec![Content::Count], layout: Layout::default() };
                    Ok(vec![Shown::new(view, self.gate(step, &[], raw)?)])
                }
            },
            Outcome::Summary(raw) => {
                if let Action::Describe(plan) = &step.action {
                    let released = self.gate(step, &[Statistic::Mean, Statistic::Sd], raw)?;
                    return Ok(vec![Shown::new(View::Intervals { level: plan.options.level() }, released)]);
                }
                let statistics = summary_statistics(&step.action);
                let released = self.gate(step, &statistics, raw)?;
                let contents = statistics.into_iter().map(Content::Statistic).collect();
                Ok(vec![Shown::new(View::Table { contents, layout: Layout::default() }, released)])
            }
            Outcome::Model(raw) => {
                let plot = matches!(&step.action, Action::Model(plan) if plan.plot);
                let view = if plot { View::Coefplot } else { View::Model { stars: false } };
                Ok(vec![Shown::new(view, self.gate(step, &[], self.computed(step, raw)?)?)])
            }
            Outcome::Correlations(raw) => {
                let given = |option| matches!(&step.action, Action::Describe(plan) if plan.options.has(option));
                let view = View::Correlations { covariance: given("covariance"), n: given("obs"), p: given("sig") };
                Ok(vec![Shown::new(view, self.gate(step, &[], self.computed(step, raw)?)?)])
            }
            Outcome::Tests(raw) => Ok(vec![Shown::new(View::Tests, self.gate(step, &[], self.computed(step, raw)?)?)]),
            Outcome::Survival(raw) => {
                Ok(vec![Shown::new(View::Survival, self.gate(step, &[], self.computed(step, raw)?)?)])
            }
            Outcome::Predictions(raw) => self.gate(step, &[], self.computed(step, raw)?).map(|_| Vec::new()),
            Outcome::Histogram(raw) => {
                let Action::Describe(plan) = &step.action else { return Ok(Vec::new()) };
                let given = |option| plan.options.has(option);
                let scale = match () {
                    () if given("freq") => Scale::Count,
                    () if given("fraction") => Scale::Fraction,
                    () if given("percent") => Scale::Percent,
                    () => Scale::Density,
                };
                let statistics: &[Statistic] =
                    if given("normal") { &[Statistic::N, Statistic::Mean, Statistic::Sd] } else { &[Statistic::N] };
                let view = View::Histogram { scale, normal: given("normal") };
                Ok(vec![Shown::new(view, self.gate(step, statistics, raw)?)])
            }
            Outcome::Hexbin(raw) => Ok(vec![Shown::new(View::Hexbin, self.gate(step, &[], raw)?)]),
            Outcome::Chart(raw) => {
                let plan = match &step.action {
                    Action::Barchart(plan) => plan,
                    Action::Describe(plan) => return self.described(step, plan, raw),
                    _ => return Ok(Vec::new()),
                };
                let content = bar_content(plan);
                let statistics: Vec<Statistic> = match content {
                    Content::Statistic(s) => vec![s],
                    // The number of valid values of variables without categories (LANG-182).
                    _ => vec![Statistic::N],
                };
                let panels = plan.by.is_some();
                let chart = Chart { content, horizontal: plan.horizontal, stacked: plan.stack, panels };
                let released = self.gate(step, &statistics, raw)?;
                let several = released.value().tables.len() > 1;
                // A chart of one table is that table, as it always was.
                let content = if several { Some(released.into_output()) } else { released.into_only_table() };
                Ok(content.map(|c| Shown::of(View::Bars(chart), c)).into_iter().collect())
            }
        }
    }

    /// A table, with its test of independence where that was asked for.
    fn table(&self, step: &Step, plan: &Tabulate, raw: Raw<RawTable>) -> Result<Shown, Halt> {
        let (contents, statistics) = table_view(plan);
        let layout = layout(plan, self.policy.rules());
        let mut released = self.gate(step, &statistics, raw)?;
        if plan.chi2 {
            let (_, columns) = layout.axes(released.value().dimensions.len());
            let tested = released.with_chi_square(&columns);
            released = tested.map_err(|NeedsTwoByTwo| Halt::Told(Box::new(needs_two_by_two(step))))?;
        }
        Ok(Shown::new(View::Table { contents, layout }, released))
    }

    /// Box plots, flows and transitions: tables that are drawn or shown in their own way.
    fn described(&self, step: &Step, plan: &Describe, raw: Raw<RawChart>) -> Result<Vec<Shown>, Halt> {
        let (view, statistics) = match plan.kind {
            DescribeKind::Boxplot => {
                let horizontal = plan.options.has("horizontal");
                (View::Boxes { horizontal }, [5.0, 25.0, 50.0, 75.0, 95.0].map(Statistic::Percentile).to_vec())
            }
            DescribeKind::Sankey => (View::Sankey, Vec::new()),
            _ => {
                let contents = vec![Content::Count, Content::Share(Base::Row)];
                (View::Table { contents, layout: Layout::default() }, Vec::new())
            }
        };
        let released = self.gate(step, &statistics, raw)?;
        // Of one table only that table is kept, save of flows, which are drawn from all tables together.
        let several = released.value().tables.len() > 1 || plan.kind == DescribeKind::Sankey;
        let content = if several { Some(released.into_output()) } else { released.into_only_table() };
        Ok(content.map(|c| Shown::of(view, c)).into_iter().collect())
    }

    /// Computes a result where the gate says. The ledger is free for others meanwhile.
    fn computed<T>(&self, step: &Step, raw: Raw<RawAnalysis<T>>) -> Result<Raw<RawAnalysis<T>>, Halt> {
        let prepared = self.asked(step, &[], |policy, ledger, ctx| Gate::prepare(policy, ledger, ctx, raw))?;
        prepared.compute(self.control).map_err(|error| halt(error, step))
    }

    fn gate<T: Releasable>(
        &self,
        step: &Step,
        statistics: &[Statistic],
        raw: Raw<T>,
    ) -> Result<Released<T::Out>, Halt> {
        self.asked(step, statistics, |policy, ledger, ctx| Gate::release(policy, ledger, ctx, raw))
    }

    /// A question to the gate, with the ledger in hand.
    fn asked<T>(
        &self,
        step: &Step,
        statistics: &[Statistic],
        ask: impl FnOnce(&Policy, &mut dyn Ledger, &Ctx<'_>) -> Result<T, Stopped>,
    ) -> Result<T, Halt> {
        let runner = self.runner;
        let at = runner.clock.now();
        let who = Who { project: self.job.project, account: self.job.account, student: self.job.student };
        let meter = StatementMeter { meters: &runner.meters, who, usage: self.usage, at };
        let number = self.asked.replace(self.asked.get() + 1);
        let metered_as = blake3::Hasher::new().update(&self.metered_as).update(&number.to_le_bytes()).finalize();
        let [metered_as, ..] = metered_as.as_bytes().as_chunks::<8>().0 else { unreachable!("32 bytes") };
        let ctx = Ctx {
            account: self.job.account,
            project: self.job.project,
            at,
            script: self.script,
            statement: u32::try_from(self.number).unwrap_or(u32::MAX),
            metered_as: u64::from_le_bytes(*metered_as),
            statistics,
            keys: &runner.keys,
            meter: &meter,
        };
        let mut ledger = runner.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        match ask(self.policy, &mut **ledger, &ctx) {
            Ok(answer) => Ok(answer),
            Err(Stopped::LedgerUnavailable) => Err(RunnerError::Unavailable("the gate ledger".to_owned()).into()),
            Err(Stopped::Withheld(withheld)) => Err(Halt::Told(Box::new(refusal(step, withheld, at)))),
            // Nobody is told from a few.
            Err(Stopped::Problem(problem)) if problem.code == "E_NO_ROWS" => {
                Err(Halt::Told(Box::new(no_observations(step))))
            }
            Err(Stopped::Problem(problem)) => Err(Halt::Told(Box::new(no_answer(step, &problem)))),
        }
    }
}

/// What metadata alone answer: no data are touched, and the gate has no say.
pub(super) fn from_metadata(step: &Step) -> Option<Shown> {
    let Action::Info(info) = &step.action else { return None };
    Some(Shown::said(match info {
        PlanInfo::Text(text) => Info::Text(text.clone()),
        PlanInfo::Table { columns, rows } => Info::Table { columns: columns.clone(), rows: rows.clone() },
    }))
}

/// The receipt of a command that makes, copies, names or removes a dataset; it tells no size (LANG-100).
fn dataset_receipt(action: &Action) -> Option<Shown> {
    let (dataset, done) = match action {
        Action::CreateDataset { dataset } => (dataset, Done::Created),
        Action::DeleteDataset { dataset } => (dataset, Done::Deleted),
        Action::CloneDataset { from, to } => (to, Done::CopyOf(from.to_string())),
        Action::CloneUnits { from, to } => (to, Done::UnitsOf(from.to_string())),
        Action::RenameDataset { from, to } => (to, Done::RenamedFrom(from.to_string())),
        _ => return None,
    };
    Some(Shown::said(Info::Dataset { dataset: dataset.to_string(), done }))
}

/// `W609`: as many units were asked for as there are (LANG-136). Decided on the size that was released, so it tells nothing
/// more than the receipt.
fn sample_of_all(action: &Action, released: &Population) -> Option<Warning> {
    let Action::Sample(Sample { size: SampleSize::Units(wanted), .. }) = action else { return None };
    let before = released.before?.number()?;
    (*wanted as f64 >= before).then(|| Warning {
        code: Code::W609,
        message: LangMap::of(
            "Utvalget er minst like stort som populasjonen, så alle enheter er beholdt.",
            "Utvalet er minst like stort som populasjonen, så alle einingar er haldne på.",
            "The sample is at least as large as the population, so all units are kept.",
        ),
    })
}

/// What a receipt adds from metadata: how codes were translated (LANG-321).
fn notes(action: &Action) -> Vec<Note> {
    match action {
        Action::Harmonise(plan) => vec![harmonised(&plan.column, &[&plan.codes])],
        Action::Import(plan) => plan.harmonise.iter().map(|codes| harmonised(&plan.column, &[codes])).collect(),
        Action::ImportPanel(plan) => {
            let of_variable = |((variable, _), codes): (&(Arc<VariableInfo>, _), &Vec<Harmonised>)| {
                harmonised(&variable.name, &codes.iter().collect::<Vec<_>>())
            };
            plan.harmonise.iter().flat_map(|all| plan.variables.iter().zip(all).map(of_variable)).collect()
        }
        _ => Vec::new(),
    }
}

/// The translations of a column, of one date or of several occasions, as one note; a code counts once.
fn harmonised(column: &str, translations: &[&Harmonised]) -> Note {
    let mut splits: Vec<SplitCode> = Vec::new();
    let mut changed = BTreeSet::new();
    for codes in translations {
        for change in codes.changes.iter() {
            changed.insert(change.from.as_str());
            if change.to.len() < 2 || splits.iter().any(|s| s.from == change.from) {
                continue;
            }
            let chosen = match codes.split {
                Split::Largest => change.to.first().map(|(code, _)| code.clone()),
                Split::Missing | Split::Error => None,
            };
            let heirs = change.to.iter().map(|(code, _)| code.clone()).collect();
            splits.push(SplitCode { from: change.from.clone(), heirs, chosen });
        }
    }
    Note::Harmonised {
        column: column.to_owned(),
        to: translations.last().map(|codes| codes.to),
        changed: u32::try_from(changed.len()).unwrap_or(u32::MAX),
        splits,
    }
}

fn no_observations(step: &Step) -> Diagnostic {
    let message = LangMap::of(
        "Det er ingen eller for få observasjoner igjen å regne på.",
        "Det er ingen eller for få observasjonar att å rekne på.",
        "There are no observations left to compute from, or too few.",
    );
    let hint = LangMap::of(
        "Se etter om vilkåret etter if stemmer, og om variabelen har verdier på tidspunktet.",
        "Sjå etter om vilkåret etter if stemmer, og om variabelen har verdiar på tidspunktet.",
        "See whether the condition after if is right, and whether the variable has values at the time.",
    );
    Diagnostic::new(Code::E501, step.span, message).hint(hint)
}

fn needs_two_by_two(step: &Step) -> Diagnostic {
    let message = LangMap::of(
        "Testen trenger minst to rader og to kolonner med antall.",
        "Testen treng minst to rader og to kolonnar med tal.",
        "The test needs at least two rows and two columns with counts.",
    );
    let hint = LangMap::of(
        "Velg variabler med flere kategorier, eller ta bort chi2.",
        "Vel variablar med fleire kategoriar, eller ta bort chi2.",
        "Choose variables with more categories, or leave out chi2.",
    );
    Diagnostic::new(Code::E502, step.span, message).hint(hint).named("E_CHI2_NEEDS_2X2")
}

/// A refusal names the reason and its remedy, never a number (LANG-242).
fn refusal(step: &Step, withheld: Withheld, at: Timestamp) -> Diagnostic {
    let reason: Reason = withheld.code;
    let each = |f: &dyn Fn(Language) -> &'static str| LangMap::of(f(Language::Nb), f(Language::Nn), f(Language::En));
    if reason == Reason::Budget {
        return stopped(step, withheld, at);
    }
    let code = Code::ALL.iter().copied().find(|c| c.as_str() == reason.diagnostic()).unwrap_or(Code::E401);
    Diagnostic::new(code, step.span, each(&|l| reason.text(l)))
        .hint(each(&|l| withheld.remedy.text(l)))
        .named(reason.code())
}

/// An estimator has no answer for the sample (STAT-012).
fn no_answer(step: &Step, problem: &Problem) -> Diagnostic {
    let code = match problem.code {
        "E_NO_CONVERGENCE" => Code::E503,
        "E_NOT_BINARY" | "E_NOT_COUNT" | "E_EXPOSURE" | "E_MLOGIT_NEEDS_3" | "E_MARGINS_NEEDS_DUMMY" => Code::E316,
        _ => Code::E502,
    };
    Diagnostic::new(code, step.span, problem.text()).named(problem.code)
}

/// The limit for new numbers is reached: the same words and the same time whichever limit it was (SDC-172).
fn stopped(step: &Step, withheld: Withheld, at: Timestamp) -> Diagnostic {
    let reset = reset_after(at);
    let local = reset.plus_seconds(reset.oslo_offset_seconds());
    let (year, month, day) = local.date().ymd();
    let message = LangMap::of(
        &format!("Grensen for nye tall er nådd; åpner igjen tidligst {day:02}.{month:02}.{year} kl. 00.00."),
        &format!("Grensa for nye tal er nådd; opnar igjen tidlegast {day:02}.{month:02}.{year} kl. 00.00."),
        &format!("The limit for new numbers is reached; opens again at the earliest {year}-{month:02}-{day:02} 00:00."),
    );
    let remedy = |l| withheld.remedy.text(l);
    let hint = LangMap::of(remedy(Language::Nb), remedy(Language::Nn), remedy(Language::En));
    Diagnostic::new(Code::E413, step.span, message).hint(hint).named(withheld.code.code())
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

/// Where the variables stand, and in which order rows and columns come (LANG-162, LANG-312).
fn layout(plan: &Tabulate, rules: &Rules) -> Layout {
    let places = |names: &[Name]| {
        names.iter().filter_map(|name| plan.variables.iter().position(|v| v == name)).collect::<Vec<usize>>()
    };
    let codes = |sort: &Option<SortBy>| sort.as_ref().map(|codes| codes.iter().map(Literal::to_string).collect());
    let (rows, columns) = plan.layout.as_ref().map(|(r, c)| (places(r), places(c))).unwrap_or_default();
    Layout {
        rows,
        columns,
        flat: plan.flatten,
        row_sort: codes(&plan.row_sort),
        column_sort: codes(&plan.column_sort),
        top: plan.top,
        bottom: plan.bottom,
        additive: plan.additive,
        publication: plan.publish.map(|Publish { base }| Publication {
            base,
            min_cell: u32::try_from(rules.min_cell).unwrap_or(u32::MAX),
            p_percent: rules.p_percent,
        }),
    }
}

fn summary_statistics(action: &Action) -> Vec<Statistic> {
    let mut all = vec![Statistic::Mean, Statistic::Sd];
    all.extend([1.0, 25.0, 50.0, 75.0, 99.0].map(Statistic::Percentile));
    if let Action::Summarize(plan) | Action::SummarizePanel(plan) = action {
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

#[cfg(test)]
mod tests {
    use super::*;
    use script::program::CodeChange;

    /// LANG-321: the receipt names the target date, how many codes changed, and every split code with the choice made; over
    /// several occasions a code counts once.
    #[test]
    fn lang_321_what_became_of_codes() {
        let change = |from: &str, to: &[&str]| CodeChange {
            from: from.to_owned(),
            to: to.iter().map(|code| ((*code).to_owned(), 1.0 / to.len() as f64)).collect(),
        };
        let codes = |split: Split| Harmonised {
            to: "2024-01-01".parse().unwrap_or_else(|_| unreachable!("a date")),
            changes: Arc::new(vec![change("1601", &["5001"]), change("1507", &["1508", "1580"])]),
            split,
        };
        let Note::Harmonised { column, to, changed, splits } =
            harmonised("kommune", &[&codes(Split::Largest), &codes(Split::Largest)]);
        assert_eq!(
            (column.as_str(), to.map(|d| d.to_string()).as_deref(), changed),
            ("kommune", Some("2024-01-01"), 2)
        );
        let heirs = vec!["1508".to_owned(), "1580".to_owned()];
        assert_eq!(splits, [SplitCode { from: "1507".into(), heirs, chosen: Some("1508".into()) }]);
        let Note::Harmonised { splits, .. } = harmonised("kommune", &[&codes(Split::Missing)]);
        assert_eq!(splits[0].chosen, None);
    }
}
