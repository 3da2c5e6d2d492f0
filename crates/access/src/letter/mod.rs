//! The decision letter (ACC-160): rendered from the structured decision, as PDF and as JSON with the same content.
//! Nothing stands in it that is not stored as data or marked as a free paragraph.

mod parts;
mod pdf;
mod requests;
mod texts;

pub use requests::{RequestTemplate, request_template, request_templates};
pub(crate) use texts::is_template;
pub use texts::{Template, templates, words};

use std::collections::BTreeMap;

use kernel::{Date, LangMap, Language};
use protocol::documents::{Condition, Permit, SourceOutcome};
use serde::Serialize;

use crate::change::{Op, OpKind};
use crate::content::Content;
use crate::fees::{FeeEstimate, FeeKind};
use crate::model::{Assessment, ChangePart, CriterionOutcome, Decision, Outcome, SourceTask};
use crate::rules;

/// Everything that the letter says, in one language.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Letter {
    /// Language.
    pub language: Language,
    /// Version of its texts (ACC-005).
    pub texts: &'static str,
    /// Case number.
    pub case: String,
    /// Decision number.
    pub decision: String,
    /// Permit id, when anything is granted.
    pub permit: Option<String>,
    /// Date of the decision.
    pub date: Date,
    /// Title of the project.
    pub title: String,
    /// Whether the installation is synthetic: then the letter says so.
    pub synthetic: bool,
    /// Outcome of the whole.
    pub outcome: Outcome,
    /// The letter's sections in their order.
    pub sections: Vec<LetterSection>,
}

/// A section of the letter.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct LetterSection {
    /// Heading; empty for the first.
    pub heading: String,
    /// Content.
    pub blocks: Vec<Block>,
}

/// A piece of a section.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "block", content = "content", rename_all = "snake_case")]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Items.
    List(Vec<String>),
    /// Names and values.
    Facts(Vec<(String, String)>),
    /// A heading of lower rank.
    Subheading(String),
}

/// What the letter is rendered from.
pub struct Source<'a> {
    /// Number of the case.
    pub case: &'a str,
    /// Number of the decision.
    pub decision_number: &'a str,
    /// Date of the decision.
    pub date: Date,
    /// The application.
    pub content: &'a Content,
    /// The decision.
    pub decision: &'a Decision,
    /// Assessments.
    pub assessments: &'a BTreeMap<String, Assessment>,
    /// The tasks of the sources, with what they have said.
    pub tasks: &'a BTreeMap<String, SourceTask>,
    /// The price.
    pub fee: Option<&'a FeeEstimate>,
    /// The permit, when anything is granted.
    pub permit: Option<&'a Permit>,
    /// Names of the analysis rooms.
    pub room_name: &'a LangMap,
    /// Whether the installation is synthetic.
    pub synthetic: bool,
    /// What a change applies for; empty for an application.
    pub ops: &'a [Op],
    /// Why this decision takes the place of an earlier one.
    pub replaces: Option<&'a str>,
}

/// The letter in the language of the application.
pub fn letter(source: &Source<'_>) -> Letter {
    let writer = Writer { language: source.content.language(), source };
    let mut sections = vec![writer.head(), writer.applied(), writer.decided()];
    sections.extend(writer.replaced());
    sections.extend(writer.template());
    sections.push(writer.parts());
    sections.extend(writer.changes());
    sections.extend([writer.purpose(), writer.population()]);
    if let Some(permit) = source.permit {
        sections.push(writer.access(permit));
        sections.push(writer.persons());
        sections.push(writer.conditions());
    }
    sections.extend(writer.dispensation());
    sections.push(writer.criteria());
    sections.extend(writer.statements());
    sections.extend(writer.other_permits());
    sections.push(writer.recognition());
    sections.extend(writer.paragraph());
    sections.extend(source.fee.map(|fee| writer.fee(fee)));
    if source.permit.is_some() {
        let duties =
            ["duties.reidentification", "duties.publish", "duties.reports", "duties.findings", "duties.incidents"];
        let items = duties.map(|key| writer.t(key).to_owned()).to_vec();
        sections.push(writer.section("duties", vec![Block::List(items)]));
    }
    sections.push(writer.section("law", vec![Block::Text(writer.t("law.text").to_owned())]));
    let last_day = writer.fact("appeal.last_day", writer.date(crate::appeal::limit(source.date)));
    let appeal = vec![Block::Text(writer.t("appeal.text").to_owned()), Block::Facts(vec![last_day])];
    sections.push(writer.section("appeal", appeal));
    Letter {
        language: writer.language,
        texts: texts::version(source.date),
        case: source.case.to_owned(),
        decision: source.decision_number.to_owned(),
        permit: source.permit.map(|p| p.permit_id.clone()),
        date: source.date,
        title: source.content.text("pub.title").to_owned(),
        synthetic: source.synthetic,
        outcome: source.decision.outcome,
        sections,
    }
}

