//! Which splits of persons the statements of a plan ask for that the user built herself (SDC-171): filters, and groupings
//! by columns that are not variables of the catalogue. A pure walk over the typed plan; names are followed to the
//! variables behind them, so that the same split counts once whatever it is called.

use std::collections::{BTreeSet, HashMap};

use script::program::{Action, Expression, Groups, Name, Predict, Step};

use super::look::{Look, look};

/// A split that the user built.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Split {
    /// The same for the same split: 16 hex digits.
    pub id: String,
    /// Cuts persons apart (SDC-171).
    pub fragmenting: bool,
    /// In two.
    pub binary: bool,
}

/// What a statement asks for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Use {
    /// Versions of the stores behind its dataset, `store:version`.
    pub stores: BTreeSet<String>,
    /// Variables of stores behind its dataset, `store:NAME`: all that were ever imported into it.
    pub variables: BTreeSet<String>,
    /// Splits that the user built, each once.
    pub splits: Vec<Split>,
}

#[derive(Clone, Default)]
struct Dataset {
    columns: HashMap<Name, Look>,
    stores: BTreeSet<String>,
    variables: BTreeSet<String>,
    /// What made its population.
    population: String,
}

/// What each step of a plan asks for, in its order.
pub fn uses(steps: &[Step]) -> Vec<Use> {
    let mut walk = Walk::default();
    steps.iter().map(|step| walk.step(step)).collect()
}

#[derive(Default)]
struct Walk {
    datasets: HashMap<Name, Dataset>,
}

impl Dataset {
    fn column(&self, name: &str) -> Look {
        self.columns.get(name).cloned().unwrap_or_else(|| Look::source(format!("unit/{name}"), true))
    }

    fn look(&self, expression: &Expression) -> Look {
        look(expression, &|name| self.column(name))
    }

    fn condition(&self, condition: &Option<Expression>) -> Option<Look> {
        condition.as_ref().map(|c| self.look(c))
    }

    fn put(&mut self, name: &str, look: Look) {
        self.columns.insert(name.into(), look);
    }

    /// Columns that `of` says, as they are in another dataset.
    fn taken_from(&mut self, other: &Dataset) {
        self.stores.extend(other.stores.iter().cloned());
        self.variables.extend(other.variables.iter().cloned());
    }
}

/// The splits of one statement as they are found.
#[derive(Default)]
struct Found(Vec<Split>);

impl Found {
    fn split(&mut self, look: &Look) {
        let digest = blake3::hash(look.text.as_bytes());
        let id = digest.as_bytes()[..8].iter().map(|b| format!("{b:02x}")).collect();
        let split = Split { id, fragmenting: look.fragmenting, binary: look.binary() };
        if !self.0.iter().any(|known| known.id == split.id) {
            self.0.push(split);
        }
    }

    fn filter(&mut self, look: Option<&Look>) {
        if let Some(look) = look.filter(|l| !l.of_catalogue()) {
            self.split(&Look { text: format!("if {}", look.text), ..look.clone() });
        }
    }

    fn grouping(&mut self, look: &Look) {
        if !look.plain {
            self.split(look);
        }
    }
}

impl Walk {
    fn step(&mut self, step: &Step) -> Use {
        let mut found = Found::default();
        let name = step.dataset.clone().unwrap_or_else(|| Name::from(""));
        self.whole(&step.action);
        let others = match &step.action {
            Action::Merge(merge) => self.datasets.get(&merge.source).cloned(),
            _ => None,
        };
        let at = match &step.action {
            Action::Merge(merge) => merge.target.clone(),
            Action::CloneDataset { to, .. } | Action::CloneUnits { to, .. } => to.clone(),
            _ => name,
        };
        let dataset = self.datasets.entry(at).or_default();
        imported(dataset, &step.action);
        if let (Action::Merge(merge), Some(source)) = (&step.action, &others) {
            dataset.taken_from(source);
            for column in &merge.columns {
                let look = source.column(column);
                dataset.put(column, look);
            }
        }
        columns(dataset, &step.action, &mut found);
        asked(dataset, &step.action, &mut found);
        Use { stores: dataset.stores.clone(), variables: dataset.variables.clone(), splits: found.0 }
    }

