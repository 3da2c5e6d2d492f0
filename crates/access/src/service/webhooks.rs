//! Webhooks (ACC-201): other systems are told that something happened, and fetch what it was with their own rights. A
//! subscription follows the feed; each event is a job of its own, tried again from a minute up to a day.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use async_trait::async_trait;
use audit::{Detail, Entry, Object, Purpose};
use hmac::{Hmac, Mac as _};
use identity::Actor;
use kernel::{Id, Kind, Problem, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Sha256;
use store::{Row, Tx, jobs, params};

use super::outbox::{self, GIVE_UP_AFTER};
use super::{Access, audit_actor, feed};
use crate::AccessError;
use crate::sql;

pub(super) const SEND: &str = "access/hook";
const CHANGE: audit::Action = audit::Action::new(
    audit::Kind::Admin,
    "webhook.change",
    &[("change", Detail::Code), ("organisation", Detail::Code), ("kinds", Detail::Codes)],
);
/// How many events of the feed one subscription takes up at a time.
const BATCH: i64 = 200;
/// How many calls one round makes, so that a round ends.
const ROUND: usize = 200;
/// A receiver has 5 seconds; the lease is longer.
const LEASE_SECONDS: i64 = 60;

/// Marks ids of subscriptions.
#[derive(Debug)]
pub struct HookKind;
impl Kind for HookKind {
    const NAME: &'static str = "webhook";
}

/// Id of a subscription.
pub type HookId = Id<HookKind>;

/// What a subscription asks for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HookInput {
    /// Slug of the organisation it is for.
    pub organisation: String,
    /// Where to call: https, a public address.
    pub url: String,
    /// Names of events; all when empty.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Only cases that these sources have a part in; all when empty.
    #[serde(default)]
    pub sources: Vec<String>,
}

/// A subscription.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Hook {
    /// Id.
    pub id: HookId,
    /// What it asks for.
    #[serde(flatten)]
    pub input: HookInput,
    /// `on` or `off`.
    pub state: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// How far in the feed it is.
    pub place: i64,
    /// Since when the receiver has not answered.
    pub failing_since: Option<Timestamp>,
    /// What went wrong last.
    pub error: Option<String>,
}

/// A new subscription with its secret, which is shown this once.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct NewHook {
    /// The subscription.
    #[serde(flatten)]
    pub hook: Hook,
    /// The secret of its signatures, 64 hex digits.
    pub secret: String,
}

/// Calls receivers. `hap` gives one over HTTPS that follows no redirect, waits 5 seconds and looks at the address it has
/// connected to with [`is_allowed`].
#[async_trait]
pub trait Caller: Send + Sync {
    /// Posts a JSON body with the header `Hap-Signature`. Gives the status of the answer.
    ///
    /// # Errors
    /// What went wrong, without the answer's content.
    async fn post(&self, url: &str, signature: &str, body: String) -> Result<u16, String>;
}

/// The header of a call: the time of signing and the HMAC-SHA-256 of time, point and body under the secret.
pub fn signature(secret: &[u8], at: Timestamp, body: &str) -> String {
    let t = at.micros().div_euclid(1_000_000);
    // HMAC takes keys of every length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret) else { return String::new() };
    mac.update(format!("{t}.{body}").as_bytes());
    format!("t={t},v1={}", hex::encode(mac.finalize().into_bytes()))
}

/// Whether calls may go to an address: those of the public internet. With `loopback`, for tests, also to the own machine.
pub fn is_allowed(address: IpAddr, loopback: bool) -> bool {
    if address.is_loopback() {
        return loopback;
    }
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocol = (a, b, c) == (192, 0, 0) || (a, b, c) == (192, 88, 99);
    let benchmark = a == 198 && (18..20).contains(&b);
    let special = address.is_private() || address.is_link_local() || address.is_documentation();
    !(a == 0 || a >= 224 || shared || protocol || benchmark || special || address.is_loopback())
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(v4) = address.to_ipv4_mapped() {
        return is_public_v4(v4);
    }
    let [a, b, ..] = address.segments();
    // Global unicast alone, without documentation (2001:db8::/32), Teredo and its neighbours (2001:0::/23) and 6to4.
    (0x2000..0x4000).contains(&a) && !(a == 0x2001 && (b == 0xdb8 || b < 0x200)) && a != 0x2002
}

