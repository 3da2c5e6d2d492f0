//! E-mail (ACC-202): a message is written down in the transaction of the event and sent later. It says only that there is
//! something to read and where (ACC-103); address and text are put together when it is sent, so that the outbox holds
//! neither, and an address that was erased is not used again.

use async_trait::async_trait;
use identity::{Actor, Role};
use kernel::{Language, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::{Row, Tx, jobs, params};

use super::Access;
use crate::AccessError;
use crate::content::Content;
use crate::model::{CaseId, Event, Recorded, Reminder};
use crate::sql;
use crate::views::Page;

/// Kind of the jobs that send a message.
pub(super) const SEND: &str = "access/mail";
/// A first attempt that fails is repeated after a minute.
const FIRST_WAIT: i64 = 60;
/// Longest wait between two attempts.
const LONGEST_WAIT: i64 = 6 * 3_600;
/// For how long something is tried (ACC-201, ACC-202).
pub(super) const GIVE_UP_AFTER: i64 = 24 * 3_600;
/// How long a worker has for one message.
const LEASE_SECONDS: i64 = 120;

/// Seconds to wait after the `attempts`-th attempt: 1, 2, 4 … minutes, at most six hours.
pub(super) fn wait(attempts: i64) -> i64 {
    let doubled = u32::try_from(attempts - 1).unwrap_or(0).min(16);
    (FIRST_WAIT << doubled).min(LONGEST_WAIT)
}

/// A message ready to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// Id in the outbox; the same message keeps it when it is sent again.
    pub id: String,
    /// Address.
    pub to: String,
    /// Language of the text.
    pub language: Language,
    /// Subject.
    pub subject: String,
    /// Text.
    pub text: String,
}

/// Why a message was not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum MailError {
    /// It may go through later.
    Later(String),
    /// It never will.
    Never(String),
}

/// A way to send mail. `hap` gives one over SMTP.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands a message over.
    ///
    /// # Errors
    /// [`MailError`]; its text goes into the outbox and holds no address.
    async fn send(&self, mail: &Mail) -> Result<(), MailError>;
}

/// A message as the administrator sees it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// Id.
    pub id: String,
    /// Number of the case.
    pub number: String,
    /// Account it is for.
    pub account: String,
    /// What it is about: the name of an event.
    pub kind: String,
    /// `queued`, `sent`, `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was written.
    pub queued_at: Timestamp,
    /// When its state changed.
    pub changed_at: Timestamp,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// What went wrong last.
    pub error: Option<String>,
}

/// Where an account is told something. Sealed in its own table, so that it can be erased (ACC-190).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Contact {
    pub name: String,
    pub email: String,
    pub language: Language,
}

/// Who is told of an event by e-mail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum To {
    Applicant,
    Handler,
}

fn addressee(event: &str) -> Option<To> {
    match event {
        "info_requested"
        | "terms_offered"
        | "decision_issued"
        | "permit_issued"
        | "permit_revoked"
        | "permit_held"
        | "permit_hold_released"
        | "deadline_extended"
        | "terms_withdrawn"
        | "draft_lapsed"
        | "terms_lapsed"
        | "maximum_proposed"
        | "invoice_issued"
        | "fee_dispute_decided"
        | "credit_note_issued"
        | "info_deadline_extended"
        | "not_completed"
        | "permit_expired"
        | "sanction_notified"
        | "sanction_decided"
        | "results_extended"
        | "delivery_paused"
        | "delivery_extended"
        | "appeal_decided" => Some(To::Applicant),
        "info_received" | "terms_accepted" | "terms_declined" | "terms_queried" | "withdrawn" | "maximum_accepted"
        | "fee_disputed" | "sanction_commented" => Some(To::Handler),
        _ => None,
    }
}

impl Access {
    /// Writes down who is told of these events: in the transaction of the events.
    pub(super) async fn notify(
        &self,
        tx: &mut Tx,
        after: &sql::Loaded,
        events: &[Recorded],
        now: Timestamp,
    ) -> Result<(), AccessError> {
        // Of a draft only its end and the notices before it are told; it has no number yet.
        let dossier = after.case.dossier();
        let number = dossier.map_or("", |dossier| dossier.number.as_str());
        for event in events {
            let to = match &event.event {
                Event::ReminderSent { reminder: Reminder::Clock | Reminder::NotCompleted | Reminder::Delivery(_) } => {
                    Some(To::Handler)
                }
                Event::ReminderSent { reminder: Reminder::Source(_) | Reminder::Review(_) } => None,
                Event::ReminderSent { .. } => Some(To::Applicant),
                other => addressee(other.name()),
            };
            let account = match to {
                Some(To::Applicant) => after.case.applicant(),
                Some(To::Handler) => dossier.and_then(|dossier| dossier.handler.as_deref()).unwrap_or_default(),
                None => continue,
            };
            // Nobody is told of what they did themselves.
            if event.actor != account {
                let id = format!("{}-{}", after.id, event.seq);
                let about = Some((after.id, number));
                queue(tx, &id, about, account, event.event.name(), now).await?;
            }
        }
        Ok(())
    }

