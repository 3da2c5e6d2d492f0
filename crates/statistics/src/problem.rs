//! What keeps an estimator from an answer, and what it wants said beside one (STAT-012). A text names variables and terms of
//! the script, never a value, a row or a count.

use kernel::LangMap;

/// Why there is no result. The code is that of statistics.md.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// E.g. `E_NO_CONVERGENCE`.
    pub code: &'static str,
    /// The variable or term it is about, as the script writes it.
    pub about: Option<String>,
}

impl Problem {
    /// A problem that is about no variable in particular.
    pub fn new(code: &'static str) -> Self {
        Self { code, about: None }
    }

    /// A problem with a variable or term.
    pub fn with(code: &'static str, about: impl Into<String>) -> Self {
        Self { code, about: Some(about.into()) }
    }

    /// What it says, with its remedy.
    pub fn text(&self) -> LangMap {
        let about = self.about.as_deref().unwrap_or_default();
        let [nb, nn, en] = crate::texts::problem(self.code);
        let fill = |text: &str| text.replace("{about}", about);
        LangMap::of(&fill(nb), &fill(nn), &fill(en))
    }
}

/// What is said beside a result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Notice {
    /// E.g. `W_CONSTANT`.
    pub code: &'static str,
    /// The variable or term it is about, as the script writes it.
    pub about: Option<String>,
}

impl Notice {
    /// A notice about a variable or term.
    pub fn with(code: &'static str, about: impl Into<String>) -> Self {
        Self { code, about: Some(about.into()) }
    }

    /// A notice that is about no variable in particular.
    pub fn new(code: &'static str) -> Self {
        Self { code, about: None }
    }

    /// What it says.
    pub fn text(&self) -> LangMap {
        let about = self.about.as_deref().unwrap_or_default();
        let [nb, nn, en] = crate::texts::notice(self.code);
        let fill = |text: &str| text.replace("{about}", about);
        LangMap::of(&fill(nb), &fill(nn), &fill(en))
    }
}
