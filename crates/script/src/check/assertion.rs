//! `assert`: a condition on metadata, decided before anything runs (LANG-361). It may name `kind`, `unit` and `dataset`
//! of the active dataset and ask `has(v)`; values are out of its reach, so that it is no oracle.

use super::state::{Dataset, Kind, Unit};
use super::{Checker, Parse};
use crate::constants::Constant;
use crate::messages;
use crate::program::BinaryOperator;
use crate::scalar::{self, Scalar};
use crate::tree::{Command, Expr, ExprKind};

/// The names that a condition may use.
const NAMES: [&str; 3] = ["kind", "unit", "dataset"];

impl Checker<'_> {
    /// `E604` unless the condition holds, or cannot be known because metadata is not at hand.
    pub(super) fn assertion(&mut self, command: &Command, condition: &Expr) -> Parse<()> {
        let value = self.metadata_value(condition)?;
        if value.as_ref().is_none_or(|v| v.is_true() == Some(true)) {
            return Ok(());
        }
        let message = self.option_text(command, "message")?.map(|m| m.node);
        Self::fail(messages::assertion_failed(condition.span, message.as_deref()))
    }

    /// A value made of metadata; none when it is not known.
    fn metadata_value(&self, expr: &Expr) -> Parse<Option<Scalar>> {
        match &expr.node {
            ExprKind::Name(name) => self.metadata_name(name, expr),
            ExprKind::Call(name, arguments) if name.node == "has" => match arguments.as_slice() {
                [variable] => {
                    let wanted = self.bindings.name(variable)?;
                    let dataset = self.state.dataset(expr.span)?;
                    let unknown = dataset.open && dataset.get(&wanted).is_none();
                    Ok((!unknown).then(|| Scalar::truth(dataset.get(&wanted).is_some())))
                }
                _ => Self::fail(messages::not_for_data(expr.span, "has")),
            },
            ExprKind::Unary(operator, operand) => {
                Ok(self.metadata_value(operand)?.map(|value| scalar::unary(*operator, &value)))
            }
            ExprKind::Binary(operator, a, b) if *operator != BinaryOperator::Concat => {
                let (left, right) = (self.metadata_value(a)?, self.metadata_value(b)?);
                Ok(left.zip(right).map(|(a, b)| scalar::binary(*operator, &a, &b)))
            }
            _ => Ok(Some(match self.bindings.value(expr)? {
                Constant::Integer(n) => Scalar::Integer(n),
                Constant::Decimal(x) => Scalar::Decimal(x),
                other => Scalar::text(&other.text()),
            })),
        }
    }

    fn metadata_name(&self, name: &str, expr: &Expr) -> Parse<Option<Scalar>> {
        let dataset = self.state.dataset(expr.span)?;
        match name {
            "kind" => Ok(kind_word(dataset).map(Scalar::text)),
            "unit" => Ok(match &dataset.unit {
                Unit::Type(unit) => Some(Scalar::text(&unit.name)),
                Unit::Keys(keys) => Some(Scalar::text(&keys.join(" "))),
                Unit::Open => Some(Scalar::Missing),
                Unit::Unknown => None,
            }),
            "dataset" => Ok(self.state.active.as_deref().map(Scalar::text)),
            _ => Self::fail(messages::not_in_an_assertion(expr.span, name, &NAMES)),
        }
    }
}

fn kind_word(dataset: &Dataset) -> Option<&'static str> {
    match dataset.kind {
        Kind::Empty => Some("empty"),
        Kind::CrossSection => Some("cross-section"),
        Kind::Event => Some("event"),
        Kind::Panel => Some("panel"),
        Kind::Unknown => None,
    }
}
