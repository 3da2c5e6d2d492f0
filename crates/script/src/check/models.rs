//! Model and prediction commands: names, types and options of their terms (language.md 8.8, 8.9).

use super::state::{Column, LabelState};
use super::{Checker, Parse};
use crate::messages;
use crate::program::{Action, DataType, Literal};
use crate::span::Span;
use crate::tree::{Argument, Command, Head, Term};

impl Checker<'_> {
    pub(super) fn model(&mut self, command: &Command) -> Parse<Option<Action>> {
        let word = command.spec.node.word;
        self.state.dataset(command.spec.span)?;
        let mut used: Vec<String> = Vec::new();
        match &command.head {
            Head::Plot(inner) => return self.model(inner),
            Head::Model { response, terms, by } => {
                if word.contains("-panel") || word == "hausman" {
                    self.panel_only(command)?;
                }
                self.response(response, &mut used)?;
                self.terms(terms, word == "anova", &mut used)?;
                self.existing(by)?;
            }
            Head::IvModel { response, terms, endogenous, instruments } => {
                self.response(response, &mut used)?;
                for part in [terms, endogenous, instruments] {
                    self.terms(part, false, &mut used)?;
                }
            }
            _ => return Ok(None),
        }
        self.model_options(command, &used)?;
        self.ranges(command)?;
        self.condition(command.condition.as_ref())?;
        if word.ends_with("-predict") {
            self.predictions(command)?;
        }
        Ok(None)
    }

    fn response(&mut self, response: &crate::tree::Expr, used: &mut Vec<String>) -> Parse<()> {
        let name = self.bindings.name(response)?;
        let column = self.state.dataset(response.span)?.column(&name, response.span)?;
        number_only(&column, response.span)?;
        used.push(name);
        Ok(())
    }

    /// Unmarked text needs `i.`, save where unmarked variables are factors (LANG-185).
    fn terms(&mut self, terms: &[Term], factors: bool, used: &mut Vec<String>) -> Parse<()> {
        for term in terms {
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
                used.push(name);
            }
        }
        Ok(())
    }

    fn model_options(&mut self, command: &Command, used: &[String]) -> Parse<()> {
        for option in &command.options {
            for argument in &option.arguments {
                match (argument, option.name.node.as_str()) {
                    (Argument::Term(term), _) => self.terms(std::slice::from_ref(term), false, &mut Vec::new())?,
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
        Ok(())
    }

    /// The columns that a prediction command makes (LANG-208).
    fn predictions(&mut self, command: &Command) -> Parse<()> {
        let word = command.spec.node.word;
        let statistics = ["predicted", "probabilities", "residuals", "cooksd", "effects"];
        let mut wanted: Vec<(String, Span)> = Vec::new();
        for option in command.options.iter().filter(|o| statistics.contains(&o.name.node.as_str())) {
            for value in option.arguments.iter().filter_map(Argument::value) {
                wanted.push((self.bindings.new_name(value)?, value.span));
            }
        }
        if wanted.is_empty() {
            let default =
                if command.spec.node.option("probabilities").is_some() { "probabilities" } else { "predicted" };
            wanted.push((default.to_owned(), command.spec.span));
        }
        let suffixes = if word == "mlogit-predict" { self.outcomes(command)? } else { Some(vec![String::new()]) };
        let dataset = self.state.dataset_mut(command.spec.span)?;
        let Some(suffixes) = suffixes else {
            // The outcomes are known when it runs: any name may come to exist.
            dataset.open = true;
            return Ok(());
        };
        for (name, span) in wanted {
            for suffix in &suffixes {
                let name = format!("{name}{suffix}");
                dataset.free(&name, span)?;
                dataset.set(&name, Column::of(DataType::Decimal));
            }
        }
        Ok(())
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

fn number_only(column: &Column, span: Span) -> Parse<()> {
    match &column.data_type {
        Some(DataType::Key(_)) => Err(Box::new(messages::key_in_expression(span))),
        Some(DataType::Text) => Err(Box::new(messages::needs_number(span).named("E_NOT_NUMERIC"))),
        _ => Ok(()),
    }
}
