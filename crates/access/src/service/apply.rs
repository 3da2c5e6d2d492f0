//! Applying: a draft from the cart, working on it, checking it.

use std::collections::BTreeMap;

use audit::{Entry, Object, Purpose};
use identity::Actor;
use kernel::criteria::Criteria;
use kernel::{FieldError, Id, Problem};
use serde_json::{Map, Value, json};
use store::Tx;

use super::told::Told;
use super::written::{Given, LOCKED, Written};
use super::{Access, CREATE, Who, audit_actor, holds_identity_number, is_written};
use crate::change::{self, Op, OpKind};
use crate::content::Content;
use crate::error::AccessError;
use crate::form::{
    self, Decides, DraftContent, Environment, Form, LiveEstimate, Outside as _, Report, VariableFacts, check,
};
use crate::model::{CartItem, Case, CaseId, ChangeLink, Command, Event, Recorded, evolve};
use crate::permissions::CaseRole;
use crate::rules::PROFILE_NO;
use crate::sql;
use crate::views::{CartLine, Done, DraftView, FieldView, SectionView, request};

/// The largest value of one field, as JSON.
const MAX_VALUE: usize = 100_000;

impl Access {
    /// Begins a draft with the variables of the cart. Every actor may; what is written so far is filled in.
    ///
    /// # Errors
    /// More than 500 variables; the catalogue or the database does not answer.
    pub async fn create(&self, actor: &Actor, cart: Vec<CartItem>) -> Result<CaseId, Problem> {
        self.create_of(actor, form::PERSON_LEVEL, cart).await
    }

    /// As [`Access::create`], in the form of person-level data or of statistics. A change begins at its permit and an
    /// appeal at its decision.
    ///
    /// # Errors
    /// As [`Access::create`]; another form.
    pub async fn create_of(&self, actor: &Actor, form: &str, cart: Vec<CartItem>) -> Result<CaseId, Problem> {
        if ![form::PERSON_LEVEL, form::STATISTICS].contains(&form) {
            let message = format!("{} or {} expected", form::PERSON_LEVEL, form::STATISTICS);
            return Err(Problem::invalid("form", "unknown_form", message));
        }
        check_cart(&cart)?;
        let facts = self.facts(cart.iter().map(|item| item.variable_id.clone()).collect()).await?;
        let form = self.form_today(form);
        let mut fields = first_values(form, &facts, self.zone.clock.today());
        fields.extend(self.of_login(actor, form));
        let content = DraftContent { fields, cart };
        self.begin(actor, form, content).await
    }

    /// Begins a draft of a form with a content.
    pub(super) async fn begin(&self, actor: &Actor, form: &Form, content: DraftContent) -> Result<CaseId, Problem> {
        let id: CaseId = self.zone.id();
        let account = actor.account.to_string();
        let created: Result<(), AccessError> = self
            .zone
            .store
            .tx("access.create", async |tx: &mut Tx| {
                let now = self.zone.now();
                let event = Event::Created { form: form.id.clone(), profile: PROFILE_NO.to_owned() };
                let recorded = Recorded { seq: 1, at: now, actor: account.clone(), on_behalf_of: None, event };
                let case = evolve(None, &recorded).map_err(|e| AccessError::Damaged(e.to_string()))?;
                let title = title_of(&content.fields);
                let mut loaded = sql::Loaded {
                    id,
                    version: 1,
                    head: String::new(),
                    title,
                    updated_at: now,
                    case,
                    stored: Vec::new(),
                };
                let role = CaseRole::Applicant.slug();
                loaded.head = sql::chain(id, &recorded, role, "")?;
                sql::put_case(tx, &mut loaded, now).await?;
                sql::put_event(tx, id, &recorded, role, "").await?;
                sql::put_draft(tx, &self.zone, id, &content, now).await?;
                let by = audit_actor(actor, Some(CaseRole::Applicant));
                let entry = Entry::new(&CREATE, by, Object::new("case", id)).purpose(Purpose::Case);
                self.zone.log.record(tx, entry).await?;
                Ok(())
            })
            .await;
        created.map_err(Problem::from)?;
        Ok(id)
    }

