//! What is written into the log: the closed list of actions of each area as constants, and the body of one entry
//! with its checks (AUD-001, AUD-004). The body is erasable; what stays for ever is in [`crate::Envelope`].

use kernel::{CanonicalError, FieldError, Timestamp, canonical_json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The most bytes that a body may have.
pub const BODY_LIMIT: usize = 32 * 1024;

/// The kind of an entry (section 3 of the specification).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Login, logout, representation chosen.
    Login,
    /// Commands of a case, permits.
    Decision,
    /// Every operation of the key role, refusals included.
    Key,
    /// Ledger seals, states of deliveries, receipts, recall, deletion.
    Release,
    /// Access to person-level data.
    Read,
    /// Every run of a script or tool.
    Run,
    /// Files that leave a room.
    Egress,
    /// What a citizen saw and chose.
    Citizen,
    /// Roles, organisations, configuration, migrations, catalogue.
    Admin,
    /// The log itself.
    Log,
    /// Incidents.
    Incident,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 11] = [
        Kind::Login,
        Kind::Decision,
        Kind::Key,
        Kind::Release,
        Kind::Read,
        Kind::Run,
        Kind::Egress,
        Kind::Citizen,
        Kind::Admin,
        Kind::Log,
        Kind::Incident,
    ];

    /// The text of the envelope field `k`.
    pub const fn text(self) -> &'static str {
        match self {
            Kind::Login => "login",
            Kind::Decision => "decision",
            Kind::Key => "key",
            Kind::Release => "release",
            Kind::Read => "read",
            Kind::Run => "run",
            Kind::Egress => "egress",
            Kind::Citizen => "citizen",
            Kind::Admin => "admin",
            Kind::Log => "log",
            Kind::Incident => "incident",
        }
    }

    /// The kind with this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.text() == text)
    }
}

/// What a field of `detail` may hold. Everything but [`Detail::Text`] is machine text, so that no free text slips in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Detail {
    /// A code, id or name of a machine: up to 200 of the characters `A-Z a-z 0-9 _ . : / @ + -`.
    Code,
    /// A list of up to 500 codes.
    Codes,
    /// A digest: `sha256:`, `blake3:` or nothing, and 32 to 128 hex digits.
    Digest,
    /// A whole number.
    Int,
    /// Yes or no.
    Bool,
    /// Free text up to 2 000 characters, for reasons that a person wrote.
    Text,
}

/// One action of an area, declared as a constant beside the code that does it:
///
/// ```
/// use audit::{Action, Detail, Kind};
/// pub const ISSUE: Action = Action::new(Kind::Decision, "permit.issue", &[("decision", Detail::Digest)]);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Action {
    /// The kind of its entries.
    pub kind: Kind,
    /// `<area>.<verb>`.
    pub name: &'static str,
    /// The fields that `detail` may have, each at most once. Others are refused.
    pub detail: &'static [(&'static str, Detail)],
}

impl Action {
    /// An action `<area>.<verb>`.
    pub const fn new(kind: Kind, name: &'static str, detail: &'static [(&'static str, Detail)]) -> Self {
        Self { kind, name, detail }
    }
}

/// What kind of thing acted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person with an account.
    Person,
    /// A role of the installation or of a partner.
    Service,
    /// The clock: deadlines and expiry.
    Clock,
}

/// Who acted. The id is opaque and is resolved in the identity area (AUD-031).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// Person, service or clock.
    #[serde(rename = "type")]
    pub kind: ActorKind,
    /// Account id or name of the service.
    pub id: String,
    /// Session id (never the token).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session: Option<String>,
    /// The role in which the actor acted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub role: Option<String>,
    /// The organisation for which the actor acted.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub organisation: Option<String>,
}

impl Actor {
    /// A person's account.
    pub fn person(id: impl Into<String>) -> Self {
        Self { kind: ActorKind::Person, id: id.into(), session: None, role: None, organisation: None }
    }

    /// A service, e.g. `data` or `room:tsd`.
    pub fn service(id: impl Into<String>) -> Self {
        Self { kind: ActorKind::Service, id: id.into(), session: None, role: None, organisation: None }
    }

    /// The clock.
    pub fn clock() -> Self {
        Self { kind: ActorKind::Clock, id: "clock".into(), session: None, role: None, organisation: None }
    }
}

/// A thing that was acted upon. The id is opaque, never a person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// What it is, e.g. `permit`.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its version.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<u32>,
    /// Its digest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub digest: Option<String>,
}

