//! Types of data expressions, and their form in the plan (language.md sections 3, 4 and 9).

use std::sync::Arc;

use super::state::{Column, LabelState};
use super::{Checker, Parse};
use crate::constants::Constant;
use crate::functions::{Function, FunctionGroup, FunctionSpec, Parameter, Returns};
use crate::messages;
use crate::parse::Fail;
use crate::program::{BinaryOperator, DataType, Expression, ExpressionKind, Labels, Literal, UnaryOperator};
use crate::scalar::{self, Scalar};
use crate::span::Span;
use crate::suggest;
use crate::tree::{Expr, ExprKind};

/// The type of an expression.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Type {
    /// Not known: checks are skipped (LANG-083).
    Unknown,
    /// The missing literal: fits any type.
    Missing,
    /// This type.
    Of(DataType),
}

impl Type {
    fn is_text(&self) -> bool {
        *self == Type::Of(DataType::Text)
    }

    fn is_integer(&self) -> bool {
        matches!(self, Type::Missing | Type::Of(DataType::Integer | DataType::Date))
    }

    /// The type of a column with these values; none when it is not known.
    pub(super) fn column(&self) -> Option<DataType> {
        match self {
            Type::Unknown => None,
            // `= .` gives integer missing (LANG-125).
            Type::Missing => Some(DataType::Integer),
            Type::Of(data_type) => Some(data_type.clone()),
        }
    }
}

/// An expression of the plan with its type.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub ty: Type,
    pub kind: ExpressionKind,
}

impl Typed {
    fn of(data_type: DataType, kind: ExpressionKind) -> Typed {
        Typed { ty: Type::Of(data_type), kind }
    }

    fn literal(literal: Literal) -> Typed {
        let data_type = match literal {
            Literal::Integer(_) => DataType::Integer,
            Literal::Decimal(_) => DataType::Decimal,
            Literal::Text(_) => DataType::Text,
        };
        Typed::of(data_type, ExpressionKind::Literal(literal))
    }

    fn text(text: &str) -> Typed {
        Typed::literal(Literal::Text(text.into()))
    }

    /// For the plan. An unknown type stands in as integer: a script with one has no plan.
    pub(super) fn expression(self) -> Expression {
        Expression { data_type: self.ty.column().unwrap_or(DataType::Integer), kind: self.kind }
    }
}

