//! The table of commands: word, form of the head, options and their rules (language.md sections 8 and 12).
//! The parser, the formatter, completion and hover all read it. What it is not: the meaning, which is the checker's.

use std::fmt;

mod options;
mod table;

pub use options::TABULATE_STATISTICS;
pub use table::COMMANDS;

/// What a name in a head or option stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    /// A variable of the active dataset.
    Variable,
    /// A name for a new variable.
    NewVariable,
    /// A dataset.
    Dataset,
    /// A name for a new dataset.
    NewDataset,
    /// A code list of the script.
    List,
    /// A prefix of variable names.
    Prefix,
}

/// Form of the head of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// Nothing.
    Empty,
    /// `store:version as a`.
    Require,
    /// Names: the last part repeats.
    Names {
        /// What they stand for.
        parts: &'static [Part],
        /// Least number.
        least: usize,
        /// Largest number.
        most: usize,
    },
    /// `r [time] [as n]`.
    Import,
    /// `r t1 to t2 [as n]`.
    ImportEvent,
    /// `r… t…`.
    ImportPanel,
    /// `n = e`.
    Assign,
    /// `a [-> b] …`.
    Pairs,
    /// `(s) v [-> n] …`; whether the arrow is required.
    Groups {
        /// `aggregate` needs a new name, `collapse` does not.
        arrow: bool,
    },
    /// `v… into T [on k…]`.
    Merge,
    /// `v…` or `if e`.
    DropKeep,
    /// `v… rules`.
    Recode,
    /// `n seed`.
    Sample,
    /// `l code label …`.
    Labels,
    /// `l` or `r [time]`.
    ListLabels,
    /// `(s) v…`.
    Chart,
    /// `y x… [by g…]`.
    Model {
        /// Least number of terms after the response.
        least: usize,
        /// Largest number of group variables after `by`; 0: there is no `by`.
        by: usize,
    },
    /// `y x… (e… = z…) x…`.
    IvModel,
    /// Words or texts.
    Words {
        /// Least number.
        least: usize,
        /// Largest number.
        most: usize,
    },
    /// A command word.
    Help,
    /// `r…`, possibly none.
    Registers,
    /// A model command in full.
    Plot,
    /// `v… from D [via p]`.
    Link,
    /// A condition.
    Assertion,
    /// Read by rules of its own: `let`, `for`, `end`, `textblock`, `endblock`, `param`.
    Block,
}

/// What stands in the parentheses of an option.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum OptionShape {
    /// Nothing.
    Flag,
    /// One text or word.
    Text,
    /// One new name.
    NewName,
    /// One variable.
    Variable,
    /// One variable or nothing.
    OptionalVariable,
    /// One or more variables.
    Variables,
    /// One number.
    Number,
    /// Codes, possibly none.
    Codes,
    /// Model terms, one or more.
    Terms,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One date.
    Date,
    /// Options inside an option.
    Nested(&'static [OptionSpec]),
}

/// An option of a command.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OptionSpec {
    /// Word.
    pub name: &'static str,
    /// Form of the argument.
    pub shape: OptionShape,
    /// Whether it can be executed now; if not, `E605`.
    pub available: bool,
    /// Whether it is our own addition (section 12).
    pub extension: bool,
}

/// A row of the table.
#[derive(Clone, Copy)]
pub struct CommandSpec {
    /// Command word.
    pub word: &'static str,
    /// Form of the head.
    pub shape: Shape,
    /// Whether `if` may follow the head.
    pub condition: bool,
    /// Options.
    pub options: &'static [OptionSpec],
    /// Groups of options of which at most one may be given (`E109`).
    pub exclusive: &'static [&'static [&'static str]],
    /// Options that must be given (`E105`).
    pub required: &'static [&'static str],
    /// Whether it can be executed now; if not, `E605`.
    pub available: bool,
    /// Whether it is our own addition (section 12).
    pub extension: bool,
    /// One sentence in bokmål, nynorsk and English.
    pub about: [&'static str; 3],
}

impl PartialEq for CommandSpec {
    fn eq(&self, other: &Self) -> bool {
        self.word == other.word
    }
}

impl fmt::Debug for CommandSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)
    }
}