impl Object {
    /// The object `id` of a kind.
    pub fn new(kind: &str, id: impl std::fmt::Display) -> Self {
        Self { kind: kind.to_owned(), id: id.to_string(), version: None, digest: None }
    }

    /// With a version.
    #[must_use]
    pub fn version(mut self, version: u32) -> Self {
        self.version = Some(version);
        self
    }

    /// With a digest.
    #[must_use]
    pub fn digest(mut self, digest: impl Into<String>) -> Self {
        self.digest = Some(digest.into());
        self
    }
}

/// How it went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Ok,
    /// Not allowed.
    Refused,
    /// Allowed, but it did not work.
    Failed,
}

impl Outcome {
    /// The text of the body field `outcome`.
    pub const fn text(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Refused => "refused",
            Outcome::Failed => "failed",
        }
    }
}

/// Why it was done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Handling of a case.
    Case,
    /// Delivery of data.
    Delivery,
    /// Analysis.
    Analysis,
    /// Insight of a citizen, and own choices.
    Insight,
    /// Running the installation.
    Operations,
    /// Security.
    Security,
    /// Support.
    Support,
}

/// How much was touched. Person counts are given as a band when small.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Number of persons, `1-9` when below ten.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub persons_band: Option<String>,
    /// Rows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rows: Option<u64>,
    /// Columns.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub columns: Option<u64>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bytes: Option<u64>,
    /// Milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub duration_ms: Option<u64>,
}

impl Counts {
    /// With a number of persons.
    #[must_use]
    pub fn persons(mut self, n: u64) -> Self {
        self.persons_band = Some(if (1..10).contains(&n) { "1-9".to_owned() } else { n.to_string() });
        self
    }

    /// With a number of rows.
    #[must_use]
    pub fn rows(mut self, n: u64) -> Self {
        self.rows = Some(n);
        self
    }

    /// With a number of columns.
    #[must_use]
    pub fn columns(mut self, n: u64) -> Self {
        self.columns = Some(n);
        self
    }

    /// With a number of bytes.
    #[must_use]
    pub fn bytes(mut self, n: u64) -> Self {
        self.bytes = Some(n);
        self
    }
}

/// One entry, before it is written. Built by [`Entry::new`] and the methods named after the body's fields.
#[derive(Clone, Debug)]
pub struct Entry {
    pub(crate) action: Action,
    pub(crate) body: Body,
}

/// The body as it is stored (schema `audit/1`).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Body {
    pub schema: String,
    pub time: Option<Timestamp>,
    pub actor: Actor,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub on_behalf_of: Option<String>,
    pub action: String,
    pub object: Object,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub objects: Vec<Object>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub permit: Option<PermitRef>,
    pub purpose: Purpose,
    pub outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub counts: Option<Counts>,
    #[serde(skip_serializing_if = "Map::is_empty", default)]
    pub detail: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request: Option<String>,
}

/// The permit under which something was done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PermitRef {
    pub id: String,
    pub series: String,
}

impl Entry {
    /// An entry of `action` by `actor` on `object`, with outcome `ok` and purpose `operations` until told otherwise.
    /// The object's id becomes the envelope's `o`, kept for ever: it must be opaque and never a person.
    pub fn new(action: &Action, actor: Actor, object: Object) -> Self {
        let body = Body {
            schema: "audit/1".into(),
            time: None,
            actor,
            on_behalf_of: None,
            action: action.name.to_owned(),
            object,
            objects: Vec::new(),
            permit: None,
            purpose: Purpose::Operations,
            outcome: Outcome::Ok,
            code: None,
            counts: None,
            detail: Map::new(),
            request: None,
        };
        Self { action: *action, body }
    }