    /// The draft, or the fields asked about, with everything that the form needs.
    ///
    /// # Errors
    /// Not found, forbidden, or the case is not being written.
    pub async fn draft(&self, actor: &Actor, id: CaseId) -> Result<DraftView, Problem> {
        let (loaded, _, roles) = self.seen(actor, id).await?;
        let written = is_written(loaded.case.name()) && roles.contains(&CaseRole::Applicant);
        if !written {
            return Err(Problem::conflict("wrong_state", "the application has been handed in; look at the case"));
        }
        let (content, saved_at) = self.draft_content(&loaded).await?;
        let facts = self.facts(named(&content)).await?;
        let form = self.form_of(&loaded).await?;
        let told = self.read_told(&loaded, &content, &facts).await?;
        let setting = self.setting_now(&loaded).await?;
        let persons = self.persons_of(form, &setting, &content, &facts, &told);
        let written = self.written(form, &setting, content, &facts, &told);
        let sections = self.sections(&written, &facts, &loaded.case, true);
        let Written { content, report, ops, .. } = written;
        let price = self.priced(form, &content, &facts, ops.as_deref());
        let line = |item: &CartItem| {
            let facts = facts.get(&item.variable_id);
            CartLine {
                item: item.clone(),
                label: facts.map(|f| f.label.clone()).unwrap_or_default(),
                source: facts.map(|f| f.source.clone()).unwrap_or_default(),
                source_name: facts.map(|f| f.source_name.clone()).unwrap_or_default(),
                collection: facts.map(|f| f.collection.clone()).unwrap_or_default(),
                granularities: facts.map(|f| f.granularities.clone()).unwrap_or_default(),
                sensitive: facts.is_some_and(|f| f.sensitive || f.free_text),
            }
        };
        let cart: Vec<CartLine> = content.cart.iter().map(line).collect();
        let mut collections: Vec<String> =
            cart.iter().map(|l| l.collection.clone()).filter(|c| !c.is_empty()).collect();
        collections.sort();
        collections.dedup();
        Ok(DraftView {
            id,
            version: loaded.version,
            state: loaded.case.name(),
            saved_at,
            sections,
            fee: price.as_ref().map(|price| price.expected.clone()),
            price,
            cart,
            collections,
            complete: report.blocks().is_empty(),
            faults: report.faults,
            form: form_shown(&loaded.case),
            ops,
            persons,
            request: request(&loaded.case),
            cohort: told.counted(),
        })
    }

    /// Keeps what was written: values by field id, null clears a field, fields left out stay. In a draft any field, while
    /// information is asked for the fields asked about.
    ///
    /// # Errors
    /// Not found, forbidden, unknown fields; wrong values are kept and named by the check.
    pub async fn save(&self, actor: &Actor, id: CaseId, mut fields: Map<String, Value>) -> Result<Done, Problem> {
        let (form, flagged) = self.written_in(id).await?;
        check_fields(&fields)?;
        if self.looks_up_organisations() && !flagged && fields.contains_key("app.orgnr") {
            let (loaded, ..) = self.seen(actor, id).await?;
            let (before, _) = self.draft_content(&loaded).await?;
            self.look_up(form, &before.fields, &mut fields);
        }
        let command = if flagged { Command::SaveFlaggedFields { fields } } else { Command::SaveDraft { fields } };
        self.run(Who::Person(actor), id, command, None, None).await
    }

    /// As [`Access::save`], with the pairs of an HTML form.
    ///
    /// # Errors
    /// As [`Access::save`].
    pub async fn save_form(&self, actor: &Actor, id: CaseId, pairs: &[(String, String)]) -> Result<Done, Problem> {
        let (form, _) = self.written_in(id).await?;
        self.save(actor, id, form::from_pairs(form, pairs)).await
    }

    /// Sets the variables of the draft.
    ///
    /// # Errors
    /// Not found, forbidden, more than 500 variables.
    pub async fn save_cart(&self, actor: &Actor, id: CaseId, items: Vec<CartItem>) -> Result<Done, Problem> {
        self.run(Who::Person(actor), id, Command::EditCart { items }, None, None).await
    }

    /// Everything that the automatic check finds in the draft.
    ///
    /// # Errors
    /// As [`Access::draft`].
    pub async fn check(&self, actor: &Actor, id: CaseId) -> Result<Report, Problem> {
        let (loaded, _, _) = self.seen(actor, id).await?;
        let (content, _) = self.draft_content(&loaded).await?;
        let facts = self.facts(named(&content)).await?;
        let told = self.read_told(&loaded, &content, &facts).await?;
        let (form, setting) = (self.form_of(&loaded).await?, self.setting_now(&loaded).await?);
        Ok(self.written(form, &setting, content, &facts, &told).report)
    }

