//! A draft made ready to be checked and shown: what its permit or its decision adds to what stands in it. Of an
//! application nothing; of a change the operations and what is changed at all; of an appeal the parts of the decision and
//! whether it is late.

use std::collections::BTreeMap;

use kernel::{Date, LangMap};
use protocol::documents::Permit;
use serde_json::{Map, Value, json};
use store::Tx;

use super::Access;
use super::change::change_link;
use super::told::Told;
use crate::appeal::{self, CONDITIONS};
use crate::change::{self, Op};
use crate::content::Content;
use crate::error::AccessError;
use crate::form::{self, DraftContent, Fault, Form, Level, Report, VariableFacts};
use crate::model::Case;
use crate::sql;

/// What a draft is about besides itself.
pub(super) enum Setting {
    /// An application.
    Own,
    /// A change of a permit.
    Change {
        /// What is in force under it.
        base: Box<Content>,
        /// The version in force.
        permit: Box<Permit>,
    },
    /// An appeal against a decision.
    Appeal {
        /// The parts of the decision with their names.
        parts: Vec<(String, LangMap)>,
        /// Whether the time for it is over.
        late: bool,
    },
}

/// A draft with everything that its form asks for.
pub(super) struct Written {
    pub form: &'static Form,
    pub content: DraftContent,
    pub report: Report,
    pub given: Given,
    /// Options of fields that the case gives.
    pub options: BTreeMap<&'static str, Vec<(String, LangMap)>>,
    /// What a change comes to; none for other drafts.
    pub ops: Option<Vec<Op>>,
}

impl Written {
    /// A content as it was handed in: nothing is checked any more.
    pub fn shown(form: &'static Form, content: DraftContent) -> Self {
        let (report, given, options) = (Report::default(), Given::new(), BTreeMap::new());
        Self { form, content, report, given, options, ops: None }
    }
}

/// Facts that the process gives to conditions.
pub(super) type Given = BTreeMap<String, Value>;

/// Fields that the system fills in for good.
pub(super) const LOCKED: [&str; 2] = ["chg.permit", "kla.decision"];

impl Setting {
    fn given(&self) -> Given {
        match self {
            Setting::Own => Given::new(),
            Setting::Change { base, permit } => [
                ("permit.extended", json!(permit.extension_used)),
                ("permit.valid_to", json!(permit.valid_to)),
                ("permit.issued", json!(permit.issued_at.date_in_oslo())),
                ("permit.rek", json!(base.fields.get("no.rek").is_some_and(|rek| rek["status"] == "approved"))),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .into(),
            Setting::Appeal { late, .. } => [("late".to_owned(), json!(late))].into(),
        }
    }
}

impl Access {
    /// What a draft is about, as it stands now.
    pub(super) async fn setting(&self, tx: &mut Tx, loaded: &sql::Loaded) -> Result<Setting, AccessError> {
        if let Some(link) = change_link(&loaded.case) {
            let Some(base) = self.seen_in_force(tx, &link.series).await? else {
                return Err(AccessError::Damaged(format!("case {} changes no permit", loaded.id)));
            };
            return Ok(Setting::Change { base: Box::new(base.content), permit: Box::new(base.permit) });
        }
        let Case::Draft(draft) = &loaded.case else { return Ok(Setting::Own) };
        if draft.form != form::APPEAL {
            return Ok(Setting::Own);
        }
        let content = sql::draft(tx, &self.zone, loaded.id).await?.map(|(content, _)| content).unwrap_or_default();
        let Some((case, _)) = self.appealed_case(tx, &content).await? else {
            return Ok(Setting::Appeal { parts: Vec::new(), late: false });
        };
        let Some(decided) = case.case.decided() else {
            return Ok(Setting::Appeal { parts: Vec::new(), late: false });
        };
        let revision = sql::revision(tx, &self.zone, case.id, decided.dossier.revision).await?;
        let name = |source: &str| revision.as_ref().map(|content| content.source_name(source)).unwrap_or_default();
        let mut parts: Vec<(String, LangMap)> =
            decided.decision.parts.iter().map(|part| (part.source.clone(), name(&part.source))).collect();
        parts.push((CONDITIONS.to_owned(), crate::letter::words("conditions")));
        let notice = decided.after.notified_at.unwrap_or(decided.issued_at).date_in_oslo();
        Ok(Setting::Appeal { parts, late: self.zone.clock.today() > appeal::limit(notice) })
    }

    /// As [`Access::setting`], in a transaction of its own.
    pub(super) async fn setting_now(&self, loaded: &sql::Loaded) -> Result<Setting, AccessError> {
        self.zone.store.read("access.setting", async |tx: &mut Tx| self.setting(tx, loaded).await).await
    }

