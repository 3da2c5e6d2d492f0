//! The syntax tree: what was written, with places, before any name is resolved (language.md section 2).
//! What it is not: checked. Names may be unknown and bindings unbound; see `check` for that.

use kernel::Date;

use crate::catalogue::RequestedVersion;
use crate::commands::CommandSpec;
use crate::program::{BinaryOperator, UnaryOperator};
use crate::span::Located;

/// A word or name as written, NFC-normalised.
pub type Ident = Located<String>;

/// An expression with its place.
pub type Expr = Located<ExprKind>;

/// A statement with its place.
pub type Statement = Located<StatementKind>;

/// A whole script.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Script {
    /// Statements in order.
    pub statements: Vec<Statement>,
    /// Whether forms beyond microdata.no were refused at some point (`configure strict`).
    pub strict: bool,
}

/// The kinds of statement.
#[derive(Clone, PartialEq, Debug)]
pub enum StatementKind {
    /// `let n = e`.
    Let {
        /// Name of the binding.
        name: Ident,
        /// Its value, on constants only.
        value: Expr,
    },
    /// `param n [= e]` (LANG-332).
    Param {
        /// Name of the binding.
        name: Ident,
        /// Value when none is given from outside.
        default: Option<Expr>,
    },
    /// `for` … `end`.
    For {
        /// Loops, outermost first.
        loops: Vec<Loop>,
        /// The statements between.
        body: Vec<Statement>,
    },
    /// A text block.
    TextBlock(String),
    /// Any other command.
    Command(Box<Command>),
}

/// One level of a `for`.
#[derive(Clone, PartialEq, Debug)]
pub struct Loop {
    /// Iterators that walk in step.
    pub names: Vec<Ident>,
    /// Lists of values; with one name they are one list.
    pub values: Vec<LoopValues>,
}

/// A list of loop values.
#[derive(Clone, PartialEq, Debug)]
pub enum LoopValues {
    /// `m : n`, inclusive.
    Range(Expr, Expr),
    /// Values one by one.
    List(Vec<Expr>),
}

/// A command with head, condition and options.
#[derive(Clone, PartialEq, Debug)]
pub struct Command {
    /// Row of the command table.
    pub spec: Located<&'static CommandSpec>,
    /// What stands between the word and `if` or the comma.
    pub head: Head,
    /// `if`.
    pub condition: Option<Expr>,
    /// Options in the order written.
    pub options: Vec<CommandOption>,
}

impl Command {
    /// The option of this name, the last one when it is repeated.
    pub fn option(&self, name: &str) -> Option<&CommandOption> {
        self.options.iter().rev().find(|o| o.name.node == name)
    }
}

/// The forms of a head.
#[derive(Clone, PartialEq, Debug)]
pub enum Head {
    /// Nothing.
    Empty,
    /// `require store:version as alias`.
    Require {
        /// Store.
        store: Ident,
        /// Version.
        version: Located<RequestedVersion>,
        /// Alias.
        alias: Ident,
    },
    /// Names of variables, datasets or lists, by command.
    Names(Vec<Expr>),
    /// `import`.
    Import {
        /// Register variable.
        variable: RegisterVariable,
        /// Time.
        time: Option<Expr>,
        /// New name.
        name: Option<Expr>,
    },
    /// `import-event`.
    ImportEvent {
        /// Register variable.
        variable: RegisterVariable,
        /// First day.
        from: Expr,
        /// Last day.
        to: Expr,
        /// New name.
        name: Option<Expr>,
    },
    /// `import-panel`.
    ImportPanel {
        /// Register variables.
        variables: Vec<RegisterVariable>,
        /// Times.
        times: Vec<Expr>,
    },
    /// `target = value`.
    Assign {
        /// Variable or new name.
        target: Expr,
        /// Value.
        value: Expr,
    },
    /// `a [-> b] …`.
    Pairs(Vec<(Expr, Option<Expr>)>),
    /// `(stat) v [-> n] …`.
    Groups(Vec<Group>),
    /// `v… into T [on k…]`.
    Merge {
        /// Variables of the active dataset.
        variables: Vec<Expr>,
        /// Dataset they go into.
        into: Expr,
        /// Keys.
        on: Vec<Expr>,
    },
    /// `v… rule…`.
    Recode {
        /// Variables.
        variables: Vec<Expr>,
        /// Rules.
        rules: Vec<Rule>,
    },
    /// `n seed`.
    Sample {
        /// Count or fraction.
        size: Expr,
        /// Seed.
        seed: Expr,
    },
    /// `l code label …`.
    Labels {
        /// Name of the list.
        list: Expr,
        /// Codes and labels.
        entries: Vec<(Expr, Expr)>,
    },
    /// `list` or `r [time]`.
    ListLabels {
        /// Register variable, or the bare name of a list.
        variable: RegisterVariable,
        /// Time.
        time: Option<Expr>,
    },
    /// `(stat) v…`.
    Chart {
        /// Statistic.
        statistic: Ident,
        /// Variables.
        variables: Vec<Expr>,
    },
    /// `y term… [by g…]`.
    Model {
        /// Response.
        response: Expr,
        /// Terms.
        terms: Vec<Term>,
        /// Groups.
        by: Vec<Expr>,
    },
    /// `y term… (e… = z…) term…`.
    IvModel {
        /// Response.
        response: Expr,
        /// Terms in front of and behind the parentheses.
        terms: Vec<Term>,
        /// Endogenous terms.
        endogenous: Vec<Term>,
        /// Instruments.
        instruments: Vec<Term>,
    },
    /// Bare words or texts of the support commands.
    Words(Vec<Word>),
    /// Register variables of `variables`.
    Registers(Vec<RegisterVariable>),
    /// The model command of `coefplot`.
    Plot(Box<Command>),
    /// `v… from D [via p]` (LANG-362).
    Link {
        /// Variables of the other dataset.
        variables: Vec<Expr>,
        /// The other dataset.
        from: Expr,
        /// Pointer.
        via: Option<Expr>,
    },
    /// The condition of `assert`.
    Assertion(Expr),
}