    async fn read_told(
        &self,
        loaded: &sql::Loaded,
        content: &DraftContent,
        facts: &BTreeMap<String, VariableFacts>,
    ) -> Result<Told, AccessError> {
        self.zone.store.read("access.told", async |tx: &mut Tx| self.told(tx, loaded, content, facts).await).await
    }

    /// What an application will cost; of a change only what it asks the sources for.
    fn priced(
        &self,
        form: &Form,
        content: &DraftContent,
        facts: &BTreeMap<String, VariableFacts>,
        ops: Option<&[Op]>,
    ) -> Option<LiveEstimate> {
        let Some(ops) = ops else { return form::estimate(&form.id, content, facts) };
        let adds = |item: &&CartItem| {
            let source = facts.get(&item.variable_id).map(|facts| facts.source.as_str());
            ops.iter().filter(|op| !op.notification).any(|op| match op.op {
                OpKind::AddSource => op.source() == source,
                OpKind::AddVariable | OpKind::ChangeGranularity => {
                    op.path.rsplit('/').next() == Some(item.variable_id.as_str())
                }
                _ => false,
            })
        };
        let cart: Vec<CartItem> = content.cart.iter().filter(adds).cloned().collect();
        let asked = DraftContent { fields: content.fields.clone(), cart };
        if asked.cart.is_empty() { None } else { form::estimate(&form.id, &asked, facts) }
    }

