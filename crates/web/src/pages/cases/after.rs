//! What comes after the decision, as the pages of a case and of its permit show it: the decision in force as the form of a new
//! one begins with it, reports, the time of holders to deliver, hearings before a reaction.

use std::collections::{BTreeMap, BTreeSet};

use access::clocks::holder::HolderClock;
use access::model::{Report, ReportKind, SanctionNotice};
use access::views::CaseView;
use kernel::{Date, Timestamp};
use protocol::documents::Condition;
use serde_json::{Map, Value};

use super::Names;
use super::time::until;
use crate::frame::Frame;
use crate::pages::apply::plain;

/// The decision in force, as the form of a correction or a reversal is filled in before somebody writes in it.
#[derive(Default)]
pub(super) struct Before {
    /// Outcome and reason by source.
    parts: BTreeMap<String, (String, String)>,
    /// Variables that were left out.
    removed: BTreeSet<String>,
    /// Conditions as they travel in the form, with their words: each is kept unless it is taken out.
    pub conditions: Vec<(String, String)>,
    /// Name and value of the days: first, last, deletion.
    pub days: Vec<(&'static str, String)>,
    /// Most persons.
    pub persons: String,
}

impl Before {
    pub(super) fn of(f: &Frame, case: &CaseView) -> Self {
        let Some(decision) = case.decision.as_ref().map(|known| &known.decision) else { return Self::default() };
        let part = |part: &access::model::DecisionPart| {
            let outcome = serde_json::to_value(part.outcome).unwrap_or_default();
            (part.source.clone(), (plain(&outcome), part.reason.clone()))
        };
        let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
        let condition = |c: &Condition| {
            let whole = serde_json::to_string(c).unwrap_or_default();
            (whole, condition_words(f, c))
        };
        Self {
            parts: decision.parts.iter().map(part).collect(),
            removed: decision.parts.iter().flat_map(|p| &p.removed).map(|r| r.id.clone()).collect(),
            conditions: decision.conditions.iter().map(condition).collect(),
            days: vec![
                ("valid_from", day(decision.valid_from)),
                ("valid_to", day(decision.valid_to)),
                ("delete_by", day(decision.delete_by)),
            ],
            persons: decision.max_persons.map(|n| n.to_string()).unwrap_or_default(),
        }
    }

    /// Whether a source's part had this outcome.
    pub(super) fn was(&self, source: &str, outcome: &str) -> bool {
        self.parts.get(source).is_some_and(|(known, _)| known == outcome)
    }

    /// The reason of a source's part.
    pub(super) fn reason(&self, source: &str) -> &str {
        self.parts.get(source).map_or("", |(_, reason)| reason)
    }