    /// Keeps the contact address of an application for its applicant.
    pub(super) async fn keep_contact(
        &self,
        tx: &mut Tx,
        account: &str,
        content: &Content,
        now: Timestamp,
    ) -> Result<(), AccessError> {
        let email = content.text("app.contact.email").trim();
        if !is_address(email) {
            return Ok(());
        }
        let name = content.text("app.contact.name").trim().to_owned();
        let contact = Contact { name, email: email.to_owned(), language: content.language() };
        self.put_contact(tx, account, &contact, now).await
    }

    async fn put_contact(
        &self,
        tx: &mut Tx,
        account: &str,
        contact: &Contact,
        now: Timestamp,
    ) -> Result<(), AccessError> {
        let place = format!("access_contact/{account}/content");
        let sealed = self.zone.sealer.seal(&place, sql::text(contact)?.as_bytes());
        let sealed = sealed.map_err(|e| AccessError::Sealing(e.to_string()))?;
        tx.execute(
            "INSERT INTO access_contact (account, content, changed_at) VALUES ($1, $2, $3)
             ON CONFLICT (account) DO UPDATE SET content = excluded.content, changed_at = excluded.changed_at",
            params![account, sealed, now],
        )
        .await?;
        Ok(())
    }

    pub(super) async fn contact(&self, tx: &mut Tx, account: &str) -> Result<Option<Contact>, AccessError> {
        let row = tx.query_opt("SELECT content FROM access_contact WHERE account = $1", params![account]).await?;
        let Some(row) = row else { return Ok(None) };
        let place = format!("access_contact/{account}/content");
        let plain = self.zone.sealer.open(&place, &row.get::<Vec<u8>>(0)?);
        let plain = plain.map_err(|e| AccessError::Sealing(e.to_string()))?;
        serde_json::from_slice(&plain).map(Some).map_err(|e| AccessError::Damaged(e.to_string()))
    }

    /// Sets where the actor is told that there is something to read; an empty address takes it away.
    ///
    /// # Errors
    /// `Invalid` when it is no address.
    pub async fn set_contact(&self, actor: &Actor, email: &str, language: Language) -> Result<(), Problem> {
        let (account, email, now) = (actor.account.to_string(), email.trim().to_owned(), self.zone.now());
        if !email.is_empty() && !is_address(&email) {
            return Err(Problem::invalid("email", "email", "write an address such as name@example.org"));
        }
        let done = self.zone.store.tx("access.contact", async |tx: &mut Tx| {
            if email.is_empty() {
                tx.execute("DELETE FROM access_contact WHERE account = $1", params![&account]).await?;
                return Ok(());
            }
            let contact = Contact { name: String::new(), email: email.clone(), language };
            self.put_contact(tx, &account, &contact, now).await
        });
        done.await.map_err(Problem::from)
    }

