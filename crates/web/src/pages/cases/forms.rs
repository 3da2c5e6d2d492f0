//! What the form of each command asks, and the payload that its answers make. Commands whose forms follow the case itself
//! (criteria, variables, sources) are drawn in the template; here stands what they ask beside that.

use access::model::CommandName as C;
use identity::Role;
use kernel::{Date, Language};
use serde_json::{Map, Value, json};

use crate::visitor::Fields;

/// One question of a form.
pub(super) struct Ask {
    /// Name in the payload; its label is the text `input-NAME`.
    pub name: &'static str,
    /// What may be answered.
    pub kind: Kind,
    /// Whether it may be left open.
    pub optional: bool,
}

/// What may be answered.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// A line.
    Line,
    /// Lines.
    Text,
    /// A day.
    Day,
    /// A whole number.
    Number,
    /// Yes or no.
    Flag,
    /// One of these; their texts are `choice-NAME-OPTION`.
    Choice(&'static [&'static str]),
    /// Somebody with this role.
    Person(Role),
    /// Several with this role.
    People(Role),
    /// One of the sources of the case.
    Source,
    /// Several of the sources of the case.
    Sources,
    /// One of the fields of the application.
    Field,
    /// One of the close-out reports of the case.
    Report,
    /// One of the reactions that the parties were told of.
    Notice,
}

/// The templates of letters; `access::letter::templates` has their texts.
const TEMPLATES: [&str; 4] = ["granted-usual", "granted-linked", "refusal-purpose", "refusal-necessity"];

const fn ask(name: &'static str, kind: Kind) -> Ask {
    Ask { name, kind, optional: false }
}

const fn may(name: &'static str, kind: Kind) -> Ask {
    Ask { name, kind, optional: true }
}

const REASON: &[Ask] = &[ask("reason", Kind::Text)];
const RECOMMENDATIONS: Kind = Kind::Choice(&["grant", "grant_with_conditions", "refuse", "none"]);
const EXPERTS: Kind = Kind::People(Role::Reviewer);

