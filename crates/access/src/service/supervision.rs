//! What the body publishes of its supervision: fines, audits and labels of data sets (EHDS articles 57(1)(j), 59 and 78,
//! ACC-184). A record is entered by those who decide for the body, is public at once, and is never changed: one that does
//! not stand is withdrawn with a reason, and stays to be read. It names organisations, never natural persons (ACC-182).

use std::collections::{BTreeMap, BTreeSet};

use audit::{Action, Detail, Entry, Kind as AuditKind, Object, Purpose};
use identity::{Actor, Role};
use kernel::{Date, FieldError, Language, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Migration, Row, Tx, params};

use super::{Access, Excluded, audit_actor, holds_identity_number};
use crate::error::AccessError;
use crate::model::{Ground, Sanction};
use crate::permissions::CaseRole;
use crate::sql;
use crate::views::Page;

const RECORD: Action = Action::new(AuditKind::Admin, "supervision.record", &[("kind", Detail::Code)]);
const WITHDRAW: Action = Action::new(AuditKind::Admin, "supervision.withdraw", &[]);
const GROUNDS: Action = Action::new(AuditKind::Admin, "supervision.grounds", &[]);

/// Most records of a page.
const MOST: i64 = 100;
/// Most characters of a summary.
const LONGEST: usize = 2000;

pub(super) const MIGRATIONS: &[Migration] = &[
    Migration {
        name: "001_supervision",
        sql: "CREATE TABLE access_supervision (
            number TEXT PRIMARY KEY, kind TEXT NOT NULL, happened_on BIGINT NOT NULL, body TEXT NOT NULL,
            by_account TEXT NOT NULL, at BIGINT NOT NULL, withdrawn_at BIGINT, withdrawn_by TEXT, withdraw_reason TEXT);
          CREATE INDEX access_supervision_day ON access_supervision (happened_on)",
    },
    Migration { name: "002_ground", sql: "ALTER TABLE access_supervision ADD COLUMN ground TEXT" },
];

/// What a record is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Matter {
    /// An administrative fine (article 64).
    Fine {
        /// The amount, in øre.
        amount_ore: i64,
        /// The provision that was broken.
        legal_basis: String,
    },
    /// An audit (article 59(1)(c) and (d)).
    Audit {
        /// Of whom, and by whom.
        of: AuditOf,
        /// What it found.
        finding: Finding,
    },
    /// A data quality and utility label (article 78).
    Label {
        /// Id of the collection in the catalogue.
        dataset: String,
        /// What of the data the label speaks of.
        elements: BTreeSet<LabelElement>,
    },
}

impl Matter {
    /// `fine`, `audit` or `label`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Matter::Fine { .. } => "fine",
            Matter::Audit { .. } => "audit",
            Matter::Label { .. } => "label",
        }
    }
}

/// The kinds of records, in the order in which they are offered.
pub const SUPERVISION_KINDS: [&str; 3] = ["fine", "audit", "label"];

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident => $slug:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$each])* $variant),* }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in interfaces and text keys.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$variant => $slug),* }
            }

            /// The one with this name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.slug() == text)
            }
        }
    };
}

codes! {
    /// Whom an audit looked at, and who made it.
    AuditOf {
        /// Somebody who uses health data, in a room.
        User => "user",
        /// An analysis room, by its own organisation.
        RoomInternal => "room_internal",
        /// An analysis room, by somebody from outside.
        RoomThirdParty => "room_third_party",
    }
}

codes! {
    /// What an audit found.
    Finding {
        /// Everything as it should be.
        InOrder => "in_order",
        /// Remarks that are to be followed up.
        Remarks => "remarks",
        /// The rules were broken.
        Infringement => "infringement",
    }
}

codes! {
    /// What a data quality and utility label speaks of (article 78(3)).
    LabelElement {
        /// Documentation of the data.
        Documentation => "documentation",
        /// Technical quality.
        TechnicalQuality => "technical_quality",
        /// How quality is managed.
        QualityManagement => "quality_management",
        /// Coverage of the population.
        Coverage => "coverage",
        /// How data are made accessible, and how soon.
        Access => "access",
        /// Improvements of the data.
        Enrichment => "enrichment",
    }
}

/// The organisation that a record is about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supervised {
    /// Number of the organisation.
    pub number: String,
    /// Name.
    pub name: String,
}

/// A record as it is entered.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupervisionInput {
    /// The day on which it was decided, carried out or issued.
    pub on: Date,
    /// The organisation; none when it is a natural person, who is not named.
    #[serde(default)]
    pub organisation: Option<Supervised>,
    /// Series of the permit that it is about, when there is one.
    #[serde(default)]
    pub permit: Option<String>,
    /// What happened, for everybody to read.
    pub summary: String,
    /// Language of the summary.
    pub language: Language,
    /// What it is about.
    pub matter: Matter,
    /// How the one who is fined was heard. Kept beside the record, since it is not for everybody to read.
    #[serde(default, skip_serializing)]
    pub ground: Option<Ground>,
}

