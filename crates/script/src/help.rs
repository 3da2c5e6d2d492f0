//! Help texts in three languages for every command, option and function: what hover, completion, `help`, `help-function`
//! and the documentation say. The texts stand in `help/*.txt`, the languages of one text beside each other.

use std::collections::HashMap;
use std::sync::LazyLock;

use kernel::{LangMap, Language};

use crate::commands::{COMMANDS, CommandSpec, OptionSpec};
use crate::functions::{FUNCTIONS, Function};
use crate::messages;

/// What is said about one thing, with examples as they are written in a script.
#[derive(Clone, PartialEq, Debug)]
pub struct Help {
    /// What one needs to know.
    pub text: LangMap,
    /// Example lines.
    pub examples: Vec<&'static str>,
}

/// Options that mean the same everywhere stand under this name.
const SHARED: &str = "*";

type Texts = HashMap<(&'static str, &'static str), Help>;

static COMMAND_TEXTS: LazyLock<Texts> = LazyLock::new(|| read(include_str!("../help/commands.txt")));
static FUNCTION_TEXTS: LazyLock<Texts> = LazyLock::new(|| read(include_str!("../help/functions.txt")));

/// Blocks begin with `= name`, parts of a block with `- option`; `nb`, `nn`, `en` and `ex` begin the lines.
fn read(source: &'static str) -> Texts {
    let mut texts = Texts::new();
    let (mut block, mut part) = ("", "");
    let mut lines = [""; 3];
    for line in source.lines() {
        let Some((head, rest)) = line.split_once(' ') else { continue };
        match head {
            "=" => (block, part) = (rest, ""),
            "-" => part = rest,
            "ex" => {
                if let Some(help) = texts.get_mut(&(block, part)) {
                    help.examples.push(rest);
                }
            }
            _ => {
                let Some(language) = ["nb", "nn", "en"].iter().position(|l| *l == head) else { continue };
                lines[language] = rest;
                if language == 2 {
                    let [nb, nn, en] = std::mem::take(&mut lines);
                    texts.insert((block, part), Help { text: LangMap::of(nb, nn, en), examples: Vec::new() });
                }
            }
        }
    }
    texts
}

/// Help about a command beyond its one sentence ([`CommandSpec::about`]).
pub fn command(spec: &CommandSpec) -> Option<&'static Help> {
    COMMAND_TEXTS.get(&(spec.word, ""))
}

/// Help about an option of a command.
pub fn option(spec: &CommandSpec, option: &OptionSpec) -> Option<&'static Help> {
    // The panel form of a table has the options of the table.
    let words = [spec.word, spec.word.trim_end_matches("-panel"), SHARED];
    words.into_iter().find_map(|word| COMMAND_TEXTS.get(&(word, option.name)))
}

/// Help about a function.
pub fn function(function: Function) -> Option<&'static Help> {
    FUNCTION_TEXTS.get(&(function.spec().name, ""))
}

/// All that is known about a command as Markdown: sentence, form, text, options, examples (LANG-220).
pub fn command_page(spec: &CommandSpec) -> LangMap {
    in_each(|language| {
        let about = messages::about(spec);
        let mut page = format!("## {}\n\n{}", spec.word, about.text(language));
        if let Some(help) = command(spec) {
            page.push_str(&format!(" {}", help.text.text(language)));
        }
        page.push_str(&format!("\n\n`{}`\n", spec.signature()));
        for option in spec.options {
            let text = self::option(spec, option).map_or("", |h| h.text.text(language));
            page.push_str(&format!("\n- `{}`: {text}", option.name));
        }
        let examples = command(spec).map(|h| h.examples.join("\n")).filter(|e| !e.is_empty());
        if let Some(examples) = examples {
            let gap = if spec.options.is_empty() { "" } else { "\n" };
            page.push_str(&format!("{gap}\n```\n{examples}\n```\n"));
        }
        page
    })
}

/// All that is known about a function as Markdown.
pub fn function_page(function: Function) -> LangMap {
    in_each(|language| {
        let spec = function.spec();
        let mut page = format!("## {}\n\n`{}`\n", spec.name, spec.signature);
        if let Some(help) = self::function(function) {
            page.push_str(&format!("\n{}\n\n```\n{}\n```\n", help.text.text(language), help.examples.join("\n")));
        }
        page
    })
}

