//! Random valid scripts: a statement is drawn from what the script has made so far, and stays when the checker takes it.

use script::{DataType, Program, Settings, Temporality, VariableInfo};
use std::sync::Arc;

use super::dice::Dice;
use super::expressions::Expressions;
use super::results::{condition, result, some};
use super::shape::{Dataset, Shape};
use super::world::{DAYS, STORE};
use crate::SourceCatalogue;
use crate::source::{StoreVersion, VariableSource};

/// A script: its statements, each of one or more lines. Blocks stand in one statement.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Script {
    /// The statements in order.
    pub statements: Vec<String>,
}

impl Script {
    /// The text.
    pub fn text(&self) -> String {
        self.statements.iter().flat_map(|s| [s.as_str(), "\n"]).collect()
    }

    /// The plan over a source; none when the checker finds an error.
    pub fn plan(&self, source: &dyn VariableSource) -> Option<Program> {
        script::compile(&self.text(), &SourceCatalogue(source), &Settings::default()).program
    }
}

/// A random valid script of about `length` statements over the variables of `source`.
pub fn script(dice: &mut Dice, source: &dyn VariableSource, length: usize) -> Script {
    script_without(dice, source, length, &[])
}

/// The same, without these commands.
pub fn script_without(dice: &mut Dice, source: &dyn VariableSource, length: usize, words: &[&str]) -> Script {
    let mut writer = Writer::new(source);
    writer.without = words.iter().map(|w| (*w).to_owned()).collect();
    writer.write(dice, length);
    writer.script
}

