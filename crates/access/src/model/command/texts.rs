//! The free texts of a command: what the scanner for identity numbers reads, and what may be only so long.

use super::{Command, Deliverable, ProposalInput};

impl Command {
    /// Every free text in the command, with the place where it stands: what the scanner for identity numbers reads.
    pub fn texts<'a>(&'a self) -> Vec<(String, &'a str)> {
        fn one<'a>(place: &str, text: &'a str) -> Vec<(String, &'a str)> {
            vec![(place.to_owned(), text)]
        }
        match self {
            Command::SendInfo { answers } => {
                answers.iter().map(|a| (format!("answers.{}", a.field), a.answer.as_str())).collect()
            }
            Command::RequestInfo { questions, .. } => {
                questions.iter().map(|q| (format!("questions.{}", q.field), q.question.as_str())).collect()
            }
            Command::Withdraw { reason: Some(text) } | Command::DeclineTerms { reason: Some(text) } => {
                one("reason", text)
            }
            Command::QueryTerms { question } => one("question", question),
            Command::WithdrawTerms { reason }
            | Command::ReturnProposal { reason }
            | Command::CloseCase { reason, .. }
            | Command::ReopenCase { reason }
            | Command::ReleaseHold { reason }
            | Command::ProposeNotCompleted { reason }
            | Command::SetTrack { reason, .. }
            | Command::ReturnSourceTask { reason, .. }
            | Command::OfferStatistics { reason, .. }
            | Command::ExtendDeadline { reason, .. }
            | Command::ExtendAnswer { reason }
            | Command::NotifySanction { reason, .. }
            | Command::DecideSanction { reason, .. }
            | Command::ExtendResults { reason, .. }
            | Command::PauseDelivery { reason, .. }
            | Command::ExtendDelivery { reason, .. }
            | Command::ProposeMaximum { reason, .. }
            | Command::DisputeFee { reason, .. }
            | Command::DecideDispute { reason, .. }
            | Command::RedactAttachment { reason, .. }
            | Command::DecideConfidentiality { reason, .. }
            | Command::GiveDecisionAdvice { reason, .. }
            | Command::Vote { reason: Some(reason), .. }
            | Command::DeclareInterest { reason: Some(reason), .. } => one("reason", reason),
            Command::RevokePermit { reason, hearing } | Command::HoldPermit { reason, hearing } => {
                let heard = hearing.as_ref().and_then(super::Hearing::text);
                one("reason", reason).into_iter().chain(heard.map(|(place, text)| (place.to_owned(), text))).collect()
            }
            Command::LodgeAppeal(form) => form.texts().map(|(place, text)| (place.to_owned(), text)).to_vec(),
            Command::SubmitReport(report) => {
                let links = report.links.iter().map(|link| ("links".to_owned(), link.as_str()));
                one("summary", &report.summary).into_iter().chain(links).collect()
            }
            Command::CorrectDecision { reason, proposal } | Command::ReverseDecision { reason, proposal } => {
                one("reason", reason).into_iter().chain(of_proposal(proposal)).collect()
            }
            Command::SendMessage { text }
            | Command::CommentSanction { text, .. }
            | Command::Remark { text, .. }
            | Command::AddTerms { text }
            | Command::Review { text, .. } => one("text", text),
            Command::AssignExternalId { value, .. } => one("value", value),
            Command::DispatchSourceTasks { question: Some(question), .. }
            | Command::RequestReview { question: Some(question), .. } => one("question", question),
            Command::OfferTerms { without_statement } => without_statement
                .iter()
                .map(|(s, reason)| (format!("without_statement.{s}"), reason.as_str()))
                .collect(),
            Command::AnswerSourceTask { answer, .. } => {
                let of = |(id, said): (&String, &'a Deliverable)| match said {
                    Deliverable::DeliverableChanged { proposal } => {
                        Some((format!("variables.{id}"), proposal.as_str()))
                    }
                    _ => None,
                };
                let texts = [("quality", &answer.quality), ("statement", &answer.statement)];
                let texts = texts.into_iter().filter_map(|(place, text)| Some((place.to_owned(), text.as_deref()?)));
                answer.variables.iter().filter_map(of).chain(texts).collect()
            }
            Command::AssessCriterion { assessments } => {
                assessments.iter().map(|a| (format!("assessments.{}", a.criterion), a.reason.as_str())).collect()
            }
            Command::ProposeDecision(proposal) => of_proposal(proposal),
            _ => Vec::new(),
        }
    }
}

fn of_proposal(proposal: &ProposalInput) -> Vec<(String, &str)> {
    let parts = proposal.parts.iter().map(|p| (format!("parts.{}.reason", p.source), p.reason.as_str()));
    let removed = proposal.parts.iter().flat_map(|p| &p.removed);
    let removed = removed.map(|r| (format!("removed.{}", r.id), r.text.as_str()));
    let paragraph = proposal.paragraph.as_deref().map(|text| ("paragraph".to_owned(), text));
    let changes = proposal.changes.iter().map(|c| (format!("changes.{}", c.path), c.reason.as_str()));
    parts.chain(removed).chain(changes).chain(paragraph).collect()
}