    /// Whether a variable was left out.
    pub(super) fn left_out(&self, variable: &str) -> bool {
        self.removed.contains(variable)
    }
}

/// A condition of a permit in words.
pub(in crate::pages) fn condition_words(f: &Frame, c: &Condition) -> String {
    let words = f.l(&access::letter::words(&format!("condition.{}", c.kind)));
    let value = serde_json::to_value(c).unwrap_or_default();
    let rest: Map<String, Value> = value.as_object().cloned().unwrap_or_default();
    let rest = rest.iter().filter(|(name, _)| *name != "type").map(|(_, value)| plain(value));
    format!("{words} {}", rest.filter(|text| !text.is_empty()).collect::<Vec<_>>().join(", "))
}

/// A report as the case shows it: number, kind, day, text, whether it came late or was accepted.
pub(super) struct ReportRow {
    pub number: u32,
    pub kind: String,
    pub at: Timestamp,
    pub summary: String,
    pub links: Vec<String>,
    pub late: bool,
    pub accepted: bool,
}

/// The reports of a case, the newest first.
pub(super) fn reports(f: &Frame, case: &CaseView) -> Vec<ReportRow> {
    let row = |r: &Report| ReportRow {
        number: r.number,
        kind: kind(f, r.report.kind),
        at: r.at,
        summary: r.report.summary.clone(),
        links: r.report.links.clone(),
        late: r.late,
        accepted: r.accepted_at.is_some(),
    };
    case.after.iter().flat_map(|after| &after.reports).rev().map(row).collect()
}

/// The close-out reports that can be accepted, as choices.
pub(super) fn close_outs(f: &Frame, case: &CaseView) -> Vec<(String, String)> {
    let reports = case.after.iter().flat_map(|after| &after.reports);
    let open = reports.filter(|r| r.report.kind == ReportKind::CloseOut && r.accepted_at.is_none());
    open.map(|r| (r.number.to_string(), format!("{}: {}", r.number, f.time(&r.at)))).collect()
}

fn kind(f: &Frame, kind: ReportKind) -> String {
    let slug = serde_json::to_value(kind).unwrap_or_default();
    f.t(f.key("report", plain(&slug)))
}

/// The time of a holder to deliver.
pub(in crate::pages) struct HolderRow {
    pub source: String,
    /// Delivered, late, stopped or how long there is, in words.
    pub state: String,
    /// `good`, `warn`, `bad` or `info`.
    pub tone: &'static str,
    /// The last day.
    pub due: Option<Date>,
    /// Why it stands still, how it became longer.
    pub lines: Vec<String>,
}

/// The times of the holders.
pub(in crate::pages) fn holders(f: &Frame, names: &Names, clocks: &[HolderClock], today: Date) -> Vec<HolderRow> {
    let row = |clock: &HolderClock| {
        let (state, tone) = match (clock.delivered, &clock.paused, clock.due) {
            (Some(on), ..) if clock.late => (f.tv("holder-delivered-late", "date", f.date(&on)), "warn"),
            (Some(on), ..) => (f.tv("holder-delivered", "date", f.date(&on)), "good"),
            (None, Some(_), _) => (f.t("holder-paused"), "warn"),
            (None, None, None) => (f.t("holder-no-day"), "warn"),
            (None, None, Some(due)) => until(f, &due, today),
        };
        let paused = clock.paused.iter().map(|pause| {
            let code = f.t(f.key("choice-code", pause.code.slug()));
            f.tv2("holder-paused-why", "code", code, "reason", &pause.reason)
        });
        let longer = clock
            .longer
            .iter()
            .map(|longer| f.tv2("holder-longer", "date", f.date(&longer.until), "reason", &longer.reason));
        let stopped = (clock.stopped > 0).then(|| f.tv("holder-stopped", "n", clock.stopped));
        HolderRow {
            source: names.source(&clock.source),
            state,
            tone,
            due: clock.due.filter(|_| clock.paused.is_none()),
            lines: paused.chain(longer).chain(stopped).collect(),
        }
    };
    clocks.iter().map(row).collect()
}

/// A reaction that the parties were told of.
pub(in crate::pages) struct NoticeRow {
    pub number: u32,
    pub what: String,
    pub reason: String,
    pub at: Timestamp,
    /// How long there is for comments, or how it ended.
    pub state: String,
    pub tone: &'static str,
    pub deadline: Date,
    /// Whether a party can still say something.
    pub open: bool,
    pub comments: Vec<(Timestamp, String)>,
    /// Why it was imposed or dropped.
    pub end: Option<String>,
}

/// The hearings of a case, the newest first.
pub(in crate::pages) fn notices<'a>(
    f: &Frame,
    notices: impl DoubleEndedIterator<Item = &'a SanctionNotice>,
    today: Date,
) -> Vec<NoticeRow> {
    let row = |notice: &SanctionNotice| {
        let (state, tone) = match &notice.ended {
            Some(end) if end.imposed => (f.t("sanction-imposed"), "bad"),
            Some(_) => (f.t("sanction-dropped"), "good"),
            None if today > notice.deadline => (f.t("sanction-heard"), "warn"),
            None => until(f, &notice.deadline, today),
        };
        NoticeRow {
            number: notice.number,
            what: f.t(f.key("choice-sanction", notice.sanction.slug())),
            reason: notice.reason.clone(),
            at: notice.at,
            state,
            tone,
            deadline: notice.deadline,
            open: notice.is_open(),
            comments: notice.comments.iter().map(|c| (c.at, c.text.clone())).collect(),
            end: notice.ended.as_ref().map(|end| end.reason.clone()),
        }
    };
    notices.rev().map(row).collect()
}

/// The reactions that are to be decided, as choices.
pub(super) fn open_notices(f: &Frame, case: &CaseView) -> Vec<(String, String)> {
    let open = case.after.iter().flat_map(|after| &after.notices).filter(|notice| notice.is_open());
    let words = |notice: &SanctionNotice| {
        let what = f.t(f.key("choice-sanction", notice.sanction.slug()));
        (notice.number.to_string(), format!("{}: {what}", notice.number))
    };
    open.map(words).collect()
}