/// `alias/NAME`, or a bare name.
#[derive(Clone, PartialEq, Debug)]
pub struct RegisterVariable {
    /// Alias.
    pub alias: Option<Ident>,
    /// Name in the store.
    pub name: Ident,
}

/// Items of one statistic.
#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    /// Statistic.
    pub statistic: Ident,
    /// Variables and new names.
    pub items: Vec<(Expr, Option<Expr>)>,
}

/// A rule of `recode`.
#[derive(Clone, PartialEq, Debug)]
pub struct Rule {
    /// Sources.
    pub sources: Vec<Located<Source>>,
    /// New value: number, text or missing.
    pub target: Expr,
    /// Label of the new value.
    pub label: Option<Ident>,
    /// Whether the new value is flagged missing.
    pub missing: bool,
}

/// A source of a rule.
#[derive(Clone, PartialEq, Debug)]
pub enum Source {
    /// A number, text, or `.`.
    Value(Expr),
    /// `a/b`; none is `min` or `max`.
    Range(Option<Expr>, Option<Expr>),
    /// `missing`.
    Missing,
    /// `nonmissing`.
    NonMissing,
    /// `*`.
    Everything,
}

/// A term of a model: factors joined by `#` or `##`.
#[derive(Clone, PartialEq, Debug)]
pub struct Term {
    /// Factors.
    pub factors: Vec<Factor>,
    /// Between factors: whether main effects are included (`##`).
    pub full: Vec<bool>,
}

/// A variable in a term.
#[derive(Clone, PartialEq, Debug)]
pub struct Factor {
    /// `i.` or `c.`.
    pub prefix: Option<char>,
    /// Variable.
    pub variable: Expr,
}

/// A word or text.
#[derive(Clone, PartialEq, Debug)]
pub struct Word {
    /// Contents.
    pub text: Ident,
    /// Whether it is quoted.
    pub quoted: bool,
}

/// `name(args)`.
#[derive(Clone, PartialEq, Debug)]
pub struct CommandOption {
    /// Name.
    pub name: Ident,
    /// Arguments; none when there are no parentheses or nothing in them.
    pub arguments: Vec<Argument>,
}

/// An argument of an option.
#[derive(Clone, PartialEq, Debug)]
pub enum Argument {
    /// Number, text, date, `.`, variable, new name or word.
    Value(Expr),
    /// A model term.
    Term(Term),
    /// `to(2024-01-01)` inside `harmonise()`.
    Nested(CommandOption),
}

/// The forms of an expression.
#[derive(Clone, PartialEq, Debug)]
pub enum ExprKind {
    /// Whole number.
    Integer(i64),
    /// Decimal number.
    Decimal(f64),
    /// Text.
    Text(String),
    /// `.`.
    Missing,
    /// A date, where one may stand (LANG-011).
    Date(Date),
    /// Variable, symbol or system name.
    Name(String),
    /// `$name`.
    Binding(String),
    /// Operator with one operand.
    Unary(UnaryOperator, Box<Expr>),
    /// Operator with two operands.
    Binary(BinaryOperator, Box<Expr>, Box<Expr>),
    /// Function call.
    Call(Ident, Vec<Expr>),
}