/// Checks the address of a receiver as it is written. What its name stands for is looked at when it is called.
fn check_url(url: &str, loopback: bool) -> Result<(), Problem> {
    let invalid = |text: &str| Err(Problem::invalid("url", "url", text));
    let plain =
        url.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '\\' | '@' | '"' | '<' | '>' | '#' | '^' | '`'));
    if !plain || url.len() > 500 {
        return invalid("write an address of at most 500 plain characters, without user name and fragment");
    }
    let https = url.strip_prefix("https://");
    let rest = if loopback { https.or_else(|| url.strip_prefix("http://")) } else { https };
    let Some(rest) = rest else { return invalid("write an address that begins with https://") };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    let local = host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost");
    let numeric = host.parse::<IpAddr>();
    let allowed = match numeric {
        Ok(address) => is_allowed(address, loopback),
        Err(_) => (host.contains('.') && host.chars().any(|c| c.is_ascii_alphabetic())) || (local && loopback),
    };
    if !allowed || (local && !loopback) {
        return invalid("the receiver must have a public address");
    }
    if !loopback && url.starts_with("http://") {
        return invalid("write an address that begins with https://");
    }
    Ok(())
}

impl Access {
    /// Makes a subscription. It begins with the next event.
    ///
    /// # Errors
    /// `forbidden` for all but administrators, `Invalid` for an address that is not public.
    pub async fn create_hook(&self, actor: &Actor, input: HookInput) -> Result<NewHook, Problem> {
        self.administers(actor, "webhooks").await?;
        check_url(&input.url, self.settings.loopback_hooks)?;
        let code = |text: &String| {
            !text.is_empty() && text.len() <= 60 && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
        };
        if !code(&input.organisation) || !input.kinds.iter().chain(&input.sources).all(code) || input.kinds.len() > 60 {
            return Err(Problem::invalid("kinds", "code", "give names of an organisation, of events and of sources"));
        }
        self.sequence().await?;
        let (id, now) = (self.zone.id::<HookKind>(), self.zone.now());
        let mut secret = [0u8; 32];
        self.zone.random.fill(&mut secret);
        let sealed = self.zone.sealer.seal(&format!("access_hook/{id}/secret"), &secret);
        let sealed = sealed.map_err(|e| Problem::from(AccessError::Sealing(e.to_string())))?;
        let made = self.zone.store.tx("access.hook", async |tx: &mut Tx| -> Result<Hook, AccessError> {
            let place = feed::end(tx).await?;
            tx.execute(
                "INSERT INTO access_hook (id, organisation, url, kinds, sources, secret, state, created_by, created_at, place)
                 VALUES ($1, $2, $3, $4, $5, $6, 'on', $7, $8, $9)",
                params![
                    id,
                    &input.organisation,
                    &input.url,
                    sql::text(&input.kinds)?,
                    sql::text(&input.sources)?,
                    sealed.clone(),
                    actor.account,
                    now,
                    place
                ],
            )
            .await?;
            self.log_hook(tx, audit_actor(actor, None), id, "create", &input).await?;
            let state = "on".to_owned();
            Ok(Hook { id, input: input.clone(), state, created_at: now, place, failing_since: None, error: None })
        });
        Ok(NewHook { hook: made.await.map_err(Problem::from)?, secret: hex::encode(secret) })
    }

    /// The subscriptions, oldest first.
    ///
    /// # Errors
    /// `forbidden` for all but administrators.
    pub async fn hooks(&self, actor: &Actor) -> Result<Vec<Hook>, Problem> {
        self.administers(actor, "webhooks").await?;
        let read = self.zone.store.read("access.hook", async |tx: &mut Tx| {
            Ok::<_, AccessError>(hooks(tx).await?.into_iter().map(|(hook, _)| hook).collect())
        });
        read.await.map_err(Problem::from)
    }