    /// Statements about whole datasets.
    fn whole(&mut self, action: &Action) {
        match action {
            Action::Clear => self.datasets.clear(),
            Action::CreateDataset { dataset } | Action::DeleteDataset { dataset } => {
                self.datasets.remove(dataset);
            }
            Action::RenameDataset { from, to } => {
                if let Some(dataset) = self.datasets.remove(from) {
                    self.datasets.insert(to.clone(), dataset);
                }
            }
            Action::CloneDataset { from, to } => {
                let copy = self.datasets.get(from).cloned().unwrap_or_default();
                self.datasets.insert(to.clone(), copy);
            }
            Action::CloneUnits { from, to } => {
                let whole = self.datasets.get(from).cloned().unwrap_or_default();
                self.datasets.insert(to.clone(), Dataset { columns: HashMap::new(), ..whole });
            }
            _ => {}
        }
    }
}

/// Columns that come from stores.
fn imported(dataset: &mut Dataset, action: &Action) {
    let mut put = |name: &str, variable: &script::VariableInfo| {
        dataset.stores.insert(format!("{}:{}", variable.store, variable.version));
        dataset.variables.insert(format!("{}:{}", variable.store, variable.name));
        dataset.columns.insert(name.into(), Look::of_variable(variable));
    };
    match action {
        Action::Import(plan) => put(&plan.column, &plan.variable),
        Action::ImportEvent(plan) => {
            put(&plan.column, &plan.variable);
            for end in ["START", "STOP"] {
                let name = format!("{end}@{}", plan.column);
                let text = format!("{}/{}/{end}", plan.variable.store, plan.variable.name);
                dataset.columns.insert(name.into(), Look { plain: true, ..Look::source(text, true) });
            }
        }
        Action::ImportPanel(plan) => {
            plan.variables.iter().for_each(|(variable, _)| put(&variable.name, variable));
            dataset.columns.insert("date@panel".into(), occasion());
        }
        _ => {}
    }
}

/// The time of a row of a panel: the script says which there are.
fn occasion() -> Look {
    Look { plain: true, ..Look::source("date@panel".to_owned(), false) }
}

/// Columns that are made, changed, named anew or removed.
fn columns(dataset: &mut Dataset, action: &Action, found: &mut Found) {
    match action {
        Action::Generate { column, value, condition } => {
            let condition = dataset.condition(condition);
            found.filter(condition.as_ref());
            let made = dataset.look(value).where_holds(condition.as_ref(), None);
            dataset.put(column, made);
        }
        // What a model makes of every person is as fine as its terms together (SDC-230).
        Action::Predict(plan) => {
            for (statistic, column) in &plan.columns {
                let text = format!("{} {statistic} {column}", plan.model.kind.word());
                dataset.put(column, Look { text, fragmenting: true, ..Look::default() });
            }
        }
        Action::Replace { column, value, condition, .. } => {
            let condition = dataset.condition(condition);
            found.filter(condition.as_ref());
            let before = dataset.column(column);
            let made = dataset.look(value).where_holds(condition.as_ref(), Some(&before));
            dataset.put(column, made);
        }
        Action::Recode(plan) => {
            let condition = dataset.condition(&plan.condition);
            found.filter(condition.as_ref());
            for column in &plan.columns {
                let before = dataset.column(&column.source);
                let made = before.recoded(&plan.rules).where_holds(condition.as_ref(), Some(&before));
                dataset.put(&column.target, made);
            }
        }
        Action::Destring(plan) => {
            for column in &plan.columns {
                let before = dataset.column(&column.source);
                dataset.put(&column.target, before);
            }
        }
        Action::Rename { from, to } => {
            let before = dataset.column(from);
            dataset.columns.remove(from);
            dataset.put(to, before);
        }
        Action::CloneColumns { pairs } => {
            for (from, to) in pairs {
                let before = dataset.column(from);
                dataset.put(to, before);
            }
        }
        Action::ReshapeToPanel(plan) => {
            for column in &plan.columns {
                let from = column.sources.iter().flatten().next();
                let before = from.map_or_else(Look::default, |name| dataset.column(name));
                dataset.put(&column.column, before);
            }
            dataset.put("date@panel", occasion());
        }
        Action::ReshapeFromPanel(plan) => {
            for (from, to) in &plan.columns {
                let before = dataset.column(from);
                to.iter().for_each(|name| dataset.put(name, before.clone()));
            }
        }
        Action::Aggregate(plan) => grouped(dataset, plan, found),
        Action::Collapse(plan) => {
            grouped(dataset, plan, found);
            dataset.population = format!("{}; collapse {:?}", dataset.population, plan.by);
        }
        _ => {}
    }
}

