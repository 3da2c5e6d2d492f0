//! Looking: lists, one case, letters, events, the public register.

use std::collections::BTreeMap;

use identity::{Actor, Role};
use kernel::{Date, Problem};
use protocol::Envelope;
use store::Tx;

use super::Access;
use super::written::Written;
use crate::clocks::{self, holder::HolderClock};
use crate::content::Content;
use crate::error::AccessError;
use crate::model::{Case, CaseId, CommandName, Recorded};
use crate::permissions::{CaseRole, View};
use crate::sql;
use crate::views::{self, CaseView, DecisionView, OfferView, ProposalView};

/// Fields of the application that a registry handler sees beside the own source's variables (`access.md` section 8).
const SHARED_SECTIONS: [&str; 4] = ["pub", "use", "pop", "proc"];

/// The times of the holders to deliver: for a source's own staff that of the source.
fn holders(case: &Case, view: View, own: &[String], today: Date) -> Vec<HolderClock> {
    let clocks = case.decided().map(|decided| clocks::holder::clocks(decided, today)).unwrap_or_default();
    clocks.into_iter().filter(|clock| view != View::ViewSourcePart || own.contains(&clock.source)).collect()
}

impl Access {
    pub(super) fn commands(&self, actor: &Actor, case: &Case) -> Vec<views::AllowedCommand> {
        let mut roles = self.roles(actor, case);
        roles.retain(|role| self.separated(actor, case, *role).is_ok());
        let built = CommandName::ALL.iter().copied().filter(|name| name.is_built());
        let allowed = built.filter(|name| self.may(case, &roles, *name, None).is_some()).collect();
        let staff = roles.iter().any(|role| role.is_staff());
        views::guarded(case, allowed, &actor.account.to_string(), staff, self.zone.clock.today())
    }

