//! What the body's staff do around the matter itself: assignment, screening, interests, messages and remarks, track, time
//! limits, confidentiality, attachments, reminders, configuration.

use kernel::sha256_hex;

use super::{Context, Refusal, dossier, needs_text, wrong_state};
use crate::clocks::{self, Unit, table};
use crate::model::decision::MIN_REASON;
use crate::model::{Case, Command, Consent, Declaration, Dossier, Event, Reminder, TaskState, Visibility};
use crate::permissions::{self, CaseRole};

/// Most working days of one extension.
const MOST_EXTENSION: u32 = 90;

pub(super) fn decide(case: &Case, command: &Command, context: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    let folder = case.folder();
    match (case, command) {
        (_, Command::AssignCase { handler }) => {
            let handler = handler.clone().unwrap_or_else(|| context.actor.to_owned());
            if folder.interests.get(&handler) == Some(&Declaration::Conflict) {
                return Err(Refusal::Forbidden { code: "conflict_of_interest" });
            }
            Ok(vec![Event::CaseAssigned { handler }])
        }
        (Case::Submitted(_), Command::StartScreening {}) => Ok(vec![Event::ScreeningStarted { automatic: false }]),
        (Case::PreScreening(dossier), Command::ConfirmComplete {}) => {
            let complete_at = dossier.completed_by.unwrap_or(dossier.submitted_at);
            Ok(vec![Event::CompletenessConfirmed { complete_at }])
        }
        (_, Command::DeclareInterest { interest, reason }) => {
            if *interest == Declaration::Conflict {
                needs_text("reason", reason.as_deref().unwrap_or_default(), 5)?;
            }
            Ok(vec![Event::InterestDeclared { interest: *interest, reason: reason.clone() }])
        }
        (_, Command::SendMessage { text }) => {
            needs_text("text", text, 1)?;
            let (message, sha256) = (folder.messages + 1, sha256_hex(text.as_bytes()));
            Ok(vec![Event::MessageSent { message, sha256 }])
        }
        (_, Command::Remark { text, visibility, consents }) => {
            needs_text("text", text, 1)?;
            remark(case, text, visibility, *consents, context)
        }
        (_, Command::SetTrack { track, reason }) => {
            needs_text("reason", reason, MIN_REASON)?;
            if dossier(case, command)?.track == *track {
                return Err(Refusal::conflict("same_track", "the case is treated in this way already"));
            }
            Ok(vec![Event::TrackChanged { track: *track, reason: reason.clone() }])
        }
        (_, Command::ExtendDeadline { code, reason, days }) => {
            needs_text("reason", reason, MIN_REASON)?;
            if !(1..=MOST_EXTENSION).contains(days) {
                return Err(Refusal::invalid("days", "range", format!("between 1 and {MOST_EXTENSION} working days")));
            }
            extendable(dossier(case, command)?, *days)?;
            if dossier(case, command)?.extensions.iter().any(|extension| extension.code == *code) {
                let remedy = "the time limit was extended for this reason already";
                return Err(Refusal::conflict("already_extended", remedy));
            }
            Ok(vec![Event::DeadlineExtended { code: *code, reason: reason.clone(), days: *days }])
        }
        (_, Command::AssignExternalId { system, value }) => {
            let slug = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
            if system.is_empty() || system.len() > 40 || !system.chars().all(slug) {
                return Err(Refusal::invalid("system", "form", "lower case letters, digits, hyphens"));
            }
            needs_text("value", value, 1)?;
            if value.chars().count() > 200 {
                return Err(Refusal::invalid("value", "length", "at most 200 characters"));
            }
            Ok(vec![Event::ExternalIdAssigned { system: system.clone(), value: value.clone() }])
        }
        (_, Command::DecideConfidentiality { field, confidential, reason }) => {
            needs_text("reason", reason, MIN_REASON)?;
            if !crate::rules::is_field(field) {
                return Err(Refusal::invalid("field", "unknown_field", "the form has no such field"));
            }
            let (field, reason) = (field.clone(), reason.clone());
            Ok(vec![Event::ConfidentialityDecided { field, confidential: *confidential, reason }])
        }
        (_, Command::RedactAttachment { file, reason }) => {
            needs_text("reason", reason, MIN_REASON)?;
            if folder.redactions.contains_key(file) {
                return Err(Refusal::conflict("already_redacted", "the attachment was removed already"));
            }
            let Some(sha256) = context.attachment else {
                return Err(Refusal::conflict("no_attachment", "the case has no such attachment"));
            };
            let (file, sha256, reason) = (file.clone(), sha256.to_owned(), reason.clone());
            Ok(vec![Event::AttachmentRedacted { file, sha256, reason }])
        }
        (_, Command::SendReminder { reminder }) => {
            if !waits(case, reminder) {
                return Err(Refusal::conflict("nothing_waits", "there is nothing to be reminded of"));
            }
            Ok(vec![Event::ReminderSent { reminder: reminder.clone() }])
        }
        (_, Command::Configure { configuration }) => {
            // ACC-082: cells can be removed, never added; a cell that the table denies cannot be removed either.
            let unknown = configuration.removed.iter().find(|c| !permissions::allows(c.state, c.role, c.command));
            if let Some(cell) = unknown {
                let message = format!(
                    "{} in {} by {} is not in the table",
                    cell.command.slug(),
                    cell.state.slug(),
                    cell.role.slug()
                );
                return Err(Refusal::invalid("removed", "unknown_cell", message));
            }
            Ok(vec![Event::ConfigurationChanged { configuration: configuration.clone() }])
        }
        _ => Err(wrong_state(case, command)),
    }
}

