//! Models: from the plan of a command to the work that fits it, and from a fit to what the gate judges (language.md 8.8).

use std::sync::Arc;

use kernel::Language;
use roaring::RoaringBitmap;
use script::program::{Model, ModelKind, ModelTerm, Name};
use statistics::Problem;
use statistics::design::{Form, Piece, Term, variables};
use statistics::fit::{Fit, Test};
use statistics::linear::panel::did::EFFECT;

use super::evidence::{Evidence, Survey};
use super::fit;
use super::sample::{Needs, Sample, View};
use crate::control::{Control, Stage};
use crate::error::RunError;
use crate::mask::Mask;
use crate::raw::{
    Effect, Failed, FitState, Leaves, ModelHead, Over, Part, PersonSet, RawAnalysis, RawEstimate, RawFit, RawFitRows,
    RawFitTable, RawMargin, RawModel, RawTerm, RawTest, Reference, TermRole, TestKind, Titles, Variance, Whom,
};
use crate::table::Scan;

/// A model ready to be fitted on whatever persons the gate names.
pub(crate) struct ModelWork {
    pub(crate) sample: Sample,
    pub(crate) plan: Model,
    pub(crate) response: usize,
    /// What stands before the terms: the time of `cox`, the running variable of `rdd`, group and treatment.
    pub(crate) leading: Vec<usize>,
    pub(crate) terms: Vec<Term>,
    pub(crate) endogenous: Vec<Term>,
    pub(crate) instruments: Vec<Term>,
    pub(crate) groups: Vec<usize>,
    /// Variables of options: `cluster`, `exposure`, `fuzzy`, `margins`.
    pub(crate) options: Vec<(&'static str, usize)>,
    /// Unit and occasion of a panel.
    pub(crate) panel: Option<[usize; 2]>,
    /// All variables; a row counts when none of them is missing.
    pub(crate) variables: Vec<usize>,
    /// Variables that the model has columns, equations or groups for the values of.
    split: Vec<usize>,
    head: ModelHead,
}

impl ModelWork {
    /// The variables of a command, looked up in the dataset.
    pub(crate) fn of(scan: &Scan<'_>, plan: &Model, language: Language) -> Result<Self, RunError> {
        let mut sample = Sample::of(scan);
        let response = sample.number(scan, &plan.response)?;
        let (before, after) = plan.terms.split_at(leading(plan.kind).min(plan.terms.len()));
        let leading = before.iter().flat_map(|term| &term.pieces).map(|piece| sample.number(scan, &piece.column));
        let leading = leading.collect::<Result<Vec<usize>, RunError>>()?;
        let mut named = |terms: &[ModelTerm]| -> Result<Vec<Term>, RunError> {
            terms.iter().map(|term| term_of(&mut sample, scan, term)).collect()
        };
        let terms = named(after)?;
        let endogenous = named(&plan.endogenous)?;
        let instruments = named(&plan.instruments)?;
        let factor_groups = plan.kind == ModelKind::Oaxaca;
        let groups = plan.groups.iter().map(|name| sample.grouping(scan, name, factor_groups));
        let groups = groups.collect::<Result<Vec<usize>, RunError>>()?;
        let options = plan.options.columns.iter();
        let options = options.map(|(option, name)| Ok((*option, sample.number(scan, name)?)));
        let options = options.collect::<Result<Vec<_>, RunError>>()?;
        let panel = match plan.kind {
            ModelKind::RegressPanel | ModelKind::RegressPanelDiff | ModelKind::Hausman => Some(sample.panel(scan)?),
            _ => None,
        };
        match plan.kind {
            ModelKind::Logit | ModelKind::Probit => sample.need(response, Needs::ZeroOrOne, "E_NOT_BINARY"),
            ModelKind::Poisson | ModelKind::NegativeBinomial => {
                sample.need(response, Needs::Count, "E_NOT_COUNT");
                let exposure = options.iter().find(|(option, _)| *option == "exposure");
                exposure.into_iter().for_each(|(_, v)| sample.need(*v, Needs::Positive, "E_EXPOSURE"));
            }
            ModelKind::Cox => {
                sample.need(response, Needs::ZeroOrOne, "E_NOT_BINARY");
                leading.iter().for_each(|time| sample.need(*time, Needs::NotNegative, "E_NEGATIVE_TIME"));
            }
            ModelKind::RegressPanelDiff => {
                leading.iter().for_each(|v| sample.need(*v, Needs::ZeroOrOne, "E_DID_NEEDS_FOUR_CELLS"));
            }
            _ => {}
        }
        // The variable of `margins` is a term; where it is a number there, it has to be 0 or 1.
        if let Some((_, named)) = options.iter().find(|(option, _)| *option == "margins")
            && terms.iter().flat_map(|t| &t.pieces).any(|p| p.variable == *named && p.form == Form::Continuous)
        {
            sample.need(*named, Needs::ZeroOrOne, "E_MARGINS_NEEDS_DUMMY");
        }
        let all_terms = || terms.iter().chain(&endogenous).chain(&instruments).flat_map(|t| &t.pieces);
        let factors = all_terms().filter(|p| matches!(p.form, Form::Factor { .. })).map(|p| p.variable);
        let mut split: Vec<usize> = factors.collect();
        match (plan.kind, leading.as_slice()) {
            (ModelKind::Oaxaca, _) => split.extend(&groups),
            (ModelKind::Mlogit, _) => split.push(response),
            (ModelKind::RegressPanelDiff, [group, treated]) => split.push(sample.cell([*group, *treated])),
            _ => {}
        }
        split.sort_unstable();
        split.dedup();
        let of_terms = variables(&[terms.as_slice(), &endogenous, &instruments].concat());
        let others = std::iter::once(response).chain(leading.iter().copied()).chain(groups.iter().copied());
        let others = others.chain(options.iter().map(|(_, v)| *v)).chain(panel.into_iter().flatten());
        let mut all: Vec<usize> = of_terms.into_iter().chain(others).collect();
        all.sort_unstable();
        all.dedup();
        let head = head(scan, plan, language);
        let plan = plan.clone();
        Ok(Self {
            sample,
            plan,
            response,
            leading,
            terms,
            endogenous,
            instruments,
            groups,
            options,
            panel,
            variables: all,
            split,
            head,
        })
    }