impl Checker<'_> {
    /// The condition of a statement, when there is one.
    pub(super) fn condition(&mut self, condition: Option<&Expr>) -> Parse<Option<Expression>> {
        condition.map(|e| self.truth(e)).transpose()
    }

    /// A condition: any number counts, a text is `E301` (LANG-035).
    pub(super) fn truth(&mut self, expr: &Expr) -> Parse<Expression> {
        let typed = self.typed(expr)?;
        match &typed.ty {
            Type::Of(DataType::Text) => Self::fail(messages::text_as_condition(expr.span)),
            Type::Of(DataType::Key(_)) => Self::fail(messages::key_in_expression(expr.span)),
            _ => Ok(typed.expression()),
        }
    }

    /// A value for a column: anything but a unit key.
    pub(super) fn column_value(&mut self, expr: &Expr) -> Parse<Typed> {
        let typed = self.typed(expr)?;
        match &typed.ty {
            Type::Of(DataType::Key(_)) => Self::fail(messages::key_in_expression(expr.span)),
            _ => Ok(typed),
        }
    }

    fn typed(&mut self, expr: &Expr) -> Parse<Typed> {
        match &expr.node {
            ExprKind::Integer(n) => Ok(Typed::literal(Literal::Integer(*n))),
            ExprKind::Decimal(x) => Ok(Typed::literal(Literal::Decimal(*x))),
            ExprKind::Text(s) => Ok(Typed::text(s)),
            ExprKind::Missing => Ok(Typed { ty: Type::Missing, kind: ExpressionKind::Missing }),
            ExprKind::Date(date) => Ok(Typed::text(&date.to_string())),
            ExprKind::Name(name) => self.column_reference(name, expr.span),
            ExprKind::Binding(_) | ExprKind::Binary(BinaryOperator::Concat, ..) => {
                let value = self.bindings.value(expr)?;
                self.constant(&value, expr)
            }
            ExprKind::Unary(operator, operand) => {
                let inner = self.typed(operand)?;
                self.need_number(&inner.ty, operand.span)?;
                let ty = match (operator, &inner.ty) {
                    (UnaryOperator::Not, _) => Type::Of(DataType::Integer),
                    (UnaryOperator::Negate, Type::Of(DataType::Date)) => Type::Of(DataType::Integer),
                    (UnaryOperator::Negate, ty) => ty.clone(),
                };
                Ok(Typed { ty, kind: ExpressionKind::Unary(*operator, Box::new(inner.expression())) })
            }
            ExprKind::Binary(operator, a, b) => self.binary(*operator, a, b),
            ExprKind::Call(name, arguments) => self.call(&name.node, arguments, expr.span),
        }
    }

    fn column_reference(&mut self, name: &str, span: Span) -> Parse<Typed> {
        let dataset = self.state.dataset(span)?;
        let column = dataset.column(name, span)?;
        let ty = column.data_type.map_or(Type::Unknown, Type::Of);
        Ok(Typed { ty, kind: ExpressionKind::Column(name.into()) })
    }

    /// A binding or built name in a data expression (LANG-046).
    fn constant(&mut self, value: &Constant, expr: &Expr) -> Parse<Typed> {
        Ok(match value {
            Constant::Integer(n) => Typed::literal(Literal::Integer(*n)),
            Constant::Decimal(x) => Typed::literal(Literal::Decimal(*x)),
            Constant::Text(s) => Typed::text(s),
            Constant::Date(date) => Typed::text(&date.to_string()),
            Constant::Symbol(_) => {
                let name = self.bindings.name(expr)?;
                return self.column_reference(&name, expr.span);
            }
        })
    }

    fn need_number(&self, ty: &Type, span: Span) -> Parse<()> {
        match ty {
            Type::Of(DataType::Text) => Self::fail(messages::needs_number(span)),
            Type::Of(DataType::Key(_)) => Self::fail(messages::key_in_expression(span)),
            _ => Ok(()),
        }
    }

    fn need_text(&self, ty: &Type, span: Span) -> Parse<()> {
        match ty {
            Type::Of(DataType::Text) | Type::Unknown | Type::Missing => Ok(()),
            Type::Of(DataType::Key(_)) => Self::fail(messages::key_in_expression(span)),
            Type::Of(_) => Self::fail(messages::needs_text(span)),
        }
    }

    fn binary(&mut self, operator: BinaryOperator, a: &Expr, b: &Expr) -> Parse<Typed> {
        use BinaryOperator as Op;
        let (left, right) = (self.typed(a)?, self.typed(b)?);
        let ty = match operator {
            Op::Equal | Op::NotEqual | Op::Less | Op::LessOrEqual | Op::Greater | Op::GreaterOrEqual => {
                self.comparable(operator, (a, &left), (b, &right))?;
                if matches!(operator, Op::Equal | Op::NotEqual) {
                    self.listed(&left, [(b, &right)])?;
                    self.listed(&right, [(a, &left)])?;
                }
                Type::Of(DataType::Integer)
            }
            _ => {
                self.need_number(&left.ty, a.span)?;
                self.need_number(&right.ty, b.span)?;
                match operator {
                    Op::And | Op::Or => Type::Of(DataType::Integer),
                    Op::Divide | Op::Power => Type::Of(DataType::Decimal),
                    _ if left.ty == Type::Unknown || right.ty == Type::Unknown => Type::Unknown,
                    _ if left.ty.is_integer() && right.ty.is_integer() => Type::Of(DataType::Integer),
                    _ => Type::Of(DataType::Decimal),
                }
            }
        };
        let kind = ExpressionKind::Binary(operator, Box::new(left.expression()), Box::new(right.expression()));
        Ok(Typed { ty, kind })
    }

    /// Both numbers, both texts, or two keys of one id type (LANG-031, LANG-038).
    fn comparable(
        &self,
        operator: BinaryOperator,
        (a, left): (&Expr, &Typed),
        (b, right): (&Expr, &Typed),
    ) -> Parse<()> {
        let span = a.span.to(b.span);
        match (&left.ty, &right.ty) {
            (Type::Of(DataType::Key(x)), Type::Of(DataType::Key(y))) => {
                let equality = matches!(operator, BinaryOperator::Equal | BinaryOperator::NotEqual);
                if equality && x.shares_space_with(y) { Ok(()) } else { Self::fail(messages::key_in_expression(span)) }
            }
            (Type::Of(DataType::Key(_)), _) => Self::fail(messages::key_in_expression(a.span)),
            (_, Type::Of(DataType::Key(_))) => Self::fail(messages::key_in_expression(b.span)),
            (Type::Of(x), Type::Of(y)) if (*x == DataType::Text) != (*y == DataType::Text) => {
                let number = if left.ty.is_text() { right } else { left };
                let place = if left.ty.is_text() { b.span } else { a.span };
                let code = match &number.kind {
                    ExpressionKind::Literal(code) => Some(code.to_string()),
                    _ => None,
                };
                Self::fail(messages::text_against_number(place, code.as_deref()))
            }
            _ => Ok(()),
        }
    }

    /// `W617` for codes that no list of the register variable has: such a comparison is never true. Metadata alone decide
    /// (LANG-245), and only while the column holds the codes of its register.
    fn listed<'e>(&mut self, column: &Typed, codes: impl IntoIterator<Item = (&'e Expr, &'e Typed)>) -> Parse<()> {
        let ExpressionKind::Column(name) = &column.kind else { return Ok(()) };
        for (place, code) in codes {
            let ExpressionKind::Literal(Literal::Text(code)) = &code.kind else { continue };
            let origin = self.state.dataset(place.span)?.column(name, place.span)?.origin;
            let Some(list) = origin.as_ref().and_then(|info| info.code_list.as_ref()) else { return Ok(()) };
            let known = || list.periods.iter().flat_map(|period| &period.codes).map(|entry| entry.code.as_str());
            if known().next().is_some() && known().all(|listed| listed != code.as_ref()) {
                let near = suggest::nearest(code, known());
                self.warnings.push(messages::code_not_in_list(place.span, code, name).candidates(near));
            }
        }
        Ok(())
    }

    fn call(&mut self, name: &str, arguments: &[Expr], span: Span) -> Parse<Typed> {
        let Some(function) = Function::named(name) else {
            return Self::fail(messages::not_for_data(span, name));
        };
        let spec = function.spec();
        if !spec.available {
            self.later.get_or_insert_with(|| messages::not_yet_available(span, name));
        }
        match spec.group {
            FunctionGroup::Bindings if function != Function::DateFmt => {
                let call = Expr {
                    node: ExprKind::Call(crate::span::Located::new(name.to_owned(), span), arguments.to_vec()),
                    span,
                };
                let value = self.bindings.value(&call)?;
                self.constant(&value, &call)
            }
            FunctionGroup::Logic if spec.parameter(0) == Parameter::Labelled => {
                self.label_call(function, arguments, span)
            }
            _ => self.row_call(spec, arguments, span),
        }
    }

    fn row_call(&mut self, spec: &'static FunctionSpec, arguments: &[Expr], span: Span) -> Parse<Typed> {
        let mut typed: Vec<Typed> = Vec::with_capacity(arguments.len());
        for (i, argument) in arguments.iter().enumerate() {
            if spec.parameter(i) == Parameter::Constant {
                typed.push(self.group_count(argument)?);
                continue;
            }
            let value = self.typed(argument)?;
            match spec.parameter(i) {
                Parameter::Number => self.need_number(&value.ty, argument.span)?,
                Parameter::Text | Parameter::ConstantText => self.need_text(&value.ty, argument.span)?,
                Parameter::Any => {
                    if let Type::Of(DataType::Key(_)) = value.ty {
                        return Self::fail(messages::key_in_expression(argument.span));
                    }
                }
                Parameter::LikeFirst => match typed.first().map(|f| &f.ty) {
                    Some(Type::Of(DataType::Text)) => self.need_text(&value.ty, argument.span)?,
                    Some(Type::Of(_)) => self.need_number(&value.ty, argument.span)?,
                    _ => {}
                },
                Parameter::AnyOrKey | Parameter::Labelled | Parameter::Constant => {}
            }
            typed.push(value);
        }
        if spec.function == Function::InList
            && let Some((first, rest)) = typed.split_first()
        {
            self.listed(first, arguments.iter().skip(1).zip(rest))?;
        }
        let literals: Option<Vec<Scalar>> = typed.iter().map(literal_value).collect();
        if spec.function == Function::DateFmt
            && let Some(parts) = &literals
        {
            let Some(Scalar::Text(date)) = scalar::call(spec.function, parts) else {
                let shown: Vec<String> = typed.iter().map(|t| shown(&t.kind)).collect();
                return Self::fail(messages::impossible_date(span, &shown.join("-")));
            };
            return Ok(Typed::literal(Literal::Text(date)));
        }
        let ty = match spec.returns {
            Returns::Integer => Type::Of(DataType::Integer),
            Returns::Decimal => Type::Of(DataType::Decimal),
            Returns::Text => Type::Of(DataType::Text),
            Returns::First => typed.first().map_or(Type::Unknown, |t| t.ty.clone()),
            Returns::Constant => Type::Unknown,
            Returns::Widest if typed.iter().any(|t| t.ty == Type::Unknown) => Type::Unknown,
            Returns::Widest if typed.iter().all(|t| t.ty.is_integer()) => Type::Of(DataType::Integer),
            // `round(x)` without unit gives whole numbers.
            Returns::Widest if spec.function == Function::Round && typed.len() == 1 => Type::Of(DataType::Integer),
            Returns::Widest => Type::Of(DataType::Decimal),
        };
        let arguments = typed.into_iter().map(Typed::expression).collect();
        Ok(Typed { ty, kind: ExpressionKind::Call(spec.function, arguments) })
    }

    /// The number of groups of `quantile()`: a constant from 2 to 100.
    fn group_count(&mut self, argument: &Expr) -> Parse<Typed> {
        match self.bindings.value(argument)? {
            Constant::Integer(n) if (2..=100).contains(&n) => Ok(Typed::literal(Literal::Integer(n))),
            other => Self::fail(messages::out_of_range(argument.span, &other.text(), "2", "100")),
        }
    }

    /// Label functions become `inlist` over codes, or a constant: labels are metadata (LANG-244).
    fn label_call(&mut self, function: Function, arguments: &[Expr], span: Span) -> Parse<Typed> {
        let Some((variable, texts)) = arguments.split_first() else {
            return Self::fail(messages::not_for_data(span, ""));
        };
        let name = match &variable.node {
            ExprKind::Name(_) | ExprKind::Binding(_) | ExprKind::Binary(BinaryOperator::Concat, ..) => {
                self.bindings.name(variable)?
            }
            _ => return Self::fail(messages::needs_variable(variable.span)),
        };
        let column = self.state.dataset(variable.span)?.column(&name, variable.span)?;
        let mut wanted = Vec::new();
        for text in texts {
            match self.bindings.value(text)? {
                Constant::Text(label) => wanted.push((label, text.span)),
                _ => return Self::fail(messages::needs_text(text.span)),
            }
        }
        let labels = match &column.labels {
            LabelState::Known(labels) => labels.clone(),
            LabelState::None => return Self::fail(messages::no_code_list(variable.span, &name)),
            LabelState::Unknown => {
                self.unknown = true;
                let ty = if function == Function::LabelToCode { Type::Unknown } else { Type::Of(DataType::Integer) };
                return Ok(Typed { ty, kind: ExpressionKind::Missing });
            }
        };
        if function == Function::LabelContains {
            let part = wanted.first().map_or("", |(text, _)| text);
            let codes = codes_where(&labels, |label| label.contains(part));
            if codes.is_empty() {
                let place = wanted.first().map_or(span, |(_, place)| *place);
                self.warnings.push(messages::no_label_contains(place, part, &name));
            }
            return Ok(in_list(&column, &name, codes));
        }
        let mut codes = Vec::new();
        for (label, place) in &wanted {
            let found = codes_where(&labels, |l| l == label);
            if found.is_empty() {
                let known: Vec<&str> = labels.entries.iter().map(label_text).collect();
                let near = suggest::nearest(label, known);
                return Err(Fail::new(messages::unknown_label(*place, label, &name).candidates(near)));
            }
            codes.extend(found);
        }
        if function == Function::LabelToCode {
            // Several codes with one label: the lowest.
            codes.sort_by(|a, b| match (a, b) {
                (Literal::Text(x), Literal::Text(y)) => x.cmp(y),
                _ => a.as_f64().unwrap_or(0.0).total_cmp(&b.as_f64().unwrap_or(0.0)),
            });
            return Ok(codes
                .into_iter()
                .next()
                .map_or(Typed { ty: Type::Missing, kind: ExpressionKind::Missing }, Typed::literal));
        }
        Ok(in_list(&column, &name, codes))
    }
}

