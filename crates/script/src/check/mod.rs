//! From the syntax tree to the typed plan: loops are unrolled, bindings substituted, names and types resolved against
//! metadata. All errors come at once, at most one per statement; a failed statement still makes what it would have
//! made, of unknown type, so that one mistake is told once (LANG-093). Nothing here touches data.

mod assertion;
mod datasets;
mod effects;
mod expression;
mod harmonise;
mod import;
mod link;
mod models;
mod results;
mod shape;
mod state;
mod support;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

pub(crate) use state::{LabelState, State};

use crate::catalogue::Catalogue;
use crate::constants::{Bindings, Constant};
use crate::diagnostic::{self, Code, Diagnostic, Related};
use crate::messages::{self, say};
use crate::parse::{Fail, Parse};
use crate::program::{Action, Name, Program, Step};
use crate::span::{Located, Span};
use crate::tree::{Command, Expr, Loop, LoopValues, Script, Statement, StatementKind};
use crate::unparse;

/// Most statement instances and loop passes (language.md section 11).
const UNROLLED: usize = 100_000;

/// Statements with an error after which checking stops: the rest can wait until these are mended.
const FAILURES: usize = 1_000;

/// How a script is checked.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Values for `param`, by name (LANG-332).
    pub params: BTreeMap<String, String>,
    /// The script is about to run: metadata that is not at hand is an error (`E205`) and not a warning (LANG-083).
    pub running: bool,
    /// Forms beyond microdata.no are refused from the first line on (section 12).
    pub strict: bool,
    /// Where `load` finds scripts (LANG-224).
    pub scripts: SavedScripts,
}

/// Saved scripts by name; none by default, then `load` is `E202`.
#[derive(Clone, Default)]
pub struct SavedScripts {
    find: Option<Arc<FindScript>>,
    names: Arc<[String]>,
}

type FindScript = dyn Fn(&str) -> Option<String> + Send + Sync;

impl SavedScripts {
    /// Scripts that are found by this function.
    pub fn of(find: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        SavedScripts { find: Some(Arc::new(find)), names: Arc::default() }
    }

    /// Scripts whose texts are at hand.
    pub fn all(texts: BTreeMap<String, String>) -> Self {
        Self::of(move |name| texts.get(name).cloned())
    }

    /// The names that there are, for whoever misspells one.
    pub fn with_names(self, names: impl IntoIterator<Item = String>) -> Self {
        Self { names: names.into_iter().collect(), ..self }
    }

    fn find(&self, name: &str) -> Option<String> {
        self.find.as_ref().and_then(|find| find(name))
    }
}

impl std::fmt::Debug for SavedScripts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.find.is_some() { "SavedScripts" } else { "no SavedScripts" })
    }
}

/// What checking gave.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The plan; none when there was an error or metadata was not at hand.
    pub program: Option<Program>,
    /// Errors and warnings, by line and column.
    pub diagnostics: Vec<Diagnostic>,
}

/// Checks a script that was read without error and makes its plan.
pub fn check(script: &Script, catalogue: &dyn Catalogue, settings: &Settings) -> Checked {
    let mut checker = Checker::new(catalogue, settings, None);
    checker.statements(&script.statements);
    checker.finish()
}

/// Reads and checks in one go: checks only when there is no syntax error (LANG-093).
pub fn compile(source: &str, catalogue: &dyn Catalogue, settings: &Settings) -> Checked {
    let parsed = if settings.strict { crate::parse_strict(source) } else { crate::parse(source) };
    if parsed.has_errors() {
        return Checked { program: None, diagnostics: parsed.diagnostics };
    }
    let mut checked = check(&parsed.script, catalogue, settings);
    checked.diagnostics.extend(parsed.diagnostics);
    diagnostic::sort(&mut checked.diagnostics);
    checked
}

/// The state in front of a line, for completion and hover: bindings, datasets, aliases.
pub(crate) fn state_at(script: &Script, catalogue: &dyn Catalogue, line: u32) -> (State, Bindings) {
    let settings = Settings::default();
    let mut checker = Checker::new(catalogue, &settings, Some(line));
    checker.statements(&script.statements);
    (checker.state, checker.bindings)
}

/// A statement: which text, and where it begins there.
type Place = (usize, usize);