/// A public record.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SupervisionRecord {
    /// `T-2026-000001`.
    pub number: String,
    /// What was entered.
    #[serde(flatten)]
    pub record: SupervisionInput,
    /// When it was published.
    pub published_at: Timestamp,
    /// When it was withdrawn, and why.
    pub withdrawn: Option<Withdrawal>,
}

/// Why a record does not stand any more.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Withdrawal {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

impl Access {
    /// Enters a record, which is public from then on; gives its number.
    ///
    /// # Errors
    /// `forbidden` for all but the body's decision makers; what is wrong with the record, field by field; for a fine, as
    /// [`Access::exclude`] for its ground.
    pub async fn record_supervision(&self, actor: &Actor, input: &SupervisionInput) -> Result<String, Problem> {
        let kind = input.matter.kind();
        let entry = |number: &str| {
            let by = audit_actor(actor, Some(CaseRole::DecisionMaker));
            Entry::new(&RECORD, by, Object::new("supervision", number)).purpose(Purpose::Case).detail("kind", kind)
        };
        self.decides_for_body(actor, entry("new")).await?;
        let faults = faults(input, self.zone.clock.today());
        if !faults.is_empty() {
            return Err(Problem::Invalid { fields: faults });
        }
        let ground = match input.matter {
            Matter::Fine { .. } => {
                let of = input.organisation.as_ref().map(|organisation| Excluded::Organisation(&organisation.number));
                let ground = self.grounded(actor, Sanction::Fine, of, input.ground.as_ref()).await?;
                Some(sql::text(ground).map_err(Problem::from)?)
            }
            Matter::Audit { .. } | Matter::Label { .. } => None,
        };
        let (by, now) = (actor.account.to_string(), self.zone.now());
        let body = sql::text(input).map_err(Problem::from)?;
        let written: Result<String, AccessError> = self
            .zone
            .store
            .tx("access.supervision", async |tx: &mut Tx| {
                if let Some(series) = &input.permit
                    && sql::current_permit(tx, series).await?.is_none()
                {
                    let remedy = "the number of a permit without its version, or nothing";
                    return Err(Problem::invalid("permit", "unknown", remedy).into());
                }
                let number = self.numbered(tx, 'T').await?;
                tx.execute(
                    "INSERT INTO access_supervision (number, kind, happened_on, body, by_account, at, ground)
                     VALUES ($1, $2, $3, $4, $5, $6, $7)",
                    params![&number, kind, input.on, &body, &by, now, ground.clone()],
                )
                .await?;
                self.zone.log.record(tx, entry(&number)).await?;
                Ok(number)
            })
            .await;
        written.map_err(Problem::from)
    }

    /// Withdraws a record that does not stand, such as a fine that was set aside. It stays public with the reason.
    ///
    /// # Errors
    /// `forbidden` for all but the body's decision makers; no reason; not found when there is none that stands.
    pub async fn withdraw_supervision(&self, actor: &Actor, number: &str, reason: &str) -> Result<(), Problem> {
        let by = audit_actor(actor, Some(CaseRole::DecisionMaker));
        let entry = Entry::new(&WITHDRAW, by, Object::new("supervision", number)).purpose(Purpose::Case);
        let entry = self.decides_for_body(actor, entry).await?;
        super::people::told_why(reason)?;
        let (by, now) = (actor.account.to_string(), self.zone.now());
        let written: Result<bool, AccessError> = self
            .zone
            .store
            .tx("access.supervision", async |tx: &mut Tx| {
                let withdrawn = tx
                    .execute(
                        "UPDATE access_supervision SET withdrawn_at = $2, withdrawn_by = $3, withdraw_reason = $4
                         WHERE number = $1 AND withdrawn_at IS NULL",
                        params![number, now, &by, reason],
                    )
                    .await?;
                if withdrawn > 0 {
                    self.zone.log.record(tx, entry.clone()).await?;
                }
                Ok(withdrawn > 0)
            })
            .await;
        if written.map_err(Problem::from)? { Ok(()) } else { Err(Problem::not_found("record")) }
    }

    /// The records, the newest first, those that were withdrawn among them; `kind` narrows them. No login.
    ///
    /// # Errors
    /// Those of the database, a kind that there is not.
    pub async fn supervision(&self, kind: &str, from: i64, size: i64) -> Result<Page<SupervisionRecord>, Problem> {
        if !kind.is_empty() && !SUPERVISION_KINDS.contains(&kind) {
            return Err(Problem::invalid("kind", "unknown", format!("one of {}", SUPERVISION_KINDS.join(", "))));
        }
        let (from, size) = (from.max(0), if size == 0 { 25 } else { size.clamp(1, MOST) });
        let read = async |tx: &mut Tx| -> Result<(Vec<SupervisionRecord>, i64), AccessError> {
            let sql = "SELECT COUNT(*) FROM access_supervision WHERE ($1 = '' OR kind = $1)";
            let total = tx.query_opt(sql, params![kind]).await?.map_or(Ok(0), |row| row.get(0))?;
            let sql = format!(
                "SELECT {COLUMNS} FROM access_supervision WHERE ($1 = '' OR kind = $1)
                 ORDER BY happened_on DESC, number DESC LIMIT $2 OFFSET $3"
            );
            let rows = tx.query(&sql, params![kind, size, from]).await?;
            Ok((rows.iter().map(record).collect::<Result<_, _>>()?, total))
        };
        let (items, total) = self.zone.store.read("access.supervision", read).await.map_err(Problem::from)?;
        Ok(Page { items, total, more: false, from, size })
    }

