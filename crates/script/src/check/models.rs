//! Model and prediction commands: names, types and options of their terms (language.md 8.8, 8.9).

use super::state::{Column, LabelState};
use super::{Checker, Parse};
use crate::commands::OptionShape;
use crate::constants::Constant;
use crate::messages;
use crate::program::{Action, DataType, Literal, Model, ModelKind, ModelPiece, ModelTerm, Name, Options, Predict};
use crate::span::Span;
use crate::tree::{Argument, Command, Head, Term};

impl Checker<'_> {
    pub(super) fn model(&mut self, command: &Command) -> Parse<Option<Action>> {
        let word = command.spec.node.word;
        self.state.dataset(command.spec.span)?;
        let mut used: Vec<String> = Vec::new();
        let Some(kind) = ModelKind::of(word) else {
            let Head::Plot(inner) = &command.head else { return Ok(None) };
            let Some(Action::Model(model)) = self.model(inner)? else { return Ok(None) };
            return Ok(Some(Action::Model(Model { plot: true, ..model })));
        };
        let mut model = Model {
            kind,
            response: Name::from(""),
            terms: Vec::new(),
            endogenous: Vec::new(),
            instruments: Vec::new(),
            groups: Vec::new(),
            condition: None,
            options: self.options(command)?,
            plot: false,
        };
        match &command.head {
            Head::Model { response, terms, by } => {
                if word.contains("-panel") || word == "hausman" {
                    self.panel_only(command)?;
                }
                model.response = self.response(response, &mut used)?;
                model.terms = self.terms(terms, word == "anova", &mut used)?;
                model.groups = self.existing(by)?.iter().map(|(name, _)| Name::from(name.node.as_str())).collect();
            }
            Head::IvModel { response, terms, endogenous, instruments } => {
                model.response = self.response(response, &mut used)?;
                model.terms = self.terms(terms, false, &mut used)?;
                model.endogenous = self.terms(endogenous, false, &mut used)?;
                model.instruments = self.terms(instruments, false, &mut used)?;
            }
            _ => return Ok(None),
        }
        model.terms.extend(self.model_options(command, &used)?);
        self.ranges(command)?;
        model.condition = self.condition(command.condition.as_ref())?;
        if word.ends_with("-predict") {
            let columns = self.predictions(command)?;
            return Ok(Some(Action::Predict(Predict { model, columns })));
        }
        Ok(Some(Action::Model(model)))
    }

    /// The options that have no rule of their own.
    pub(super) fn options(&self, command: &Command) -> Parse<Options> {
        let mut options = Options::default();
        for given in &command.options {
            let Some(spec) = command.spec.node.option(&given.name.node) else { continue };
            let value = given.arguments.first().and_then(Argument::value);
            match (spec.shape, value) {
                (OptionShape::Flag | OptionShape::OptionalVariable, None) => options.flags.push(spec.name),
                (OptionShape::Variable | OptionShape::OptionalVariable, Some(value)) => {
                    options.columns.push((spec.name, Name::from(self.bindings.name(value)?.as_str())));
                }
                (OptionShape::Number, Some(value)) => options.numbers.push(match self.bindings.value(value)? {
                    Constant::Integer(n) => (spec.name, n as f64),
                    Constant::Decimal(x) => (spec.name, x),
                    other => return Self::fail(messages::not_an_integer(value.span, &other.text())),
                }),
                (OptionShape::Choice(_), Some(value)) => {
                    options.words.push((spec.name, self.bindings.value(value)?.text()));
                }
                _ => {}
            }
        }
        Ok(options)
    }

    fn response(&mut self, response: &crate::tree::Expr, used: &mut Vec<String>) -> Parse<Name> {
        let name = self.bindings.name(response)?;
        let column = self.state.dataset(response.span)?.column(&name, response.span)?;
        number_only(&column, response.span)?;
        let placed = Name::from(name.as_str());
        used.push(name);
        Ok(placed)
    }

    /// Unmarked text needs `i.`, save where unmarked variables are factors (LANG-185).
    fn terms(&mut self, terms: &[Term], factors: bool, used: &mut Vec<String>) -> Parse<Vec<ModelTerm>> {
        let mut all: Vec<ModelTerm> = Vec::new();
        for term in terms {
            let mut pieces = Vec::new();
            for factor in &term.factors {
                let span = factor.variable.span;
                let name = self.bindings.name(&factor.variable)?;
                let column = self.state.dataset(span)?.column(&name, span)?;
                if let Some(DataType::Key(_)) = column.data_type {
                    return Self::fail(messages::key_in_expression(span));
                }
                let categories =
                    factor.prefix == Some('i') || (factor.prefix.is_none() && (factors || term.factors.len() > 1));
                if !categories && column.data_type == Some(DataType::Text) {
                    return Self::fail(messages::text_needs_factor(span, &name));
                }
                pieces.push(ModelPiece { column: Name::from(name.as_str()), factor: categories });
                used.push(name);
            }
            for pieces in products(&pieces, &term.full) {
                let term = ModelTerm { pieces, control: false };
                if !all.contains(&term) {
                    all.push(term);
                }
            }
        }
        Ok(all)
    }

    /// Checks what options name; gives the terms of `control()`.
    fn model_options(&mut self, command: &Command, used: &[String]) -> Parse<Vec<ModelTerm>> {
        let mut control = Vec::new();
        for option in &command.options {
            for argument in &option.arguments {
                match (argument, option.name.node.as_str()) {
                    (Argument::Term(term), _) => {
                        let terms = self.terms(std::slice::from_ref(term), false, &mut Vec::new())?;
                        control.extend(terms.into_iter().map(|term| ModelTerm { control: true, ..term }));
                    }
                    (Argument::Value(value), "cluster" | "exposure" | "fuzzy" | "margins") => {
                        let name = self.bindings.name(value)?;
                        let column = self.state.dataset(value.span)?.column(&name, value.span)?;
                        number_only(&column, value.span)?;
                        if option.name.node == "cluster" && used.contains(&name) {
                            let error = messages::options_exclude(value.span, "cluster", &name);
                            return Self::fail(error.named("E_CLUSTER_IN_MODEL"));
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(control)
    }

    /// The columns that a prediction command makes (LANG-208).
    fn predictions(&mut self, command: &Command) -> Parse<Vec<(&'static str, Name)>> {
        let word = command.spec.node.word;
        let statistics = ["predicted", "probabilities", "residuals", "cooksd", "effects"];
        let mut wanted: Vec<(&'static str, String, Span)> = Vec::new();
        for option in &command.options {
            let Some(statistic) = statistics.into_iter().find(|s| *s == option.name.node) else { continue };
            for value in option.arguments.iter().filter_map(Argument::value) {
                wanted.push((statistic, self.bindings.new_name(value)?, value.span));
            }
        }
        if wanted.is_empty() {
            let default =
                if command.spec.node.option("probabilities").is_some() { "probabilities" } else { "predicted" };
            wanted.push((default, default.to_owned(), command.spec.span));
        }
        let suffixes = if word == "mlogit-predict" { self.outcomes(command)? } else { Some(vec![String::new()]) };
        let dataset = self.state.dataset_mut(command.spec.span)?;
        let Some(suffixes) = suffixes else {
            // The outcomes are known when it runs: any name may come to exist.
            dataset.open = true;
            return Ok(wanted.into_iter().map(|(statistic, name, _)| (statistic, Name::from(name.as_str()))).collect());
        };
        let mut columns = Vec::new();
        for (statistic, name, span) in wanted {
            columns.push((statistic, Name::from(name.as_str())));
            for suffix in &suffixes {
                let name = format!("{name}{suffix}");
                dataset.free(&name, span)?;
                dataset.set(&name, Column::of(DataType::Decimal));
            }
        }
        Ok(columns)
    }

    /// `_` + code per outcome of the response, when its codes are known (LANG-209).
    fn outcomes(&self, command: &Command) -> Parse<Option<Vec<String>>> {
        let Head::Model { response, .. } = &command.head else { return Ok(None) };
        let name = self.bindings.name(response)?;
        let column = self.state.dataset(response.span)?.column(&name, response.span)?;
        let LabelState::Known(labels) = &column.labels else { return Ok(None) };
        let suffix = |code: &Literal| {
            let safe = |c: char| if c.is_alphanumeric() { c } else { '_' };
            format!("_{}", code.to_string().chars().map(safe).collect::<String>())
        };
        Ok(Some(labels.entries.iter().filter(|l| !l.missing).map(|l| suffix(&l.code)).collect()))
    }
}

/// The terms that pieces joined by `#` and `##` stand for: `a##b` is a, b and their product (LANG-185).
fn products(pieces: &[ModelPiece], full: &[bool]) -> Vec<Vec<ModelPiece>> {
    let Some((first, others)) = pieces.split_first() else { return Vec::new() };
    let mut terms = vec![vec![first.clone()]];
    for (piece, full) in others.iter().zip(full) {
        let with = terms.iter().map(|term| [term.as_slice(), std::slice::from_ref(piece)].concat());
        let with: Vec<Vec<ModelPiece>> = with.collect();
        if *full {
            terms.push(vec![piece.clone()]);
            terms.extend(with);
        } else {
            terms = with;
        }
    }
    terms
}

fn number_only(column: &Column, span: Span) -> Parse<()> {
    match &column.data_type {
        Some(DataType::Key(_)) => Err(Box::new(messages::key_in_expression(span))),
        Some(DataType::Text) => Err(Box::new(messages::needs_number(span).named("E_NOT_NUMERIC"))),
        _ => Ok(()),
    }
}