    /// The model as a result for the gate.
    pub(crate) fn raw(self, control: &dyn Control) -> Result<RawModel, RunError> {
        let rows = self.sample.complete(&self.variables, control)?;
        let digest = format!("{:?}", Model { condition: None, plot: false, ..self.plan.clone() });
        Ok(RawAnalysis {
            origin: self.sample.origin(),
            key: self.sample.key(&digest),
            core: Some(self.sample.core()),
            row_wise: self.sample.row_wise(),
            sample: self.sample.people().set(&rows),
            outside: self.sample.outside(control)?,
            parts: self.parts(&rows, control)?,
            work: Arc::new(self),
            computed: None,
        })
    }

    /// The small categories that it has columns, equations or groups for.
    pub(crate) fn parts(&self, rows: &Mask, control: &dyn Control) -> Result<Vec<Part>, RunError> {
        self.sample.parts(&self.split, rows, control)
    }

    /// The variable of an option.
    pub(crate) fn option(&self, name: &str) -> Option<usize> {
        self.options.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
    }

    /// All terms whose columns are estimated, in the order of the design.
    fn estimated(&self) -> Vec<Term> {
        let pieces = |variables: &[usize]| {
            variables.iter().map(|v| Piece { variable: *v, form: Form::Continuous }).collect::<Vec<Piece>>()
        };
        let leading = match self.leading.as_slice() {
            // Group, treatment, and their product.
            [group, treated] => [&[*group][..], &[*treated], &[*group, *treated]]
                .map(|variables| Term { pieces: pieces(variables), control: false })
                .to_vec(),
            _ => Vec::new(),
        };
        // Instruments come last: an estimator has no number for them, but they may not rest on few persons either.
        [leading.as_slice(), &self.terms, &self.endogenous, &self.instruments].concat()
    }
}

impl Over<RawFit> for ModelWork {
    fn over(
        &self,
        persons: Option<&RoaringBitmap>,
        leaves: &dyn Leaves,
        control: &dyn Control,
    ) -> Result<RawFit, Failed> {
        let [first, fitting, last] =
            [0.0..READING, READING..FITTED, FITTED..1.0].map(|range| Stage::of(control, range));
        let whole = self.sample.whole(&self.variables, persons, leaves, &first)?;
        let rows = self.sample.part(&self.variables, &whole, leaves, &first)?;
        let view = View::fenced(&self.sample, &rows, &fitting)?;
        let survey = self.survey(&view)?;
        let fitted = fit::model(self, &view);
        let view = view.under(&last);
        // A column rests on all who might be in the part that it is fitted on (SDC-150).
        let whole = view.over(&whole);
        // What separates or does not converge is judged as a fit that may not be shown, after what rests on few persons: one
        // of them may be why it does not (SDC-150, SDC-181).
        let state = match fitted {
            Ok(fitted) => {
                let evidence = Evidence::of(&whole, survey)?;
                let fit = self.judged(&whole, fitted, evidence);
                return Ok(RawFit { varies: self.varies(&whole)?, beyond: self.beyond(&whole)?, ..fit });
            }
            Err(Failed::Problem(problem)) => match problem.code {
                "E_SEPARATION" => FitState::Separated,
                "E_NO_CONVERGENCE" => FitState::NotConverged,
                // One group is too few, as a few are.
                "E_NEEDS_TWO_GROUPS" if self.plan.kind == ModelKind::RegressMml => {
                    return Ok(RawFit { groups: vec![1], ..self.unfit(FitState::Converged) });
                }
                _ => return Err(Failed::Problem(problem)),
            },
            Err(other) => return Err(other),
        };
        let evidence = Evidence::of(&whole, survey)?;
        let columns = evidence.design.columns.iter().zip(evidence.sides).zip(evidence.off_mode);
        let unfitted = columns.map(|((column, sides), off_mode)| RawTerm {
            label: column.label.clone(),
            role: TermRole::Control,
            estimate: 0.0,
            se: 0.0,
            sides,
            off_mode,
            concentration: 0.0,
        });
        let terms = unfitted.collect();
        Ok(RawFit { terms, varies: self.varies(&whole)?, beyond: self.beyond(&whole)?, ..self.unfit(state) })
    }
}

impl Whom for ModelWork {
    fn without(&self, categories: &[(usize, f64)], control: &dyn Control) -> Result<PersonSet, RunError> {
        self.sample.without(&self.variables, categories, control)
    }

