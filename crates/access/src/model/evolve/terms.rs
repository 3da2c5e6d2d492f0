//! Assessment, price and terms.

use super::super::{
    Accepted, Assessment, AwaitingAcceptance, Case, Event, ExtraTerm, Processing, Recorded, StatisticsOffer, Withdrawn,
    Work,
};

pub(super) fn next(case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    let (at, by) = (recorded.at, recorded.actor.as_str());
    Some(match (case, event) {
        (mut case, Event::CriterionAssessed { criterion, outcome, reason, evidence, condition, source }) => {
            let assessment = Assessment {
                outcome: *outcome,
                reason: reason.clone(),
                by: by.to_owned(),
                at,
                evidence: evidence.clone(),
                condition: condition.clone(),
                of_sources: false,
            };
            let sources: Vec<String> = case.dossier()?.order.sources().into_iter().map(str::to_owned).collect();
            case.work_mut()?.assess(criterion, source.as_deref(), assessment, &sources);
            case
        }
        (Case::Processing(mut at), Event::ConditionsSet { conditions }) => {
            at.work.conditions.clone_from(conditions);
            Case::Processing(at)
        }
        (Case::Processing(mut at), Event::StatisticsOffered { sources, reason }) => {
            at.work.statistics = Some(StatisticsOffer { sources: sources.clone(), reason: reason.clone() });
            // What was accepted before did not know of the offer.
            at.work.accepted = None;
            Case::Processing(at)
        }
        (Case::Processing(mut at), Event::FeeEstimated { fee }) => {
            at.work.fee = Some(fee.clone());
            at.work.accepted = None;
            Case::Processing(at)
        }
        // A new price takes the offer back: nobody accepts what no longer holds.
        (Case::AwaitingAcceptance(at), Event::FeeEstimated { fee }) => {
            let work = Work { fee: Some(fee.clone()), accepted: None, ..at.work };
            Case::Processing(Processing { dossier: at.dossier, work })
        }
        (Case::Processing(at), Event::TermsOffered { terms, hash, deadline }) => {
            Case::AwaitingAcceptance(AwaitingAcceptance {
                dossier: at.dossier,
                work: at.work,
                terms: terms.clone(),
                hash: hash.clone(),
                deadline: *deadline,
                reminders: 0,
            })
        }
        (Case::AwaitingAcceptance(waiting), Event::TermsAccepted { hash }) => {
            let statistics = waiting.terms.statistics;
            let accepted = Some(Accepted { hash: hash.clone(), at, by: by.to_owned(), statistics });
            Case::Processing(Processing { dossier: waiting.dossier, work: Work { accepted, ..waiting.work } })
        }
        (Case::AwaitingAcceptance(at), Event::TermsQueried { .. } | Event::TermsWithdrawn { .. }) => {
            Case::Processing(Processing { dossier: at.dossier, work: at.work })
        }
        (Case::AwaitingAcceptance(waiting), Event::TermsDeclined { .. } | Event::TermsLapsed {}) => {
            Case::Withdrawn(Withdrawn { dossier: waiting.dossier, at, fee: waiting.work.fee })
        }
        (mut case, Event::TermsAdded { text }) => {
            case.dossier_mut()?.extra_terms.push(ExtraTerm { text: text.clone(), by: by.to_owned(), at });
            // Terms that were accepted without these no longer hold.
            if let Some(work) = case.work_mut() {
                work.accepted = None;
            }
            case
        }
        _ => return None,
    })
}