    /// The form that a case is written in, and whether information is asked for.
    pub(crate) async fn written_in(&self, id: CaseId) -> Result<(&'static Form, bool), Problem> {
        let found = self.zone.store.read("access.case", async |tx: &mut Tx| sql::case(tx, id).await).await;
        let loaded = found.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("case"))?;
        Ok((self.form_of(&loaded).await?, matches!(loaded.case, Case::AwaitingInfo(_))))
    }

    /// The version of a form in force today.
    pub(super) fn form_today(&self, id: &str) -> &'static Form {
        form::form_on(id, self.zone.clock.today()).unwrap_or_else(form::short_form)
    }

    /// The form of a case: that of its last revision, else the one in force today (ACC-005).
    pub(super) fn form_in_force(&self, case: &Case, revision: Option<&Content>) -> &'static Form {
        // A change edits a copy of an application: the form is that of the copy.
        let edited = |link: &ChangeLink| change::form::form_of(&link.form, &link.form_version);
        if let Some(form) = super::change::change_link(case).and_then(edited) {
            return form;
        }
        let id = match case {
            Case::Draft(draft) | Case::Lapsed(draft) => draft.form.as_str(),
            other => other.dossier().map_or(form::PERSON_LEVEL, |dossier| &dossier.form),
        };
        revision.map_or_else(|| self.form_today(id), Content::form)
    }

    pub(super) async fn form_of(&self, loaded: &sql::Loaded) -> Result<&'static Form, AccessError> {
        let revision = match loaded.case.dossier().map(|dossier| dossier.revision) {
            Some(n) => {
                let id = loaded.id;
                let read = async |tx: &mut Tx| sql::revision(tx, &self.zone, id, n).await;
                self.zone.store.read("access.revision", read).await?
            }
            None => None,
        };
        Ok(self.form_in_force(&loaded.case, revision.as_ref()))
    }

    pub(super) async fn draft_content(
        &self,
        loaded: &sql::Loaded,
    ) -> Result<(DraftContent, kernel::Timestamp), AccessError> {
        let id = loaded.id;
        let draft =
            self.zone.store.read("access.draft", async |tx: &mut Tx| sql::draft(tx, &self.zone, id).await).await?;
        draft.ok_or_else(|| {
            Problem::conflict("wrong_state", "the application has been handed in; look at the case").into()
        })
    }

    pub(super) fn report(
        &self,
        form: &Form,
        content: &DraftContent,
        facts: &BTreeMap<String, VariableFacts>,
        given: &Given,
        told: &Told,
    ) -> Report {
        let rooms = self.room_ids();
        check(form, content, &self.environment(facts, &rooms, given, told))
    }

    pub(super) fn environment<'a>(
        &'a self,
        variables: &'a BTreeMap<String, VariableFacts>,
        rooms: &'a [String],
        given: &'a Given,
        told: &'a Told,
    ) -> Environment<'a> {
        Environment {
            today: self.zone.clock.today(),
            profile: PROFILE_NO,
            rooms,
            variables,
            holds_identity_number: &holds_identity_number,
            near: self.near.as_ref(),
            given,
            outside: told,
        }
    }

    /// The form with values, faults and comments.
    pub(super) fn sections(
        &self,
        written: &Written,
        facts: &BTreeMap<String, VariableFacts>,
        case: &Case,
        editing: bool,
    ) -> Vec<SectionView> {
        let Written { form, content, report, given, options, .. } = written;
        let rooms = self.room_ids();
        let told = self.told_nothing();
        let env = self.environment(facts, &rooms, given, &told);
        let comments = case.dossier().map(|d| d.comments.as_slice()).unwrap_or_default();
        let field_view = |field: &form::Field| {
            let mut shown = field.clone();
            if field.id == "proc.room" {
                shown.options = self.settings.rooms.iter().map(|room| (room.id.clone(), room.name.clone())).collect();
            }
            if let Some(options) = options.get(field.id.as_str()) {
                shown.options.clone_from(options);
            }
            let asked = match case {
                Case::AwaitingInfo(waiting) => waiting.fields.contains(&field.id),
                _ => !LOCKED.contains(&field.id.as_str()),
            };
            let prefix = format!("{}.", field.id);
            let own = |place: &str| place == field.id || place.starts_with(&prefix);
            FieldView {
                visible: form::is_visible(form, content, &env, field),
                editable: editing && asked,
                value: content
                    .fields
                    .get(&field.id)
                    .cloned()
                    .unwrap_or_else(|| self.computed(&field.id, content, facts)),
                faults: report.faults.iter().filter(|fault| own(&fault.field)).cloned().collect(),
                comments: comments.iter().filter(|comment| comment.field == field.id).cloned().collect(),
                field: shown,
            }
        };
        let section = |section: &form::Section| {
            let fields: Vec<FieldView> =
                section.fields.iter().filter(|field| !field.id.contains("[]")).map(field_view).collect();
            let stops = |f: &form::Fault| f.level == form::Level::Block;
            SectionView {
                id: section.id.clone(),
                title: section.title.clone(),
                intro: section.intro.clone(),
                complete: !fields.iter().any(|field| field.faults.iter().any(stops)),
                fields,
            }
        };
        form.sections.iter().map(section).collect()
    }

    /// The value of a field that follows from the others, as far as this service has it.
    fn computed(&self, id: &str, content: &DraftContent, facts: &BTreeMap<String, VariableFacts>) -> Value {
        match id {
            "cart.bodies" => {
                let in_cart = content.cart.iter().filter_map(|item| facts.get(&item.variable_id));
                let bodies = in_cart.filter_map(|facts| {
                    let body = facts.decision_body.as_deref()?;
                    let forwarded = matches!(self.decides(facts)?.1, Decides::Other(_));
                    Some((facts.source.clone(), json!({"source": facts.source, "body": body, "forwarded": forwarded})))
                });
                let bodies: BTreeMap<String, Value> = bodies.collect();
                if bodies.is_empty() { Value::Null } else { bodies.into_values().collect() }
            }
            "tab.cells" => {
                let found = form::cells(content, facts);
                json!({"cells": found.cells, "unknown": found.unknown})
            }
            _ => Value::Null,
        }
    }

    /// An id for a person of an application.
    pub(super) fn person_id(&self) -> String {
        let mut bytes = [0u8; 8];
        self.zone.random.fill(&mut bytes);
        format!("person:{}", hex::encode(bytes))
    }

    /// A command id for what has none of its own (autosave).
    pub(crate) fn own_command_id(&self) -> String {
        self.zone.id::<crate::model::CaseKind>().to_string()
    }
}

/// The catalogue ids that a draft names: in the cart and in the population.
pub(super) fn named(content: &DraftContent) -> Vec<String> {
    let mut ids: Vec<String> = content.cart.iter().map(|item| item.variable_id.clone()).collect();
    if let Some(criteria) = content.fields.get("pop.criteria").and_then(Value::as_str)
        && let Ok(criteria) = Criteria::parse(criteria)
    {
        ids.extend(criteria.variables().into_iter().map(str::to_owned));
    }
    ids.sort();
    ids.dedup();
    ids
}