/// What the form of a command asks.
pub(super) const fn asks(command: C) -> &'static [Ask] {
    match command {
        C::Withdraw | C::DeclineTerms => const { &[may("reason", Kind::Text)] },
        C::WithdrawTerms
        | C::ReturnProposal
        | C::HoldPermit
        | C::ReleaseHold
        | C::ProposeNotCompleted
        | C::CorrectDecision
        | C::ReverseDecision
        | C::ExtendAnswer
        | C::ReopenCase => REASON,
        C::RevokePermit => {
            const {
                &[
                    ask("reason", Kind::Text),
                    ask("heard", Kind::Choice(&["notice", "held", "left_out"])),
                    may("heard_on", Kind::Day),
                    may("heard_what", Kind::Text),
                ]
            }
        }
        C::NotifySanction => {
            const {
                &[
                    ask("sanction", Kind::Choice(&["revoke_permit", "exclude", "fine"])),
                    ask("reason", Kind::Text),
                    may("deadline", Kind::Day),
                ]
            }
        }
        C::DecideSanction => {
            const {
                &[
                    ask("notice", Kind::Notice),
                    ask("imposed", Kind::Choice(&["true", "false"])),
                    ask("reason", Kind::Text),
                ]
            }
        }
        C::ExtendResults => const { &[ask("until", Kind::Day), ask("reason", Kind::Text)] },
        C::PauseDelivery => {
            const {
                &[
                    ask("source", Kind::Source),
                    ask("code", Kind::Choice(&["applicant", "external_data", "room", "permit_held", "other"])),
                    ask("reason", Kind::Text),
                ]
            }
        }
        C::ResumeDelivery => const { &[ask("source", Kind::Source)] },
        C::ExtendDelivery => {
            const { &[ask("source", Kind::Source), ask("until", Kind::Day), ask("reason", Kind::Text)] }
        }
        C::ReportDelivery => const { &[ask("source", Kind::Source), may("on", Kind::Day)] },
        C::CloseCase => const { &[ask("reason", Kind::Text), may("accept_report", Kind::Report)] },
        C::QueryTerms => const { &[ask("question", Kind::Text)] },
        C::AssignCase => const { &[may("handler", Kind::Person(Role::CaseHandler))] },
        C::RequestInfo => {
            const {
                &[
                    ask("kind", Kind::Choice(&["clarification", "completeness"])),
                    may("on_behalf_of", Kind::Source),
                    may("deadline", Kind::Day),
                ]
            }
        }
        C::SetTrack => {
            const {
                &[
                    ask("track", Kind::Choice(&["normal", "accelerated", "trusted_holder", "complex"])),
                    ask("reason", Kind::Text),
                ]
            }
        }
        C::DispatchSourceTasks => {
            const { &[may("sources", Kind::Sources), may("question", Kind::Text), may("due", Kind::Day)] }
        }
        C::AcceptSourceTask => const { &[ask("source", Kind::Source)] },
        C::ReturnSourceTask => const { &[ask("source", Kind::Source), ask("reason", Kind::Text)] },
        C::RequestReview => {
            const {
                &[
                    ask("reviewers", EXPERTS),
                    may("question", Kind::Text),
                    may("due", Kind::Day),
                    may("blind", Kind::Flag),
                    may("anonymous", Kind::Flag),
                ]
            }
        }
        C::InviteReviewer => const { &[may("email", Kind::Line), may("anonymous", Kind::Flag)] },
        C::InviteMember => {
            const { &[ask("kind", Kind::Choice(&["co_applicant", "representative"])), may("email", Kind::Line)] }
        }
        C::Review => const { &[ask("recommendation", RECOMMENDATIONS), ask("text", Kind::Text)] },
        C::Vote => const { &[ask("ballot", Kind::Choice(&["for", "against", "abstain"])), may("reason", Kind::Text)] },
        C::DeclareInterest => {
            const { &[ask("interest", Kind::Choice(&["none", "conflict"])), may("reason", Kind::Text)] }
        }
        C::SendMessage | C::AddTerms => const { &[ask("text", Kind::Text)] },
        C::Remark => const { &[ask("text", Kind::Text), ask("visibility", Kind::Choice(&["staff", "parties"]))] },
        C::ExtendDeadline => {
            const {
                &[
                    ask("code", Kind::Choice(&["complicated", "source", "hearing", "volume", "other"])),
                    ask("days", Kind::Number),
                    ask("reason", Kind::Text),
                ]
            }
        }
        C::OfferStatistics => const { &[ask("sources", Kind::Sources), ask("reason", Kind::Text)] },
        C::DecideConfidentiality => {
            const { &[ask("field", Kind::Field), may("confidential", Kind::Flag), ask("reason", Kind::Text)] }
        }
        C::AssignExternalId => const { &[ask("system", Kind::Line), ask("value", Kind::Line)] },
        C::ProposeMaximum | C::DecideDispute => const { &[ask("kroner", Kind::Number), ask("reason", Kind::Text)] },
        C::ProposeDecision => const { &[may("template", Kind::Choice(&TEMPLATES)), may("paragraph", Kind::Text)] },
        C::SettleInvoice => const { &[may("number", Kind::Line), may("paid_on", Kind::Day)] },
        C::CalculateFee => const { &[may("class", Kind::Choice(&["student", "refresh"]))] },
        C::ConfirmController => const { &[ask("organisation", Kind::Line)] },
        C::SendReminder => const { &[ask("reminder", Kind::Choice(&["info", "terms", "clock"]))] },
        _ => &[],
    }
}