    /// Ends a subscription, or switches one on that was switched off: it goes on with the next event.
    ///
    /// # Errors
    /// `forbidden` for all but administrators, not found, an unknown change.
    pub async fn change_hook(&self, actor: &Actor, id: HookId, change: &str) -> Result<(), Problem> {
        self.administers(actor, "webhooks").await?;
        let read = self.zone.store.read("access.hook", async |tx: &mut Tx| hooks(tx).await).await;
        let Some((hook, _)) = read.map_err(Problem::from)?.into_iter().find(|(hook, _)| hook.id == id) else {
            let entry = Entry::new(&CHANGE, audit_actor(actor, None), Object::new("webhook", id));
            let entry = entry.purpose(Purpose::Operations).refused("not_found");
            self.record(entry).await.map_err(Problem::from)?;
            return Err(Problem::not_found("webhook"));
        };
        self.sequence().await?;
        let done = self.zone.store.tx("access.hook", async |tx: &mut Tx| -> Result<(), AccessError> {
            match change {
                "remove" => tx.execute("DELETE FROM access_hook WHERE id = $1", params![id]).await?,
                "on" => {
                    let place = feed::end(tx).await?;
                    tx.execute(
                        "UPDATE access_hook SET state = 'on', place = $2, failing_since = NULL, error = NULL
                         WHERE id = $1 AND state = 'off'",
                        params![id, place],
                    )
                    .await?
                }
                "off" => tx.execute("UPDATE access_hook SET state = 'off' WHERE id = $1", params![id]).await?,
                _ => return Err(Problem::invalid("change", "unknown", "choose on, off or remove").into()),
            };
            self.log_hook(tx, audit_actor(actor, None), id, change, &hook.input).await
        });
        done.await.map_err(Problem::from)
    }

    async fn log_hook(
        &self,
        tx: &mut Tx,
        by: audit::Actor,
        id: HookId,
        change: &str,
        input: &HookInput,
    ) -> Result<(), AccessError> {
        let entry = Entry::new(&CHANGE, by, Object::new("webhook", id)).purpose(Purpose::Operations);
        let entry = entry.detail("change", change).detail("organisation", input.organisation.as_str());
        let kinds: Vec<&str> = input.kinds.iter().map(String::as_str).collect();
        self.zone.log.record(tx, entry.detail("kinds", kinds)).await?;
        Ok(())
    }