/// Columns that depend on their population: each such dataset is a split of its own (SDC-050).
fn grouped(dataset: &mut Dataset, plan: &Groups, found: &mut Found) {
    let by: Vec<String> = plan.by.iter().map(|name| dataset.column(name).text).collect();
    let made: Vec<(Name, Look)> = plan
        .columns
        .iter()
        .map(|column| {
            let from = dataset.column(&column.source);
            let of = format!("{:?}({}) by {}{}", column.statistic, from.text, by.join(", "), dataset.population);
            (column.column.clone(), Look::of_groups(of, &from))
        })
        .collect();
    for (name, look) in made {
        found.split(&look);
        dataset.put(&name, look);
    }
}

/// Filters and groupings.
fn asked(dataset: &mut Dataset, action: &Action, found: &mut Found) {
    match action {
        Action::KeepIf(condition) | Action::DropIf(condition) => {
            let condition = dataset.look(condition);
            found.filter(Some(&condition));
            let verb = if matches!(action, Action::KeepIf(_)) { "keep" } else { "drop" };
            dataset.population = format!("{}; {verb} {}", dataset.population, condition.text);
        }
        Action::Sample(plan) => {
            // A part by lot is like any other random subset.
            let text = format!("sample {:?} {}", plan.size, plan.seed);
            dataset.population = format!("{}; {text}", dataset.population);
            found.split(&Look { text, fragmenting: true, ..Look::default() });
        }
        Action::Tabulate(plan) => {
            found.filter(dataset.condition(&plan.condition).as_ref());
            plan.variables.iter().for_each(|name| found.grouping(&dataset.column(name)));
        }
        Action::Summarize(plan) | Action::SummarizePanel(plan) => {
            found.filter(dataset.condition(&plan.condition).as_ref());
        }
        Action::Barchart(plan) => {
            found.filter(dataset.condition(&plan.condition).as_ref());
            let bars = plan.variables.iter().filter(|v| v.categories).map(|v| &v.column);
            bars.chain(&plan.over).chain(&plan.by).for_each(|name| found.grouping(&dataset.column(name)));
        }
        Action::Describe(plan) => {
            found.filter(dataset.condition(&plan.condition).as_ref());
            plan.over.iter().chain(&plan.by).for_each(|name| found.grouping(&dataset.column(name)));
        }
        Action::Model(model) | Action::Predict(Predict { model, .. }) => {
            found.filter(dataset.condition(&model.condition).as_ref());
            let terms = model.terms.iter().chain(&model.endogenous).chain(&model.instruments);
            let factors = terms.flat_map(|t| &t.pieces).filter(|p| p.factor).map(|p| &p.column);
            factors.chain(&model.groups).for_each(|name| found.grouping(&dataset.column(name)));
        }
        _ => {}
    }
}
