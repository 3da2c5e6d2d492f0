//! The service: insight, uses, choices, own log.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use audit::{Action as Logged, Detail, Entry, Kind, Object, Purpose, Zone};
use catalogue::Catalogue;
use identity::{Action, Actor, Identity, SubjectSealer, authorise};
use kernel::{CryptoError, IdentityNumber, LangMap, Problem, Random};
use protocol::calls::{
    ChoiceEntry, ChoicesList, ChoicesSet, Insight, InsightAnswer, InsightStatus, InsightTokenRequest, LedgerMe,
    OwnRelease, ask,
};
use protocol::documents::{ChoiceKind, ChoiceReceipt};
use protocol::{Base64, CallError, Channel, Directory, Envelope, KeyRole, Party, crypt4gh};
use store::{MaybeBusy, Store, StoreError, Tx};

use crate::model::{Choice, Choices, LogLine, Project, Projects, Receipt, Register, Registers, Use, Uses};
use crate::{receipt, sql};

const INSIGHT: Logged = Logged::new(Kind::Citizen, "citizen.insight", &[]);
const USES: Logged = Logged::new(Kind::Citizen, "citizen.uses", &[]);
const CHOICES: Logged = Logged::new(Kind::Citizen, "citizen.choices", &[]);
const CHOOSE: Logged = Logged::new(
    Kind::Citizen,
    "citizen.choose",
    &[("choice", Detail::Code), ("scope", Detail::Code), ("value", Detail::Bool), ("receipt", Detail::Digest)],
);
const RECEIPT: Logged = Logged::new(Kind::Citizen, "citizen.receipt", &[]);
const OWN_LOG: Logged = Logged::new(Kind::Citizen, "citizen.log", &[]);

/// How long a register may take to answer (CIT-010).
const LIMIT: Duration = Duration::from_secs(10);
/// Most lines of the own log that are shown.
const LINES: u32 = 500;

/// Insight and choices. Cheap to clone.
#[derive(Clone)]
pub struct Citizen {
    zone: Zone,
    channel: Arc<dyn Channel>,
    directory: Arc<Directory>,
    identity: Arc<Identity>,
    catalogue: Arc<Catalogue>,
    projects: Arc<dyn Projects>,
}

/// What a citizen chooses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChoiceRequest {
    /// Kind.
    pub choice: ChoiceKind,
    /// A source, or `all` (the only scope of an opt-out).
    pub scope: String,
    /// `true` = choose, `false` = withdraw.
    pub value: bool,
    /// How it came: `web`, `paper`, `api`.
    pub channel: String,
    /// Version of the text that was shown.
    pub template_version: String,
}

impl Citizen {
    /// The service. `projects` are the public register's words about permits.
    pub fn new(
        zone: Zone,
        channel: Arc<dyn Channel>,
        directory: Arc<Directory>,
        identity: Arc<Identity>,
        catalogue: Arc<Catalogue>,
        projects: Arc<dyn Projects>,
    ) -> Self {
        Self { zone, channel, directory, identity, catalogue, projects }
    }

