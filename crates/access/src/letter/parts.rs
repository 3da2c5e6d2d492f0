//! The parts of the letter that tell what the decision rests on beside the criteria: dispensation, statements of the
//! sources, other permits, recognition by other states, templates (`access.md` section 13).

use serde_json::Value;

use super::{Block, LetterSection, Writer, texts};
use crate::model::{Deliverable, SourceTask};

/// The criteria of a dispensation from confidentiality.
const DISPENSATION: [&str; 2] = ["N-5", "N-6"];

impl Writer<'_> {
    /// The text of the template that the decision names.
    pub(super) fn template(&self) -> Option<LetterSection> {
        let id = self.source.decision.template.as_deref()?;
        let template = texts::templates(self.source.date).into_iter().find(|template| template.id == id)?;
        let text = template.text.text(self.language).to_owned();
        Some(LetterSection { heading: template.name.text(self.language).to_owned(), blocks: vec![Block::Text(text)] })
    }

    /// What a dispensation from confidentiality was asked for and why, with what was found of its criteria.
    pub(super) fn dispensation(&self) -> Option<LetterSection> {
        let content = self.source.content;
        if content.fields.get("no.dispensation").and_then(Value::as_bool) != Some(true) {
            return None;
        }
        let whom: Vec<String> =
            content.texts("no.disp_who").into_iter().map(|id| self.option("no.disp_who", id)).collect();
        let mut facts = Vec::new();
        if !whom.is_empty() {
            facts.push(self.fact("dispensation.for", whom.join(", ")));
        }
        for (key, field) in [
            ("dispensation.interest", "no.disp_public_interest"),
            ("dispensation.ethics", "no.disp_ethics"),
            ("dispensation.consent", "no.disp_no_consent"),
        ] {
            if !content.text(field).is_empty() {
                facts.push(self.fact(key, content.text(field)));
            }
        }
        let found = DISPENSATION.iter().filter_map(|id| Some((*id, self.source.assessments.get(*id)?)));
        facts.extend(found.map(|(id, assessment)| (id.to_owned(), self.assessed(assessment))));
        Some(self.section("dispensation", vec![Block::Facts(facts)]))
    }

    /// What the sources have said, and why one was left out.
    pub(super) fn statements(&self) -> Option<LetterSection> {
        let mut blocks = Vec::new();
        for (source, task) in self.source.tasks {
            let name = self.source.content.source_name(source).text(self.language).to_owned();
            let facts = self.statement(task);
            if !facts.is_empty() {
                blocks.extend([Block::Subheading(name), Block::Facts(facts)]);
            }
        }
        (!blocks.is_empty()).then(|| self.section("statements", blocks))
    }

    fn statement(&self, task: &SourceTask) -> Vec<(String, String)> {
        let mut facts = Vec::new();
        if let Some(answer) = &task.answer {
            if let Some(at) = task.answered_at {
                facts.push(self.fact("statement.date", self.date(at.date_in_oslo())));
            }
            let count = |wanted: fn(&Deliverable) -> bool| answer.variables.values().filter(|v| wanted(v)).count();
            for (key, n) in [
                ("statement.deliverable", count(|v| matches!(v, Deliverable::Deliverable { .. }))),
                ("statement.changed", count(|v| matches!(v, Deliverable::DeliverableChanged { .. }))),
                ("statement.not", count(|v| matches!(v, Deliverable::NotDeliverable { .. }))),
            ] {
                if n > 0 {
                    facts.push(self.fact(key, format!("{n} {}", self.t("applied.variables"))));
                }
            }
            for (key, text) in [("statement.quality", &answer.quality), ("statement.text", &answer.statement)] {
                facts.extend(text.as_deref().map(|text| self.fact(key, text)));
            }
        }
        facts.extend(task.waived.as_deref().map(|why| self.fact("statement.waived", why)));
        facts
    }

    /// Approval of the ethics committee and permits of others, as the application names them.
    pub(super) fn other_permits(&self) -> Option<LetterSection> {
        let content = self.source.content;
        let text = |value: &Value, key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let day = |value: &Value, key: &str| value[key].as_str().and_then(|day| day.parse().ok()).map(|d| self.date(d));
        let mut blocks = Vec::new();
        if let Some(rek) = content.fields.get("no.rek").filter(|rek| rek["status"].is_string()) {
            let mut facts = vec![self.fact("rek.status", self.t(&format!("rek.{}", text(rek, "status"))))];
            if !text(rek, "reference").is_empty() {
                facts.push(self.fact("rek.reference", text(rek, "reference")));
            }
            facts.extend(day(rek, "decision_date").map(|day| self.fact("date", day)));
            facts.extend(day(rek, "valid_to").map(|day| self.fact("permits.until", day)));
            blocks.extend([Block::Subheading(self.t("rek").to_owned()), Block::Facts(facts)]);
        }
        let permits = content.fields.get("ext.permits").and_then(Value::as_array).into_iter().flatten();
        let line = |permit: &Value| {
            let until = day(permit, "expires").map(|day| format!(", {} {day}", self.t("to"))).unwrap_or_default();
            format!("{}: {}{until}", text(permit, "issuer"), text(permit, "number"))
        };
        let permits: Vec<String> = permits.map(line).collect();
        if !permits.is_empty() {
            blocks.push(Block::List(permits));
        }
        (!blocks.is_empty()).then(|| self.section("permits", blocks))
    }

    /// What the decision means in other states.
    pub(super) fn recognition(&self) -> LetterSection {
        self.section("recognition", vec![Block::Text(self.t("recognition.text").to_owned())])
    }
}
