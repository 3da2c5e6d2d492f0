//! Options behind the comma, and the rules about them that need no metadata (LANG-015 to LANG-017).

use super::{Cursor, Parse};

use crate::commands::{OptionShape, OptionSpec, TABULATE_STATISTICS};
use crate::lexer::{Mark, TokenKind, normal};
use crate::messages::{self, what};
use crate::span::{Located, Span};
use crate::tree::{Argument, Command, CommandOption, Expr, ExprKind, Head, Ident, Word};

impl Cursor<'_> {
    /// Everything behind the comma; inside `harmonise( )` up to the parenthesis.
    pub(super) fn options(&mut self, known: &'static [OptionSpec]) -> Parse<Vec<CommandOption>> {
        let mut options: Vec<CommandOption> = Vec::new();
        loop {
            while self.take_mark(Mark::Comma).is_some() {}
            let Some(token) = self.peek().filter(|t| t.kind != TokenKind::Mark(Mark::Close)) else { break };
            if token.kind != TokenKind::Word {
                return Err(self.unexpected(&[what::OPTION, what::END]));
            }
            let name = Located::new(self.text(token).to_owned(), token.span);
            let strict = self.strict;
            let allowed = known.iter().filter(|o| !(strict && o.extension));
            let Some(spec) = allowed.clone().find(|o| o.name == name.node) else {
                let near = self.nearest(&name.node, allowed.map(|o| o.name));
                return Err(Box::new(messages::unknown_option(name.span, &name.node).candidates(near)));
            };
            self.at += 1;
            let arguments = self.arguments(spec, &name)?;
            if let Some(before) = options.iter().find(|o| o.name.node == name.node) {
                if before.arguments != arguments {
                    return Err(Box::new(messages::option_repeats(name.span, &name.node)));
                }
                self.warnings.push(messages::option_again(name.span, &name.node));
                continue;
            }
            options.push(CommandOption { name, arguments });
        }
        Ok(options)
    }

    fn arguments(&mut self, spec: &OptionSpec, name: &Ident) -> Parse<Vec<Argument>> {
        let mut arguments = Vec::new();
        if self.take_mark(Mark::Open).is_some() {
            match spec.shape {
                OptionShape::Nested(inner) => arguments.extend(self.options(inner)?.into_iter().map(Argument::Nested)),
                _ => {
                    while !self.is_mark(Mark::Close) && self.peek().is_some() {
                        self.argument_fits(spec, arguments.len())?;
                        arguments.push(self.argument(spec)?);
                        self.take_mark(Mark::Comma);
                    }
                }
            }
            self.need_mark(Mark::Close)?;
        }
        let optional = matches!(
            spec.shape,
            OptionShape::Flag | OptionShape::OptionalVariable | OptionShape::Codes | OptionShape::Nested(_)
        );
        if arguments.is_empty() && !optional {
            return Err(Box::new(messages::option_needs_argument(name.span, &name.node)));
        }
        Ok(arguments)
    }

    /// Whether one more argument may follow.
    fn argument_fits(&self, spec: &OptionSpec, given: usize) -> Parse<()> {
        let most = match spec.shape {
            OptionShape::Flag => 0,
            OptionShape::Variables if self.strict && spec.name == "by" => 1,
            OptionShape::Codes | OptionShape::Terms | OptionShape::Variables => usize::MAX,
            _ => 1,
        };
        if given < most { Ok(()) } else { Err(self.unexpected(&[what::mark(Mark::Close)])) }
    }

    fn argument(&mut self, spec: &OptionSpec) -> Parse<Argument> {
        Ok(match spec.shape {
            OptionShape::Terms => Argument::Term(self.term()?),
            OptionShape::Text => Argument::Value(self.option_text()?),
            OptionShape::NewName => Argument::Value(self.new_name(what::NEW_NAME)?),
            OptionShape::Variable | OptionShape::OptionalVariable | OptionShape::Variables => {
                Argument::Value(self.name(what::VARIABLE)?)
            }
            OptionShape::Codes => Argument::Value(self.value(what::CODE)?),
            OptionShape::Number | OptionShape::Date => Argument::Value(self.constant()?),
            OptionShape::Choice(words) => {
                let token = self.peek().filter(|t| t.kind == TokenKind::Word && words.contains(&self.text(t)));
                let Some(token) = token else {
                    let found = self.peek().map(|t| self.text(t));
                    return Err(Box::new(messages::unknown_choice(self.here(), found, words)));
                };
                self.at += 1;
                Argument::Value(Located::new(ExprKind::Name(self.text(token).to_owned()), token.span))
            }
            OptionShape::Flag | OptionShape::Nested(_) => return Err(self.unexpected(&[what::mark(Mark::Close)])),
        })
    }

    /// A text where quotes are optional (LANG-016): `prefix(ny)` is `prefix('ny')`.
    fn option_text(&mut self) -> Parse<Expr> {
        let Some(token) = self.peek() else { return Err(self.missing(what::TEXT)) };
        let joined = self.ahead(1).is_some_and(|t| t.kind == TokenKind::Mark(Mark::Concat));
        match token.kind {
            TokenKind::Word | TokenKind::Number | TokenKind::DigitWord if !joined => {
                self.at += 1;
                Ok(Located::new(ExprKind::Text(normal(self.text(token))), token.span))
            }
            _ => self.name(what::TEXT),
        }
    }

    /// Options that exclude or need each other; phase 1, because no metadata decides.
    pub(super) fn option_rules(&self, command: &Command) -> Parse<()> {
        let spec = command.spec.node;
        for group in spec.exclusive {
            let mut given = command.options.iter().filter(|o| group.contains(&o.name.node.as_str()));
            if let (Some(first), Some(second)) = (given.next(), given.next()) {
                return Err(Box::new(messages::options_exclude(second.name.span, &first.name.node, &second.name.node)));
            }
        }
        for required in spec.required {
            if command.option(required).is_none() {
                return Err(Box::new(messages::option_missing(self.end, required)));
            }
        }
        match (spec.word, &command.head) {
            ("configure", Head::Words(words)) => configure_rules(words, self.strict),
            ("tabulate" | "tabulate-panel", Head::Names(names)) => tabulate_rules(command, names, self.end),
            ("barchart", Head::Chart { statistic, .. }) => match command.option("stack") {
                Some(stack) if !["count", "percent", "sum"].contains(&statistic.node.as_str()) => {
                    Err(Box::new(messages::options_exclude(stack.name.span, &statistic.node, "stack")))
                }
                _ => Ok(()),
            },
            ("clone-variables", Head::Pairs(pairs)) => {
                let named = command.option("prefix").is_some() || command.option("suffix").is_some();
                match pairs.iter().find(|(_, name)| name.is_none()) {
                    Some((variable, _)) if !named => {
                        Err(Box::new(messages::part_missing(variable.span.after(), what::NEW_NAME)))
                    }
                    _ => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

fn tabulate_rules(command: &Command, names: &[Expr], end: Span) -> Parse<()> {
    for option in &command.options {
        let name = option.name.node.as_str();
        if ["rowpct", "colpct", "chi2"].contains(&name) && names.len() < 2 && command.spec.node.word == "tabulate" {
            return Err(Box::new(messages::needs_two_variables(option.name.span, name)));
        }
        if TABULATE_STATISTICS.contains(&name) && command.option("summarize").is_none() {
            return Err(Box::new(messages::option_needs(option.name.span, name, "summarize()")));
        }
        if name == "base" && command.option("publish").is_none() {
            return Err(Box::new(messages::option_needs(option.name.span, name, "publish")));
        }
        // A test of the counts would be one more equation for those that are hidden.
        for (other, shown) in [("summarize", "summarize()"), ("chi2", "chi2")] {
            if name == "publish" && command.option(other).is_some() {
                return Err(Box::new(messages::options_exclude(option.name.span, name, shown)));
            }
        }
    }
    let (rows, cols) = (command.option("rows"), command.option("cols"));
    if rows.is_none() && cols.is_none() {
        return Ok(());
    }
    let placed: Vec<&Expr> =
        rows.into_iter().chain(cols).flat_map(|o| &o.arguments).filter_map(Argument::value).collect();
    for (i, variable) in placed.iter().enumerate() {
        if placed.iter().take(i).any(|other| other == variable) {
            return Err(Box::new(messages::options_exclude(variable.span, "rows()", "cols()")));
        }
    }
    match names.iter().find(|name| !placed.contains(name)) {
        Some(_) => Err(Box::new(messages::option_missing(end, "rows() / cols()"))),
        None => Ok(()),
    }
}

/// Words of `configure`; those behind `nocache` are its parts (LANG-226).
fn configure_rules(words: &[Word], strict: bool) -> Parse<()> {
    const KNOWN: [&str; 4] = ["alpha", "nocache", "strict", "continue"];
    let own = words.iter().take_while(|w| w.text.node != "nocache");
    let known = if strict { &KNOWN[..3] } else { &KNOWN[..] };
    match own.into_iter().find(|w| !known.contains(&w.text.node.as_str())) {
        Some(other) => Err(Box::new(messages::unknown_choice(other.text.span, Some(&other.text.node), known))),
        None => Ok(()),
    }
}

impl Argument {
    /// The value, when it is one.
    pub fn value(&self) -> Option<&Expr> {
        match self {
            Argument::Value(value) => Some(value),
            _ => None,
        }
    }
}