    /// Brings the tables up to date.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn migrate(store: &Store) -> Result<(), StoreError> {
        store.migrate("citizen", sql::MIGRATIONS).await
    }

    /// Which registers hold data about the person: yes, no, not known; when; never what (CIT-010).
    ///
    /// # Errors
    /// [`Problem::NotFound`] for anyone but the person and those who represent her. A register or zone that does not
    /// answer is a line that says so.
    pub async fn registers(&self, actor: &Actor) -> Result<Registers, Problem> {
        self.allow(actor, "citizen.insight").await?;
        let answer = self.ask_registers(actor).await?;
        self.note(actor, &INSIGHT, "registers", None).await?;
        let model = self.catalogue.model();
        let title = |id: &String| model.collections.get(id).map_or_else(|| name(id), |c| c.title.clone());
        let mut registers: Vec<Register> = Vec::new();
        for source in self.catalogue.sources() {
            let held_here = model.variables.values().any(|v| v.source == source.id && v.dataset.is_some());
            let mut line = Register {
                source: source.id.clone(),
                abbrev: source.abbrev,
                name: source.name,
                holder: source.holder,
                legal_basis: source.legal_basis,
                // A register that this installation does not reach is asked by letter (CIT-011).
                status: if held_here { InsightStatus::None } else { InsightStatus::Manual },
                from: None,
                to: None,
                collections: Vec::new(),
            };
            match &answer {
                Answer::Silent if held_here => line.status = InsightStatus::Unavailable,
                Answer::Silent | Answer::Nobody => {}
                Answer::Said(said) => {
                    for found in said.sources.iter().filter(|s| s.source == source.id) {
                        line.status = worse(line.status, found.status);
                        line.from = earlier(line.from, found.from);
                        line.to = line.to.max(found.to);
                        line.collections.extend(found.collections.iter().map(title));
                    }
                }
            }
            registers.push(line);
        }
        registers.sort_by_key(|r| match r.status {
            InsightStatus::Found => 0,
            InsightStatus::Unavailable => 1,
            InsightStatus::None => 2,
            InsightStatus::NotIdentifiable => 3,
            InsightStatus::Manual => 4,
        });
        let as_of = if let Answer::Said(said) = &answer { Some(said.as_of) } else { None };
        Ok(Registers { on_behalf: actor.on_behalf_of.is_some(), as_of, registers })
    }

    async fn ask_registers(&self, actor: &Actor) -> Result<Answer, Problem> {
        let subject = self.subject(actor).await?;
        let ask_all = async {
            let token = ask(&*self.channel, &Party::Keys, &InsightTokenRequest { subject }).await?.token;
            let Some(token) = token else { return Ok(Answer::Nobody) };
            Ok::<_, CallError>(Answer::Said(ask(&*self.channel, &Party::Data, &Insight { token }).await?))
        };
        match tokio::time::timeout(LIMIT, ask_all).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::warn!(%error, "insight");
                Ok(Answer::Silent)
            }
            Err(_) => Ok(Answer::Silent),
        }
    }

    /// Which projects were given data about the person, newest first (CIT-032).
    ///
    /// # Errors
    /// [`Problem::NotFound`] for anyone but the person and those who represent her; [`Problem::Unavailable`] when the
    /// ledger does not answer.
    pub async fn uses(&self, actor: &Actor) -> Result<Uses, Problem> {
        self.allow(actor, "citizen.insight").await?;
        let subject = self.subject(actor).await?;
        let answer = ask(&*self.channel, &Party::Keys, &LedgerMe { subject }).await?;
        self.note(actor, &USES, "uses", None).await?;
        let on_behalf = actor.on_behalf_of.is_some();
        let model = self.catalogue.model();
        let mut projects: BTreeMap<String, Option<Project>> = BTreeMap::new();
        let mut uses = Vec::new();
        for release in answer.releases {
            let series = release.record.series.clone();
            if !projects.contains_key(&series) {
                let project = self.projects.project(&series).await?;
                projects.insert(series.clone(), project);
            }
            let project = projects.get(&series).cloned().flatten();
            if on_behalf && project.as_ref().is_some_and(|p| p.sensitive_to_proxy) {
                continue;
            }
            uses.push(shown(release, project, &model));
        }
        Ok(Uses { on_behalf, uses })
    }

    /// The person's choices and every receipt.
    ///
    /// # Errors
    /// As [`Citizen::uses`].
    pub async fn choices(&self, actor: &Actor) -> Result<Choices, Problem> {
        self.allow(actor, "citizen.choose").await?;
        let entries = self.list(actor).await?;
        self.note(actor, &CHOICES, "choices", None).await?;
        let sources = self.sources();
        let state = |choice: ChoiceKind, scope: &str, name: LangMap| {
            let newest = entries.iter().rev().find(|e| e.choice == choice && e.scope == scope);
            let active = newest.filter(|e| e.to.is_none());
            let receipt = newest.and_then(|e| {
                let content: Option<ChoiceReceipt> =
                    e.withdrawal_receipt.as_ref().unwrap_or(&e.receipt).read_unverified().ok();
                content.map(|c| c.message_id.to_string())
            });
            Choice {
                choice,
                scope: scope.to_owned(),
                name,
                active: active.is_some(),
                since: active.map(|e| e.from),
                receipt,
            }
        };
        Ok(Choices {
            on_behalf: actor.on_behalf_of.is_some(),
            opt_out: state(ChoiceKind::OptOut, "all", LangMap::default()),
            reservations: sources.iter().map(|(id, n)| state(ChoiceKind::Reservation, id, n.clone())).collect(),
            receipts: self.receipts(&entries, &sources)?,
        })
    }

    /// Chooses or withdraws; gives the receipt. The same choice again gives the same receipt and changes nothing.
    ///
    /// # Errors
    /// [`Problem::Invalid`] for an unknown scope, [`Problem::Conflict`] when there is nothing to withdraw,
    /// [`Problem::Unavailable`] when the key role does not answer: then nothing is in force, and the same request again
    /// goes on where this one ended.
    pub async fn choose(&self, actor: &Actor, request: &ChoiceRequest) -> Result<Receipt, Problem> {
        self.allow(actor, "citizen.choose").await?;
        let sources = self.sources();
        let known = request.scope == "all" || sources.iter().any(|(id, _)| *id == request.scope);
        if !known || (request.choice == ChoiceKind::OptOut && request.scope != "all") {
            return Err(Problem::invalid("scope", "unknown_source", "choose one of the registers, or all"));
        }
        let entries = self.list(actor).await?;
        let newest = entries.iter().rev().find(|e| e.choice == request.choice && e.scope == request.scope);
        match (request.value, newest) {
            (true, Some(e)) if e.to.is_none() => return self.show(&e.receipt, &sources),
            (false, Some(ChoiceEntry { to: Some(_), withdrawal_receipt: Some(receipt), .. })) => {
                return self.show(receipt, &sources);
            }
            (false, None) => return Err(Problem::conflict("not_active", "there is no such choice to withdraw")),
            _ => {}
        }
        let (account, now) = (actor.subject(), self.zone.now());
        let (kind, new) = (request.choice.as_str(), self.zone.id());
        let open = async |tx: &mut Tx| sql::pending(tx, account, kind, &request.scope, request.value, new, now).await;
        let choice_id = self.zone.store.tx::<_, StoreError, _>("citizen pending", open).await?;
        let call = ChoicesSet {
            subject: self.subject(actor).await?,
            choice_id,
            choice: request.choice,
            scope: request.scope.clone(),
            value: request.value,
            channel: request.channel.clone(),
            by: actor.account.to_string(),
            template_version: request.template_version.clone(),
        };
        let envelope = ask(&*self.channel, &Party::Keys, &call).await?.receipt;
        let content = self.open(&envelope)?;
        let same = content.choice_id == choice_id
            && content.choice == request.choice
            && content.scope == request.scope
            && content.value == request.value;
        if !same {
            return Err(Problem::unavailable("the key service"));
        }
        let receipt = receipt::show(&envelope, &content, &sources);
        let entry = self
            .entry(actor, &CHOOSE, Object::new("choice", choice_id))
            .detail("choice", kind)
            .detail("scope", request.scope.clone())
            .detail("value", request.value)
            .detail("receipt", receipt.hash.clone());
        let what = if request.value { "choose" } else { "withdraw" };
        let detail = format!("{kind}:{}", request.scope);
        let (line, by) = (self.line_id(), actor.account);
        let close = async |tx: &mut Tx| -> Result<(), Failure> {
            sql::settled(tx, choice_id).await?;
            sql::log(tx, line, account, by, what, Some(&detail), now).await?;
            Ok(self.zone.log.record(tx, entry).await?)
        };
        self.zone.store.tx("citizen choose", close).await?;
        Ok(receipt)
    }

    /// One receipt of the person, by its number.
    ///
    /// # Errors
    /// [`Problem::NotFound`]; as [`Citizen::uses`].
    pub async fn receipt(&self, actor: &Actor, number: &str) -> Result<Receipt, Problem> {
        self.allow(actor, "citizen.choose").await?;
        let entries = self.list(actor).await?;
        let found = self.receipts(&entries, &self.sources())?.into_iter().find(|r| r.number == number);
        let Some(found) = found else {
            let entry = self.entry(actor, &RECEIPT, Object::new("citizen_page", "receipt"));
            self.zone.log.record_alone(entry.refused("not_found")).await?;
            return Err(Problem::not_found("receipt"));
        };
        self.note(actor, &RECEIPT, "receipt", Some(&found.choice_id)).await?;
        Ok(found)
    }

    /// Who looked at or changed what in the person's name, newest first (CIT-005).
    ///
    /// # Errors
    /// [`Problem::NotFound`] for anyone but the person and those who represent her.
    pub async fn log(&self, actor: &Actor) -> Result<Vec<LogLine>, Problem> {
        self.allow(actor, "citizen.insight").await?;
        self.note(actor, &OWN_LOG, "log", None).await?;
        let subject = actor.subject();
        let read = async |tx: &mut Tx| sql::lines(tx, subject, LINES).await;
        Ok(self.zone.store.read::<_, StoreError, _>("citizen log", read).await?)
    }

    async fn allow(&self, actor: &Actor, action: &'static str) -> Result<(), Problem> {
        let object = identity::Object::new("person", "own").owned_by(actor.subject());
        authorise(&self.zone, actor, Action(action), &object).await
    }

    /// The person's identity number, sealed to the key role; here it is never in clear.
    async fn subject(&self, actor: &Actor) -> Result<Base64, Problem> {
        let key = self.directory.sealing_key(&Party::Keys, KeyRole::Channel);
        let key = key.ok_or_else(|| Problem::unavailable("the key service"))?;
        let sealer = ForKeys { key, random: &*self.zone.random };
        Ok(Base64(self.identity.sealed_subject(actor, &sealer).await?))
    }

    async fn list(&self, actor: &Actor) -> Result<Vec<ChoiceEntry>, Problem> {
        let subject = self.subject(actor).await?;
        Ok(ask(&*self.channel, &Party::Keys, &ChoicesList { subject }).await?.choices)
    }

    fn receipts(&self, entries: &[ChoiceEntry], sources: &[(String, LangMap)]) -> Result<Vec<Receipt>, Problem> {
        let all = entries.iter().flat_map(|e| std::iter::once(&e.receipt).chain(&e.withdrawal_receipt));
        let mut receipts = all.map(|e| self.show(e, sources)).collect::<Result<Vec<_>, _>>()?;
        receipts.sort_by_key(|r| std::cmp::Reverse(r.in_force_from));
        Ok(receipts)
    }

    fn show(&self, envelope: &Envelope, sources: &[(String, LangMap)]) -> Result<Receipt, Problem> {
        Ok(receipt::show(envelope, &self.open(envelope)?, sources))
    }

    /// A receipt that does not verify is none.
    fn open(&self, envelope: &Envelope) -> Result<ChoiceReceipt, Problem> {
        envelope.open(&self.directory).map_err(|error| {
            tracing::error!(%error, "receipt of a choice");
            Problem::unavailable("the key service")
        })
    }

    /// The sources that a choice may be about: those that hold data here.
    fn sources(&self) -> Vec<(String, LangMap)> {
        let model = self.catalogue.model();
        let held = |id: &str| model.variables.values().any(|v| v.source == id && v.dataset.is_some());
        self.catalogue.sources().into_iter().filter(|s| held(&s.id)).map(|s| (s.id, s.name)).collect()
    }

    fn entry(&self, actor: &Actor, action: &Logged, object: Object) -> Entry {
        let entry = Entry::new(action, actor.audit(), object).purpose(Purpose::Insight);
        match actor.on_behalf_of {
            Some(account) => entry.on_behalf_of(account.to_string()),
            None => entry,
        }
    }

    fn line_id(&self) -> String {
        self.zone.id::<protocol::ids::Message>().to_string()
    }

    /// Writes a view into the audit log and into the person's own log, in one transaction.
    async fn note(&self, actor: &Actor, action: &Logged, what: &str, detail: Option<&str>) -> Result<(), Problem> {
        let entry = self.entry(actor, action, Object::new("citizen_page", what));
        let (line, subject, by, now) = (self.line_id(), actor.subject(), actor.account, self.zone.now());
        let write = async |tx: &mut Tx| -> Result<(), Failure> {
            sql::log(tx, line, subject, by, what, detail, now).await?;
            Ok(self.zone.log.record(tx, entry).await?)
        };
        Ok(self.zone.store.tx("citizen view", write).await?)
    }
}

