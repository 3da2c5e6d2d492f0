//! From the tree back to text, in one canonical layout: what a result shows as its command (LANG-100) and what the
//! cache keys of LANG-300 are made of. Comments and layout are gone; the formatter keeps those, not this.

use std::fmt::Write;

use crate::constants::{Bindings, Constant};
use crate::program::{BinaryOperator, UnaryOperator};
use crate::tree::{
    Argument, Command, CommandOption, Expr, ExprKind, Factor, Group, Head, LoopValues, RegisterVariable, Rule, Script,
    Source, Statement, StatementKind, Term, Word,
};

/// The script in canonical form, one statement per line, loops indented by two blanks.
pub fn unparse(script: &Script) -> String {
    let mut writer = Writer { out: String::new(), bindings: None };
    for statement in &script.statements {
        writer.statement(statement, 0);
    }
    writer.out
}

/// One command in canonical form with bindings substituted.
pub(crate) fn command_text(command: &Command, bindings: &Bindings) -> String {
    let mut writer = Writer { out: String::new(), bindings: Some(bindings) };
    writer.command(command);
    writer.out
}

struct Writer<'b> {
    out: String,
    bindings: Option<&'b Bindings>,
}

/// The symbol of an operator.
pub(crate) fn symbol(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Or => "|",
        BinaryOperator::And => "&",
        BinaryOperator::Equal => "==",
        BinaryOperator::NotEqual => "!=",
        BinaryOperator::Less => "<",
        BinaryOperator::LessOrEqual => "<=",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterOrEqual => ">=",
        BinaryOperator::Concat => "++",
        BinaryOperator::Add => "+",
        BinaryOperator::Subtract => "-",
        BinaryOperator::Multiply => "*",
        BinaryOperator::Divide => "/",
        BinaryOperator::Power => "^",
    }
}

/// Whether the first word of an expression is a name, and no call.
fn begins_with_name(expr: &Expr) -> bool {
    match &expr.node {
        ExprKind::Name(_) => true,
        ExprKind::Binary(_, left, _) => begins_with_name(left),
        _ => false,
    }
}

fn level(operator: BinaryOperator) -> u8 {
    match operator {
        BinaryOperator::Or => 1,
        BinaryOperator::And => 2,
        BinaryOperator::Concat => 4,
        BinaryOperator::Add | BinaryOperator::Subtract => 5,
        BinaryOperator::Multiply | BinaryOperator::Divide => 6,
        BinaryOperator::Power => 8,
        _ => 3,
    }
}

const UNARY: u8 = 7;
const PRIMARY: u8 = 9;

/// A text in quotes; the quote that it does not hold.
pub(crate) fn quoted(text: &str) -> String {
    if text.contains('\'') { format!("\"{text}\"") } else { format!("'{text}'") }
}

/// A decimal so that it reads back as one.
fn decimal(x: f64) -> String {
    let text = x.to_string();
    if text.parse::<i64>().is_ok() { text + ".0" } else { text }
}