/// A label in the language that label functions use.
pub(super) fn label_text(label: &crate::program::Label) -> &str {
    label.text.text(kernel::Language::Nb)
}

fn codes_where(labels: &Labels, test: impl Fn(&str) -> bool) -> Vec<Literal> {
    labels.entries.iter().filter(|l| test(label_text(l))).map(|l| l.code.clone()).collect()
}

/// `inlist(column, codes…)`; with no codes 0 where the column has a value and missing elsewhere.
fn in_list(column: &Column, name: &str, codes: Vec<Literal>) -> Typed {
    let data_type = column.data_type.clone().unwrap_or(DataType::Integer);
    let variable = Expression { kind: ExpressionKind::Column(Arc::from(name)), data_type };
    let kind = if codes.is_empty() {
        ExpressionKind::Binary(BinaryOperator::NotEqual, Box::new(variable.clone()), Box::new(variable))
    } else {
        let list = codes.into_iter().map(|c| Typed::literal(c).expression());
        ExpressionKind::Call(Function::InList, std::iter::once(variable).chain(list).collect())
    };
    Typed::of(DataType::Integer, kind)
}

fn literal_value(typed: &Typed) -> Option<Scalar> {
    match &typed.kind {
        ExpressionKind::Literal(Literal::Integer(n)) => Some(Scalar::Integer(*n)),
        ExpressionKind::Literal(Literal::Decimal(x)) => Some(Scalar::Decimal(*x)),
        ExpressionKind::Literal(Literal::Text(s)) => Some(Scalar::Text(s.clone())),
        ExpressionKind::Missing => Some(Scalar::Missing),
        _ => None,
    }
}

fn shown(kind: &ExpressionKind) -> String {
    match kind {
        ExpressionKind::Literal(literal) => literal.to_string(),
        _ => ".".to_owned(),
    }
}