impl Letter {
    /// The letter as a PDF.
    pub fn pdf(&self) -> Vec<u8> {
        let text = |key: &str| texts::text(key, self.date, self.language).to_owned();
        pdf::render(
            self,
            &pdf::Frame {
                body: text("body"),
                title: text("title"),
                page: text("page"),
                notice: if self.synthetic { text("synthetic") } else { String::new() },
            },
        )
    }
}

/// An application, as it is printed, in the form of a letter (ACC-028).
pub struct Paper {
    /// Language.
    pub language: Language,
    /// Number of the case; empty for a draft.
    pub number: String,
    /// The day on which it is made.
    pub date: Date,
    /// Title of the project.
    pub title: String,
    /// Whether the installation is synthetic: then it says so.
    pub synthetic: bool,
    /// Heading of each section, with names and values.
    pub sections: Vec<(String, Vec<(String, String)>)>,
}

impl Paper {
    /// The application as PDF/A-2.
    pub fn pdf(self) -> Vec<u8> {
        let word = |key: &str| texts::text(key, self.date, self.language).to_owned();
        let frame = pdf::Frame {
            body: word("body"),
            title: self.title.clone(),
            page: word("page"),
            notice: if self.synthetic { word("synthetic") } else { String::new() },
        };
        let section = |(heading, facts)| LetterSection { heading, blocks: vec![Block::Facts(facts)] };
        let letter = Letter {
            language: self.language,
            texts: texts::version(self.date),
            case: self.number.clone(),
            decision: self.number,
            permit: None,
            date: self.date,
            title: self.title,
            synthetic: self.synthetic,
            // A paper decides nothing; the outcome of a letter is drawn in its sections alone.
            outcome: Outcome::NotCompleted,
            sections: self.sections.into_iter().map(section).collect(),
        };
        pdf::render(&letter, &frame)
    }
}

struct Writer<'a> {
    language: Language,
    source: &'a Source<'a>,
}