/// What the registers answered.
enum Answer {
    /// Nobody did.
    Silent,
    /// No register here knows the person.
    Nobody,
    /// This.
    Said(InsightAnswer),
}

/// Seals identity numbers to the key role.
struct ForKeys<'a> {
    key: [u8; 32],
    random: &'a dyn Random,
}

impl SubjectSealer for ForKeys<'_> {
    fn seal(&self, number: &IdentityNumber) -> Result<Vec<u8>, CryptoError> {
        let sealed = crypt4gh::seal(number.reveal().as_bytes(), &[self.key], self.random);
        sealed.map_err(|_| CryptoError::Unavailable)
    }
}

/// Errors inside a transaction: kept apart from [`Problem`], so that a transaction that met another runs again.
enum Failure {
    Store(StoreError),
    Audit(audit::AuditError),
}
impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}
impl From<audit::AuditError> for Failure {
    fn from(error: audit::AuditError) -> Self {
        Failure::Audit(error)
    }
}
impl MaybeBusy for Failure {
    fn is_busy(&self) -> bool {
        match self {
            Failure::Store(e) => e.is_busy(),
            Failure::Audit(e) => e.is_busy(),
        }
    }
}
impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(e) => e.into(),
            Failure::Audit(e) => e.into(),
        }
    }
}