/// The payload of a command from the fields of its form.
pub(super) fn payload(command: C, fields: &Fields) -> Value {
    let mut payload = Map::new();
    for ask in asks(command) {
        if let Some(value) = answer(ask, fields) {
            payload.insert(ask.name.to_owned(), value);
        }
    }
    // Amounts are written in kroner and kept in øre.
    let ore = payload.remove("kroner").map(|kroner| kroner.as_i64().map_or(kroner, |kroner| json!(kroner * 100)));
    let (heard, on, what) = (payload.remove("heard"), payload.remove("heard_on"), payload.remove("heard_what"));
    let more = match command {
        // A notice that the parties had time to comment on is what is meant when no other hearing is told.
        C::RevokePermit => match heard.as_ref().and_then(Value::as_str) {
            Some("held") => {
                json!({"hearing": {"kind": "held", "on": on, "statement": what.unwrap_or_else(|| json!(""))}})
            }
            Some("left_out") => json!({"hearing": {"kind": "left_out", "why": what.unwrap_or_else(|| json!(""))}}),
            _ => Value::Null,
        },
        C::DecideSanction => json!({"imposed": fields.get("imposed") == "true"}),
        C::ProposeMaximum => json!({"max_ore": ore}),
        C::DecideDispute => json!({"fee_ore": ore}),
        C::RequestInfo => {
            json!({"accepts": fields.all("accepts").collect::<Vec<_>>()})
        }
        C::SendInfo => {
            json!({"answers": each(fields, "answer.", |field, text| json!({"field": field, "answer": text}))})
        }
        C::AssessCriterion => json!({"assessments": assessments(fields)}),
        C::AcceptTerms => json!({"terms_hash": fields.get("terms_hash")}),
        C::CalculateFee | C::IssueInvoice => json!({"case_hours": number(fields.get("case_hours")),
            "source_hours": pairs(fields, "hours."), "preparation_hours": number(fields.get("preparation_hours"))}),
        C::OfferTerms => json!({"without_statement": Value::Object(
            filled(fields, "without.").map(|(source, why)| (source.to_owned(), json!(why))).collect())}),
        C::ProposeDecision => parts(fields),
        C::CorrectDecision | C::ReverseDecision => json!({"proposal": anew(fields)}),
        C::AnswerSourceTask => source_answer(fields),
        _ => Value::Null,
    };
    if let Value::Object(more) = more {
        payload.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
    Value::Object(payload)
}

/// What is decided source by source, and on each operation of a change.
fn parts(fields: &Fields) -> Value {
    let part = |source: &str, outcome: &str| {
        let removed: Vec<Value> = fields
            .all(&format!("removed.{source}"))
            .map(|id| json!({"id": id, "reason": "not_necessary", "text": ""}))
            .collect();
        json!({"source": source, "outcome": outcome, "reason": fields.get(&format!("reason.{source}")),
               "removed": removed})
    };
    let change = |path: &str, granted: &str| json!({"path": path, "granted": granted == "granted", "reason": fields.get(&format!("reason.{path}"))});
    json!({"parts": each(fields, "part.", part), "changes": each(fields, "change.", change)})
}

/// A decision in the place of the one in force: its parts, the conditions that are kept, days and number of persons.
fn anew(fields: &Fields) -> Value {
    let mut anew = parts(fields);
    let kept: Vec<Value> = fields.all("condition").filter_map(|text| serde_json::from_str(text).ok()).collect();
    anew["conditions"] = Value::Array(kept);
    for day in ["valid_from", "valid_to", "delete_by"] {
        anew[day] =
            Some(fields.get(day).trim()).filter(|text| !text.is_empty()).map_or(Value::Null, |text| json!(text));
    }
    // What is no number goes on as it is: the command says what is wrong with it.
    let persons = fields.get("max_persons").trim();
    anew["max_persons"] = match persons.parse::<u64>() {
        _ if persons.is_empty() => Value::Null,
        Ok(n) => json!(n),
        Err(_) => json!(persons),
    };
    anew
}

fn answer(ask: &Ask, fields: &Fields) -> Option<Value> {
    let text = fields.get(ask.name).trim();
    match ask.kind {
        Kind::Flag => Some(Value::Bool(!text.is_empty())),
        Kind::People(_) | Kind::Sources => {
            let chosen: Vec<&str> = fields.all(ask.name).filter(|value| !value.is_empty()).collect();
            (!chosen.is_empty() || !ask.optional).then(|| json!(chosen))
        }
        // What is no number goes on as it is: the command says what is wrong with it.
        Kind::Number | Kind::Report | Kind::Notice => {
            (!text.is_empty() || !ask.optional).then(|| text.parse::<i64>().map_or_else(|_| json!(text), |n| json!(n)))
        }
        _ => (!text.is_empty() || !ask.optional).then(|| json!(text)),
    }
}

/// The payload of a request for information.
pub(super) fn request(fields: &Fields, language: Language, today: Date) -> Value {
    let mut request = payload(C::RequestInfo, fields);
    request["questions"] = json!(questions(fields, language, today));
    request
}

/// Questions on fields: each with the text of its template before what was written.
fn questions(fields: &Fields, language: Language, today: Date) -> Vec<Value> {
    let one = |field: &str| {
        let template = access::letter::request_template(fields.get(&format!("phrase.{field}")), today);
        let text = template.map_or("", |template| template.text.text(language));
        let question = format!("{text}\n{}", fields.get(&format!("question.{field}")));
        json!({"field": field, "question": question.trim(), "template": template.map(|template| &template.id)})
    };
    fields.all("asked").map(one).collect()
}

/// Criteria as assessed: of the whole case, and of single sources (ACC-141). What has no outcome is left as it is.
fn assessments(fields: &Fields) -> Vec<Value> {
    let whole = each(
        fields,
        "outcome.",
        |criterion, outcome| json!({"criterion": criterion, "outcome": outcome, "reason": fields.get(&format!("reason.{criterion}"))}),
    );
    let of_source = each(fields, "source-outcome.", |place, outcome| {
        let (criterion, source) = place.split_once('.').unwrap_or((place, ""));
        json!({"criterion": criterion, "source": source, "outcome": outcome,
               "reason": fields.get(&format!("source-reason.{place}"))})
    });
    whole.into_iter().chain(of_source).collect()
}

fn filled<'a>(fields: &'a Fields, prefix: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
    fields
        .pairs()
        .filter_map(move |(name, value)| Some((name.strip_prefix(prefix)?, value.trim())))
        .filter(|(_, value)| !value.is_empty())
}