    fn covers(
        &self,
        persons: &RoaringBitmap,
        categories: &[(usize, f64)],
        control: &dyn Control,
    ) -> Result<bool, RunError> {
        self.sample.covers(&self.variables, persons, categories, control)
    }
}

impl ModelWork {
    /// The columns of the model over the rows of a view.
    ///
    /// # Errors
    /// `E_TOO_MANY_TERMS` when they are more than are fitted.
    pub(crate) fn survey(&self, view: &View<'_>) -> Result<Survey, Failed> {
        let survey = Survey::of(view, &self.estimated(), !self.plan.options.has("noconstant"))?;
        // An outcome with categories has each column once for all but one of them.
        let equations = match self.plan.kind {
            ModelKind::Mlogit => {
                let outcomes = view.sample.counts(self.response, view.rows, MOST_COLUMNS, view.control)?;
                outcomes.map_or(MOST_COLUMNS, |outcomes| outcomes.len().saturating_sub(1)).max(1)
            }
            _ => 1,
        };
        if survey.design.len() * equations > MOST_COLUMNS {
            return Err(Problem::new("E_TOO_MANY_TERMS").into());
        }
        Ok(survey)
    }

    /// Who does not have the value that most have, of the outcome and of what is no column of the design.
    fn varies(&self, view: &View<'_>) -> Result<Vec<PersonSet>, RunError> {
        let options = ["fuzzy", "exposure"].into_iter().filter_map(|name| self.option(name));
        let others = self.leading.iter().copied().filter(|_| self.plan.kind != ModelKind::RegressPanelDiff);
        let all = std::iter::once(self.response).chain(others).chain(options);
        all.filter_map(|variable| view.off_mode(variable).transpose()).collect()
    }

    /// Who is beyond the nine largest clusters, and groups of each level of random effects.
    fn beyond(&self, view: &View<'_>) -> Result<Vec<PersonSet>, RunError> {
        let clusters = self.option("cluster").map(|variable| vec![variable]);
        let levels = if self.plan.kind == ModelKind::RegressMml { self.groups.len() } else { 0 };
        let groups = (1..=levels).map(|level| self.groups[..level].to_vec());
        clusters.into_iter().chain(groups).filter_map(|by| view.beyond_nine(&by).transpose()).collect()
    }