/// Of two answers of one register (it may have several stores): found beats all, a failure beats none.
fn worse(a: InsightStatus, b: InsightStatus) -> InsightStatus {
    let rank = |s: InsightStatus| match s {
        InsightStatus::Found => 4,
        InsightStatus::Unavailable => 3,
        InsightStatus::NotIdentifiable => 2,
        InsightStatus::None => 1,
        InsightStatus::Manual => 0,
    };
    if rank(a) >= rank(b) { a } else { b }
}

fn earlier<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}

fn name(text: &str) -> LangMap {
    LangMap::of(text, text, text)
}

fn shown(release: OwnRelease, project: Option<Project>, model: &catalogue::Model) -> Use {
    let r = release.record;
    Use {
        release_id: r.release_id.to_string(),
        seq: r.seq,
        series: r.series,
        permit_id: r.permit_id,
        title: r.title,
        purpose: r.purpose,
        project,
        controller: r.controller,
        source_name: model.sources.get(&r.source).map_or_else(|| name(&r.source), |s| s.name.clone()),
        source: r.source,
        groups: r
            .variable_groups
            .iter()
            .map(|id| model.collections.get(id).map_or_else(|| name(id), |c| c.title.clone()))
            .collect(),
        period: r.period,
        room: r.room.to_string(),
        delivered_at: r.delivered_at,
        valid_to: r.valid_to,
        delete_by: r.delete_by,
        legal_basis: r.legal_basis,
        key_state: release.key_state,
        optout_exemption: release.optout_exemption,
    }
}