fn each(fields: &Fields, prefix: &str, one: impl Fn(&str, &str) -> Value) -> Vec<Value> {
    filled(fields, prefix).map(|(name, value)| one(name, value)).collect()
}

fn number(text: &str) -> Value {
    let text = text.trim().replace(',', ".");
    if text.is_empty() { Value::Null } else { text.parse::<f64>().map_or_else(|_| json!(text), |n| json!(n)) }
}

fn pairs(fields: &Fields, prefix: &str) -> Value {
    Value::Object(filled(fields, prefix).map(|(name, value)| (name.to_owned(), number(value))).collect())
}

fn source_answer(fields: &Fields) -> Value {
    let variables: Map<String, Value> = filled(fields, "variable.")
        .map(|(id, answer)| {
            let why = fields.get(&format!("why.{id}")).trim();
            let value = match answer {
                "deliverable_changed" => json!({"answer": answer, "proposal": why}),
                "deliverable" => json!({"answer": answer}),
                reason => json!({"answer": "not_deliverable", "reason": reason}),
            };
            (id.to_owned(), value)
        })
        .collect();
    let text = |name: &str| Some(fields.get(name).trim()).filter(|text| !text.is_empty());
    let cost = match (number(fields.get("hours")), number(fields.get("delivery_days"))) {
        (Value::Null, Value::Null) => Value::Null,
        (hours, days) => {
            json!({"hours": hours, "delivery_days": days.as_f64().map_or(days.clone(), |d| json!(d as i64))})
        }
    };
    json!({"source": fields.get("source"), "answer": {"variables": variables, "quality": text("quality"), "statement": text("statement")},
           "cost": cost})
}
