//! What staff do around the matter itself.

use super::super::{Case, Confidentiality, Consent, Consented, Event, Extension, Recorded, Redaction, Reminder};

pub(super) fn next(mut case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    let (at, by) = (recorded.at, recorded.actor.clone());
    match event {
        Event::CaseAssigned { handler } => case.dossier_mut()?.handler = Some(handler.clone()),
        Event::ScreeningStarted { .. } => {
            let Case::Submitted(dossier) = case else { return None };
            return Some(Case::PreScreening(dossier));
        }
        Event::MessageSent { message, .. } => case.folder_mut().messages = *message,
        Event::Remarked { remark, consents, .. } => {
            case.folder_mut().remarks = *remark;
            if *consents == Some(Consent::CompletenessRequest) {
                case.dossier_mut()?.completeness_consent = Some(Consented { by, at });
            }
        }
        Event::TrackChanged { track, .. } => case.dossier_mut()?.track = *track,
        Event::InterestDeclared { interest, .. } => {
            case.folder_mut().interests.insert(by, *interest);
        }
        Event::DeadlineExtended { code, reason, days } => {
            let extension = Extension { code: *code, reason: reason.clone(), days: *days, by, at };
            case.dossier_mut()?.extensions.push(extension);
        }
        Event::AttachmentRedacted { file, sha256, reason } => {
            let redaction = Redaction { sha256: sha256.clone(), reason: reason.clone(), by, at };
            case.folder_mut().redactions.insert(file.clone(), redaction);
        }
        Event::ExternalIdAssigned { system, value } => {
            case.dossier_mut()?.external_ids.insert(system.clone(), value.clone());
        }
        Event::ConfidentialityDecided { field, confidential, reason } => {
            let decided = Confidentiality { confidential: *confidential, reason: reason.clone(), by, at };
            case.dossier_mut()?.confidentiality.insert(field.clone(), decided);
        }
        Event::ReminderSent { reminder } => reminded(&mut case, reminder, recorded)?,
        Event::ConfigurationChanged { configuration } => case.folder_mut().configuration = configuration.clone(),
        _ => return None,
    }
    Some(case)
}

fn reminded(case: &mut Case, reminder: &Reminder, recorded: &Recorded) -> Option<()> {
    match reminder {
        Reminder::Info => case.dossier_mut()?.requests.last_mut()?.reminded_at = Some(recorded.at),
        Reminder::Terms => {
            if let Case::AwaitingAcceptance(waiting) = case {
                waiting.reminders += 1;
            }
        }
        Reminder::Source(source) => case.work_mut()?.tasks.get_mut(source)?.reminders += 1,
        _ => {}
    }
    Some(())
}