    /// The purpose.
    #[must_use]
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.body.purpose = purpose;
        self
    }

    /// It was refused, with a stable code (AUD-003).
    #[must_use]
    pub fn refused(mut self, code: impl Into<String>) -> Self {
        self.body.outcome = Outcome::Refused;
        self.body.code = Some(code.into());
        self
    }

    /// It failed, with a stable code (AUD-003).
    #[must_use]
    pub fn failed(mut self, code: impl Into<String>) -> Self {
        self.body.outcome = Outcome::Failed;
        self.body.code = Some(code.into());
        self
    }

    /// One more object.
    #[must_use]
    pub fn also(mut self, object: Object) -> Self {
        self.body.objects.push(object);
        self
    }

    /// Under a permit of a series.
    #[must_use]
    pub fn permit(mut self, id: impl std::fmt::Display, series: impl std::fmt::Display) -> Self {
        self.body.permit = Some(PermitRef { id: id.to_string(), series: series.to_string() });
        self
    }

    /// On behalf of another account (CIT-060).
    #[must_use]
    pub fn on_behalf_of(mut self, account: impl Into<String>) -> Self {
        self.body.on_behalf_of = Some(account.into());
        self
    }

    /// How much was touched.
    #[must_use]
    pub fn counts(mut self, counts: Counts) -> Self {
        self.body.counts = Some(counts);
        self
    }

    /// A field of `detail`; it must be declared by the action.
    #[must_use]
    pub fn detail(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.body.detail.insert(field.to_owned(), value.into());
        self
    }

    /// The trace id of the request.
    #[must_use]
    pub fn request(mut self, id: impl Into<String>) -> Self {
        self.body.request = Some(id.into());
        self
    }

    /// The canonical body at `now`, after every check.
    pub(crate) fn canonical(&mut self, now: Timestamp) -> Result<Vec<u8>, Vec<FieldError>> {
        self.body.time = Some(now);
        let mut faults = check(&self.action, &self.body);
        let bytes = canonical_json(&self.body).unwrap_or_else(|e: CanonicalError| {
            faults.push(FieldError::new("body", "canonical", e.to_string()));
            Vec::new()
        });
        if bytes.len() > BODY_LIMIT {
            faults.push(FieldError::new("body", "size", format!("at most {BODY_LIMIT} bytes")));
        }
        if faults.is_empty() { Ok(bytes) } else { Err(faults) }
    }
}

fn check(action: &Action, body: &Body) -> Vec<FieldError> {
    let mut faults = Vec::new();
    let mut code = |field: &str, text: &str| {
        if !is_code(text) {
            faults.push(FieldError::new(field, "code", "up to 200 characters of A-Z a-z 0-9 _ . : / @ + -"));
        }
    };
    code("actor.id", &body.actor.id);
    let optional = [
        ("actor.session", &body.actor.session),
        ("actor.role", &body.actor.role),
        ("actor.organisation", &body.actor.organisation),
        ("on_behalf_of", &body.on_behalf_of),
        ("code", &body.code),
        ("request", &body.request),
    ];
    for (field, value) in optional {
        if let Some(text) = value {
            code(field, text);
        }
    }
    for object in std::iter::once(&body.object).chain(&body.objects) {
        code("object.kind", &object.kind);
        code("object.id", &object.id);
    }
    if let Some(permit) = &body.permit {
        code("permit.id", &permit.id);
        code("permit.series", &permit.series);
    }
    if body.objects.len() > 200 {
        faults.push(FieldError::new("objects", "count", "at most 200"));
    }
    for digest in std::iter::once(&body.object).chain(&body.objects).filter_map(|o| o.digest.as_deref()) {
        if !is_digest(digest) {
            faults.push(FieldError::new("object.digest", "digest", "hex digits with or without the name of the hash"));
        }
    }
    let parts: Vec<&str> = action.name.split('.').collect();
    let lower = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    if parts.len() != 2 || !parts.iter().all(lower) {
        faults.push(FieldError::new("action", "form", "<area>.<verb> in lower case"));
    }
    for (field, value) in &body.detail {
        let path = format!("detail.{field}");
        match action.detail.iter().find(|(name, _)| name == field) {
            None => faults.push(FieldError::new(path, "unknown", "not declared by the action")),
            Some((_, kind)) if !fits(*kind, value) => {
                faults.push(FieldError::new(path, "type", format!("{kind:?} expected")));
            }
            Some(_) => {}
        }
    }
    faults
}

fn fits(kind: Detail, value: &Value) -> bool {
    match (kind, value) {
        (Detail::Code, Value::String(s)) => is_code(s),
        (Detail::Codes, Value::Array(items)) => items.len() <= 500 && items.iter().all(|v| fits(Detail::Code, v)),
        (Detail::Digest, Value::String(s)) => is_digest(s),
        (Detail::Int, Value::Number(n)) => n.is_i64() || n.is_u64(),
        (Detail::Bool, Value::Bool(_)) => true,
        (Detail::Text, Value::String(s)) => s.chars().count() <= 2000,
        _ => false,
    }
}

fn is_code(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.:/@+-".contains(&b);
    !text.is_empty() && text.len() <= 200 && text.bytes().all(allowed)
}

fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:").or_else(|| text.strip_prefix("blake3:")).unwrap_or(text);
    (32..=128).contains(&hex.len()) && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
