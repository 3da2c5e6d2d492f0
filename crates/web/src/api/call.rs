//! What calls have in common: who asks and what answers, the case that an address names, commands, and places in lists.

use std::collections::BTreeMap;

use access::CaseId;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::response::Response;
use identity::Actor;
use kernel::Problem;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{id, json};
use crate::input::Path;
use crate::visitor::Visitor;
use crate::{Services, WebError};

/// The answer of a call.
pub(super) type Answer = Result<Response, WebError>;

/// A call: who asks, and what can answer.
pub(super) struct Call {
    pub(super) services: Services,
    pub(super) visitor: Visitor,
}

impl FromRequestParts<Services> for Call {
    type Rejection = WebError;
    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, WebError> {
        let visitor = Visitor::from_request_parts(parts, services).await?;
        Ok(Self { services: services.clone(), visitor })
    }
}

impl Call {
    /// Who is logged in.
    pub(super) fn actor(&self) -> Result<&Actor, WebError> {
        self.visitor.actor()
    }

    /// An answer in JSON.
    pub(super) fn json<T: Serialize>(&self, value: Result<T, Problem>) -> Answer {
        json(&self.visitor, value)
    }
}

/// A call about a case.
pub(super) struct CaseCall {
    pub(super) call: Call,
    pub(super) actor: Actor,
    pub(super) case: CaseId,
}

impl FromRequestParts<Services> for CaseCall {
    type Rejection = WebError;
    async fn from_request_parts(parts: &mut Parts, services: &Services) -> Result<Self, WebError> {
        let call = Call::from_request_parts(parts, services).await?;
        let Path(names) = Path::<BTreeMap<String, String>>::from_request_parts(parts, services).await?;
        let case = id(&call.visitor, names.get("id").map(String::as_str).unwrap_or_default())?;
        Ok(Self { actor: call.actor()?.clone(), call, case })
    }
}

/// A command of a case or an appeal: its id makes that it is carried out once, the version that nothing is missed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Command {
    pub(super) command_id: String,
    pub(super) expected_version: i64,
    #[serde(default)]
    pub(super) payload: Value,
}

/// A search in the public register.
#[derive(Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    pub(super) q: String,
    #[serde(default)]
    pub(super) from: i64,
    #[serde(default)]
    pub(super) size: i64,
}

/// From where on a list is read.
#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    pub(super) after: i64,
    #[serde(default)]
    pub(super) limit: Option<i64>,
}
