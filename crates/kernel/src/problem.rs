//! The classes of what can go wrong, named after what the caller can do about it.
//! Each area maps its own errors to one of these; the edge turns them into a page or an RFC 9457 document.

use serde::{Deserialize, Serialize};

/// One fault of one field of an input.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FieldError {
    /// Path of the field, e.g. `pub.title`, or line and column of a file, e.g. `line 3`.
    pub field: String,
    /// Stable code of the rule that was broken, e.g. `required`.
    pub rule: String,
    /// What is wrong and how to mend it, in English, for logs and the API.
    pub message: String,
}

impl FieldError {
    /// A fault of `field` against `rule`.
    pub fn new(field: impl Into<String>, rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), rule: rule.into(), message: message.into() }
    }
}

/// Why a request was not carried out.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "problem", rename_all = "snake_case")]
pub enum Problem {
    /// The thing does not exist, or its existence is not for the caller to know.
    #[error("{what} was not found")]
    NotFound {
        /// What was looked for.
        what: String,
    },
    /// The caller may not do this.
    #[error("not allowed: {code}")]
    Forbidden {
        /// Stable code, e.g. `same_person`.
        code: String,
    },
    /// The state has moved on, or does not allow this.
    #[error("conflict: {code}")]
    Conflict {
        /// Stable code, e.g. `version_conflict`, `wrong_state`.
        code: String,
        /// What the caller should do.
        remedy: String,
    },
    /// The input has faults.
    #[error("invalid input: {}", .fields.iter().map(|f| format!("{}: {}", f.field, f.message)).collect::<Vec<_>>().join("; "))]
    Invalid {
        /// Every fault found.
        fields: Vec<FieldError>,
    },
    /// The caller has too much going on already; trying again later helps.
    #[error("too many: {what}")]
    Busy {
        /// What there is too much of.
        what: String,
    },
    /// Something this depends on does not answer now; trying again later may help.
    #[error("{what} is not available now")]
    Unavailable {
        /// What did not answer.
        what: String,
    },
}

impl Problem {
    /// One fault of one field.
    pub fn invalid(field: impl Into<String>, rule: impl Into<String>, message: impl Into<String>) -> Self {
        Problem::Invalid { fields: vec![FieldError::new(field, rule, message)] }
    }

    /// [`Problem::Forbidden`] with a code.
    pub fn forbidden(code: impl Into<String>) -> Self {
        Problem::Forbidden { code: code.into() }
    }

    /// [`Problem::NotFound`].
    pub fn not_found(what: impl Into<String>) -> Self {
        Problem::NotFound { what: what.into() }
    }

    /// [`Problem::Conflict`].
    pub fn conflict(code: impl Into<String>, remedy: impl Into<String>) -> Self {
        Problem::Conflict { code: code.into(), remedy: remedy.into() }
    }

    /// [`Problem::Busy`].
    pub fn busy(what: impl Into<String>) -> Self {
        Problem::Busy { what: what.into() }
    }

    /// [`Problem::Unavailable`].
    pub fn unavailable(what: impl Into<String>) -> Self {
        Problem::Unavailable { what: what.into() }
    }

    /// The HTTP status of the class.
    pub const fn status(&self) -> u16 {
        match self {
            Problem::NotFound { .. } => 404,
            Problem::Forbidden { .. } => 403,
            Problem::Conflict { .. } => 409,
            Problem::Invalid { .. } => 422,
            Problem::Busy { .. } => 429,
            Problem::Unavailable { .. } => 503,
        }
    }
}