    /// A case by its number.
    ///
    /// # Errors
    /// Not found, forbidden.
    pub async fn case_id(&self, actor: &Actor, number: &str) -> Result<CaseId, Problem> {
        let found =
            self.zone.store.read("access.case", async |tx: &mut Tx| sql::case_by_number(tx, number).await).await;
        let loaded = found.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("case"))?;
        self.seen(actor, loaded.id).await?;
        Ok(loaded.id)
    }

    /// A case as the actor may see it.
    ///
    /// # Errors
    /// Not found, forbidden.
    pub async fn case(&self, actor: &Actor, id: CaseId) -> Result<CaseView, Problem> {
        let (loaded, view, roles) = self.seen(actor, id).await?;
        let case = &loaded.case;
        let (content, before, events) = self.read_case(&loaded).await?;
        let staff = view == View::ViewFull;
        let decided = matches!(case, Case::Decided(_));
        let mut sections = Vec::new();
        let mut items = Vec::new();
        let mut changed = Vec::new();
        if let Some(content) = &content {
            let form = self.form_in_force(case, Some(content));
            sections = self.sections(&Written::shown(form, content.as_draft()), &BTreeMap::new(), case, false);
            // Visibility was settled at submission: what is in the revision is shown.
            for field in sections.iter_mut().flat_map(|section| &mut section.fields) {
                field.visible = !field.value.is_null();
            }
            items.clone_from(&content.items);
            if let Some(before) = &before {
                changed = content.differs_from(before).into_iter().map(str::to_owned).collect();
            }
            if view == View::ViewSourcePart {
                sections.retain(|section| SHARED_SECTIONS.contains(&section.id.as_str()));
                let own = |source: &str| {
                    actor.has_for(Role::RegistryHandler, source) || actor.has_for(Role::DataPreparer, source)
                };
                items.retain(|item| own(&item.order.source));
            }
        }
        let speaks_for = |source: &&&str| actor.has_for(Role::RegistryHandler, source);
        let sources = case.dossier().map(|d| d.order.sources()).unwrap_or_default();
        let own_sources = sources.iter().filter(speaks_for).map(|source| (*source).to_owned()).collect();
        let delivers =
            |source: &&&str| actor.has_for(Role::RegistryHandler, source) || actor.has_for(Role::DataPreparer, source);
        let own_holders: Vec<String> = sources.iter().filter(delivers).map(|source| (*source).to_owned()).collect();
        let roles_seen = roles.clone();
        let parties = staff || view == View::ViewOwn;
        let work = case.work();
        let offer = match case {
            Case::AwaitingAcceptance(a) => {
                Some(OfferView { terms: a.terms.clone(), hash: a.hash.clone(), deadline: a.deadline })
            }
            _ => None,
        };
        let decision = match case {
            Case::Decided(d) => Some(DecisionView {
                number: d.number.clone(),
                issued_at: d.issued_at,
                decision: d.decision.clone(),
                letter: d.letter.clone(),
                permit: d.permit.clone(),
            }),
            _ => None,
        };
        let proposal = work.and_then(|work| work.proposal.as_ref()).filter(|_| staff);
        let mut timeline: Vec<_> = events
            .iter()
            .filter_map(|event| views::timeline_entry(&event.recorded, &event.role, staff))
            .filter(|_| parties)
            .collect();
        timeline.reverse();
        Ok(CaseView {
            summary: self.summary(actor, &loaded),
            view,
            roles,
            sections,
            items,
            checks: content.as_ref().filter(|_| staff).map(|c| c.checks.clone()).unwrap_or_default(),
            changed,
            comments: case.dossier().filter(|_| parties).map(|d| d.comments.clone()).unwrap_or_default(),
            request: views::request(case).filter(|_| parties),
            criteria: if staff || (decided && parties) { views::criteria(case) } else { Vec::new() },
            fee: work.and_then(|work| work.fee.clone()).filter(|_| parties),
            offer: offer.filter(|_| parties),
            terms_accepted: work.is_some_and(|work| work.accepted.is_some()),
            proposal: proposal.map(|p| ProposalView { by: p.by.clone(), at: p.at, decision: p.decision.clone() }),
            decision: decision.filter(|_| parties),
            after: case.decided().filter(|_| parties).map(|d| d.after.clone()),
            holders: holders(case, view, &own_holders, self.zone.clock.today()),
            billing: views::billing(case).filter(|_| parties),
            involved: views::involved(case, view, &roles_seen, &actor.account.to_string(), &own_sources),
            commands: self.commands(actor, case),
            timeline,
        })
    }

    pub(super) async fn read_case(
        &self,
        loaded: &sql::Loaded,
    ) -> Result<(Option<Content>, Option<Content>, Vec<sql::StoredEvent>), AccessError> {
        let (id, revision) = (loaded.id, loaded.case.dossier().map(|d| d.revision));
        self.zone
            .store
            .read("access.content", async |tx: &mut Tx| {
                let (mut content, mut before) = (None, None);
                if let Some(n) = revision {
                    content = sql::revision(tx, &self.zone, id, n).await?;
                    if n > 1 {
                        before = sql::revision(tx, &self.zone, id, n - 1).await?;
                    }
                }
                Ok((content, before, sql::events(tx, id, 0).await?))
            })
            .await
    }

    /// What somebody is told who may not see this; the attempt is written down (AUD-003).
    pub(super) async fn refusal(&self, actor: &Actor, object: audit::Object) -> Problem {
        let entry = audit::Entry::new(&super::VIEW, super::audit_actor(actor, None), object);
        match self.record(entry.purpose(audit::Purpose::Case).refused("forbidden")).await {
            Ok(()) => Problem::forbidden("forbidden"),
            Err(error) => error.into(),
        }
    }

    /// The events of a case after a place, for those who see all of it (`GET /cases/{id}/events`).
    ///
    /// # Errors
    /// Not found, forbidden.
    pub async fn events(&self, actor: &Actor, id: CaseId, after: i64) -> Result<Vec<Recorded>, Problem> {
        let (_, view, _) = self.seen(actor, id).await?;
        if view != View::ViewFull {
            return Err(self.refusal(actor, audit::Object::new("case", id)).await);
        }
        let events = self.zone.store.read("access.events", async |tx: &mut Tx| sql::events(tx, id, after).await).await;
        Ok(events.map_err(Problem::from)?.into_iter().map(|event| event.recorded).collect())
    }

    /// The history of a case as it is chained, for the auditor (`view_audit_log`).
    ///
    /// # Errors
    /// Not found; forbidden for all but the auditor.
    pub async fn chain(&self, actor: &Actor, id: CaseId) -> Result<Vec<views::ChainLine>, Problem> {
        self.seen(actor, id).await?;
        if !actor.has(Role::Auditor) {
            return Err(self.refusal(actor, audit::Object::new("case", id)).await);
        }
        let events = self.zone.store.read("access.events", async |tx: &mut Tx| sql::events(tx, id, 0).await).await;
        let line = |event: sql::StoredEvent| views::ChainLine {
            words: views::event_words(event.recorded.event.name()),
            recorded: event.recorded,
            role: event.role,
            hash: event.hash,
        };
        Ok(events.map_err(Problem::from)?.into_iter().map(line).collect())
    }

    /// The account of the applicant of a case, for those who see all of it.
    ///
    /// # Errors
    /// Not found, forbidden.
    pub async fn applicant(&self, actor: &Actor, id: CaseId) -> Result<String, Problem> {
        let (loaded, view, _) = self.seen(actor, id).await?;
        if view != View::ViewFull {
            return Err(self.refusal(actor, audit::Object::new("case", id)).await);
        }
        Ok(loaded.case.applicant().to_owned())
    }

    /// The decision letter as PDF.
    ///
    /// # Errors
    /// Not found, forbidden: parties and staff only.
    pub async fn letter_pdf(&self, actor: &Actor, id: CaseId) -> Result<Vec<u8>, Problem> {
        Ok(self.letter(actor, id).await?.1.1)
    }

    /// The decision letter as canonical JSON: the same content as the PDF.
    ///
    /// # Errors
    /// As [`Access::letter_pdf`].
    pub async fn letter_json(&self, actor: &Actor, id: CaseId) -> Result<Vec<u8>, Problem> {
        Ok(self.letter(actor, id).await?.1.0)
    }

    /// The signed statement of the decision: its number and the digests of both forms of the letter.
    ///
    /// # Errors
    /// As [`Access::letter_pdf`].
    pub async fn decision_statement(&self, actor: &Actor, id: CaseId) -> Result<Envelope, Problem> {
        let (_, (_, _, statement)) = self.letter(actor, id).await?;
        sql::parse(&statement).map_err(Problem::from)
    }

    /// The letter in force by its number: JSON, PDF, signed statement.
    pub(super) async fn letter(
        &self,
        actor: &Actor,
        id: CaseId,
    ) -> Result<(String, (Vec<u8>, Vec<u8>, String)), Problem> {
        let (loaded, view, _) = self.seen(actor, id).await?;
        if view == View::ViewSourcePart {
            return Err(self.refusal(actor, audit::Object::new("case", id)).await);
        }
        let Case::Decided(decided) = &loaded.case else { return Err(Problem::not_found("letter")) };
        let number = decided.number.clone();
        let found =
            self.zone.store.read("access.letter", async |tx: &mut Tx| sql::decision(tx, &self.zone, &number).await);
        let (json, pdf, statement) = found.await.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("letter"))?;
        let kept = (kernel::sha256_hex(&pdf), kernel::sha256_hex(&json));
        if kept != (decided.letter.pdf.clone(), decided.letter.json.clone()) {
            return Err(AccessError::Damaged(format!("the letter of {number} is not the one that was issued")).into());
        }
        Ok((number, (json, pdf, statement)))
    }

    /// Whether an actor is the applicant of a case.
    ///
    /// # Errors
    /// Not found.
    pub async fn is_applicant(&self, actor: &Actor, id: CaseId) -> Result<bool, Problem> {
        let found = self.zone.store.read("access.case", async |tx: &mut Tx| sql::case(tx, id).await).await;
        let loaded = found.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("case"))?;
        Ok(self.roles(actor, &loaded.case) == [CaseRole::Applicant])
    }
}
