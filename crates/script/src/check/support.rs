//! Support commands, answered from metadata and texts: help, history, lists, settings of the session (language.md 8.10,
//! LANG-153), and the extensions that touch no data: `assert` and `export`.

use kernel::{LangMap, Language};

use super::{Checker, Parse};
use crate::catalogue::{CodeEntry, CodePeriod, Temporality, VariableInfo};
use crate::commands::CommandSpec;
use crate::constants::Bindings;
use crate::functions::{FUNCTIONS, Function};
use crate::help;
use crate::messages;
use crate::program::{Action, DataType, Export, ExportWhich, Info};
use crate::span::Span;
use crate::suggest;
use crate::tree::{Command, Expr, Head, RegisterVariable, Word};
use crate::unparse;

/// Most characters that lists, help and history of one script may have together.
const TEXT_OF_A_SCRIPT: usize = 8 << 20;

/// Saved scripts that run scripts may load, one in another.
const LOADS_IN_LOADS: usize = 8;

impl Checker<'_> {
    /// The commands without effect on datasets; none when nothing is to be done.
    pub(super) fn support(&mut self, command: &Command) -> Parse<Option<Action>> {
        let span = command.spec.span;
        match (&command.head, command.spec.node.word) {
            (Head::Words(words), "help") => {
                let spec = words.first().and_then(|w| CommandSpec::of(&w.text.node));
                self.info(span, Info::Text(spec.map_or_else(help::all_commands, help::command_page)))
            }
            (Head::Words(words), "help-function") => {
                let page = match words.first() {
                    None => help::all_functions(),
                    Some(word) => match Function::named(&word.text.node) {
                        Some(function) => help::function_page(function),
                        None => {
                            let near = suggest::nearest(&word.text.node, FUNCTIONS.iter().map(|f| f.name));
                            let error = messages::unknown_function(word.text.span, &word.text.node);
                            return Self::fail(error.candidates(near));
                        }
                    },
                };
                self.info(span, Info::Text(page))
            }
            (_, "history") => {
                let budget = TEXT_OF_A_SCRIPT.saturating_sub(self.told_text);
                if self.steps.iter().map(|step| step.text.len() + 5).sum::<usize>() > budget {
                    return Self::fail(messages::text_too_long(span, TEXT_OF_A_SCRIPT));
                }
                // As a block of code: every line is indented.
                let said: Vec<String> = self.steps.iter().map(|step| format!("    {}", step.text)).collect();
                self.info(span, Info::Text(every_language(&said.join("\n"))))
            }
            (Head::Registers(variables), _) => self.variables(span, variables),
            (Head::ListLabels { variable, time }, _) => self.list_labels(span, variable, time.as_ref()),
            (Head::Assertion(condition), _) => self.assertion(command, condition).map(|()| None),
            (Head::Words(words), "export") => self.export(command, words).map(Some),
            (Head::Words(words), "configure") => self.configure(command, words),
            (Head::Words(words), "load") => self.load(span, words).map(|()| None),
            (_, "clear") => {
                self.state = super::State::default();
                self.bindings = Bindings::default();
                Ok(Some(Action::Clear))
            }
            (_, "save" | "edit") => {
                self.without_effect(span, command.spec.node.word);
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// A text or table for the reader, as long as the script does not ask for masses of them.
    fn info(&mut self, span: Span, info: Info) -> Parse<Option<Action>> {
        let length = |text: &LangMap| Language::ALL.iter().map(|l| text.text(*l).len()).sum::<usize>();
        self.told_text += match &info {
            Info::Text(text) => length(text),
            Info::Table { rows, .. } => rows.iter().flatten().map(length).sum(),
        };
        if self.told_text > TEXT_OF_A_SCRIPT {
            return Self::fail(messages::text_too_long(span, TEXT_OF_A_SCRIPT));
        }
        Ok(Some(Action::Info(info)))
    }

    /// Told when the script runs: to write it is no mistake (LANG-225, LANG-226).
    fn without_effect(&mut self, span: Span, word: &str) {
        if self.settings.running {
            self.warnings.push(messages::no_effect(span, word));
        }
    }

    /// `variables [r…]`: those named, or all of the connected stores (LANG-222).
    fn variables(&mut self, span: Span, named: &[RegisterVariable]) -> Parse<Option<Action>> {
        let mut found = Vec::new();
        for variable in named {
            found.extend(self.register(variable)?);
        }
        if named.is_empty() {
            for alias in self.state.aliases.values() {
                let Some(version) = &alias.version else { continue };
                let names = self.catalogue.variable_names(&alias.store, version);
                found.extend(names.iter().filter_map(|n| self.catalogue.variable(&alias.store, version, n)));
            }
        }
        let columns =
            ["name", "title", "unit_type", "temporality", "data_type", "valid_from", "valid_until", "description"];
        let rows = found.iter().map(|info| variable_row(info)).collect();
        self.info(span, Info::Table { columns: columns.map(str::to_owned).to_vec(), rows })
    }

    /// `list-labels`: a list of the script, or the list of a register variable, of one time or of all (LANG-153).
    fn list_labels(&mut self, span: Span, variable: &RegisterVariable, time: Option<&Expr>) -> Parse<Option<Action>> {
        let name = &variable.name;
        let day = time.map(|t| self.bindings.date(t)).transpose()?;
        let list = if variable.alias.is_none() { self.state.lists.get(&name.node) } else { None };
        if let Some(list) = list {
            let entries = list.entries.iter().flatten();
            let row = |(code, label): &(crate::program::Literal, String)| {
                vec![every_language(&code.to_string()), every_language(label), every_language("0")]
            };
            let rows = entries.map(row).collect();
            return self
                .info(span, Info::Table { columns: ["code", "label", "flagged"].map(str::to_owned).to_vec(), rows });
        }
        if variable.alias.is_none() {
            let near = suggest::nearest(&name.node, self.state.lists.keys().map(String::as_str));
            return Self::fail(messages::unknown_list(name.span, &name.node).candidates(near));
        }
        let Some(info) = self.register(variable)? else { return Ok(None) };
        let Some(codes) = &info.code_list else {
            return Self::fail(messages::no_code_list(name.span, &name.node));
        };
        let periods: Vec<&CodePeriod> = match day {
            Some(day) => codes.on(Some(day)).into_iter().collect(),
            None => codes.periods.iter().collect(),
        };
        let rows = periods.iter().flat_map(|p| p.codes.iter().map(|entry| code_row(p, entry))).collect();
        let columns = ["code", "label", "flagged", "valid_from", "valid_until"].map(str::to_owned).to_vec();
        self.info(span, Info::Table { columns, rows })
    }

    /// `configure`: what is not known is told by the parser. Words behind `nocache` name its parts.
    fn configure(&mut self, command: &Command, words: &[Word]) -> Parse<Option<Action>> {
        let mut actions = Vec::new();
        for word in words {
            match word.text.node.as_str() {
                "alpha" => self.without_effect(word.text.span, "alpha"),
                "nocache" => actions.push(Action::NoCache),
                "continue" => actions.push(Action::Continue),
                _ => {}
            }
        }
        let last = actions.pop();
        for action in actions {
            let text = unparse::command_text(command, &self.bindings);
            self.step(command.spec.span, text, self.state.active.clone(), action);
        }
        Ok(last)
    }

    /// `load n`: the statements of the saved script, in place (LANG-224).
    fn load(&mut self, span: Span, words: &[Word]) -> Parse<()> {
        let Some(word) = words.first() else { return Self::fail(messages::unknown_dataset(span, "")) };
        let name = &word.text.node;
        let Some(source) = self.settings.scripts.find(name) else {
            let near = suggest::nearest(name, self.settings.scripts.names.iter().map(String::as_str));
            return Self::fail(messages::unknown_script(word.text.span, name).candidates(near));
        };
        if self.loading.contains(name) {
            return Self::fail(messages::loads_itself(word.text.span, name));
        }
        if self.loaded.len() >= LOADS_IN_LOADS {
            return Self::fail(messages::too_many(span, "load", LOADS_IN_LOADS));
        }
        self.told_text = self.told_text.saturating_add(source.len());
        if self.told_text > TEXT_OF_A_SCRIPT {
            return Self::fail(messages::text_too_long(span, TEXT_OF_A_SCRIPT));
        }
        let parsed = if self.settings.strict { crate::parse_strict(&source) } else { crate::parse(&source) };
        if let Some(error) = parsed.diagnostics.iter().find(|d| d.is_error()) {
            return Self::fail(messages::error_in_script(word.text.span, name, error));
        }
        self.loaded.push(span);
        self.loading.push(name.clone());
        self.texts += 1;
        let outer = (std::mem::replace(&mut self.text_number, self.texts), self.until.take());
        let warnings = std::mem::take(&mut self.warnings);
        self.statements(&parsed.script.statements);
        (self.text_number, self.until) = outer;
        self.warnings = warnings;
        self.later = None;
        self.loaded.pop();
        self.loading.pop();
        Ok(())
    }

    /// `export` (LANG-330).
    fn export(&mut self, command: &Command, words: &[Word]) -> Parse<Action> {
        let text = |option: &str| self.option_text(command, option).map(|t| t.map(|t| t.node));
        let which = match words {
            [] => ExportWhich::Last,
            [word] if word.text.node == "last" => ExportWhich::Last,
            [word] if word.text.node == "all" => ExportWhich::All,
            ids => {
                let id = |word: &Word| match word.text.node.parse::<u32>() {
                    Ok(id) if id > 0 && !word.quoted => Ok(id),
                    _ => {
                        let words = ["last", "all", "1 2 3 …"];
                        Self::fail(messages::unknown_choice(word.text.span, Some(&word.text.node), &words))
                    }
                };
                ExportWhich::Ids(ids.iter().map(id).collect::<Parse<_>>()?)
            }
        };
        let name = text("name")?;
        if let Some(name) = name.as_ref().filter(|n| !is_file_name(n)) {
            let place = command.option("name").map_or(command.spec.span, |o| o.name.span);
            return Self::fail(messages::invalid_name(place, name));
        }
        let format = text("format")?.unwrap_or_default();
        Ok(Action::Export(Export { which, format, name }))
    }
}

/// A name without path: letters, digits, blank, `-`, `_` and single points inside.
fn is_file_name(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | ' ' | '.');
    !name.is_empty()
        && name.len() <= 100
        && !name.starts_with(['.', ' '])
        && !name.contains("..")
        && name.chars().all(plain)
}

fn every_language(text: &str) -> LangMap {
    LangMap::of(text, text, text)
}

fn variable_row(info: &VariableInfo) -> Vec<LangMap> {
    let day = |date: Option<kernel::Date>| every_language(&date.map_or(String::new(), |d| d.to_string()));
    let temporality = match info.temporality {
        Temporality::Fixed => "FIXED",
        Temporality::Status => "STATUS",
        Temporality::Accumulated => "ACCUMULATED",
        Temporality::Event => "EVENT",
    };
    let data_type = match &info.data_type {
        DataType::Integer => LangMap::of("heltall", "heiltal", "integer"),
        DataType::Decimal => LangMap::of("desimaltall", "desimaltal", "decimal"),
        DataType::Text => LangMap::of("alfanumerisk", "alfanumerisk", "alphanumeric"),
        DataType::Date => LangMap::of("dato", "dato", "date"),
        DataType::Key(unit) => {
            let name = &unit.name;
            LangMap::of(
                &format!("enhetsnøkkel: {name}"),
                &format!("einingsnøkkel: {name}"),
                &format!("unit key: {name}"),
            )
        }
    };
    vec![
        every_language(&info.name),
        info.title.clone(),
        every_language(&info.unit_type.name),
        every_language(temporality),
        data_type,
        day(info.covered_from),
        day(info.covered_until),
        info.description.clone(),
    ]
}

fn code_row(period: &CodePeriod, entry: &CodeEntry) -> Vec<LangMap> {
    let day = |date: Option<kernel::Date>| every_language(&date.map_or(String::new(), |d| d.to_string()));
    let flagged = every_language(if entry.missing { "1" } else { "0" });
    vec![every_language(&entry.code), entry.label.clone(), flagged, day(period.from), day(period.until)]
}