/// Whether the clock of the case can be made longer by so much (ACC-123): some not at all, some once by so many months.
fn extendable(dossier: &Dossier, days: u32) -> Result<(), Refusal> {
    let end = dossier.clock_end.unwrap_or_else(|| table::end_event(&dossier.profile));
    let Some(rule) = clocks::rule_of(dossier, end) else { return Ok(()) };
    let by = match rule.length.map(|length| length.unit) {
        Some(Unit::Months) => days.div_ceil(clocks::MONTH_OF_WORKING_DAYS),
        Some(Unit::Weeks) => days.div_ceil(5),
        _ => days,
    };
    if rule.allows_extension(by, dossier.extensions.len() as u32) {
        return Ok(());
    }
    let remedy = match (rule.extend, dossier.extensions.is_empty()) {
        (None, _) => "this time limit cannot be made longer".to_owned(),
        (Some(_), false) => "the time limit was made longer already".to_owned(),
        (Some(extend), true) => format!("by at most {} months", extend.n.unwrap_or_default()),
    };
    Err(Refusal::conflict("not_extendable", remedy))
}

fn remark(
    case: &Case,
    text: &str,
    visibility: &Visibility,
    consents: Option<Consent>,
    context: &Context<'_>,
) -> Result<Vec<Event>, Refusal> {
    if let Visibility::Source(source) = visibility
        && !case.dossier().is_some_and(|d| d.order.sources().contains(&source.as_str()))
    {
        return Err(Refusal::invalid("visibility", "unknown_source", format!("{source} was not applied for")));
    }
    if consents.is_some() && context.role != CaseRole::DecisionMaker {
        return Err(Refusal::Forbidden { code: "not_decision_maker" });
    }
    if consents.is_some() && !matches!(case, Case::PreScreening(_) | Case::Processing(_)) {
        return Err(Refusal::conflict("consent_not_needed", "nothing waits for this consent"));
    }
    let (remark, sha256) = (case.folder().remarks + 1, sha256_hex(text.as_bytes()));
    Ok(vec![Event::Remarked { remark, visibility: visibility.clone(), sha256, consents }])
}

/// Whether what the reminder is about still waits for somebody.
fn waits(case: &Case, reminder: &Reminder) -> bool {
    match (reminder, case) {
        (Reminder::Draft, Case::Draft(_))
        | (Reminder::Info, Case::AwaitingInfo(_))
        | (Reminder::Terms, Case::AwaitingAcceptance(_)) => true,
        (Reminder::Clock, _) => matches!(
            case,
            Case::Submitted(_)
                | Case::PreScreening(_)
                | Case::Processing(_)
                | Case::AwaitingInfo(_)
                | Case::AwaitingAcceptance(_)
        ),
        (Reminder::Source(source), _) => case
            .work()
            .and_then(|work| work.tasks.get(source))
            .is_some_and(|task| matches!(task.state, TaskState::Created | TaskState::Accepted | TaskState::Returned)),
        (Reminder::Review(account), _) => {
            case.dossier().and_then(|d| d.opinions.reviewers.get(account)).is_some_and(|r| r.opinion.is_none())
        }
        (Reminder::Permit, Case::Decided(decided)) => decided.permit.is_some(),
        (Reminder::Report, Case::Decided(_)) => true,
        (Reminder::Delivery(source) | Reminder::LateDelivery(source), Case::Decided(decided)) => {
            let delivered = decided.after.holders.get(source).is_some_and(|delivery| delivery.delivered.is_some());
            !delivered && clocks::holder::started(decided, source).is_some()
        }
        (Reminder::NotCompleted, Case::AwaitingInfo(_)) => true,
        (Reminder::Late, _) => {
            matches!(case, Case::Submitted(_) | Case::PreScreening(_) | Case::Processing(_) | Case::Decided(_))
        }
        _ => false,
    }
}