/// The names of all commands with their sentence, as Markdown.
pub fn all_commands() -> LangMap {
    in_each(|language| {
        let line = |spec: &CommandSpec| format!("- `{}`: {}", spec.word, messages::about(spec).text(language));
        COMMANDS.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

/// The names of all functions with their signature, as Markdown.
pub fn all_functions() -> LangMap {
    in_each(|language| {
        let text = |f: Function| function(f).map_or("", |h| h.text.text(language));
        let lines = FUNCTIONS.iter().map(|spec| format!("- `{}`: {}", spec.signature, text(spec.function)));
        lines.collect::<Vec<_>>().join("\n")
    })
}

fn in_each(text: impl Fn(Language) -> String) -> LangMap {
    let [nb, nn, en] = Language::ALL.map(text);
    LangMap::of(&nb, &nn, &en)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::functions::FunctionGroup;
    use crate::scalar::Scalar;

    fn whole(help: Option<&Help>) -> bool {
        help.is_some_and(|h| Language::ALL.iter().all(|l| !h.text.text(*l).is_empty()))
    }

    /// Issue Language: every command, option and function has a text in every language, and no text is left over.
    #[test]
    fn everything_has_help_in_three_languages() {
        let mut used = 0;
        for spec in COMMANDS {
            assert!(whole(command(spec)), "{}", spec.word);
            assert!(command(spec).is_some_and(|h| !h.examples.is_empty()), "{}", spec.word);
            for option in spec.options {
                assert!(whole(self::option(spec, option)), "{} {}", spec.word, option.name);
            }
            used += 1 + spec.options.iter().filter(|o| COMMAND_TEXTS.contains_key(&(spec.word, o.name))).count();
        }
        let shared = COMMAND_TEXTS.keys().filter(|(block, _)| *block == SHARED);
        let needed = |name: &str| COMMANDS.iter().any(|c| c.option(name).is_some());
        assert!(shared.clone().all(|(_, option)| needed(option)));
        assert_eq!(used + shared.count(), COMMAND_TEXTS.len(), "a text of no command or option");
        for spec in FUNCTIONS {
            assert!(whole(function(spec.function)), "{}", spec.name);
        }
        assert_eq!(FUNCTION_TEXTS.len(), FUNCTIONS.len());
    }

    /// Examples are script lines of their command that are read without a syntax error.
    #[test]
    fn examples_are_read() {
        for spec in COMMANDS {
            for example in command(spec).map_or(&[][..], |h| &h.examples) {
                assert!(example.starts_with(spec.word), "{example}");
                let whole = match spec.word {
                    "for" => format!("{example}\nend"),
                    "end" => format!("for i in 1 : 2\n{example}"),
                    "textblock" => format!("{example}\nendblock"),
                    "endblock" => format!("textblock\n{example}"),
                    _ => (*example).to_owned(),
                };
                let parsed = crate::parse(&whole);
                assert!(!parsed.has_errors(), "{example}: {:?}", parsed.diagnostics);
            }
        }
    }

    fn scalar(text: &str) -> Scalar {
        match text.strip_prefix('\'') {
            Some(rest) => Scalar::Text(rest.trim_end_matches('\'').into()),
            None if text == "." => Scalar::Missing,
            None => text.parse().map_or_else(|_| Scalar::Decimal(text.parse().unwrap()), Scalar::Integer),
        }
    }

    /// The values beside the examples of functions are those of the function, to the six digits shown.
    #[test]
    fn function_examples_have_their_values() {
        let mut checked = 0;
        for spec in FUNCTIONS.iter().filter(|s| s.available && s.group != FunctionGroup::Bindings) {
            for example in function(spec.function).map_or(&[][..], |h| &h.examples) {
                let Some((call, value)) = example.split_once(" → ") else { continue };
                assert!(call.starts_with(&format!("{}(", spec.name)), "{example}");
                let inside = &call[spec.name.len() + 1..call.len() - 1];
                let plain = |a: &&str| !a.starts_with(|c: char| c.is_alphabetic());
                let args: Vec<&str> = inside.split(", ").filter(|a| !a.is_empty()).collect();
                if !args.iter().all(plain) {
                    continue;
                }
                let args: Vec<Scalar> = args.into_iter().map(scalar).collect();
                let got = crate::scalar::call(spec.function, &args).unwrap();
                match (scalar(value), &got) {
                    (Scalar::Text(a), Scalar::Text(b)) => assert_eq!(a, *b, "{example}"),
                    (expected, _) => {
                        let number = |s: &Scalar| match s {
                            Scalar::Integer(n) => *n as f64,
                            Scalar::Decimal(x) => *x,
                            _ => panic!("{example}: {s:?}"),
                        };
                        let (a, b) = (number(&expected), number(&got));
                        assert!((a - b).abs() <= 5e-6 * a.abs().max(1e-9), "{example}: {b}");
                    }
                }
                checked += 1;
            }
        }
        assert!(checked > 50, "{checked}");
    }
}