    /// Takes new events of the feed up for every subscription and makes the calls that are due. Gives how many were
    /// answered. A receiver that does not answer is no error here; after a day its subscription is switched off and who
    /// made it is told.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn call_hooks(&self, caller: &dyn Caller) -> Result<usize, Problem> {
        self.take_up().await?;
        let mut answered = 0;
        // One call that fails postpones the others of its receiver, so that it does not hold up the rest.
        let mut failed: BTreeMap<HookId, Timestamp> = BTreeMap::new();
        for _ in 0..ROUND {
            let now = self.zone.now();
            let job = self
                .zone
                .store
                .tx("access.hook", async |tx: &mut Tx| jobs::take(tx, SEND, now, now.plus_seconds(LEASE_SECONDS)).await)
                .await?;
            let Some(job) = job else { break };
            let call: Value = serde_json::from_str(&job.payload).unwrap_or(Value::Null);
            let id = call["hook"].as_str().and_then(|id| id.parse::<HookId>().ok());
            let found = self.zone.store.read("access.hook", async |tx: &mut Tx| hooks(tx).await).await;
            let found = found.map_err(Problem::from)?.into_iter().find(|(hook, _)| Some(hook.id) == id);
            let Some((hook, sealed)) = found.filter(|(hook, _)| hook.state == "on") else {
                self.zone.store.tx("access.hook", async |tx: &mut Tx| jobs::done(tx, &job.id).await).await?;
                continue;
            };
            if let Some(until) = failed.get(&hook.id).copied() {
                let later = async |tx: &mut Tx| jobs::retry(tx, &job.id, until, "the receiver does not answer").await;
                self.zone.store.tx("access.hook", later).await?;
                continue;
            }
            let outcome = self.call(caller, &hook, &sealed, &call["event"]).await?;
            match &outcome {
                Ok(()) => answered += 1,
                Err(_) => drop(failed.insert(hook.id, now.plus_seconds(outbox::wait(job.attempts)))),
            }
            self.after_call(&job, &hook, outcome).await?;
        }
        Ok(answered)
    }

    async fn call(
        &self,
        caller: &dyn Caller,
        hook: &Hook,
        sealed: &[u8],
        event: &Value,
    ) -> Result<Result<(), String>, Problem> {
        if let Err(refused) = check_url(&hook.input.url, self.settings.loopback_hooks) {
            return Ok(Err(refused.to_string()));
        }
        let secret = self.zone.sealer.open(&format!("access_hook/{}/secret", hook.id), sealed);
        let secret = secret.map_err(|e| Problem::from(AccessError::Sealing(e.to_string())))?;
        let body = event.to_string();
        let signed = signature(&secret, self.zone.now(), &body);
        Ok(match caller.post(&hook.input.url, &signed, body).await {
            Ok(status) if (200..300).contains(&status) => Ok(()),
            Ok(status) => Err(format!("the receiver answered {status}")),
            Err(error) => Err(error),
        })
    }

    async fn after_call(&self, job: &jobs::Job, hook: &Hook, outcome: Result<(), String>) -> Result<(), Problem> {
        let now = self.zone.now();
        let done = self.zone.store.tx("access.hook", async |tx: &mut Tx| -> Result<(), AccessError> {
            let Err(error) = &outcome else {
                tx.execute("UPDATE access_hook SET failing_since = NULL, error = NULL WHERE id = $1", params![hook.id])
                    .await?;
                return Ok(jobs::done(tx, &job.id).await?);
            };
            let since = hook.failing_since.unwrap_or(now);
            if now < since.plus_seconds(GIVE_UP_AFTER) {
                tx.execute(
                    "UPDATE access_hook SET failing_since = $2, error = $3 WHERE id = $1",
                    params![hook.id, since, error],
                )
                .await?;
                let next = now.plus_seconds(outbox::wait(job.attempts));
                return Ok(jobs::retry(tx, &job.id, next, error).await?);
            }
            tx.execute("UPDATE access_hook SET state = 'off', error = $2 WHERE id = $1", params![hook.id, error])
                .await?;
            jobs::done(tx, &job.id).await?;
            let row = tx.query_one("SELECT created_by FROM access_hook WHERE id = $1", params![hook.id]).await?;
            let id = format!("{}-off-{}", hook.id, now.micros());
            outbox::queue(tx, &id, None, &row.get::<String>(0)?, "hook_off", now).await?;
            self.log_hook(tx, audit::Actor::clock(), hook.id, "off", &hook.input).await
        });
        done.await.map_err(Problem::from)
    }

    /// Makes jobs of the events that are new for each subscription.
    async fn take_up(&self) -> Result<(), Problem> {
        let read = self.zone.store.read("access.hook", async |tx: &mut Tx| hooks(tx).await).await;
        let active: Vec<Hook> =
            read.map_err(Problem::from)?.into_iter().map(|(hook, _)| hook).filter(|hook| hook.state == "on").collect();
        if active.is_empty() {
            return Ok(());
        }
        self.sequence().await?;
        let now = self.zone.now();
        for hook in active {
            let sources = (!hook.input.sources.is_empty()).then_some(hook.input.sources.as_slice());
            let read = self
                .zone
                .store
                .read("access.hook", async |tx: &mut Tx| feed::after_place(tx, hook.place, BATCH, sources).await);
            let news = read.await.map_err(Problem::from)?;
            if news.next == hook.place {
                continue;
            }
            let taken = self.zone.store.tx("access.hook", async |tx: &mut Tx| -> Result<(), AccessError> {
                // Another process may have taken them up: then the place is another.
                let moved = tx
                    .execute(
                        "UPDATE access_hook SET place = $3 WHERE id = $1 AND place = $2 AND state = 'on'",
                        params![hook.id, hook.place, news.next],
                    )
                    .await?;
                let kinds = &hook.input.kinds;
                for item in news.items.iter().filter(|i| moved > 0 && (kinds.is_empty() || kinds.contains(&i.kind))) {
                    let id = format!("{}-{}", hook.id, item.seq);
                    let event = json!({"id": id, "seq": item.seq, "kind": item.kind, "case": item.case, "at": item.at});
                    let job = json!({"hook": hook.id, "event": event}).to_string();
                    jobs::push(tx, &format!("{SEND}/{id}"), SEND, &job, now).await?;
                }
                Ok(())
            });
            taken.await.map_err(Problem::from)?;
        }
        Ok(())
    }
}

