//! One error page and one RFC 9457 document, each with a reference number that is also in the log.

use askama::Template;
use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use kernel::{FieldError, Language, Problem};
use serde_json::json;

use crate::frame::Frame;
use crate::held::HeldForm;
use crate::naming::Naming;
use crate::visitor::Visitor;

/// A request that was not carried out.
#[derive(Clone, Debug)]
pub struct WebError(Box<Fault>);

#[derive(Clone, Debug)]
struct Fault {
    problem: Problem,
    status: u16,
    /// A code of its own, where the class of the problem does not say it.
    code: Option<&'static str>,
    reference: String,
    visitor: Option<Visitor>,
    held: HeldForm,
}

impl WebError {
    pub(crate) fn new(problem: Problem, visitor: Option<&Visitor>) -> Self {
        let reference = visitor.map_or_else(|| "00000000".to_owned(), |v| v.reference.clone());
        let status = problem.status();
        if status >= 500 {
            tracing::error!(%reference, %problem, "request failed");
        } else {
            tracing::info!(%reference, %problem, "request refused");
        }
        let visitor = visitor.cloned();
        Self(Box::new(Fault { problem, status, code: None, reference, visitor, held: HeldForm::default() }))
    }

    /// The request needs a login (API and forms; other pages go to the login page).
    pub(crate) fn login_required(visitor: &Visitor) -> Self {
        let mut error = Self::new(Problem::forbidden("login_required"), Some(visitor));
        error.0.status = 401;
        error
    }
}

impl WebError {
    /// A file that is not taken: `file_refused` with 413 or 415.
    pub(crate) fn file_refused(refusal: access::files::Refusal, visitor: &Visitor) -> Self {
        let mut error = Self::new(refusal.into(), Some(visitor));
        error.0.status = refusal.status();
        error.0.code = Some("file_refused");
        error
    }

    /// The address exists, but not for this method.
    pub(crate) fn wrong_method(visitor: &Visitor) -> Self {
        let mut error = Self::new(Problem::not_found("method"), Some(visitor));
        error.0.status = 405;
        error
    }

    /// The same error with the form that it is about.
    pub(crate) fn holding(mut self, form: impl FnOnce(&Visitor, bool) -> HeldForm) -> Self {
        if let Some(visitor) = self.0.visitor.clone() {
            self.0.held = match self.0.texts() {
                "login" | "form" | "unavailable" | "invalid" => form(&visitor, true),
                "conflict" => form(&visitor, false),
                _ => HeldForm::default(),
            };
        }
        self
    }
}

impl Fault {
    /// The beginning of the texts of this error.
    fn texts(&self) -> &'static str {
        match &self.problem {
            Problem::Forbidden { code } if code == "login_required" => "login",
            Problem::Forbidden { code } if code == "form_token" => "form",
            _ if self.status == 405 => "method",
            _ => self.class(),
        }
    }

    fn class(&self) -> &'static str {
        match self.problem {
            Problem::NotFound { .. } => "not-found",
            Problem::Forbidden { .. } => "forbidden",
            Problem::Conflict { .. } => "conflict",
            Problem::Invalid { .. } => "invalid",
            Problem::Busy { .. } => "busy",
            Problem::Unavailable { .. } => "unavailable",
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match &self.problem {
            Problem::Invalid { fields } => fields.clone(),
            _ => Vec::new(),
        }
    }

    fn document(&self) -> Response {
        let code = match &self.problem {
            _ if self.code.is_some() => self.code.unwrap_or_default().to_owned(),
            Problem::Forbidden { code } | Problem::Conflict { code, .. } => code.clone(),
            Problem::Invalid { .. } => "validation_failed".to_owned(),
            Problem::NotFound { .. } => "not_found".to_owned(),
            Problem::Busy { .. } => "busy".to_owned(),
            Problem::Unavailable { .. } => "unavailable".to_owned(),
        };
        let mut body = json!({
            "type": format!("urn:hap:problem:{}", self.class()), "title": self.class(), "status": self.status,
            "detail": self.problem.to_string(), "code": code, "reference": self.reference,
        });
        if let Problem::Invalid { fields } = &self.problem {
            body["errors"] = json!(fields);
        }
        if let Problem::Conflict { remedy, .. } = &self.problem {
            body["remedy"] = json!(remedy);
        }
        let mut response = Json(body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }

    fn page(&self, visitor: &Visitor) -> Response {
        let f = Frame::of(visitor);
        let text = |part: &str| f.t(format!("error-{}-{part}", self.texts()));
        let (title, mut what, mut remedy) = (text("title"), text("what"), text("remedy"));
        // A guard has words of its own, where pages show it beside its command.
        if let Problem::Conflict { code, .. } = &self.problem
            && let Some(told) = f.known(&f.key("blocked", code))
        {
            what = told;
        }
        if let Problem::Conflict { remedy: own, .. } = &self.problem
            && visitor.lang == Language::En
        {
            remedy = own.clone();
        }
        let held = self.held.clone();
        let fields = self.fields().into_iter().map(|fault| told(&f, &held, fault)).collect();
        let login = self.texts() == "login";
        let page = ErrorPage { title, what, remedy, fields, reference: self.reference.clone(), held, login, f };
        match page.render() {
            Ok(html) => Html(html).into_response(),
            Err(_) => self.document(),
        }
    }
}

impl IntoResponse for WebError {
    fn into_response(self) -> Response {
        let mut response = match &self.0.visitor {
            Some(visitor) if !visitor.wants_json() => self.0.page(visitor),
            _ => self.0.document(),
        };
        let error = self.clone();
        response.extensions_mut().insert(error);
        *response.status_mut() = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    f: Frame,
    title: String,
    what: String,
    remedy: String,
    fields: Vec<(String, String)>,
    reference: String,
    held: HeldForm,
    login: bool,
}

/// A fault of a field in the visitor's language: the text of its rule where there is one, else the message as it came.
fn told(f: &Frame, held: &HeldForm, fault: FieldError) -> (String, String) {
    let key = format!("rule-{}", fault.rule.replace('_', "-"));
    let text = f.known(&key).filter(|_| f.lang != Language::En).unwrap_or(fault.message);
    let label = held.fields.iter().find(|field| field.name == fault.field).map(|field| field.label.clone());
    (label.unwrap_or_else(|| Naming { language: f.lang, called: &|_| None }.field(&fault.field)), text)
}
