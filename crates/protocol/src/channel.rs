//! Asking another zone ([`Channel`]) and answering one ([`Service`]), and the reasons for which a call gives nothing.
//! An area sees only these two traits; signing, checking and transport are those of [`peer`](crate::peer).

use std::borrow::Cow;

use async_trait::async_trait;
use bytes::Bytes;
use kernel::Problem;
use serde::{Deserialize, Serialize};

use crate::dsse::DsseError;
use crate::party::Party;

/// The codes of `Refusal`, as in the table of failure behaviour (section 9 of the specification of keys), and those of
/// the checks of KEY-021.
pub mod codes {
    /// Expired, on hold, revoked, or not the current version.
    pub const PERMIT_NOT_LIVE: &str = "permit_not_live";
    /// The caller is not the source or room that the permit names.
    pub const WRONG_PARTY: &str = "wrong_party";
    /// More persons or deliveries than the linkage plan allows.
    pub const CAP_EXCEEDED: &str = "cap_exceeded";
    /// Too many batches at a time, or the caller is suspended.
    pub const RATE_LIMITED: &str = "rate_limited";
    /// The permit's keys are destroyed.
    pub const KEY_DESTROYED: &str = "key_destroyed";
    /// The permit's keys are suspended.
    pub const KEY_SUSPENDED: &str = "key_suspended";
    /// Root, count or digest differs from what was signed.
    pub const MANIFEST_MISMATCH: &str = "manifest_mismatch";
    /// A known id with other content.
    pub const REPLAY: &str = "replay";
    /// Wrong length or form.
    pub const BAD_ENCODING: &str = "bad_encoding";
    /// The keystore cannot be used now.
    pub const TOKEN_UNAVAILABLE: &str = "token_unavailable";
    /// The message is larger than allowed.
    pub const TOO_LARGE: &str = "too_large";
    /// The signing key is not listed for this.
    pub const UNKNOWN_KEY: &str = "unknown_key";
    /// The signature does not verify.
    pub const BAD_SIGNATURE: &str = "bad_signature";
    /// The content has not the form of its kind.
    pub const BAD_SCHEMA: &str = "bad_schema";
    /// Outside its time window.
    pub const EXPIRED: &str = "expired";
    /// The service knows no such call.
    pub const UNKNOWN_KIND: &str = "unknown_kind";
    /// The thing asked for does not exist.
    pub const NOT_FOUND: &str = "not_found";
    /// The content breaks a rule.
    pub const INVALID: &str = "invalid";
    /// A service behind does not answer.
    pub const UNAVAILABLE: &str = "unavailable";
}

/// Asks other zones.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Sends `body` as a call of `kind` to `to` and gives the body of the answer.
    async fn call(&self, to: &Party, kind: &str, body: Bytes) -> Result<Bytes, CallError>;
}

/// Answers other zones. The caller was verified before: `from` is who signed.
#[async_trait]
pub trait Service: Send + Sync {
    /// Answers one call.
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal>;
}

/// Why a service gave no answer. Carries no identity number, ordinal, pseudonym or key (KEY-081).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, thiserror::Error)]
#[error("refused: {code}")]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Stable code, see [`codes`].
    pub code: Cow<'static, str>,
    /// The class of the problem, for pages and interfaces.
    pub detail: Problem,
}

impl Refusal {
    /// A refusal with one of [`codes`].
    pub fn new(code: impl Into<Cow<'static, str>>) -> Self {
        let code = code.into();
        let text = code.to_string();
        let detail = match text.as_str() {
            codes::NOT_FOUND => Problem::not_found("the object"),
            codes::REPLAY | codes::KEY_SUSPENDED | codes::KEY_DESTROYED => {
                Problem::conflict(text, "look at the state of the permit's keys and of the delivery")
            }
            codes::MANIFEST_MISMATCH
            | codes::BAD_ENCODING
            | codes::BAD_SCHEMA
            | codes::INVALID
            | codes::TOO_LARGE
            | codes::UNKNOWN_KIND => Problem::invalid("message", text, "the message has not the form of its kind"),
            codes::TOKEN_UNAVAILABLE => Problem::unavailable("the keystore"),
            codes::UNAVAILABLE => Problem::unavailable("a service"),
            _ => Problem::forbidden(text),
        };
        Self { code, detail }
    }

    /// The HTTP status of the refusal.
    pub fn status(&self) -> u16 {
        match self.code.as_ref() {
            codes::CAP_EXCEEDED | codes::RATE_LIMITED => 429,
            codes::KEY_DESTROYED => 410,
            codes::BAD_ENCODING | codes::BAD_SCHEMA | codes::UNKNOWN_KIND => 400,
            codes::TOO_LARGE => 413,
            codes::UNKNOWN_KEY | codes::BAD_SIGNATURE => 401,
            _ => self.detail.status(),
        }
    }
}

impl From<Problem> for Refusal {
    fn from(detail: Problem) -> Self {
        let code = match &detail {
            Problem::NotFound { .. } => Cow::Borrowed(codes::NOT_FOUND),
            Problem::Forbidden { code } | Problem::Conflict { code, .. } => Cow::Owned(code.clone()),
            Problem::Invalid { .. } => Cow::Borrowed(codes::INVALID),
            Problem::Busy { .. } => Cow::Borrowed(codes::RATE_LIMITED),
            Problem::Unavailable { .. } => Cow::Borrowed(codes::UNAVAILABLE),
        };
        Self { code, detail }
    }
}
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        refusal.detail
    }
}
impl From<DsseError> for Refusal {
    fn from(error: DsseError) -> Self {
        Self::new(error.code())
    }
}

/// Why a call gave nothing.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CallError {
    /// The other zone answered and said no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The other zone did not answer.
    #[error("{party} does not answer: {reason}")]
    Unreachable {
        /// Who was asked.
        party: Party,
        /// What happened, for the log.
        reason: String,
    },
    /// An answer came that is not to be trusted.
    #[error("the answer of {party} was not accepted: {code}")]
    Untrusted {
        /// Who was asked.
        party: Party,
        /// Which check failed, see [`codes`].
        code: &'static str,
    },
}

impl CallError {
    /// The code of the refusal, when it is one.
    pub fn refusal_code(&self) -> Option<&str> {
        match self {
            CallError::Refused(r) => Some(&r.code),
            _ => None,
        }
    }
}

impl From<CallError> for Problem {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => refusal.detail,
            CallError::Unreachable { party, .. } | CallError::Untrusted { party, .. } => {
                Problem::unavailable(format!("the {party} zone"))
            }
        }
    }
}

/// For a service that asks a further zone and passes the refusal on.
impl From<CallError> for Refusal {
    fn from(error: CallError) -> Self {
        match error {
            CallError::Refused(refusal) => refusal,
            _ => Refusal::new(codes::UNAVAILABLE),
        }
    }
}