impl Writer<'_> {
    fn t(&self, key: &str) -> &'static str {
        texts::text(key, self.source.date, self.language)
    }

    fn section(&self, heading: &str, blocks: Vec<Block>) -> LetterSection {
        LetterSection { heading: self.t(heading).to_owned(), blocks }
    }

    fn fact(&self, key: &str, value: impl Into<String>) -> (String, String) {
        (self.t(key).to_owned(), value.into())
    }

    /// A date in words: `21. november 2026`, `21 November 2026`.
    fn date(&self, date: Date) -> String {
        let (year, month, day) = date.ymd();
        let name = self.t("months").split(',').nth(usize::from(month.unsigned_abs()).saturating_sub(1)).unwrap_or("");
        let dot = if self.language == Language::En { "" } else { "." };
        format!("{day}{dot} {name} {year}")
    }

    fn span(&self, from: Date, to: Date) -> String {
        format!("{} {} {}", self.date(from), self.t("to"), self.date(to))
    }

    /// Whole kroner with thin groups of three: `21 810`.
    fn kroner(&self, ore: i64) -> String {
        format!("{} {}", grouped(ore / 100), self.t("kroner"))
    }

    /// The name of a choice of the form.
    fn option(&self, field: &str, id: &str) -> String {
        let options = self.source.content.form().field(field).map(|f| f.options.as_slice()).unwrap_or_default();
        let found = options.iter().find(|(known, _)| known == id);
        found.map_or_else(|| id.to_owned(), |(_, text)| text.text(self.language).to_owned())
    }

    fn head(&self) -> LetterSection {
        let (source, content) = (self.source, self.source.content);
        let applicant = match content.text("app.orgnr") {
            "" => content.text("app.name").to_owned(),
            orgnr => format!("{} ({orgnr})", content.text("app.name")),
        };
        let mut facts = vec![self.fact("case", source.case), self.fact("decision", source.decision_number)];
        facts.extend(source.permit.map(|permit| self.fact("permit", permit.permit_id.as_str())));
        facts.push(self.fact("date", self.date(source.date)));
        facts.push(self.fact("project", content.text("pub.title")));
        facts.push(self.fact("applicant", applicant.clone()));
        facts.push(self.fact("contact", content.text("app.contact.name")));
        facts.push(self.fact("controller", applicant));
        facts.extend(content.responsible().map(|person| self.fact("responsible", person.name.as_str())));
        LetterSection { heading: String::new(), blocks: vec![Block::Facts(facts)] }
    }

    /// What was applied for: how many variables of each source, and the places that a change touches.
    fn applied(&self) -> LetterSection {
        let content = self.source.content;
        let order = content.order();
        let count = |source: &str| order.items.iter().filter(|item| item.source == source).count();
        let line = |source: &&str| {
            let name = content.source_name(source);
            (name.text(self.language).to_owned(), format!("{} {}", count(source), self.t("applied.variables")))
        };
        let mut facts: Vec<(String, String)> = order.sources().iter().map(line).collect();
        if let Some((from, to)) = content.access_period() {
            facts.push(self.fact("valid", self.span(from, to)));
        }
        let mut blocks = vec![Block::Facts(facts)];
        if !self.source.ops.is_empty() {
            blocks.push(Block::Text(format!("{}:", self.t("applied.changes"))));
            blocks.push(Block::List(self.source.ops.iter().map(|op| self.op(op.op, &op.path)).collect()));
        }
        self.section("applied", blocks)
    }

    /// An operation in words: what, and of which variable or collection.
    fn op(&self, op: OpKind, path: &str) -> String {
        let name = self.t(&format!("op.{}", op.slug()));
        match path.rsplit_once('/') {
            // Persons stand in the list of persons, by name.
            Some(("persons", _)) => name.to_owned(),
            Some((_, place)) => match self.label(place) {
                "" => format!("{name}: {place}"),
                label => format!("{name}: {label} ({place})"),
            },
            None => name.to_owned(),
        }
    }

    /// Why a decision takes the place of an earlier one.
    fn replaced(&self) -> Option<LetterSection> {
        let reason = self.source.replaces?;
        Some(self.section("version.reason", vec![Block::Text(reason.to_owned())]))
    }

    /// What is decided on the operations of a change that no source stands for.
    fn changes(&self) -> Option<LetterSection> {
        let changes = &self.source.decision.changes;
        if changes.is_empty() {
            return None;
        }
        let fact = |change: &ChangePart| {
            let outcome = self.t(if change.granted { "change.granted" } else { "change.refused" });
            (self.op(change.op, &change.path), format!("{outcome}. {}", change.reason))
        };
        Some(self.section("changes", vec![Block::Facts(changes.iter().map(fact).collect())]))
    }

    fn decided(&self) -> LetterSection {
        let key = match self.source.decision.outcome {
            Outcome::Granted => "outcome.granted",
            Outcome::GrantedInPart => "outcome.granted_in_part",
            Outcome::Refused => "outcome.refused",
            Outcome::StatisticsInstead => "outcome.statistics_instead",
            Outcome::NotCompleted => "outcome.not_completed",
        };
        self.section("decided", vec![Block::Text(self.t(key).to_owned())])
    }

    fn parts(&self) -> LetterSection {
        let content = self.source.content;
        let mut blocks = Vec::new();
        for part in &self.source.decision.parts {
            let outcome = match part.outcome {
                SourceOutcome::Granted => "part.granted",
                SourceOutcome::GrantedInPart => "part.granted_in_part",
                SourceOutcome::Refused => "part.refused",
                SourceOutcome::StatisticsInstead => "part.statistics_instead",
                SourceOutcome::NotCompleted => "part.not_completed",
            };
            let name = content.source_name(&part.source);
            blocks.push(Block::Subheading(format!("{}: {}", name.text(self.language), self.t(outcome))));
            blocks.push(Block::Facts(vec![self.fact("reason", part.reason.as_str())]));
            for collection in part.collections.iter().filter(|c| !c.variables.is_empty()) {
                let (from, to) = collection.period;
                blocks.push(Block::Facts(vec![
                    self.fact("period", format!("{} ({})", self.span(from, to), collection.collection)),
                ]));
                let item = |v: &protocol::documents::PermitVariable| {
                    let level = self.option("cart.items[].granularity", &v.granularity);
                    format!("{} ({}): {}", self.label(&v.id), v.id, level.to_lowercase())
                };
                blocks.push(Block::List(collection.variables.iter().map(item).collect()));
            }
            if !part.removed.is_empty() {
                let item = |removed: &crate::model::Removed| {
                    let reason = self.t(&format!("removal.{}", removed.reason));
                    let more = if removed.text.is_empty() { String::new() } else { format!(". {}", removed.text) };
                    format!("{} ({}): {reason}{more}", self.label(&removed.id), removed.id)
                };
                blocks.push(Block::Text(format!("{}:", self.t("not_granted"))));
                blocks.push(Block::List(part.removed.iter().map(item).collect()));
            }
        }
        self.section("parts", blocks)
    }

    fn label(&self, variable: &str) -> &str {
        let item = self.source.content.items.iter().find(|item| item.order.variable == variable);
        item.map_or("", |item| item.label.text(self.language))
    }

    fn purpose(&self) -> LetterSection {
        let content = self.source.content;
        let purposes: Vec<String> =
            content.texts("pub.purposes").into_iter().map(|id| self.option("pub.purposes", id)).collect();
        let mut facts = vec![
            self.fact("purpose", purposes.join(", ")),
            self.fact("why", content.text("use.why")),
            self.fact("format", self.option("use.format", content.text("use.format"))),
        ];
        if !content.text("use.why_pseudo").is_empty() {
            facts.push(self.fact("reason", content.text("use.why_pseudo")));
        }
        self.section("purpose", vec![Block::Facts(facts)])
    }

    fn population(&self) -> LetterSection {
        let content = self.source.content;
        let mut blocks = match content.text("pop.criteria") {
            "" => vec![Block::Text(self.t("population.whole").to_owned())],
            expression => {
                vec![Block::Text(content.text("pop.criteria_text").to_owned()), Block::Text(expression.to_owned())]
            }
        };
        let most = self.source.permit.map(|permit| permit.population.max_persons);
        blocks.extend(
            most.map(|n| {
                Block::Facts(vec![self.fact("population.max", grouped(i64::try_from(n).unwrap_or(i64::MAX)))])
            }),
        );
        self.section("population", blocks)
    }

    fn access(&self, permit: &Permit) -> LetterSection {
        let room = self.source.room_name.text(self.language);
        let room = if room.is_empty() { permit.room.id.as_str() } else { room };
        let facts = vec![
            self.fact("valid", self.span(permit.valid_from, permit.valid_to)),
            self.fact("delete", self.date(permit.delete_by)),
            self.fact("room", room),
            self.fact("tools", permit.room.tools.join(", ")),
            self.fact("linkage", self.t("linkage.text")),
            self.fact("optout", self.t("optout.text")),
        ];
        self.section("access", vec![Block::Facts(facts)])
    }

    fn conditions(&self) -> LetterSection {
        let content = self.source.content;
        let items: Vec<String> = content
            .form()
            .field("proc.conf")
            .map(|field| field.options.iter().map(|(_, text)| text.text(self.language).to_owned()).collect())
            .unwrap_or_default();
        let typed = self.source.decision.conditions.iter().map(|condition| self.condition(condition));
        self.section("conditions", vec![Block::List(items.into_iter().chain(typed).collect())])
    }

    /// A typed condition in words.
    fn condition(&self, condition: &Condition) -> String {
        let name = self.t(&format!("condition.{}", condition.kind));
        let text = |field: &str| condition.fields.get(field).and_then(|v| v.as_str()).unwrap_or_default();
        match condition.kind.as_str() {
            "min_granularity" => {
                let (variable, level) = (text("variable"), self.option("cart.items[].granularity", text("value")));
                format!("{name} {} ({variable}): {}", self.label(variable), level.to_lowercase())
            }
            "report" => match text("every").strip_prefix('P').and_then(|months| months.strip_suffix('M')) {
                Some(n) => format!("{name} {}", self.t("every").replace("{n}", n)),
                None => format!("{name} {}", text("every")),
            },
            _ => {
                let plain = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
                let values: Vec<String> = condition.fields.values().map(plain).collect();
                format!("{name} {}", values.join(", "))
            }
        }
    }

    fn persons(&self) -> LetterSection {
        let person = |p: &crate::content::ContentPerson| match p.role.as_str() {
            "" => p.name.clone(),
            role => format!("{}, {role}", p.name),
        };
        self.section("persons", vec![Block::List(self.source.content.persons.iter().map(person).collect())])
    }

    fn criteria(&self) -> LetterSection {
        let mut facts = Vec::new();
        for criterion in rules::criteria(&self.source.content.profile) {
            let Some(assessment) = self.source.assessments.get(&criterion.id) else { continue };
            let name = format!("{} {}", criterion.id, criterion.title.text(self.language));
            facts.push((name, self.assessed(assessment)));
        }
        self.section("criteria", vec![Block::Facts(facts)])
    }

    /// An assessment in words.
    fn assessed(&self, assessment: &Assessment) -> String {
        let outcome = match assessment.outcome {
            CriterionOutcome::Met => "criterion.met",
            CriterionOutcome::MetWithCondition => "criterion.met_with_condition",
            CriterionOutcome::NotMet => "criterion.not_met",
            CriterionOutcome::NotApplicable => "criterion.not_applicable",
        };
        format!("{}. {}", capital(self.t(outcome)), assessment.reason)
    }

    fn paragraph(&self) -> Option<LetterSection> {
        let text = self.source.decision.paragraph.clone()?;
        Some(self.section("paragraph", vec![Block::Text(text)]))
    }

    fn fee(&self, fee: &FeeEstimate) -> LetterSection {
        let line = |line: &crate::fees::FeeLine| {
            let name = match line.kind {
                FeeKind::Base => self.t("fee.base").to_owned(),
                FeeKind::Case => self.t("fee.case").to_owned(),
                FeeKind::Preparation => self.t("fee.preparation").to_owned(),
                FeeKind::Source => {
                    let source = line.source.as_deref().unwrap_or_default();
                    format!("{}: {}", self.t("fee.source"), self.source.content.source_name(source).text(self.language))
                }
            };
            (name, self.kroner(line.amount_ore))
        };
        let mut facts: Vec<(String, String)> = fee.lines.iter().map(line).collect();
        facts.push(self.fact("fee.expected", self.kroner(fee.expected_ore)));
        facts.push(self.fact("fee.max", self.kroner(fee.max_ore)));
        self.section("fee", vec![Block::Facts(facts), Block::Text(self.t("fee.terms").to_owned())])
    }
}

fn grouped(n: i64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_three() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(65_000), "65 000");
        assert_eq!(grouped(1_234_567), "1 234 567");
        assert_eq!(capital("oppfylt"), "Oppfylt");
    }
}