    /// How those who were fined were heard, by number of the record.
    ///
    /// # Errors
    /// `forbidden` for all but those who handle and decide the cases of the body, and the auditor.
    pub async fn supervision_grounds(&self, actor: &Actor) -> Result<BTreeMap<String, Ground>, Problem> {
        let all = Object::new("supervision", "all");
        if !self.is_staff(actor) && !actor.has(Role::Auditor) {
            return Err(self.refusal(actor, all).await);
        }
        let read = async |tx: &mut Tx| -> Result<BTreeMap<String, Ground>, AccessError> {
            let sql = "SELECT number, ground FROM access_supervision WHERE ground IS NOT NULL";
            let rows = tx.query(sql, params![]).await?;
            rows.iter().map(|row| Ok((row.get(0)?, sql::parse(&row.get::<String>(1)?)?))).collect()
        };
        let grounds = self.zone.store.read("access.supervision", read).await.map_err(Problem::from)?;
        let entry = Entry::new(&GROUNDS, audit_actor(actor, None), all);
        self.record(entry.purpose(Purpose::Case)).await?;
        Ok(grounds)
    }
}

const COLUMNS: &str = "number, body, at, withdrawn_at, withdraw_reason";

/// The records of matters between two days that stand.
pub(super) async fn between(tx: &mut Tx, from: Date, to: Date) -> Result<Vec<Matter>, AccessError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM access_supervision
         WHERE happened_on >= $1 AND happened_on <= $2 AND withdrawn_at IS NULL ORDER BY number"
    );
    let rows = tx.query(&sql, params![from, to]).await?;
    rows.iter().map(|row| Ok(record(row)?.record.matter)).collect()
}

fn record(row: &Row) -> Result<SupervisionRecord, AccessError> {
    let (at, reason): (Option<Timestamp>, Option<String>) = (row.get(3)?, row.get(4)?);
    Ok(SupervisionRecord {
        number: row.get(0)?,
        record: sql::parse(&row.get::<String>(1)?)?,
        published_at: row.get(2)?,
        withdrawn: at.map(|at| Withdrawal { at, reason: reason.unwrap_or_default() }),
    })
}

/// What is wrong with a record.
fn faults(input: &SupervisionInput, today: Date) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut fault = |field: &str, rule: &str, remedy: &str| found.push(FieldError::new(field, rule, remedy));
    if input.on > today || input.on.year() < 2000 {
        fault("on", "range", "the day on which it happened, not later than today");
    }
    if let Some(organisation) = &input.organisation {
        if !crate::rules::is_orgnr(&organisation.number) {
            fault("organisation", "orgnr", "nine digits with a correct check digit expected");
        }
        if !(2..=200).contains(&organisation.name.trim().chars().count()) {
            fault("organisation", "required", "the name of the organisation, at most 200 characters");
        }
    }
    if !(30..=LONGEST).contains(&input.summary.trim().chars().count()) {
        fault("summary", "length", "what happened, in 30 to 2000 characters");
    }
    match &input.matter {
        Matter::Fine { amount_ore, legal_basis } => {
            if *amount_ore <= 0 {
                fault("amount_ore", "range", "an amount above nothing");
            }
            if !(5..=300).contains(&legal_basis.trim().chars().count()) {
                fault("legal_basis", "required", "the provision that was broken");
            }
        }
        Matter::Audit { of, .. } if *of != AuditOf::User && input.organisation.is_none() => {
            fault("organisation", "required", "the organisation that runs the room");
        }
        Matter::Audit { .. } => {}
        Matter::Label { dataset, elements } => {
            if !(2..=120).contains(&dataset.trim().chars().count()) {
                fault("dataset", "required", "the collection that the label is about");
            }
            if elements.is_empty() {
                fault("elements", "required", "at least one element that the label speaks of");
            }
            if input.organisation.is_none() {
                fault("organisation", "required", "the holder of the data");
            }
        }
    }
    let (basis, dataset) = match &input.matter {
        Matter::Fine { legal_basis, .. } => (legal_basis.as_str(), ""),
        Matter::Label { dataset, .. } => ("", dataset.as_str()),
        Matter::Audit { .. } => ("", ""),
    };
    let name = input.organisation.as_ref().map_or("", |organisation| organisation.name.as_str());
    for (field, text) in
        [("summary", input.summary.as_str()), ("organisation", name), ("legal_basis", basis), ("dataset", dataset)]
    {
        if holds_identity_number(text) {
            fault(field, "identity_number", "the text seems to hold a national identity number");
        }
    }
    found
}