/// Every subscription with its sealed secret.
async fn hooks(tx: &mut Tx) -> Result<Vec<(Hook, Vec<u8>)>, AccessError> {
    let rows = tx
        .query(
            "SELECT id, organisation, url, kinds, sources, state, created_at, place, failing_since, error, secret
             FROM access_hook ORDER BY created_at, id",
            params![],
        )
        .await?;
    let hook = |row: &Row| -> Result<(Hook, Vec<u8>), AccessError> {
        let input = HookInput {
            organisation: row.get(1)?,
            url: row.get(2)?,
            kinds: sql::parse(&row.get::<String>(3)?)?,
            sources: sql::parse(&row.get::<String>(4)?)?,
        };
        let hook = Hook {
            id: row.get(0)?,
            input,
            state: row.get(5)?,
            created_at: row.get(6)?,
            place: row.get(7)?,
            failing_since: row.get(8)?,
            error: row.get(9)?,
        };
        Ok((hook, row.get(10)?))
    };
    rows.iter().map(hook).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_201_only_public_addresses_are_called() {
        for public in ["1.1.1.1", "193.212.1.10", "2606:4700::1111", "2a00:1450:400f::1"] {
            assert!(is_allowed(public.parse().unwrap(), false), "{public}");
        }
        for closed in [
            "10.0.0.1",
            "172.16.3.4",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "127.0.0.1",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2001:db8::1",
            "2002:a00:1::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
        ] {
            assert!(!is_allowed(closed.parse().unwrap(), false), "{closed}");
        }
        assert!(is_allowed("127.0.0.1".parse().unwrap(), true) && !is_allowed("10.0.0.1".parse().unwrap(), true));
    }

    #[test]
    fn acc_201_receivers_are_https_with_a_public_name() {
        for good in ["https://mottak.example.org/hap?x=1", "https://193.212.1.10:8443/", "https://[2a00:1450::1]/h"] {
            assert!(check_url(good, false).is_ok(), "{good}");
        }
        for bad in [
            "http://mottak.example.org/",
            "https://localhost/",
            "https://x.localhost/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://[fd00::1]/",
            "https://intranet/",
            "https://user@example.org/",
            "ftp://example.org",
            "https://example.org/a b",
            "https://example.org\\@10.0.0.1/",
            "https://2130706433/",
            "https:///x",
            "",
        ] {
            assert!(check_url(bad, false).is_err(), "{bad}");
        }
        assert!(check_url("http://127.0.0.1:9000/x", true).is_ok() && check_url("http://10.0.0.1/x", true).is_err());
    }

    #[test]
    fn acc_201_the_signature_is_one_that_others_can_compute() {
        // printf '1700000000.{"id":"x"}' | openssl dgst -sha256 -hmac secret
        let at = Timestamp::from_micros(1_700_000_000_999_999);
        assert_eq!(signature(b"secret", at, "{\"id\":\"x\"}"), EXPECTED);
    }
    const EXPECTED: &str = "t=1700000000,v1=2f7852138f9dbd8d61c07c2cfb0b8ac96a46a32d78d4527788fb42fcb409a493";
}
