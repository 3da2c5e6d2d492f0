//! A permit from its first version to its last: what differs from version to version, who works under it, what is asked
//! for now, and what may still be done (ACC-162 to ACC-165).

use std::collections::BTreeMap;

use identity::Actor;
use kernel::{Date, Problem, Timestamp};
use protocol::documents::{Permit, PermitStatus};
use serde::Serialize;
use store::Tx;

use super::Access;
use super::permits::read_permit;
use super::written::last_day_to_extend;
use crate::change::{self, Op};
use crate::clocks::{self, holder::HolderClock};
use crate::content::Content;
use crate::error::AccessError;
use crate::model::{After, CaseId, CommandName, StateName};
use crate::permissions::{CaseRole, View};
use crate::sql::{self, PermitRow};

/// A permit with all its versions, as somebody may see it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct SeriesView {
    /// `NO-2026-000045`.
    pub series: String,
    /// Title of the project.
    pub title: String,
    /// The case it belongs to.
    pub case_id: CaseId,
    /// Number of that case.
    pub case: String,
    /// Whether it is on hold.
    pub hold: bool,
    /// Whether it has not ended.
    pub stands: bool,
    /// The versions, the newest first.
    pub versions: Vec<VersionView>,
    /// Who works under the version in force.
    pub persons: Vec<PersonView>,
    /// Changes that are being written or decided, and those that were.
    pub changes: Vec<ChangeView>,
    /// What came after the decision: measures, appeals, reports.
    pub after: After,
    /// What the looker may do.
    pub may: Vec<SeriesAction>,
    /// The last day on which an extension can be asked for; none when it was used.
    pub extension_until: Option<Date>,
    /// The last day to publish the results; none where a permit was taken back.
    pub results_due: Option<Date>,
    /// The time of each holder to deliver.
    pub holders: Vec<HolderClock>,
}

/// One version of a permit.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct VersionView {
    /// `NO-2026-000045-02`.
    pub permit_id: String,
    /// Whether it is the version in force.
    pub current: bool,
    /// Since when it was in force.
    pub active_from: Timestamp,
    /// Until when; none for the last one.
    pub active_to: Option<Timestamp>,
    /// How it differs from the version before; empty for the first.
    pub ops: Vec<Op>,
    /// The document.
    pub permit: Permit,
}

/// A person under a permit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PersonView {
    /// `person:` and an id.
    pub id: String,
    /// Name; empty for those who see only a source's part.
    pub name: String,
    /// `pi` or `analyst`.
    pub role: String,
    /// Whether the conditions are accepted.
    pub active: bool,
}

/// A change of the permit.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ChangeView {
    /// Its case.
    pub id: CaseId,
    /// `C-2026-000001`; none while it is written.
    pub number: Option<String>,
    /// Where it stands.
    pub state: StateName,
    /// What it asks for; empty while it is written. What took effect at once stands first.
    pub ops: Vec<Op>,
    /// The version of the permit in which a part of it, or all, took effect without a decision (ACC-063).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took_effect: Option<String>,
}

/// What can be done with a permit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeriesAction {
    /// Ask for a change.
    Change,
    /// Ask for a later last day.
    Extend,
    /// Order new data under the unchanged permit.
    Refresh,
    /// Report something.
    Report,
    /// Accept the conditions as one of its persons.
    Accept,
    /// Appeal against the decision.
    Appeal,
    /// Say something to a reaction that is considered.
    Comment,
}

impl SeriesAction {
    /// The name in interfaces and texts.
    pub const fn slug(self) -> &'static str {
        match self {
            SeriesAction::Change => "change",
            SeriesAction::Extend => "extend",
            SeriesAction::Refresh => "refresh",
            SeriesAction::Report => "report",
            SeriesAction::Accept => "accept",
            SeriesAction::Appeal => "appeal",
            SeriesAction::Comment => "comment",
        }
    }
}

/// What is read of a series.
struct Read {
    /// The versions, the oldest first, with what is in force under each.
    versions: Vec<(PermitRow, Permit, Option<Content>)>,
    changes: Vec<sql::Loaded>,
    /// Versions that came without any decision, by the case of the change.
    at_once: BTreeMap<CaseId, String>,
}