    /// Sends the messages that are due. Gives how many went out. A server that does not answer is no error here: what is
    /// not taken is tried again after 1, 2, 4 … minutes for a day, and is then shown as failed.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn send_mail(&self, mailer: &dyn Mailer) -> Result<usize, Problem> {
        let mut sent = 0;
        loop {
            let now = self.zone.now();
            let job = self
                .zone
                .store
                .tx("access.mail", async |tx: &mut Tx| jobs::take(tx, SEND, now, now.plus_seconds(LEASE_SECONDS)).await)
                .await?;
            let Some(job) = job else { return Ok(sent) };
            let payload: Value = serde_json::from_str(&job.payload).unwrap_or(Value::Null);
            let id = payload["id"].as_str().unwrap_or_default().to_owned();
            let ready = self.zone.store.read("access.mail", async |tx: &mut Tx| self.mail(tx, &id).await).await;
            let Some((queued_at, mail)) = ready.map_err(Problem::from)? else {
                self.settle(&job, &id, None, Ok(())).await?;
                continue;
            };
            let outcome = match mail {
                Some(mail) => mailer.send(&mail).await,
                None => Err(MailError::Never("no_address".to_owned())),
            };
            sent += usize::from(outcome.is_ok());
            self.settle(&job, &id, Some(queued_at), outcome).await?;
        }
    }

    /// The message of an entry, put together now; none without an address.
    async fn mail(&self, tx: &mut Tx, id: &str) -> Result<Option<(Timestamp, Option<Mail>)>, AccessError> {
        let row = tx
            .query_opt(
                "SELECT case_id, number, account, kind, queued_at FROM access_outbox WHERE id = $1 AND state = 'queued'",
                params![id],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (case, number): (Option<CaseId>, String) = (row.get(0)?, row.get(1)?);
        let (account, kind, queued_at): (String, String, Timestamp) = (row.get(2)?, row.get(3)?, row.get(4)?);
        let Some(contact) = self.contact(tx, &account).await? else { return Ok(Some((queued_at, None))) };
        let own = match case {
            Some(case) => sql::case(tx, case).await?.is_some_and(|loaded| loaded.case.applicant() == account),
            None => false,
        };
        let site = self.settings.site.trim_end_matches('/');
        let place = match case {
            Some(case) if own => format!("{site}/apply/{case}"),
            Some(case) => format!("{site}/cases/{case}"),
            None => format!("{site}/outbox"),
        };
        let (subject, text) = words(contact.language, &kind, &number, &place);
        let mail = Mail { id: id.to_owned(), to: contact.email, language: contact.language, subject, text };
        Ok(Some((queued_at, Some(mail))))
    }

    async fn settle(
        &self,
        job: &jobs::Job,
        id: &str,
        queued_at: Option<Timestamp>,
        outcome: Result<(), MailError>,
    ) -> Result<(), Problem> {
        let now = self.zone.now();
        let give_up = queued_at.is_none_or(|at| now >= at.plus_seconds(GIVE_UP_AFTER));
        let next = now.plus_seconds(wait(job.attempts));
        let (state, error, again) = match &outcome {
            Ok(()) => ("sent", None, None),
            Err(MailError::Later(error)) if !give_up => ("queued", Some(error), Some(next)),
            Err(MailError::Later(error) | MailError::Never(error)) => ("failed", Some(error), None),
        };
        let settled = self.zone.store.tx("access.mail", async |tx: &mut Tx| -> Result<(), AccessError> {
            tx.execute(
                "UPDATE access_outbox SET state = $2, attempts = $3, changed_at = $4, next_at = $5, error = $6
                 WHERE id = $1 AND state = 'queued'",
                params![id, state, job.attempts, now, again, error.cloned()],
            )
            .await?;
            match again {
                Some(next) => jobs::retry(tx, &job.id, next, error.map_or("", String::as_str)).await?,
                None => jobs::done(tx, &job.id).await?,
            }
            Ok(())
        });
        settled.await.map_err(Problem::from)
    }

    /// The outbox, newest first, for the administrator.
    ///
    /// # Errors
    /// `forbidden` for everybody else.
    pub async fn outbox(&self, actor: &Actor, from: i64, size: i64) -> Result<Page<OutboxEntry>, Problem> {
        self.administers(actor, "outbox").await?;
        let (from, size) = (from.max(0), if size <= 0 { 25 } else { size.min(100) });
        let read = self.zone.store.read("access.outbox", async |tx: &mut Tx| -> Result<_, AccessError> {
            let total = tx.query_one("SELECT COUNT(*) FROM access_outbox", params![]).await?.get(0)?;
            let rows = tx
                .query(
                    "SELECT id, number, account, kind, state, attempts, queued_at, changed_at, next_at, error
                     FROM access_outbox ORDER BY queued_at DESC, id LIMIT $1 OFFSET $2",
                    params![size, from],
                )
                .await?;
            let items = rows.iter().map(outbox_entry).collect::<Result<_, _>>()?;
            Ok(Page { items, total, more: false, from, size })
        });
        read.await.map_err(Problem::from)
    }

    /// Whether messages are sent at all: whether a server is configured.
    pub fn sends_mail(&self) -> bool {
        self.settings.mail
    }

    pub(super) async fn administers(&self, actor: &Actor, what: &str) -> Result<(), Problem> {
        if actor.has(Role::Administrator) {
            return Ok(());
        }
        Err(self.refusal(actor, audit::Object::new("notice", what)).await)
    }
}

fn outbox_entry(row: &Row) -> Result<OutboxEntry, AccessError> {
    Ok(OutboxEntry {
        id: row.get(0)?,
        number: row.get(1)?,
        account: row.get(2)?,
        kind: row.get(3)?,
        state: row.get(4)?,
        attempts: row.get(5)?,
        queued_at: row.get(6)?,
        changed_at: row.get(7)?,
        next_at: row.get(8)?,
        error: row.get(9)?,
    })
}

