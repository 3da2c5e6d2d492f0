//! Analytic commands in typed form: models and their predictions, and what describes variables by tests, curves and figures
//! (language.md 8.6 to 8.9).

use super::{Expression, Name};

/// A command that fits a model.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ModelKind {
    /// `anova`.
    Anova,
    /// `regress`.
    Regress,
    /// `logit`.
    Logit,
    /// `probit`.
    Probit,
    /// `mlogit`.
    Mlogit,
    /// `poisson`.
    Poisson,
    /// `negative-binomial`.
    NegativeBinomial,
    /// `ivregress`.
    Ivregress,
    /// `regress-panel`.
    RegressPanel,
    /// `regress-panel-diff`.
    RegressPanelDiff,
    /// `hausman`.
    Hausman,
    /// `oaxaca`.
    Oaxaca,
    /// `regress-mml`.
    RegressMml,
    /// `rdd`.
    Rdd,
    /// `cox`.
    Cox,
}

impl ModelKind {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Anova,
        Self::Regress,
        Self::Logit,
        Self::Probit,
        Self::Mlogit,
        Self::Poisson,
        Self::NegativeBinomial,
        Self::Ivregress,
        Self::RegressPanel,
        Self::RegressPanelDiff,
        Self::Hausman,
        Self::Oaxaca,
        Self::RegressMml,
        Self::Rdd,
        Self::Cox,
    ];

    /// The command word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Anova => "anova",
            Self::Regress => "regress",
            Self::Logit => "logit",
            Self::Probit => "probit",
            Self::Mlogit => "mlogit",
            Self::Poisson => "poisson",
            Self::NegativeBinomial => "negative-binomial",
            Self::Ivregress => "ivregress",
            Self::RegressPanel => "regress-panel",
            Self::RegressPanelDiff => "regress-panel-diff",
            Self::Hausman => "hausman",
            Self::Oaxaca => "oaxaca",
            Self::RegressMml => "regress-mml",
            Self::Rdd => "rdd",
            Self::Cox => "cox",
        }
    }

    /// The kind of a command word, also of its prediction form.
    pub fn of(word: &str) -> Option<Self> {
        let word = word.strip_suffix("-predict").unwrap_or(word);
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

/// A variable of a term.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ModelPiece {
    /// The column.
    pub column: Name,
    /// By its categories; else as a number.
    pub factor: bool,
}

/// A term of a model: one variable, or several whose product it is. `a##b` stands as three terms (LANG-185).
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ModelTerm {
    /// The variables.
    pub pieces: Vec<ModelPiece>,
    /// Estimated, not shown (STAT-009).
    pub control: bool,
}

/// The options of an analytic command, by their names.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Options {
    /// Options that are given without a value.
    pub flags: Vec<&'static str>,
    /// Options with a number.
    pub numbers: Vec<(&'static str, f64)>,
    /// Options with a column.
    pub columns: Vec<(&'static str, Name)>,
    /// Options with a word.
    pub words: Vec<(&'static str, String)>,
}

impl Options {
    /// Whether an option is given without a value.
    pub fn has(&self, flag: &str) -> bool {
        self.flags.contains(&flag)
    }

    /// The number of an option.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.numbers.iter().find(|(n, _)| *n == name).map(|(_, x)| *x)
    }

    /// The column of an option.
    pub fn column(&self, name: &str) -> Option<&Name> {
        self.columns.iter().find(|(n, _)| *n == name).map(|(_, c)| c)
    }

    /// The word of an option.
    pub fn word(&self, name: &str) -> Option<&str> {
        self.words.iter().find(|(n, _)| *n == name).map(|(_, w)| w.as_str())
    }

    /// The level of intervals in per cent (LANG-189).
    pub fn level(&self) -> f64 {
        self.number("level").unwrap_or(95.0)
    }
}

/// A model.
#[derive(Clone, PartialEq, Debug)]
pub struct Model {
    /// Which one.
    pub kind: ModelKind,
    /// The response; the event of `cox`.
    pub response: Name,
    /// The terms in the order written, then those of `control()`.
    pub terms: Vec<ModelTerm>,
    /// Left of `=` in `ivregress`.
    pub endogenous: Vec<ModelTerm>,
    /// Right of `=`.
    pub instruments: Vec<ModelTerm>,
    /// After `by`.
    pub groups: Vec<Name>,
    /// `if`.
    pub condition: Option<Expression>,
    /// Options.
    pub options: Options,
    /// Drawn by `coefplot` (LANG-181).
    pub plot: bool,
}

/// A prediction command (LANG-208).
#[derive(Clone, PartialEq, Debug)]
pub struct Predict {
    /// The model that is fitted.
    pub model: Model,
    /// The statistics with the columns that they go to: `predicted`, `residuals` …; for `mlogit` the column is a prefix.
    pub columns: Vec<(&'static str, Name)>,
}

/// A command on variables that is no model.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DescribeKind {
    /// `correlate`.
    Correlate,
    /// `ci`.
    Ci,
    /// `normaltest`.
    NormalTest,
    /// `transitions-panel`.
    Transitions,
    /// `boxplot`.
    Boxplot,
    /// `piechart`.
    Piechart,
    /// `histogram`.
    Histogram,
    /// `hexbin`.
    Hexbin,
    /// `sankey`.
    Sankey,
    /// `kaplan-meier`.
    KaplanMeier,
    /// `weibull`.
    Weibull,
}

impl DescribeKind {
    /// The kind of a command word.
    pub fn of(word: &str) -> Option<Self> {
        Some(match word {
            "correlate" => Self::Correlate,
            "ci" => Self::Ci,
            "normaltest" => Self::NormalTest,
            "transitions-panel" => Self::Transitions,
            "boxplot" => Self::Boxplot,
            "piechart" => Self::Piechart,
            "histogram" => Self::Histogram,
            "hexbin" => Self::Hexbin,
            "sankey" => Self::Sankey,
            "kaplan-meier" => Self::KaplanMeier,
            "weibull" => Self::Weibull,
            _ => return None,
        })
    }
}

/// A description of variables.
#[derive(Clone, PartialEq, Debug)]
pub struct Describe {
    /// Which one.
    pub kind: DescribeKind,
    /// The variables, in the order written; all numeric ones where none was.
    pub variables: Vec<Name>,
    /// Groups side by side.
    pub over: Vec<Name>,
    /// One panel or curve per value.
    pub by: Option<Name>,
    /// `if`.
    pub condition: Option<Expression>,
    /// Options.
    pub options: Options,
}
