//! The clock table of `access.md` section 9.3 as data: what starts a clock, how long it runs, how it can be made longer
//! and what happens when it runs out, per legal profile.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use kernel::LangMap;
use serde::{Deserialize, Serialize};

use super::calendar::{Length, Unit};

/// What a statutory clock measures up to. It is not settled for the Norwegian time limits, so that both are reported.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndEvent {
    /// The decision.
    Decision,
    /// Data lie ready for the applicant.
    DataAvailable,
}

/// What starts a clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// The application is complete (ACC-120).
    Complete,
    /// The application was received.
    Received,
    /// Questions were sent to the applicant.
    InfoRequested,
    /// Terms were offered.
    TermsOffered,
    /// A source got its task.
    TaskCreated,
    /// The assessment of a trusted holder was received.
    AssessmentReceived,
    /// Data were asked for from their holder.
    DataRequested,
    /// The last holder delivered.
    LastHolderDelivery,
    /// The decision was made.
    Decided,
    /// A party was told.
    NoticeReceived,
    /// The permit expires.
    PermitExpiry,
    /// The processing ended or the answer was received.
    ProcessingEnded,
}

/// What happens when a clock runs out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// The staff is told; there is no tacit approval.
    Alarm,
    /// It counts as late in the statistics.
    Statistics,
    /// The applicant is told.
    NotifyApplicant,
    /// The staff is reminded.
    Reminder,
    /// The handler of the body does what the holder did not.
    HandlerTakesOver,
    /// The handler gets the task to propose that the case ends as not completed.
    ProposeNotCompleted,
    /// The case ends as withdrawn.
    Withdraw,
    /// It is reported to the supervisory body.
    Report,
    /// It is published by itself.
    Publish,
    /// An appeal goes on as a late one.
    LateAppeal,
    /// The request is refused as too late.
    TooLate,
    /// A case of non-compliance is opened.
    NonCompliance,
    /// The room deletes.
    Delete,
    /// The decision may follow.
    Decide,
}

/// How a clock can be made longer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Extend {
    /// By at most this much; no limit by law when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub n: Option<u32>,
    /// Unit of `n`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// How often; no limit when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// With reasons, and notice to the applicant, within the limit above (ACC-123).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reason: bool,
    /// With reasons, and notice to the applicant, without a limit (ACC-123).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub with_reason: bool,
    /// As the permit says.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_permit: bool,
    /// A setting of the installation.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub setting: bool,
}

/// One row of the table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `linked`.
    pub id: String,
    /// What starts it.
    pub starts: Start,
    /// How long it runs; absent when each task sets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<Length>,
    /// What it measures up to, for the clocks of a case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<EndEvent>,
    /// How it is made longer; absent when it cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extend: Option<Extend>,
    /// Whether a question to the applicant stops it (ACC-121, ACC-122).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stops: bool,
    /// What happens when it runs out.
    pub expiry: Vec<Expiry>,
    /// What people call it.
    pub name: LangMap,
}

impl Rule {
    /// Whether it may be made longer by `by` once more after `times` times.
    pub fn allows_extension(&self, by: u32, times: u32) -> bool {
        let Some(extend) = self.extend else { return false };
        by > 0 && extend.n.is_none_or(|most| by <= most) && extend.times.is_none_or(|most| times < most)
    }
}

#[derive(Deserialize)]
struct File {
    common: Vec<Rule>,
    profiles: BTreeMap<String, Profile>,
}

#[derive(Deserialize)]
struct Profile {
    end_event: EndEvent,
    clocks: Vec<Rule>,
}

static TABLE: LazyLock<File> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the table is part of the program and is read by its tests")]
    serde_json::from_str(include_str!("../../data/clocks.json")).unwrap()
});

/// Every clock of a profile, those of the profile first; none for an unknown one.
pub fn rules(profile: &str) -> impl Iterator<Item = &'static Rule> {
    let own = TABLE.profiles.get(profile);
    let common: &[Rule] = if own.is_some() { &TABLE.common } else { &[] };
    own.map_or(&[][..], |profile| profile.clocks.as_slice()).iter().chain(common)
}

/// A clock of a profile by its id.
pub fn rule(profile: &str, id: &str) -> Option<&'static Rule> {
    rules(profile).find(|rule| rule.id == id)
}

/// The length of a clock of a profile.
pub fn length(profile: &str, id: &str) -> Option<Length> {
    rule(profile, id)?.length
}

/// What the statutory clock of a profile measures up to, unless an installation says otherwise (`clock.end_event`).
pub fn end_event(profile: &str) -> EndEvent {
    TABLE.profiles.get(profile).map_or(EndEvent::DataAvailable, |profile| profile.end_event)
}

/// What of a case chooses its statutory clocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClockedCase<'a> {
    /// Legal profile.
    pub profile: &'a str,
    /// Whether it is about statistics or anonymous tables.
    pub statistics: bool,
    /// Number of sources.
    pub sources: usize,
    /// Whether it is on the accelerated track (68(6)).
    pub accelerated: bool,
}

/// The statutory clock of a case up to an event. A profile that sets no time up to that event has none.
pub fn statutory_rule(case: ClockedCase<'_>, end: EndEvent) -> Option<&'static Rule> {
    let linked = case.sources > 1;
    let id = match (case.profile.starts_with("EHDS/"), end) {
        (true, EndEvent::Decision) if case.statistics => "request_assess",
        (true, EndEvent::Decision) if case.accelerated => "accelerated",
        (true, EndEvent::Decision) => "application",
        (true, EndEvent::DataAvailable) if case.statistics => "request_answer",
        (true, EndEvent::DataAvailable) => return None,
        (false, EndEvent::Decision) if linked => "decision_linked",
        (false, EndEvent::Decision) => "decision_one_source",
        (false, EndEvent::DataAvailable) if linked => "linked",
        (false, EndEvent::DataAvailable) => "one_source",
    };
    rule(case.profile, id)
}
