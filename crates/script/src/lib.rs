//! The analysis language: from text to a typed plan, with diagnostics in three languages.
//!
//! [`parse`] makes the syntax tree and reports every syntax error of a text; [`check`] resolves names against a
//! [`Catalogue`] and makes the [`Program`] that `engine` executes; the editor's highlighting, completion, hover and
//! the formatter work on the same tokens. It does no I/O, reads no clock and never panics; it knows nothing of data.

mod catalogue;
mod changes;
mod check;
mod commands;
mod constants;
mod diagnostic;
mod editor;
mod format;
mod functions;
pub mod help;
mod lexer;
mod messages;
mod parse;
pub mod program;
pub mod scalar;
mod span;
mod status;
mod suggest;
pub mod tree;
mod unparse;

pub use catalogue::{
    Catalogue, CodeEntry, CodeList, CodePeriod, NoCatalogue, Recoding, RequestedVersion, StoreAnswer, Temporality,
    UnitType, VariableInfo,
};
pub use check::{Checked, SavedScripts, Settings, check, compile};
pub use commands::{COMMANDS, CommandSpec, OptionShape, OptionSpec, Part, Shape};
pub use diagnostic::{Code, Diagnostic, Related, Severity, sort};
pub use editor::{Completion, CompletionKind, Hover, TokenClass, complete, highlight, hover, occurrences, renamed};
pub use format::format;
pub use functions::{FUNCTIONS, Function, FunctionGroup, FunctionSpec, Parameter, Returns};
pub use parse::{Parsed, parse, parse_strict};
pub use program::{Action, DataType, Expression, ExpressionKind, Literal, Name, Program, Step};
pub use span::{Located, Span};
pub use status::status_dates;
pub use unparse::unparse;