/// Writes a message for an account into the outbox, when it has an address, with the job that sends it. The same id again
/// changes nothing.
pub(super) async fn queue(
    tx: &mut Tx,
    id: &str,
    about: Option<(CaseId, &str)>,
    account: &str,
    kind: &str,
    now: Timestamp,
) -> Result<(), AccessError> {
    let known = tx.query_opt("SELECT 1 FROM access_contact WHERE account = $1", params![account]).await?;
    if known.is_none() {
        return Ok(());
    }
    let (case, number) = (about.map(|(case, _)| case.to_string()), about.map_or("", |(_, number)| number));
    let written = tx
        .execute(
            "INSERT INTO access_outbox (id, case_id, number, account, kind, state, attempts, queued_at, changed_at)
             VALUES ($1, $2, $3, $4, $5, 'queued', 0, $6, $6) ON CONFLICT (id) DO NOTHING",
            params![id, case, number, account, kind, now],
        )
        .await?;
    if written > 0 {
        jobs::push(tx, &format!("{SEND}/{id}"), SEND, &json!({ "id": id }).to_string(), now).await?;
    }
    Ok(())
}

/// Whether a text can be an address: one `@`, a domain with a dot, nothing that would end a header.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let plain = |part: &str| {
        !part.is_empty()
            && part.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '@' | '<' | '>' | ',' | ';' | '"'))
    };
    plain(local) && plain(domain) && domain.contains('.') && !domain.starts_with('.') && text.len() <= 254
}

/// Subject and text: that there is something to read, and where.
fn words(language: Language, kind: &str, number: &str, place: &str) -> (String, String) {
    if kind == "hook_off" {
        return match language {
            Language::Nb => (
                "Et varsel til et annet system er slått av".to_owned(),
                format!("Mottakeren har ikke svart på et døgn. Varselet er slått av. Se {place}\n"),
            ),
            Language::Nn => (
                "Eit varsel til eit anna system er slått av".to_owned(),
                format!("Mottakaren har ikkje svart på eit døgn. Varselet er slått av. Sjå {place}\n"),
            ),
            Language::En => (
                "A notification to another system was switched off".to_owned(),
                format!("The receiver has not answered for a day. The notification is switched off. See {place}\n"),
            ),
        };
    }
    if number.is_empty() {
        return match language {
            Language::Nb => (
                "Melding om et utkast til søknad".to_owned(),
                format!("Det er noe å lese om utkastet ditt til en søknad. Logg inn for å lese det:\n{place}\n"),
            ),
            Language::Nn => (
                "Melding om eit utkast til søknad".to_owned(),
                format!("Det er noko å lese om utkastet ditt til ein søknad. Logg inn for å lese det:\n{place}\n"),
            ),
            Language::En => (
                "Message about a draft application".to_owned(),
                format!("There is something to read about your draft application. Log in to read it:\n{place}\n"),
            ),
        };
    }
    match language {
        Language::Nb => (
            format!("Melding i sak {number}"),
            format!("Det er noe å lese i sak {number}. Logg inn for å lese det:\n{place}\n"),
        ),
        Language::Nn => (
            format!("Melding i sak {number}"),
            format!("Det er noko å lese i sak {number}. Logg inn for å lese det:\n{place}\n"),
        ),
        Language::En => (
            format!("Message in case {number}"),
            format!("There is something to read in case {number}. Log in to read it:\n{place}\n"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_202_waits_grow_from_a_minute_to_six_hours() {
        let waits: Vec<i64> = (1..=11).map(|n| wait(n) / 60).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]);
    }

    #[test]
    fn only_addresses_that_stay_in_their_header_are_kept() {
        for good in ["a@b.no", "kari.nordmann+x@helse.universitetet.no"] {
            assert!(is_address(good), "{good}");
        }
        for bad in
            ["", "a", "a@b", "a@.no", "a b@c.no", "a@b.no\r\nBcc: x@y.no", "a@b.no,c@d.no", "<a@b.no>", "a@@b.no"]
        {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn acc_103_a_message_says_where_to_read_and_nothing_else() {
        for language in Language::ALL {
            let (subject, text) = words(language, "decision_issued", "A-2026-000001", "https://hap.example/apply/x");
            assert!(subject.contains("A-2026-000001") && text.contains("https://hap.example/apply/x"));
            assert!(!text.contains("decision"), "what it is about is read after login");
        }
    }
}