impl Access {
    /// A permit with its versions, for those who may see its case.
    ///
    /// # Errors
    /// `NotFound` for an unknown series, `forbidden`.
    pub async fn series(&self, actor: &Actor, series: &str) -> Result<SeriesView, Problem> {
        let read = self.zone.store.read("access.series", async |tx: &mut Tx| self.read_series(tx, series).await).await;
        let read = read.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("permit"))?;
        let Some((row, permit, content)) = read.versions.last() else { return Err(Problem::not_found("permit")) };
        let (loaded, view, roles) = self.seen(actor, row.case_id).await?;
        let decided = loaded.case.decided();
        let whole = view != View::ViewSourcePart;
        let applies = roles.iter().any(|role| matches!(role, CaseRole::Applicant | CaseRole::CoApplicant));
        let over = matches!(permit.status, PermitStatus::Revoked | PermitStatus::Expired);
        let stands = !over && decided.is_some();
        let extension_until = (!permit.extension_used).then(|| last_day_to_extend(permit.valid_to));
        let mut may = Vec::new();
        if applies && stands {
            may.push(SeriesAction::Change);
            if extension_until.is_some_and(|last| self.zone.clock.today() <= last) {
                may.push(SeriesAction::Extend);
            }
            if permit.recurrence.kind != "once" {
                may.push(SeriesAction::Refresh);
            }
        }
        let commands = self.commands(actor, &loaded.case);
        let can = |name: CommandName| commands.iter().any(|command| command.name == name && command.blocked.is_none());
        let waiting = permit.persons.iter().any(|person| !person.active);
        for (name, action, sensible) in [
            (CommandName::SubmitReport, SeriesAction::Report, true),
            (CommandName::ConfirmOwnAccess, SeriesAction::Accept, waiting && stands),
            (CommandName::LodgeAppeal, SeriesAction::Appeal, true),
            (CommandName::CommentSanction, SeriesAction::Comment, true),
        ] {
            if sensible && can(name) {
                may.push(action);
            }
        }
        let name_of = |id: &str| {
            let known = content.iter().flat_map(|content| &content.persons).find(|person| person.id == id);
            known.filter(|_| whole).map(|person| person.name.clone()).unwrap_or_default()
        };
        let person = |person: &protocol::documents::PermitPerson| PersonView {
            name: name_of(&person.id),
            id: person.id.clone(),
            role: person.role.clone(),
            active: person.active,
        };
        let changes = read.changes.iter().filter(|other| self.view_of(actor, &other.case).is_some());
        let versions = versions(&read.versions);
        let change = |other: &sql::Loaded| {
            let of = other.case.dossier().and_then(|dossier| dossier.change.as_ref());
            let at_once = of.and_then(|of| of.took_effect.as_ref()).filter(|(_, paths)| !paths.is_empty());
            let took_effect = at_once.map(|(version, _)| version).or_else(|| read.at_once.get(&other.id)).cloned();
            let version = took_effect.as_ref().and_then(|id| versions.iter().find(|version| version.permit_id == *id));
            let mut ops = version.map(|version| version.ops.clone()).unwrap_or_default();
            ops.extend(of.map(|of| of.ops.clone()).unwrap_or_default());
            let number = other.case.dossier().map(|dossier| dossier.number.clone());
            ChangeView { id: other.id, number, state: other.case.name(), ops, took_effect }
        };
        let changes = changes.map(change).collect();
        Ok(SeriesView {
            series: series.to_owned(),
            title: row.title.clone(),
            case_id: row.case_id,
            case: permit.case.clone(),
            hold: row.held,
            stands,
            persons: permit.persons.iter().map(person).collect(),
            changes,
            after: decided.filter(|_| whole).map(|decided| decided.after.clone()).unwrap_or_default(),
            may,
            extension_until: extension_until.filter(|_| stands),
            results_due: decided
                .filter(|_| whole && permit.status != PermitStatus::Revoked)
                .map(|decided| clocks::results_due(decided, permit.valid_to)),
            holders: decided
                .filter(|_| whole)
                .map(|decided| clocks::holder::clocks(decided, self.zone.clock.today()))
                .unwrap_or_default(),
            versions,
        })
    }

    async fn read_series(&self, tx: &mut Tx, series: &str) -> Result<Option<Read>, AccessError> {
        let mut versions = Vec::new();
        for row in sql::versions_of(tx, series).await? {
            let content = sql::in_force(tx, &self.zone, &row.permit_id).await?;
            versions.push((read_permit(&row)?, row, content));
        }
        if versions.is_empty() {
            return Ok(None);
        }
        let versions = versions.into_iter().map(|(permit, row, content)| (row, permit, content)).collect();
        let (changes, at_once) = (sql::changes_of(tx, series).await?, sql::took_effect(tx, series).await?);
        Ok(Some(Read { versions, changes, at_once }))
    }
}

/// The versions, the newest first, each with its days and what differs from the one before.
fn versions(read: &[(PermitRow, Permit, Option<Content>)]) -> Vec<VersionView> {
    let version = |n: usize| {
        let (row, permit, content) = &read[n];
        let before = n.checked_sub(1).and_then(|n| read[n].2.as_ref());
        let ops = before.zip(content.as_ref()).map(|(before, now)| change::diff(before, now, &Default::default()));
        VersionView {
            permit_id: row.permit_id.clone(),
            current: n + 1 == read.len(),
            active_from: permit.issued_at,
            active_to: read.get(n + 1).map(|(_, next, _)| next.issued_at),
            ops: ops.unwrap_or_default(),
            permit: permit.clone(),
        }
    };
    (0..read.len()).rev().map(version).collect()
}