    fn unfit(&self, state: FitState) -> RawFit {
        RawFit {
            head: self.head.clone(),
            state,
            reference: Reference::Normal,
            level: self.plan.options.level(),
            parameters: 0,
            terms: Vec::new(),
            base: None,
            leverage: 0.0,
            clusters: None,
            by_clusters: false,
            groups: Vec::new(),
            beyond: Vec::new(),
            varies: Vec::new(),
            shares: Vec::new(),
            likelihoods: Vec::new(),
            tests: Vec::new(),
            margins: Vec::new(),
            tables: Vec::new(),
            counts: Vec::new(),
            omitted: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// A fit with what the gate must know of it.
    fn judged(&self, view: &View<'_>, fitted: fit::Fitted, mut evidence: Evidence) -> RawFit {
        let fit::Fitted { fit, groups, tables, counts, equations, hidden, concentration } = fitted;
        let shown = |name: &str| SHARES.contains(&name);
        // The residual standard deviation is `root_mse` in the language.
        let named = |(name, x): &(&'static str, f64)| (if *name == "sigma" { "root_mse" } else { name }.to_owned(), *x);
        let shares = fit.scalars.iter().filter(|(name, _)| shown(name)).map(named).collect();
        let likelihoods = fit.scalars.iter().filter(|(name, _)| LIKELIHOODS.contains(name)).map(named).collect();
        let margins = self.margins(view, &fit, &evidence);
        let mut all_tables = grouped(&fit);
        all_tables.extend(tables);
        let tests = fit.tests.iter().filter(|test| !test.name.contains('[')).map(raw_test).collect();
        let mut terms = self.raw_terms(&fit, &mut evidence);
        for term in &mut terms {
            if hidden {
                term.role = TermRole::Effect;
            }
            term.concentration = term.concentration.max(concentration);
        }
        let parameters = terms.len() as u64;
        RawFit {
            head: ModelHead { equations, ..self.head.clone() },
            state: FitState::Converged,
            reference: if fit.residual_df.is_some() { Reference::Student } else { Reference::Normal },
            level: self.plan.options.level(),
            parameters,
            terms,
            base: evidence.base,
            leverage: fit.influence.leverage,
            clusters: fit.clusters,
            by_clusters: fit.clusters.is_some_and(|clusters| fit.residual_df == Some(clusters as f64 - 1.0)),
            groups,
            beyond: Vec::new(),
            varies: Vec::new(),
            shares,
            likelihoods,
            tests,
            margins,
            tables: all_tables,
            counts,
            omitted: fit.omitted,
            // Whether a group changes over time for anybody may be decided by one person.
            notices: fit.notices.iter().filter(|n| n.code != "W_GROUP_VARIES").map(statistics::Notice::text).collect(),
        }
    }

    fn raw_terms(&self, fit: &Fit, evidence: &mut Evidence) -> Vec<RawTerm> {
        let all = self.estimated();
        let kept: Vec<usize> = {
            let omitted = |label: &str| fit.omitted.iter().any(|o| o == label);
            let columns = evidence.design.columns.iter().enumerate();
            columns.filter(|(_, column)| !omitted(&column.label)).map(|(number, _)| number).collect()
        };
        let product = self.plan.terms.iter().take(2).flat_map(|t| &t.pieces).map(|p| &*p.column);
        let product = product.collect::<Vec<&str>>().join("#");
        let concentration = |number: usize| {
            let place = kept.iter().position(|k| *k == number)?;
            fit.influence.concentration.get(place).copied()
        };
        let mut terms: Vec<RawTerm> = Vec::new();
        let mut told = vec![false; evidence.design.len()];
        for estimate in &fit.estimates {
            // The label of the column comes after that of the equation.
            let of_column = estimate.label.rsplit_once(':').map_or(estimate.label.as_str(), |(_, label)| label);
            let of_column = if of_column == EFFECT { &*product } else { of_column };
            let number = estimate
                .column
                .and_then(|_| evidence.design.columns.iter().position(|column| column.label == of_column));
            let control = |number: usize| {
                evidence.design.columns[number].term.and_then(|t| all.get(t)).is_some_and(|term| term.control)
            };
            let role = match number {
                Some(number) if control(number) => TermRole::Control,
                Some(_) if of_column == "_cons" => TermRole::Intercept,
                Some(_) => TermRole::Shown,
                None if of_column == "_cons" => TermRole::Intercept,
                None => TermRole::Parameter,
            };
            number.into_iter().for_each(|number| told[number] = true);
            let concentration = number.and_then(concentration);
            terms.push(RawTerm {
                label: estimate.label.clone(),
                role,
                estimate: estimate.b,
                se: estimate.se,
                // Each column is judged once, whatever the number of equations.
                sides: number.and_then(|number| evidence.sides[number].take()),
                off_mode: number.and_then(|number| evidence.off_mode[number].take()),
                concentration: concentration.unwrap_or(0.0),
            });
        }
        // Columns that are in the model and not in its result are judged too.
        for number in kept.iter().copied().filter(|number| !told[*number]) {
            terms.push(RawTerm {
                label: evidence.design.columns[number].label.clone(),
                role: TermRole::Control,
                estimate: 0.0,
                se: 0.0,
                sides: evidence.sides[number].take(),
                off_mode: evidence.off_mode[number].take(),
                concentration: concentration(number).unwrap_or(0.0),
            });
        }
        terms
    }

    /// Predicted margins, each with the persons of its cell.
    fn margins(&self, view: &View<'_>, fit: &Fit, evidence: &Evidence) -> Vec<RawMargin> {
        let whole = || view.sample.people().set(view.rows);
        let side = |label: &str| -> Option<PersonSet> {
            let (column, side) = label.strip_prefix("margin[")?.strip_suffix(']')?.rsplit_once('=')?;
            let number = evidence.design.columns.iter().position(|c| c.label == column)?;
            Some(evidence.sides[number].as_ref()?[usize::from(side == "1")].copy())
        };
        let margins = fit.margins.iter().filter(|margin| margin.label.starts_with("margin"));
        margins
            .map(|margin| RawMargin {
                label: margin.label.clone(),
                set: side(&margin.label).unwrap_or_else(whole),
                estimate: margin.estimate,
                se: margin.se,
            })
            .collect()
    }
}

/// Whether `robust` means errors by unit.
fn by_unit(plan: &Model) -> bool {
    let panel = matches!(plan.kind, ModelKind::RegressPanel | ModelKind::RegressPanelDiff);
    panel && !plan.options.has("be")
}

/// Columns up to which a model is fitted: more would take minutes, and no gate would show it.
const MOST_COLUMNS: usize = 1000;

/// Shares of a model's work at which its rows are found, and at which it is fitted.
const READING: f32 = 0.15;
const FITTED: f32 = 0.8;

/// How many variables of a command stand before its terms.
fn leading(kind: ModelKind) -> usize {
    match kind {
        ModelKind::Cox | ModelKind::Rdd => 1,
        ModelKind::RegressPanelDiff => 2,
        _ => 0,
    }
}

/// Scalars that are shares.
const SHARES: &[&str] = &[
    "r2",
    "r2_adj",
    "pseudo_r2",
    "r2_within",
    "r2_between",
    "r2_overall",
    "rho",
    "icc",
    "icc_1",
    "icc_2",
    "concordance",
];
/// Scalars with four digits.
const LIKELIHOODS: &[&str] = &["sigma", "ll", "ll_0", "aic", "bic", "sigma_u", "sigma_e", "T_avg", "h", "b_bandwidth"];

/// Tests and effects whose names say a table and a row: `vif[age]`, `dydx[age]`.
fn grouped(fit: &Fit) -> Vec<RawFitTable> {
    let mut tables: Vec<RawFitTable> = Vec::new();
    let split =
        |name: &str| name.strip_suffix(']').and_then(|n| n.split_once('[')).map(|(t, r)| (t.to_owned(), r.to_owned()));
    for test in &fit.tests {
        let Some((table, row)) = split(&test.name) else { continue };
        let raw = RawTest { name: row, ..raw_test(test) };
        match tables.iter_mut().find(|t| t.name == table).map(|t| &mut t.rows) {
            Some(RawFitRows::Tests(tests)) => tests.push(raw),
            _ => tables.push(RawFitTable { name: table, rows: RawFitRows::Tests(vec![raw]) }),
        }
    }
    let effects = fit.margins.iter().filter_map(|margin| {
        let (kind, row) = split(&margin.label)?;
        (kind != "margin").then_some(RawEstimate { label: row, estimate: margin.estimate, se: Some(margin.se) })
    });
    let effects: Vec<RawEstimate> = effects.collect();
    if !effects.is_empty() {
        tables.push(RawFitTable { name: "marginal_effects".to_owned(), rows: RawFitRows::Estimates(effects) });
    }
    tables
}

pub(crate) fn raw_test(test: &Test) -> RawTest {
    use statistics::fit::TestKind as Kind;
    let kind = match test.kind {
        Kind::ChiSquare(df) => TestKind::ChiSquare(df),
        Kind::F(above, _) => TestKind::F(above),
        Kind::Normal | Kind::Student(_) => TestKind::Normal,
        Kind::Plain => TestKind::Plain,
    };
    RawTest { name: test.name.clone(), statistic: test.statistic, kind }
}

fn term_of(sample: &mut Sample, scan: &Scan<'_>, term: &ModelTerm) -> Result<Term, RunError> {
    let pieces = term.pieces.iter().map(|piece| {
        let variable = sample.variable(scan, &piece.column, piece.factor)?;
        let form = if piece.factor { Form::Factor { base: None } } else { Form::Continuous };
        Ok(Piece { variable, form })
    });
    Ok(Term { pieces: pieces.collect::<Result<_, RunError>>()?, control: term.control })
}

/// The words of a model: what the script and the metadata call its parts.
fn head(scan: &Scan<'_>, plan: &Model, language: Language) -> ModelHead {
    let mut titles = Titles::new();
    let mut title = |name: &Name| {
        let Ok(column) = scan.column(name) else { return };
        let text = column.title.as_ref().map(|t| t.text(language)).filter(|t| !t.is_empty());
        if let Some(text) = text {
            titles.insert(name.to_string(), text.to_owned());
        }
        for (code, label) in column.label_texts(language) {
            if !label.is_empty() {
                titles.insert(format!("{name}={code}"), label);
            }
        }
    };
    title(&plan.response);
    let terms = || plan.terms.iter().chain(&plan.endogenous).chain(&plan.instruments);
    terms().flat_map(|t| &t.pieces).for_each(|piece| title(&piece.column));
    // The two groups of a decomposition are told by their means.
    plan.groups.iter().filter(|_| plan.kind == ModelKind::Oaxaca).for_each(&mut title);
    let options = &plan.options;
    let chosen = ["fe", "re", "be", "pooled", "tsls", "liml", "gmm", "pool"].into_iter().find(|o| options.has(o));
    let default = match plan.kind {
        ModelKind::RegressPanel => Some("fe"),
        ModelKind::Ivregress => Some("tsls"),
        _ => None,
    };
    let effect = match plan.kind {
        _ if options.has("standardize") => Effect::Standardised,
        _ if options.has("or") => Effect::OddsRatio,
        _ if options.has("irr") => Effect::RateRatio,
        _ if options.has("hazard") => Effect::HazardRatio,
        _ => Effect::Coefficient,
    };
    let variance = match options.column("cluster") {
        Some(column) => Variance::Cluster(column.to_string()),
        // Robust errors of a panel are those by unit; between units there is one row each (STAT-132).
        None if options.has("robust") && by_unit(plan) => {
            Variance::Cluster(scan.dataset.unit_type.as_ref().map_or_else(String::new, |unit| unit.name.clone()))
        }
        None if options.has("robust") => Variance::Robust,
        None => Variance::Model,
    };
    let written = |term: &ModelTerm| {
        let piece =
            |p: &script::program::ModelPiece| if p.factor { format!("i.{}", p.column) } else { p.column.to_string() };
        term.pieces.iter().map(piece).collect::<Vec<_>>().join("#")
    };
    ModelHead {
        command: plan.kind.word().to_owned(),
        estimator: chosen.or(default).map(str::to_owned),
        response: match (plan.kind, plan.terms.first().and_then(|t| t.pieces.first())) {
            (ModelKind::Cox, Some(time)) => time.column.to_string(),
            _ => plan.response.to_string(),
        },
        equations: Vec::new(),
        effect,
        variance,
        controls: plan.terms.iter().filter(|t| t.control).map(written).collect(),
        titles,
    }
}