struct Checker<'c> {
    catalogue: &'c dyn Catalogue,
    settings: &'c Settings,
    /// Stop in front of this line.
    until: Option<u32>,
    stopped: bool,
    state: State,
    bindings: Bindings,
    steps: Vec<Step>,
    diagnostics: Vec<Diagnostic>,
    /// Statements that have been told about: a loop does not repeat its errors.
    told: HashSet<(usize, Code)>,
    /// Statements with an error: later passes of a loop only make what they would have made.
    failed: HashSet<Place>,
    /// Text blocks that are in the plan.
    shown: HashSet<Place>,
    /// Metadata was not at hand: there is no plan.
    unknown: bool,
    /// Stores of which that has been said.
    not_at_hand: HashSet<(String, String)>,
    /// Statement instances and passes so far.
    count: usize,
    pass: u32,
    iterators: Vec<(String, String)>,
    /// Characters of the texts and saved scripts that the script asked for.
    told_text: usize,
    /// The `load` statements that the statement stands in, outermost first, and the scripts that they load.
    loaded: Vec<Span>,
    loading: Vec<String>,
    /// Which text the statement stands in: 0 is the script itself, each `load` counts on.
    text_number: usize,
    texts: usize,
    /// Of the statement being checked: warnings, and what cannot be executed yet.
    warnings: Vec<Diagnostic>,
    later: Option<Diagnostic>,
}

impl<'c> Checker<'c> {
    fn new(catalogue: &'c dyn Catalogue, settings: &'c Settings, until: Option<u32>) -> Self {
        Checker {
            catalogue,
            settings,
            until,
            stopped: false,
            state: State::default(),
            bindings: Bindings::default(),
            steps: Vec::new(),
            diagnostics: Vec::new(),
            told: HashSet::new(),
            failed: HashSet::new(),
            shown: HashSet::new(),
            unknown: false,
            not_at_hand: HashSet::new(),
            count: 0,
            pass: 0,
            iterators: Vec::new(),
            told_text: 0,
            loaded: Vec::new(),
            loading: Vec::new(),
            text_number: 0,
            texts: 0,
            warnings: Vec::new(),
            later: None,
        }
    }

    fn finish(mut self) -> Checked {
        diagnostic::sort(&mut self.diagnostics);
        let failed = self.unknown || self.diagnostics.iter().any(Diagnostic::is_error);
        let program = (!failed).then_some(Program { steps: self.steps });
        Checked { program, diagnostics: self.diagnostics }
    }

    fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            if self.until.is_some_and(|line| statement.span.line >= line) {
                self.stopped = true;
            }
            if self.stopped || !self.counted(statement.span) {
                return;
            }
            self.statement(statement);
        }
    }

    /// Counts one statement instance or pass; false when there are too many (LANG-060).
    fn counted(&mut self, span: Span) -> bool {
        self.count += 1;
        if self.count == UNROLLED + 1 {
            let error = messages::too_many(span, "statements", UNROLLED);
            self.diagnostics.push(error);
        }
        self.count <= UNROLLED
    }

    fn statement(&mut self, statement: &Statement) {
        let span = statement.span;
        let told = match &statement.node {
            StatementKind::Let { name, value } => self.bindings.value(value).map(|v| self.bindings.set(&name.node, v)),
            StatementKind::Param { name, default } => self.param(&name.node, default.as_ref(), span),
            StatementKind::TextBlock(text) => {
                // A block inside a loop is shown once (LANG-061).
                if self.shown.insert((self.text_number, span.start)) {
                    self.step(span, "textblock".to_owned(), self.state.active.clone(), Action::Text(text.clone()));
                }
                Ok(())
            }
            StatementKind::For { loops, body } => self.for_loop(loops, body, span),
            StatementKind::Command(command) => {
                self.command(command, span);
                Ok(())
            }
        };
        if let Err(error) = told {
            self.tell(span, *error);
            if let StatementKind::Let { name, .. } = &statement.node {
                // So that `$name` is not unknown as well.
                self.bindings.set(&name.node, Constant::Symbol("_".to_owned()));
            }
        }
    }

    fn param(&mut self, name: &str, default: Option<&Expr>, span: Span) -> Parse<()> {
        let default = default.map(|e| self.bindings.value(e)).transpose()?;
        let value = match (self.settings.params.get(name), default) {
            (Some(given), Some(Constant::Text(_))) => Constant::Text(given.clone()),
            (Some(given), Some(Constant::Symbol(_))) => Constant::Symbol(given.clone()),
            (Some(given), _) => Constant::read(given),
            (None, Some(default)) => default,
            (None, None) => return Err(Box::new(messages::param_missing(span, name))),
        };
        self.bindings.set(name, value);
        Ok(())
    }

    /// Runs through the passes, outermost loop first.
    fn for_loop(&mut self, loops: &[Loop], body: &[Statement], span: Span) -> Parse<()> {
        let outer = self.pass;
        let mut pass = 0;
        let result = self.level(loops, body, span, &mut pass);
        self.pass = outer;
        result
    }

    fn level(&mut self, loops: &[Loop], body: &[Statement], span: Span, pass: &mut u32) -> Parse<()> {
        let Some((first, inner)) = loops.split_first() else {
            *pass += 1;
            self.pass = *pass;
            self.statements(body);
            return Ok(());
        };
        let columns = self.loop_columns(first, span)?;
        let length = columns.iter().map(Values::len).max().unwrap_or(0);
        for i in 0..length {
            if self.stopped || !self.counted(span) {
                break;
            }
            self.bindings.enter();
            let depth = self.iterators.len();
            for (name, column) in first.names.iter().zip(&columns) {
                if let Some(value) = column.get(i) {
                    self.iterators.push((name.node.clone(), value.text()));
                    self.bindings.set(&name.node, value);
                }
            }
            let result = self.level(inner, body, span, pass);
            self.iterators.truncate(depth);
            if self.stopped {
                // Completion inside the body sees the bindings of this pass.
                return result;
            }
            self.bindings.leave();
            result?;
        }
        Ok(())
    }

    /// The values of each name; one list for one name (LANG-055).
    fn loop_columns(&mut self, level: &Loop, span: Span) -> Parse<Vec<Values>> {
        let mut columns = Vec::new();
        for values in &level.values {
            columns.push(match values {
                LoopValues::List(list) => {
                    Values::List(list.iter().map(|e| self.bindings.value(e)).collect::<Parse<_>>()?)
                }
                LoopValues::Range(from, to) => {
                    let (a, b) = (self.whole(from)?, self.whole(to)?);
                    if a > b {
                        let warning = messages::empty_loop(from.span.to(to.span), a, b);
                        self.tell(span, warning);
                    }
                    Values::Range(a, b)
                }
            });
        }
        if level.names.len() == 1 {
            return Ok(vec![if columns.len() == 1 { columns.remove(0) } else { Values::Joined(columns) }]);
        }
        let first = columns.first().map_or(0, Values::len);
        match columns.iter().find(|c| c.len() != first) {
            Some(other) => {
                let names = level.names.first().zip(level.names.last());
                let span = names.map_or(span, |(a, b)| a.span.to(b.span));
                Err(Box::new(messages::unequal_lengths(span, first, other.len())))
            }
            None => Ok(columns),
        }
    }

    fn whole(&self, expr: &Expr) -> Parse<i64> {
        match self.bindings.value(expr)? {
            Constant::Integer(n) => Ok(n),
            other => Err(Box::new(messages::not_an_integer(expr.span, &other.text()))),
        }
    }

    fn command(&mut self, command: &Command, span: Span) {
        if self.failed.contains(&(self.text_number, span.start)) {
            self.make_unknown(command);
            return;
        }
        self.warnings.clear();
        self.later = None;
        let text = unparse::command_text(command, &self.bindings);
        let dataset = self.state.active.clone();
        let result = self.action(command, span).and_then(|action| match self.unavailable(command) {
            Some(diagnostic) => Err(Box::new(diagnostic)),
            None => Ok(action),
        });
        for warning in std::mem::take(&mut self.warnings) {
            self.tell(span, warning);
        }
        match result {
            Ok(Some(action)) => self.step(span, text, dataset, action),
            Ok(None) => {}
            Err(error) => {
                if error.code != Code::E605 {
                    self.make_unknown(command);
                    self.failed.insert((self.text_number, span.start));
                    self.stopped |= self.failed.len() >= FAILURES;
                }
                self.tell(span, *error);
            }
        }
    }

    /// What of a correct statement cannot be executed yet.
    fn unavailable(&mut self, command: &Command) -> Option<Diagnostic> {
        if let crate::tree::Head::Plot(model) = &command.head {
            return self.unavailable(model);
        }
        let spec = command.spec.node;
        if !spec.available {
            return Some(messages::not_yet_available(command.spec.span, spec.word));
        }
        let option = command.options.iter().find(|o| spec.option(&o.name.node).is_some_and(|s| !s.available));
        option.map(|o| messages::not_yet_available(o.name.span, &o.name.node)).or_else(|| self.later.take())
    }

    fn step(&mut self, span: Span, text: String, dataset: Option<Name>, action: Action) {
        let span = self.loaded.first().copied().unwrap_or(span);
        let iterators = self.iterators.clone();
        self.steps.push(Step { span, pass: self.pass, iterators, text, dataset, action });
    }

    /// Adds a diagnostic, once per statement and code.
    fn tell(&mut self, statement: Span, mut diagnostic: Diagnostic) {
        if let Some(load) = self.loaded.first() {
            // Told at the line of the script itself that loads the other one.
            let line = diagnostic.span.line;
            diagnostic.related.push(Related { span: None, message: messages::in_loaded_script(line) });
            diagnostic.span = *load;
        }
        let statement = self.loaded.first().copied().unwrap_or(statement);
        if !self.told.insert((statement.start, diagnostic.code)) {
            return;
        }
        if self.pass > 0 {
            let pass = self.pass;
            let values: Vec<String> =
                self.iterators.iter().map(|(n, v)| format!("{n} = {}", messages::shortened(v))).collect();
            let values = values.join(", ");
            let message =
                say!("I gjennomløp {pass}: {values}.", "I gjennomløp {pass}: {values}.", "In pass {pass}: {values}.");
            diagnostic.related.push(Related { span: None, message });
        }
        self.diagnostics.push(diagnostic);
    }

    fn action(&mut self, command: &Command, span: Span) -> Parse<Option<Action>> {
        use crate::commands::Shape;
        match command.spec.node.shape {
            Shape::Require => self.require(command).map(Some),
            Shape::Import => self.import(command).map(Some),
            Shape::ImportEvent => self.import_event(command).map(Some),
            Shape::ImportPanel => self.import_panel(command).map(Some),
            Shape::Assign if command.spec.node.word == "generate" => self.generate(command, span).map(Some),
            Shape::Assign => self.replace(command, span).map(Some),
            Shape::Pairs => self.clone_variables(command).map(Some),
            Shape::DropKeep => self.drop_keep(command).map(Some),
            Shape::Recode => self.recode(command).map(Some),
            Shape::Labels => self.define_labels(command).map(Some),
            Shape::Chart => self.barchart(command).map(Some),
            Shape::Names { .. } => self.named(command),
            Shape::Groups { .. } => self.groups(command).map(Some),
            Shape::Merge => self.merge(command).map(Some),
            Shape::Link => self.link(command).map(Some),
            Shape::Sample => self.sample(command).map(Some),
            Shape::Model { .. } | Shape::IvModel | Shape::Plot => self.model(command),
            Shape::Empty if command.spec.node.word == "reshape-from-panel" => {
                self.reshape_from_panel(command).map(Some)
            }
            _ => self.support(command),
        }
    }

    /// Commands whose head is a list of names.
    fn named(&mut self, command: &Command) -> Parse<Option<Action>> {
        match command.spec.node.word {
            "create-dataset" => self.create_dataset(command).map(Some),
            "use" => self.use_dataset(command).map(Some),
            "delete-dataset" => self.delete_dataset(command).map(Some),
            "clone-dataset" | "clone-units" | "rename-dataset" => self.copy_dataset(command).map(Some),
            "rename" => self.rename(command).map(Some),
            "reshape-to-panel" => self.reshape_to_panel(command).map(Some),
            "destring" => self.destring(command).map(Some),
            "assign-labels" => self.assign_labels(command).map(Some),
            "drop-labels" => self.drop_labels(command).map(Some),
            "summarize" | "summarize-panel" => self.summarize(command).map(Some),
            "tabulate" | "tabulate-panel" => self.tabulate(command).map(Some),
            "harmonise" => self.harmonise(command).map(Some),
            _ => self.descriptive(command),
        }
    }

    fn fail<T>(diagnostic: Diagnostic) -> Parse<T> {
        Err(Fail::new(diagnostic))
    }
}

/// The values of one iterator; ranges are not written out.
enum Values {
    List(Vec<Constant>),
    Range(i64, i64),
    Joined(Vec<Values>),
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Values::List(list) => list.len(),
            Values::Range(a, b) if a > b => 0,
            Values::Range(a, b) => usize::try_from(b.abs_diff(*a)).unwrap_or(usize::MAX).saturating_add(1),
            Values::Joined(parts) => parts.iter().fold(0usize, |n, p| n.saturating_add(p.len())),
        }
    }

    fn get(&self, i: usize) -> Option<Constant> {
        match self {
            Values::List(list) => list.get(i).cloned(),
            Values::Range(a, _) if i < self.len() => {
                i64::try_from(i).ok().and_then(|i| a.checked_add(i)).map(Constant::Integer)
            }
            Values::Range(..) => None,
            Values::Joined(parts) => {
                let mut i = i;
                for part in parts {
                    if i < part.len() {
                        return part.get(i);
                    }
                    i -= part.len();
                }
                None
            }
        }
    }
}

/// The names of a head that lists them.
fn head_names(command: &Command) -> &[Expr] {
    match &command.head {
        crate::tree::Head::Names(names) => names,
        _ => &[],
    }
}

/// A name with its place.
type Placed = Located<String>;
