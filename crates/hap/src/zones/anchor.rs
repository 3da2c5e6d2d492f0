//! Cross-zone anchoring (AUD-012): once a day every zone shows its checkpoint to all others. They check that it continues
//! what they saw last, write it into their own logs, and cosign it. A log that was rolled back or forked is found out by
//! those who do not hold it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use audit::{Log, Statement, VerifierKey};
use bytes::Bytes;
use protocol::calls::{self, Call, ask};
use protocol::channel::codes;
use protocol::directory::KeyRole;
use protocol::{Channel, Party, Refusal, Service};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::{Published, log_origin, parties, stopped};

/// How old the last anchor may become.
const DAY_SECONDS: i64 = 24 * 3600;
/// How long the other zones are given to start, and how often it is looked whether an anchor is due.
const LOOK: Duration = Duration::from_secs(60);

/// How far the answering zone has seen the log of the one that asks.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Seen {}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SeenAnswer {
    size: u64,
}

impl Call for Seen {
    const KIND: &'static str = "audit/seen";
    type Answer = SeenAnswer;
}

/// A checkpoint to be cosigned.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cosign {
    statement: Statement,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CosignAnswer {
    line: String,
}

impl Call for Cosign {
    const KIND: &'static str = "audit/cosign";
    type Answer = CosignAnswer;
}

/// The key of a zone's log, as published.
pub fn log_key(published: &Published, party: &Party) -> Option<VerifierKey> {
    let entry = published.keys.iter().find(|k| k.party == *party && k.role == KeyRole::Audit)?;
    Some(VerifierKey::log(log_origin(party), entry.signing.0))
}

/// The keys with which the other zones cosign the log of `party`.
pub fn witness_keys(published: &Published, party: &Party) -> Vec<VerifierKey> {
    let others = published.keys.iter().filter(|k| k.party != *party && k.role == KeyRole::Audit);
    others.map(|k| VerifierKey::witness(log_origin(&k.party), k.signing.0)).collect()
}

/// A zone's services, and its answers to the other zones' logs.
pub struct Witness {
    /// The zone's own log, in which the others' checkpoints become entries.
    pub log: Arc<Log>,
    /// Where the others' keys stand.
    pub published: Arc<Published>,
    /// What else the zone answers.
    pub services: Arc<dyn Service>,
}

impl Witness {
    async fn cosign(&self, from: &Party, question: &Cosign) -> Result<CosignAnswer, Refusal> {
        let key = log_key(&self.published, from).ok_or_else(|| Refusal::new(codes::UNKNOWN_KEY))?;
        let line = self.log.witness(&key, &question.statement).await.map_err(|error| {
            tracing::error!(%from, %error, "the log of another zone was not cosigned");
            Refusal::new(codes::BAD_SIGNATURE)
        })?;
        Ok(CosignAnswer { line })
    }
}

#[async_trait]
impl Service for Witness {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        match kind {
            Seen::KIND => {
                calls::read::<Seen>(&body)?;
                let size = self.log.seen(&log_origin(from)).await;
                calls::write(&SeenAnswer { size: size.map_err(|_| Refusal::new(codes::UNAVAILABLE))? })
            }
            Cosign::KIND => calls::write(&self.cosign(from, &calls::read(&body)?).await?),
            _ => self.services.handle(from, kind, body).await,
        }
    }
}

/// Anchors the log of `party` whenever the last anchor is a day old, until the end.
pub async fn run(
    party: Party,
    log: Arc<Log>,
    published: Arc<Published>,
    channel: Arc<dyn Channel>,
    clock: Arc<dyn kernel::Clock>,
    stop: watch::Receiver<bool>,
) {
    let witnesses = witness_keys(&published, &party);
    loop {
        tokio::select! {
            () = stopped(stop.clone()) => return,
            () = tokio::time::sleep(LOOK) => {}
        }
        let due = match log.last_witnessed(&witnesses) {
            Ok(last) => last.is_none_or(|at| at.plus_seconds(DAY_SECONDS) <= clock.now()),
            Err(error) => {
                tracing::error!(%party, %error, "the cosignatures of the log cannot be read");
                true
            }
        };
        if due && let Err(error) = anchor(&party, &log, &*channel).await {
            tracing::warn!(%party, %error, "the log waits to be anchored");
        }
    }
}

/// One round: every other zone that can be reached cosigns the present checkpoint. Gives how many did.
///
/// # Errors
/// When the log has no checkpoint, or nobody could be reached.
pub async fn anchor(party: &Party, log: &Log, channel: &dyn Channel) -> anyhow::Result<usize> {
    let mut last = None;
    let mut witnessed = 0;
    let mut kept: Option<(Statement, Vec<String>)> = None;
    for other in parties().into_iter().filter(|other| other != party) {
        let cosigned = async {
            let seen = ask(channel, &other, &Seen {}).await?.size;
            let statement = log.statement(seen).await?;
            let answer = ask(channel, &other, &Cosign { statement: statement.clone() }).await?;
            anyhow::Ok((statement, answer.line))
        };
        match cosigned.await {
            Ok((statement, line)) => {
                witnessed += 1;
                // Lines belong to the checkpoint that they cosign: a newer one begins anew.
                match &mut kept {
                    Some((first, lines)) if first.checkpoint == statement.checkpoint => lines.push(line),
                    _ => kept = Some((statement, vec![line])),
                }
            }
            Err(error) => last = Some(error),
        }
    }
    match kept {
        Some((statement, lines)) => log.witnessed(&statement, &lines).await?,
        None => return Err(last.unwrap_or_else(|| anyhow::anyhow!("there is no other zone"))),
    }
    Ok(witnessed)
}

#[cfg(test)]
mod tests {
    use protocol::peer::Switchboard;

    use super::*;
    use crate::places::Places;
    use crate::zones::{self, Net, room};

    struct Silent;

    #[async_trait]
    impl Service for Silent {
        async fn handle(&self, _: &Party, _: &str, _: Bytes) -> Result<Bytes, Refusal> {
            Err(Refusal::new(codes::UNKNOWN_KIND))
        }
    }

    /// AUD-012: two zones; the checkpoint of one becomes an entry of the other, and comes back cosigned.
    #[tokio::test]
    async fn a_zone_has_its_log_cosigned_by_the_others_that_can_be_reached() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path());
        let published = Arc::new(zones::prepare(&places, true, 8181).unwrap());
        let (_running, stop) = watch::channel(false);
        let net = Net { published: published.clone(), switchboard: Some(Arc::new(Switchboard::default())), stop };
        zones::keys::start(&net, &places).await.unwrap();
        let (opened, _intake) = room::open(&net, &places, zones::ROOM).await.unwrap();
        net.answer(&opened, Arc::new(Silent)).await.unwrap();
        let action = audit::Action::new(audit::Kind::Log, "log.test", &[]);
        let entry = audit::Entry::new(&action, audit::Actor::service("test"), audit::Object::new("log", "x"));
        opened.zone.log.record_alone(entry).await.unwrap();
        while opened.zone.log.checkpoint().unwrap().is_none() {
            tokio::task::yield_now().await;
        }
        let witnesses = witness_keys(&published, &opened.party);
        assert_eq!(opened.zone.log.last_witnessed(&witnesses).unwrap(), None);
        // Keys answers; data and centre are not there.
        assert_eq!(anchor(&opened.party, &opened.zone.log, &*opened.channel).await.unwrap(), 1);
        assert!(opened.zone.log.last_witnessed(&witnesses).unwrap().is_some());
    }
}