/// Writes the values of a patch over a draft.
pub(super) fn patch(content: &mut DraftContent, fields: &Map<String, Value>) {
    for (id, value) in fields {
        if value.is_null() {
            content.fields.remove(id);
        } else {
            content.fields.insert(id.clone(), value.clone());
        }
    }
}

/// The title of the project; an appeal goes by the number of its decision.
pub(super) fn title_of(fields: &Map<String, Value>) -> String {
    let text = |field: &str| fields.get(field).and_then(Value::as_str).map(|text| text.trim().to_owned());
    text("pub.title").or_else(|| text("kla.decision")).unwrap_or_default()
}

/// The form that the applicant fills in: a change is one of its own, though it edits a copy of an application.
fn form_shown(case: &Case) -> String {
    match (case, super::change::change_link(case)) {
        (_, Some(_)) => form::CHANGE.to_owned(),
        (Case::Draft(draft), None) => draft.form.clone(),
        (other, None) => other.dossier().map_or(form::PERSON_LEVEL, |dossier| &dossier.form).to_owned(),
    }
}

pub(super) fn check_cart(items: &[CartItem]) -> Result<(), Problem> {
    const MAX_ITEMS: usize = 500;
    const MAX_NECESSITY: usize = 2_000;
    if items.len() > MAX_ITEMS {
        return Err(Problem::invalid("cart.items", "count", format!("at most {MAX_ITEMS} variables")));
    }
    match items.iter().find(|item| item.necessity.len() > MAX_NECESSITY || item.variable_id.len() > 200) {
        Some(item) => {
            Err(Problem::invalid(format!("cart.items.{}", item.variable_id), "length", "the text is too long"))
        }
        None => Ok(()),
    }
}

/// Whether forms have these fields, to write in; which of them this case's form has, the check of the draft says.
pub(super) fn check_fields(fields: &Map<String, Value>) -> Result<(), Problem> {
    let mut faults = Vec::new();
    for (id, value) in fields {
        let mut known = form::forms().iter().filter_map(|form| form.field(id));
        let writable = known.any(|field| field.kind.is_written() && !id.contains("[]"));
        if !writable {
            faults.push(FieldError::new(id, "unknown_field", "the form has no such field to write"));
        } else if value.to_string().len() > MAX_VALUE {
            faults.push(FieldError::new(id, "length", "the value is too long"));
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::Invalid { fields: faults }) }
}

/// What a new draft begins with: the usual answers that the applicant can change, the whole of the time for which the
/// collections have data, and three years of access from today.
fn first_values(form: &Form, facts: &BTreeMap<String, VariableFacts>, today: kernel::Date) -> Map<String, Value> {
    let usual = form.fields().filter_map(|field| Some((field.id.clone(), field.default.clone()?)));
    let mut fields: Map<String, Value> = usual.collect();
    let mut periods = Map::new();
    for variable in facts.values() {
        if let Some((from, to)) = variable.validity.and_then(|v| Some((v.from, v.to?))) {
            periods.entry(variable.collection.clone()).or_insert_with(|| json!({"from": from, "to": to}));
        }
    }
    if !periods.is_empty() {
        fields.insert("cart.periods".into(), Value::Object(periods));
    }
    const THREE_YEARS: i32 = 3 * 365;
    let end = today.plus_days(THREE_YEARS);
    let dates = [
        ("proc.period", json!({"from": today, "to": end})),
        ("no.project_end", json!(end)),
        ("no.delete_date", json!(end)),
    ];
    fields.extend(dates.into_iter().filter(|(id, _)| form.field(id).is_some()).map(|(id, v)| (id.to_owned(), v)));
    fields
}

/// A command id: a ULID or UUID that the caller made.
pub(super) fn check_command_id(id: &str) -> Result<(), Problem> {
    let uuid = id.len() == 36 && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if uuid || id.parse::<Id<crate::model::CaseKind>>().is_ok() {
        return Ok(());
    }
    Err(Problem::invalid("command_id", "form", "a ULID (26 characters) or UUID (36 characters) expected"))
}