/// A script that is being written.
pub(super) struct Writer<'a> {
    source: &'a dyn VariableSource,
    variables: Vec<Arc<VariableInfo>>,
    pub(super) script: Script,
    shape: Shape,
    names: usize,
    without: Vec<String>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(source: &'a dyn VariableSource) -> Self {
        let at = StoreVersion { store: STORE.into(), version: "1.0.0.0".into() };
        let names = source.list(&at).unwrap_or_default();
        let variables = names.iter().filter_map(|n| Some(Arc::clone(&source.describe(&at, n).ok()?.info))).collect();
        let statements = [format!("require {STORE}:1 as db"), "create-dataset d".to_owned()];
        let mut writer = Self {
            source,
            variables,
            script: Script::default(),
            shape: Shape::default(),
            names: 0,
            without: Vec::new(),
        };
        statements.iter().for_each(|s| {
            writer.add(s);
        });
        writer
    }

    /// Adds about `length` statements; fewer when the checker takes hardly any.
    pub(super) fn write(&mut self, dice: &mut Dice, length: usize) {
        for _ in 0..length * 20 {
            if self.script.statements.len() >= length + 2 {
                return;
            }
            let statement = self.draw(dice);
            let word = statement.split(' ').next().unwrap_or_default();
            if !self.without.iter().any(|w| w == word) {
                self.add(&statement);
            }
        }
    }

    /// Goes on with a script that is valid.
    pub(super) fn after(source: &'a dyn VariableSource, script: Script) -> Option<Self> {
        let shape = Shape::of(&script.plan(source)?);
        // Names of the first writer are `v`, so those of this one never meet them.
        Some(Self { script, shape, names: 1000, ..Self::new(source) })
    }

    /// Adds a statement when the checker takes it.
    pub(super) fn add(&mut self, statement: &str) -> bool {
        self.script.statements.push(statement.to_owned());
        match self.script.plan(self.source) {
            Some(program) => {
                self.shape = Shape::of(&program);
                true
            }
            None => {
                self.script.statements.pop();
                false
            }
        }
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    fn fresh(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// A statement that may or may not be valid.
    pub(super) fn draw(&mut self, dice: &mut Dice) -> String {
        let Some(dataset) = self.shape.dataset().cloned() else { return self.whole(dice) };
        if dataset.columns.is_empty() {
            return if dice.once_in(8) { self.whole(dice) } else { self.read(dice, &dataset) };
        }
        match dice.roll(20) {
            0 | 1 => self.read(dice, &dataset),
            2 => self.whole(dice),
            3..=9 => self.derive(dice, &dataset),
            10 | 11 => self.filter(dice, &dataset),
            12 => self.group(dice, &dataset),
            13 => self.link(dice),
            14 => self.looped(dice, &dataset),
            15 => self.labels(dice, &dataset),
            _ => result(dice, &dataset),
        }
    }

    /// `import` and its sisters. Once there is a unit type mostly a variable of it.
    fn read(&mut self, dice: &mut Dice, dataset: &Dataset) -> String {
        let fits = |v: &Arc<VariableInfo>| dataset.unit.as_ref().is_none_or(|u| v.unit_type.name == u.name);
        let fitting: Vec<_> = self.variables.iter().filter(|v| fits(v)).cloned().collect();
        let fitting = if fitting.is_empty() { self.variables.clone() } else { fitting };
        let Some(first) = dice.choose(&fitting).cloned() else { return String::new() };
        if dataset.columns.is_empty() && (dataset.unit.is_none() || dataset.units_alone) && dice.once_in(4) {
            let moving: Vec<_> = fitting.iter().filter(|v| v.temporality != Temporality::Fixed).cloned().collect();
            let Some(variable) = dice.choose(&moving) else { return String::new() };
            let (from, to) = (dice.pick(&DAYS), dice.pick(&DAYS));
            return format!("import-event db/{} {from} to {to} as {}", variable.name, self.fresh());
        }
        let untouched = dataset.unit.is_none() || dataset.units_alone;
        if dataset.columns.is_empty() && untouched && dice.once_in(3) {
            let same: Vec<String> =
                fitting.iter().filter(|v| v.unit_type == first.unit_type).map(|v| format!("db/{}", v.name)).collect();
            let times: Vec<String> = DAYS.iter().map(|d| (*d).to_owned()).collect();
            let (variables, times) = (some(dice, &same, 1, 3), some(dice, &times, 1, 3));
            return format!("import-panel {} {}", variables.join(" "), times.join(" "));
        }
        let time = if first.temporality == Temporality::Fixed { "" } else { dice.pick(&DAYS) };
        let name = match time.get(..4) {
            // Names that end in a year may be reshaped.
            Some(year) if dice.once_in(2) => format!("{}{year}", first.name.to_lowercase()),
            _ => self.fresh(),
        };
        let outer = match dice.roll(12) {
            0 | 1 => ", outer_join",
            2 if first.code_list.is_some() => ", harmonise(to(2020-06-01))",
            3 if first.code_list.is_some() => ", harmonise(to(2020-06-01) split(missing))",
            _ => "",
        };
        format!("import db/{} {time} as {name}{outer}", first.name)
    }

    /// Statements on whole datasets.
    fn whole(&mut self, dice: &mut Dice) -> String {
        let known: Vec<String> = self.shape.datasets.keys().map(|n| n.to_string()).collect();
        let one = dice.choose(&known).cloned().unwrap_or_default();
        match dice.roll(9) {
            0 | 1 => format!("create-dataset {}", self.fresh()),
            2 | 3 => format!("use {one}"),
            4 => format!("clone-dataset {one} {}", self.fresh()),
            5 => format!("clone-units {one} {}", self.fresh()),
            6 => format!("rename-dataset {one} {}", self.fresh()),
            7 if known.len() > 2 => format!("delete-dataset {one}"),
            7 => "reshape-from-panel".to_owned(),
            _ => {
                let names = self.shape.dataset().map_or_else(Vec::new, |d| d.names(|_| true));
                let stems: Vec<String> = names
                    .iter()
                    .map(|n| n.trim_end_matches(|c: char| c.is_ascii_digit()))
                    .filter(|n| n.len() > 1)
                    .map(str::to_owned)
                    .collect();
                format!("reshape-to-panel {}", some(dice, &stems, 1, 2).join(" "))
            }
        }
    }

    /// New and changed columns.
    fn derive(&mut self, dice: &mut Dice, dataset: &Dataset) -> String {
        let names = dataset.names(|_| true);
        let numbers = dataset.names(|c| c.data_type.is_numeric());
        let texts = dataset.names(|c| c.data_type == DataType::Text);
        let is = condition(dice, dataset);
        match dice.roll(14) {
            0..=2 => format!("generate {} = {}{is}", self.fresh(), Expressions::new(dataset, dice).number(3)),
            3 => format!("generate {} = {}{is}", self.fresh(), Expressions::new(dataset, dice).truth(2)),
            4 => format!("generate {} = {}{is}", self.fresh(), Expressions::new(dataset, dice).text(3)),
            5 => {
                let name = some(dice, &numbers, 1, 1).concat();
                format!("replace {name} = {}{is}", Expressions::new(dataset, dice).number(2))
            }
            6 => {
                let name = some(dice, &names, 1, 1).concat();
                format!("replace {name} = {}{is}", Expressions::new(dataset, dice).text(2))
            }
            7 | 8 => {
                let rules = [
                    "(1 2 = 1 'Lavere')",
                    "(missing = 0 'Ingen')",
                    "(min/9 = 1) (10/max = 2 '>')",
                    "(-9/-1 = -5 'Borte' missing)",
                    "(nonmissing = 3)",
                    "(* = 4)",
                    "(3 = .)",
                    "(0.5/2.5 = 1.5)",
                    "(. 0/10 = 0)",
                    "(1 = 2 'To') (2 = 1 'En')",
                ];
                let rules =
                    format!("{} {}", dice.pick(&rules), dice.pick(&["", "", "(2 = 9 'Ukjent' missing)", rules[0]]));
                let prefix = if dice.once_in(3) { format!(", prefix({}_)", self.fresh()) } else { String::new() };
                format!("recode {} {rules}{is}{prefix}", some(dice, &numbers, 1, 2).join(" "))
            }
            9 => {
                let rules = [
                    "('0301' = 'Oslo')",
                    "('1' '2' = 'x' 'Kjent')",
                    "(missing = 'u' 'Ukjent' missing)",
                    "('9' 'A00' = .)",
                    "(* = 'alt')",
                    "(nonmissing = '1')",
                ];
                let rules = format!("{} {}", dice.pick(&rules), dice.pick(&["", "('1601' = '5001')", "('' = 'tom')"]));
                let prefix = if dice.once_in(3) { format!(", generate({}_)", self.fresh()) } else { String::new() };
                format!("recode {} {rules}{is}{prefix}", some(dice, &texts, 1, 2).join(" "))
            }
            10 => {
                let options = dice.pick(&[
                    ", force",
                    ", force dpcomma",
                    ", force ignore('kr ')",
                    ", force dpcomma ignore('.')",
                    "",
                ]);
                let comma = if options.is_empty() { "," } else { "" };
                let prefix = if dice.once_in(2) { format!("{comma} prefix({}_)", self.fresh()) } else { String::new() };
                format!("destring {}{options}{prefix}", some(dice, &texts, 1, 1).join(" "))
            }
            11 => format!("rename {} {}", some(dice, &names, 1, 1).concat(), self.fresh()),
            12 => format!("clone-variables {} -> {}", some(dice, &names, 1, 1).concat(), self.fresh()),
            _ => format!("clone-variables {}, prefix({}_)", some(dice, &names, 1, 2).join(" "), self.fresh()),
        }
    }

    /// Fewer rows, or fewer columns.
    fn filter(&mut self, dice: &mut Dice, dataset: &Dataset) -> String {
        let names = dataset.names(|_| true);
        match dice.roll(10) {
            0 => format!("drop {}", some(dice, &names, 1, 1).concat()),
            1 => format!("keep {}", some(dice, &names, names.len().div_ceil(2), names.len().max(1)).join(" ")),
            // Groups of values are sampled by keys that the engine makes.
            2 if dataset.unit.is_some() => {
                format!("sample {} {}", dice.pick(&["0.5", "0.9", "0.25", "1001", "0.001"]), 1 + dice.roll(9))
            }
            3..=6 => format!("drop if {}", Expressions::new(dataset, dice).truth(1)),
            _ => format!("keep if {}", Expressions::new(dataset, dice).truth(2)),
        }
    }

    /// `collapse` and `aggregate`.
    fn group(&mut self, dice: &mut Dice, dataset: &Dataset) -> String {
        let names = dataset.names(|_| true);
        let numbers = dataset.names(|c| c.data_type.is_numeric());
        let keys = match &dataset.unit {
            Some(unit) if dice.once_in(4) => vec![unit.identifier.clone()],
            _ if dice.once_in(3) => some(dice, &dataset.names(|c| matches!(c.data_type, DataType::Key(_))), 1, 1),
            _ => some(dice, &names, 1, 2),
        };
        let mut groups = String::new();
        for _ in 0..1 + dice.roll(3) {
            let statistics =
                ["mean", "min", "max", "median", "sum", "semean", "sebinomial", "sd", "percent", "iqr", "gini"];
            let (statistic, from) =
                if dice.once_in(4) { ("count", &names) } else { (dice.pick(&statistics), &numbers) };
            groups.push_str(&format!(" ({statistic}) {} -> {}", some(dice, from, 1, 1).concat(), self.fresh()));
        }
        format!("{}{groups}, by({})", dice.pick(&["collapse", "aggregate", "aggregate"]), keys.join(", "))
    }

    /// `merge`, with and without a key.
    fn link(&mut self, dice: &mut Dice) -> String {
        let (Some(dataset), Some(active)) = (self.shape.dataset(), self.shape.active.clone()) else {
            return String::new();
        };
        let others: Vec<String> = self.shape.datasets.keys().filter(|n| **n != active).map(|n| n.to_string()).collect();
        let Some(target) = dice.choose(&others) else { return format!("clone-dataset {active} {}", self.fresh()) };
        let mut keys: Vec<String> = dataset.names(|_| true);
        if let Some(other) = self.shape.datasets.get(target.as_str()) {
            keys.extend(other.names(|_| true));
            keys.extend(other.unit.iter().chain(&dataset.unit).map(|u| u.identifier.clone()));
        }
        let on = match dice.roll(5) {
            0 | 1 => String::new(),
            2 => format!(" on {}", some(dice, &keys, 2, 2).join(" ")),
            _ => format!(" on {}", some(dice, &keys, 1, 1).concat()),
        };
        format!("merge {} into {target}{on}", some(dice, &dataset.names(|_| true), 1, 2).join(" "))
    }

    /// A loop over a statement or two.
    fn looped(&mut self, dice: &mut Dice, dataset: &Dataset) -> String {
        let (name, expression) = (self.fresh(), Expressions::new(dataset, dice).number(2));
        match dice.roll(3) {
            0 => format!("for i in 1 : {}\ngenerate {name}_ ++ $i = {expression} + $i\nend", 1 + dice.roll(3)),
            1 => {
                let names = some(dice, &dataset.names(|c| c.data_type.is_numeric()), 1, 3);
                format!("for x in {}\nreplace $x = $x + 1\ngenerate {name} ++ $x = $x * 2\nend", names.join(" "))
            }
            _ => format!("let {name} = {}\ngenerate {name} = {expression} * ${name}", 1 + dice.roll(5)),
        }
    }

    /// Lists of the script.
    fn labels(&mut self, dice: &mut Dice, dataset: &Dataset) -> String {
        let list = self.fresh();
        let column = some(dice, &dataset.names(|_| true), 1, 1).concat();
        match dice.roll(5) {
            3 => format!("harmonise {column}, from(2019-06-01) to(2020-06-01)"),
            4 => format!("harmonise {column}, from(2019-06-01) to(2020-06-01) split(missing)"),
            0 => format!("define-labels {list} '1' 'En' '2' 'To' '0301' Oslo\nassign-labels {column} {list}"),
            1 => format!("define-labels {list} 0 Nei 1 Ja\nassign-labels {column} {list}\ndrop-labels {list}"),
            _ => format!("define-labels {list} 0 Nei 1 Ja 2.5 Halv\nassign-labels {column} {list}"),
        }
    }
}
