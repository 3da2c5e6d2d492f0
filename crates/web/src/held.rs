//! What somebody wrote in a form that was not accepted: shown again on the error page, so that nothing is lost when a
//! session has ended, a form is out of date or a field is wrong. It goes back to the same browser and is kept nowhere.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use kernel::Problem;

use crate::WebError;
use crate::naming::Naming;
use crate::pages::cases::Names;
use crate::services::Services;
use crate::visitor::{FORM_LIMIT, Visitor};

/// Fields that steer a form and are not written by people.
const STEERING: &[&str] = &[
    "command_id",
    "version",
    "terms_hash",
    "to",
    "back",
    "go",
    "persona",
    "account",
    "variable",
    "granularity",
    "choice",
    "scope",
    "value",
    "kind",
    "heard",
    "field",
    "condition",
    "id",
];

/// The body of a form, kept until the answer is known.
pub(crate) struct Held {
    action: String,
    body: Bytes,
}

/// One field of a held form.
#[derive(Clone, Debug)]
pub(crate) struct HeldField {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) value: String,
    /// Shown so that it can be mended; others travel along unseen.
    pub(crate) shown: bool,
}

/// A held form as the error page shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeldForm {
    pub(crate) action: String,
    pub(crate) fields: Vec<HeldField>,
    /// Whether sending it again from here can help. After a conflict it cannot: the thing itself has changed.
    pub(crate) again: bool,
}

impl Held {
    /// Reads the body of a form and gives the request back with it.
    ///
    /// # Errors
    /// A form that is too large.
    pub(crate) async fn of(request: Request, visitor: &Visitor) -> Result<(Request, Self), WebError> {
        let (parts, body) = request.into_parts();
        let too_large = |_| {
            visitor.fail()(Problem::invalid("form", "too_large", "the form is larger than 1 MiB: shorten the texts"))
        };
        let bytes = to_bytes(body, FORM_LIMIT).await.map_err(too_large)?;
        let action = parts.uri.path().to_owned();
        Ok((Request::from_parts(parts, Body::from(bytes.clone())), Self { action, body: bytes }))
    }

    /// The answer, with what was written when it is a refusal that the writer can do something about.
    pub(crate) fn with(self, services: &Services, response: Response) -> Response {
        match response.extensions().get::<WebError>().cloned() {
            Some(error) => error.holding(|visitor, again| self.form(services, visitor, again)).into_response(),
            None => response,
        }
    }

    fn form(&self, services: &Services, visitor: &Visitor, again: bool) -> HeldForm {
        let names = Names::of(services, visitor.lang);
        let naming = Naming { language: visitor.lang, called: &|id| names.known(id) };
        let pairs = form_urlencoded::parse(&self.body)
            .filter(|(name, value)| name != "_csrf" && name.len() < 200 && !value.contains('\0'));
        let fields: Vec<HeldField> = pairs
            .map(|(name, value)| {
                // What was chosen is sent again as it is, and read in words.
                let choice = naming.choice(&name, &value);
                let written = !value.is_empty() && !STEERING.contains(&&*name);
                HeldField {
                    shown: written && (choice.is_none() || !again),
                    label: naming.field(&name),
                    value: choice.filter(|_| !again).unwrap_or_else(|| value.into_owned()),
                    name: name.into_owned(),
                }
            })
            .collect();
        HeldForm { action: self.action.clone(), fields, again }
    }
}