impl Writer<'_> {
    fn put(&mut self, text: &str) {
        self.out.push_str(text);
    }

    fn separated<T>(&mut self, items: &[T], separator: &str, mut write: impl FnMut(&mut Self, &T)) {
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.put(separator);
            }
            write(self, item);
        }
    }

    fn statement(&mut self, statement: &Statement, indent: usize) {
        self.put(&"  ".repeat(indent));
        match &statement.node {
            StatementKind::Let { name, value } => {
                let _ = write!(self.out, "let {} = ", name.node);
                self.expr(value, 0);
            }
            StatementKind::Param { name, default } => {
                let _ = write!(self.out, "param {}", name.node);
                if let Some(value) = default {
                    self.put(" = ");
                    self.expr(value, 0);
                }
            }
            StatementKind::TextBlock(text) => {
                self.put("textblock\n");
                for line in text.split('\n').filter(|_| !text.is_empty()) {
                    self.put(line);
                    self.put("\n");
                }
                self.put("endblock");
            }
            StatementKind::Command(command) => self.command(command),
            StatementKind::For { loops, body } => {
                self.put("for ");
                self.separated(loops, "; ", |w, l| {
                    w.separated(&l.names, ", ", |w, name| w.put(&name.node));
                    w.put(" in ");
                    w.separated(&l.values, ", ", |w, values| match values {
                        LoopValues::Range(from, to) => {
                            w.expr(from, 4);
                            w.put(" : ");
                            w.expr(to, 4);
                        }
                        LoopValues::List(values) => w.exprs(values, " "),
                    });
                });
                self.put("\n");
                for inner in body {
                    self.statement(inner, indent + 1);
                }
                self.put(&"  ".repeat(indent));
                self.put("end");
            }
        }
        self.put("\n");
    }

    fn command(&mut self, command: &Command) {
        self.put(command.spec.node.word);
        let before = self.out.len();
        self.put(" ");
        let start = self.out.len();
        self.head(&command.head);
        if self.out.len() == start {
            self.out.truncate(before);
        }
        if let Some(condition) = &command.condition {
            self.put(" if ");
            self.expr(condition, 0);
        }
        if !command.options.is_empty() {
            self.put(", ");
            self.separated(&command.options, " ", |w, o| w.option(o));
        }
    }

    fn option(&mut self, option: &CommandOption) {
        self.put(&option.name.node);
        if !option.arguments.is_empty() {
            self.put("(");
            self.separated(&option.arguments, ", ", |w, argument| match argument {
                Argument::Value(value) => w.expr(value, 4),
                Argument::Term(term) => w.term(term),
                Argument::Nested(inner) => w.option(inner),
            });
            self.put(")");
        }
    }

    fn exprs(&mut self, items: &[Expr], separator: &str) {
        self.separated(items, separator, |w, e| w.expr(e, 4));
    }

    fn head(&mut self, head: &Head) {
        match head {
            Head::Empty => {}
            Head::Require { store, version, alias } => {
                let _ = write!(self.out, "{}:{} as {}", store.node, version.node, alias.node);
            }
            Head::Names(names) => self.exprs(names, " "),
            Head::Import { variable, time, name } => {
                self.register(variable);
                if let Some(time) = time {
                    self.put(" ");
                    self.expr(time, 4);
                }
                self.as_name(name.as_ref());
            }
            Head::ImportEvent { variable, from, to, name } => {
                self.register(variable);
                self.put(" ");
                self.expr(from, 4);
                self.put(" to ");
                self.expr(to, 4);
                self.as_name(name.as_ref());
            }
            Head::ImportPanel { variables, times } => {
                self.separated(variables, " ", |w, v| w.register(v));
                for (i, time) in times.iter().enumerate() {
                    self.put(" ");
                    // Without brackets it would be read as one more variable.
                    let like_a_variable = i == 0 && begins_with_name(time);
                    self.wrapped(like_a_variable, |w| w.expr(time, if like_a_variable { 0 } else { 4 }));
                }
            }
            Head::Assign { target, value } => {
                self.expr(target, 4);
                self.put(" = ");
                self.expr(value, 0);
            }
            Head::Pairs(pairs) => self.separated(pairs, " ", |w, (from, to)| w.arrow(from, to.as_ref())),
            Head::Groups(groups) => self.separated(groups, " ", |w, Group { statistic, items }| {
                let _ = write!(w.out, "({}) ", statistic.node);
                w.separated(items, " ", |w, (from, to)| w.arrow(from, to.as_ref()));
            }),
            Head::Merge { variables, into, on } => {
                self.exprs(variables, " ");
                self.put(" into ");
                self.expr(into, 4);
                if !on.is_empty() {
                    self.put(" on ");
                    self.exprs(on, " ");
                }
            }
            Head::Recode { variables, rules } => {
                self.exprs(variables, " ");
                self.put(" ");
                self.separated(rules, " ", |w, r| w.rule(r));
            }
            Head::Sample { size, seed } => {
                self.expr(size, 4);
                self.put(" ");
                self.expr(seed, 4);
            }
            Head::Labels { list, entries } => {
                self.expr(list, 4);
                for (code, label) in entries {
                    self.put(" ");
                    self.expr(code, 4);
                    self.put(" ");
                    self.expr(label, 4);
                }
            }
            Head::ListLabels { variable, time } => {
                self.register(variable);
                if let Some(time) = time {
                    self.put(" ");
                    self.expr(time, 4);
                }
            }
            Head::Chart { statistic, variables } => {
                let _ = write!(self.out, "({}) ", statistic.node);
                self.exprs(variables, " ");
            }
            Head::Model { response, terms, by } => {
                self.expr(response, 4);
                self.terms(terms);
                if !by.is_empty() {
                    self.put(" by ");
                    self.exprs(by, " ");
                }
            }
            Head::IvModel { response, terms, endogenous, instruments } => {
                self.expr(response, 4);
                self.terms(terms);
                self.put(" (");
                self.separated(endogenous, " ", |w, t| w.term(t));
                self.put(" = ");
                self.separated(instruments, " ", |w, t| w.term(t));
                self.put(")");
            }
            Head::Words(words) => self.separated(words, " ", |w, Word { text, quoted: in_quotes }| {
                let shown = if *in_quotes { quoted(&text.node) } else { text.node.clone() };
                w.put(&shown);
            }),
            Head::Registers(variables) => self.separated(variables, " ", |w, v| w.register(v)),
            Head::Plot(command) => self.command(command),
            Head::Link { variables, from, via } => {
                self.exprs(variables, " ");
                self.put(" from ");
                self.expr(from, 4);
                if let Some(via) = via {
                    self.put(" via ");
                    self.expr(via, 4);
                }
            }
            Head::Assertion(condition) => self.expr(condition, 0),
        }
    }

    fn register(&mut self, variable: &RegisterVariable) {
        if let Some(alias) = &variable.alias {
            let _ = write!(self.out, "{}/", alias.node);
        }
        self.put(&variable.name.node);
    }

    fn as_name(&mut self, name: Option<&Expr>) {
        if let Some(name) = name {
            self.put(" as ");
            self.expr(name, 4);
        }
    }

    fn arrow(&mut self, from: &Expr, to: Option<&Expr>) {
        self.expr(from, 4);
        if let Some(to) = to {
            self.put(" -> ");
            self.expr(to, 4);
        }
    }

    fn terms(&mut self, terms: &[Term]) {
        for term in terms {
            self.put(" ");
            self.term(term);
        }
    }

    fn term(&mut self, term: &Term) {
        for (i, Factor { prefix, variable }) in term.factors.iter().enumerate() {
            if i > 0 {
                self.put(if term.full.get(i - 1) == Some(&true) { "##" } else { "#" });
            }
            if let Some(letter) = prefix {
                let _ = write!(self.out, "{letter}.");
            }
            self.expr(variable, 4);
        }
    }

    fn rule(&mut self, rule: &Rule) {
        self.put("(");
        self.separated(&rule.sources, " ", |w, source| match &source.node {
            Source::Value(value) => w.expr(value, PRIMARY - 2),
            Source::Range(low, high) => {
                w.bound(low.as_ref(), "min");
                w.put("/");
                w.bound(high.as_ref(), "max");
            }
            Source::Missing => w.put("missing"),
            Source::NonMissing => w.put("nonmissing"),
            Source::Everything => w.put("*"),
        });
        self.put(" = ");
        self.expr(&rule.target, 4);
        if let Some(label) = &rule.label {
            let _ = write!(self.out, " {}", quoted(&label.node));
        }
        if rule.missing {
            self.put(" missing");
        }
        self.put(")");
    }

    fn bound(&mut self, bound: Option<&Expr>, open: &str) {
        match bound {
            Some(value) => self.expr(value, 4),
            None => self.put(open),
        }
    }

    fn constant(&mut self, value: &Constant, least: u8) {
        let text = match value {
            Constant::Text(text) => quoted(text),
            Constant::Decimal(x) => decimal(*x),
            other => other.text(),
        };
        let negative = text.starts_with('-') && least > UNARY;
        self.put(&if negative { format!("({text})") } else { text });
    }

    fn expr(&mut self, expr: &Expr, least: u8) {
        let substituted = matches!(&expr.node, ExprKind::Binding(_) | ExprKind::Binary(BinaryOperator::Concat, ..));
        if let Some(bindings) = self.bindings.filter(|_| substituted)
            && let Ok(value) = bindings.value(expr)
        {
            return self.constant(&value, least);
        }
        match &expr.node {
            ExprKind::Integer(n) => self.constant(&Constant::Integer(*n), least),
            ExprKind::Decimal(x) => self.constant(&Constant::Decimal(*x), least),
            ExprKind::Text(text) => self.put(&quoted(text)),
            ExprKind::Missing => self.put("."),
            ExprKind::Date(date) => self.put(&date.to_string()),
            ExprKind::Name(name) => self.put(name),
            ExprKind::Binding(name) => {
                let _ = write!(self.out, "${name}");
            }
            ExprKind::Unary(operator, operand) => self.wrapped(UNARY < least, |w| {
                w.put(if *operator == UnaryOperator::Negate { "-" } else { "!" });
                w.expr(operand, UNARY);
            }),
            ExprKind::Binary(operator, a, b) => {
                let own = level(*operator);
                self.wrapped(own < least, |w| match operator {
                    BinaryOperator::Power => {
                        w.expr(a, PRIMARY);
                        w.put("^");
                        w.expr(b, UNARY);
                    }
                    _ => {
                        // Comparisons do not chain; the others group to the left.
                        w.expr(a, if own == 3 { own + 1 } else { own });
                        let _ = write!(w.out, " {} ", symbol(*operator));
                        w.expr(b, own + 1);
                    }
                });
            }
            ExprKind::Call(name, arguments) => {
                self.put(&name.node);
                self.put("(");
                self.separated(arguments, ", ", |w, a| w.expr(a, 0));
                self.put(")");
            }
        }
    }

    fn wrapped(&mut self, parentheses: bool, write: impl FnOnce(&mut Self)) {
        if parentheses {
            self.put("(");
        }
        write(self);
        if parentheses {
            self.put(")");
        }
    }
}