impl CommandSpec {
    /// The row of a command word.
    pub fn of(word: &str) -> Option<&'static CommandSpec> {
        COMMANDS.iter().find(|c| c.word == word)
    }

    /// The option of this name.
    pub fn option(&self, name: &str) -> Option<&'static OptionSpec> {
        self.options.iter().find(|o| o.name == name)
    }

    /// How it is written, for hover and completion: `tabulate v… [if e], freq rowpct …`.
    pub fn signature(&self) -> String {
        let mut text = self.word.to_owned();
        let head = self.shape.signature();
        if !head.is_empty() {
            text.push(' ');
            text.push_str(&head);
        }
        if self.condition {
            text.push_str(" [if e]");
        }
        if !self.options.is_empty() {
            text.push(',');
            for option in self.options {
                text.push(' ');
                text.push_str(option.name);
                if option.shape != OptionShape::Flag {
                    text.push_str("()");
                }
            }
        }
        text
    }
}

impl Shape {
    fn signature(&self) -> String {
        match self {
            Shape::Empty => String::new(),
            Shape::Require => "store:version as a".into(),
            Shape::Names { parts, least, most } => {
                let mut words: Vec<String> = Vec::new();
                for (i, part) in parts.iter().enumerate() {
                    let letter = match part {
                        Part::Variable => "v",
                        Part::NewVariable => "n",
                        Part::Dataset => "d",
                        Part::NewDataset => "D",
                        Part::List => "l",
                        Part::Prefix => "p",
                    };
                    let many = if i + 1 == parts.len() && *most > parts.len() { "…" } else { "" };
                    words.push(if i < *least { format!("{letter}{many}") } else { format!("[{letter}{many}]") });
                }
                words.join(" ")
            }
            Shape::Import => "a/NAME [time] [as n]".into(),
            Shape::ImportEvent => "a/NAME t1 to t2 [as n]".into(),
            Shape::ImportPanel => "a/NAME… time…".into(),
            Shape::Assign => "n = e".into(),
            Shape::Pairs => "v [-> n] …".into(),
            Shape::Groups { arrow: true } => "(s) v -> n …".into(),
            Shape::Groups { arrow: false } => "(s) v [-> n] …".into(),
            Shape::Merge => "v… into d [on k…]".into(),
            Shape::DropKeep => "v… | if e".into(),
            Shape::Recode => "v… (source… = value ['label'] [missing]) …".into(),
            Shape::Sample => "n seed".into(),
            Shape::Labels => "l code label …".into(),
            Shape::ListLabels => "l | a/NAME [time]".into(),
            Shape::Chart => "(s) v…".into(),
            Shape::Model { by: 0, .. } => "y x…".into(),
            Shape::Model { by: 1, .. } => "y x… by g".into(),
            Shape::Model { .. } => "y x… by g1 [g2]".into(),
            Shape::IvModel => "y x… (e… = z…) x…".into(),
            Shape::Words { least: 0, .. } => "[word]".into(),
            Shape::Words { .. } => "word".into(),
            Shape::Help => "[command]".into(),
            Shape::Registers => "[a/NAME…]".into(),
            Shape::Plot => "model command".into(),
            Shape::Link => "v… from d [via p]".into(),
            Shape::Assertion => "e".into(),
            Shape::Block => String::new(),
        }
    }
}

/// The statistics of `aggregate` and `collapse`.
pub const GROUP_STATISTICS: &[&str] =
    &["mean", "min", "max", "median", "count", "sum", "semean", "sebinomial", "sd", "percent", "iqr", "gini"];

/// The statistics of `barchart`.
pub const CHART_STATISTICS: &[&str] = &["count", "percent", "mean", "min", "max", "median", "sum", "sd"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_82_commands_and_our_own_apart() {
        let own: Vec<_> = COMMANDS.iter().filter(|c| c.extension).map(|c| c.word).collect();
        assert_eq!(own, ["param", "export", "harmonise", "assert", "link"]);
        // `endblock` is the other half of `textblock`.
        assert_eq!(COMMANDS.iter().filter(|c| !c.extension && c.word != "endblock").count(), 82);
        for (i, command) in COMMANDS.iter().enumerate() {
            assert!(COMMANDS[i + 1..].iter().all(|c| c.word != command.word), "{} twice", command.word);
            for group in command.exclusive.iter().chain([&command.required]) {
                assert!(group.iter().all(|o| command.option(o).is_some()), "{}", command.word);
            }
        }
    }
}