    /// The case that the draft of an appeal is about, with the number of its decision.
    pub(super) async fn appealed_case(
        &self,
        tx: &mut Tx,
        draft: &DraftContent,
    ) -> Result<Option<(sql::Loaded, String)>, AccessError> {
        let decision = draft.fields.get("kla.decision").and_then(Value::as_str).unwrap_or_default();
        let number = decision.split('/').next().unwrap_or_default();
        Ok(sql::case_by_number(tx, number).await?.map(|loaded| (loaded, decision.to_owned())))
    }

    /// The draft with what follows from its setting, checked.
    pub(super) fn written(
        &self,
        form: &'static Form,
        setting: &Setting,
        mut content: DraftContent,
        facts: &BTreeMap<String, VariableFacts>,
        told: &Told,
    ) -> Written {
        let given = setting.given();
        let mut options = BTreeMap::new();
        let mut ops = None;
        match setting {
            Setting::Own => {}
            Setting::Change { base, permit } => {
                let wanted = self.previewed(form, base, &content, facts, &given, told);
                let (_, reasons) = change::form::words(&content.fields);
                let found = change::diff(base, &wanted, &reasons);
                change::form::complete(&mut content.fields, &permit.permit_id, &found);
                ops = Some(found);
            }
            Setting::Appeal { parts, .. } => {
                options.insert("kla.parts", parts.clone());
            }
        }
        let mut report = self.report(form, &content, facts, &given, told);
        if let (Setting::Change { base, .. }, Some(ops)) = (setting, &ops) {
            let wanted = self.previewed(form, base, &content, facts, &given, told);
            report.faults.retain(|fault| is_of_change(&fault.field, &wanted, base));
            if ops.is_empty() && content.fields.get("chg.kind") != Some(&json!("refresh")) {
                report.faults.push(nothing_changed(form));
            }
        }
        Written { form, content, report, given, options, ops }
    }

    /// The content of a change as it would be handed in now. New persons have ids that stand for this look alone.
    fn previewed(
        &self,
        form: &Form,
        base: &Content,
        content: &DraftContent,
        facts: &BTreeMap<String, VariableFacts>,
        given: &Given,
        told: &Told,
    ) -> Content {
        let rooms = self.room_ids();
        let env = self.environment(facts, &rooms, given, told);
        let mut new = 0;
        let mut new_id = || {
            new += 1;
            format!("person:new-{new}")
        };
        Content::freeze(form, content, &env, &base.applicant, &base.persons, &mut new_id)
    }

    /// The names of the persons that operations of a change are about, by id.
    pub(super) fn persons_of(
        &self,
        form: &'static Form,
        setting: &Setting,
        content: &DraftContent,
        facts: &BTreeMap<String, VariableFacts>,
        told: &Told,
    ) -> BTreeMap<String, String> {
        let Setting::Change { base, .. } = setting else { return BTreeMap::new() };
        let wanted = self.previewed(form, base, content, facts, &setting.given(), told);
        let both = base.persons.iter().chain(&wanted.persons);
        both.map(|person| (person.id.clone(), person.name.clone())).collect()
    }
}

/// Whether a fault is about something that the change touches: what the permit has already is not checked again, and its
/// days may have begun; days of a change have rules of their own (ACC-064).
fn is_of_change(field: &str, wanted: &Content, base: &Content) -> bool {
    let changed = wanted.differs_from(base);
    let inside = |outer: &&str| field == *outer || field.strip_prefix(*outer).is_some_and(|rest| rest.starts_with('.'));
    field.starts_with("chg.") || (field != "proc.period" && changed.iter().any(inside))
}

/// A change that changes nothing.
fn nothing_changed(form: &Form) -> Fault {
    Fault {
        field: "chg.ops".into(),
        rule: "required".into(),
        level: Level::Block,
        text: form.rule_text("required"),
        detail: "nothing is changed".into(),
        check: String::new(),
        remedy: LangMap::default(),
        at: None,
    }
}

/// Answers with which the draft of an appeal begins.
pub(super) fn appeal_answers(decision: &str, defaults: impl Iterator<Item = (String, Value)>) -> Map<String, Value> {
    let mut fields: Map<String, Value> = defaults.collect();
    fields.insert("kla.decision".into(), json!(decision));
    fields
}

/// The last day of a permit on which an extension is asked for (ACC-064).
pub(super) fn last_day_to_extend(valid_to: Date) -> Date {
    valid_to.plus_months(-1)
}
