//! Calls between zones over any transport: the caller signs a head with the digest of the body, the receiver checks it
//! in the order of KEY-021 and signs the answer, which names the question it answers.
//!
//! A message on the wire is `u32` length of the head (little-endian), the head as a signed envelope, then the body as
//! it is. The transport is handed in ([`Transport`]); [`Switchboard`] is the one inside a process, the one over HTTPS
//! is in the binary. Secrecy on the way is the transport's; origin, integrity, freshness and single use are proved here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::Bytes;
use kernel::{Clock, Id, Random, Signer, Timestamp};
use serde::{Deserialize, Serialize};

use crate::channel::{CallError, Channel, Refusal, Service, codes};
use crate::directory::{Directory, KeyRole};
use crate::documents::Document;
use crate::dsse::{DsseError, Envelope, MAX_ENVELOPE};
use crate::form::Digest;
use crate::ids::MessageId;
use crate::party::Party;

/// The largest body of a call.
pub const MAX_BODY: usize = 64 << 20;
/// How far two clocks may differ (KEY-021).
pub const SKEW_SECONDS: i64 = 120;
/// How long a question may be on its way.
const LIFETIME_SECONDS: i64 = 300;
/// How many message ids are remembered; more inside one time window means that something is wrong.
const REMEMBERED: usize = 1 << 20;

/// Head of a question.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionHead {
    /// Used once.
    pub message_id: MessageId,
    /// Which call it is, e.g. `permit/current`.
    pub kind: String,
    /// Who asks.
    pub from: Party,
    /// Who is asked.
    pub to: Party,
    /// When it was signed; it counts from then on.
    pub at: Timestamp,
    /// Until when it counts.
    pub not_after: Timestamp,
    /// Digest of the body.
    pub body: Digest,
}

impl Document for QuestionHead {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.question+json";
    const NAME: &'static str = "question";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::Channel];
}

/// Head of an answer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerHead {
    /// Digest of the question's head as it was received.
    pub in_reply_to: Digest,
    /// Who answers.
    pub from: Party,
    /// When it was signed.
    pub at: Timestamp,
    /// Present when the body is a refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Digest of the body.
    pub body: Digest,
}

impl Document for AnswerHead {
    const PAYLOAD_TYPE: &'static str = "application/vnd.hap.answer+json";
    const NAME: &'static str = "answer";
    const SIGNED_BY: &'static [KeyRole] = &[KeyRole::Channel];
}

/// What carries messages. It need not be trusted.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Hands `message` to `to` and waits for the answer.
    ///
    /// # Errors
    /// What went wrong on the way, for the log.
    async fn exchange(&self, to: &Party, message: Vec<u8>) -> Result<Vec<u8>, String>;
}

/// What a zone is when it speaks: name, key, the keys it trusts, clock and randomness.
#[derive(Clone)]
pub struct Identity {
    /// Its name.
    pub party: Party,
    /// Signs heads; listed with role [`KeyRole::Channel`].
    pub signer: Arc<dyn Signer>,
    /// The keys it trusts.
    pub directory: Arc<Directory>,
    /// Its clock.
    pub clock: Arc<dyn Clock>,
    /// Its randomness.
    pub random: Arc<dyn Random>,
}

/// The caller's side: a [`Channel`] over a [`Transport`].
pub struct Peer {
    me: Identity,
    transport: Arc<dyn Transport>,
}

impl Peer {
    /// A channel for `me` over `transport`.
    pub fn new(me: Identity, transport: Arc<dyn Transport>) -> Self {
        Self { me, transport }
    }

    fn question(&self, to: &Party, kind: &str, body: &[u8]) -> Result<(Vec<u8>, Digest), &'static str> {
        let now = self.me.clock.now();
        let head = QuestionHead {
            message_id: Id::new(&*self.me.clock, &*self.me.random),
            kind: kind.to_owned(),
            from: self.me.party.clone(),
            to: to.clone(),
            at: now,
            not_after: now.plus_seconds(LIFETIME_SECONDS),
            body: Digest::sha256(body),
        };
        let envelope = Envelope::of(&head, &*self.me.signer).map_err(|_| codes::TOKEN_UNAVAILABLE)?;
        let head = envelope.to_bytes();
        let digest = Digest::sha256(&head);
        Ok((join(&head, body), digest))
    }

    fn answer(&self, to: &Party, asked: &Digest, message: &[u8]) -> Result<Result<Bytes, Refusal>, &'static str> {
        let (envelope, _, body) = split(message).map_err(|e| e.code())?;
        let head: AnswerHead = envelope.open(&self.me.directory).map_err(|e| e.code())?;
        let signed_by_them = envelope
            .signatures
            .iter()
            .all(|s| head.from == *to && self.me.directory.allows(&s.keyid, to, KeyRole::Channel));
        if !signed_by_them {
            return Err(codes::UNKNOWN_KEY);
        }
        if head.in_reply_to != *asked {
            return Err(codes::REPLAY);
        }
        let now = self.me.clock.now();
        if head.at < now.plus_seconds(-LIFETIME_SECONDS - SKEW_SECONDS) || head.at > now.plus_seconds(SKEW_SECONDS) {
            return Err(codes::EXPIRED);
        }
        if head.body != Digest::sha256(body) {
            return Err(codes::MANIFEST_MISMATCH);
        }
        match head.refused {
            None => Ok(Ok(Bytes::copy_from_slice(body))),
            Some(_) => serde_json::from_slice(body).map(Err).map_err(|_| codes::BAD_SCHEMA),
        }
    }
}

#[async_trait]
impl Channel for Peer {
    async fn call(&self, to: &Party, kind: &str, body: Bytes) -> Result<Bytes, CallError> {
        if body.len() > MAX_BODY {
            return Err(Refusal::new(codes::TOO_LARGE).into());
        }
        let (message, digest) = self.question(to, kind, &body).map_err(Refusal::new)?;
        drop(body);
        let reply = self.transport.exchange(to, message).await;
        let reply = reply.map_err(|reason| CallError::Unreachable { party: to.clone(), reason })?;
        let answer = self.answer(to, &digest, &reply);
        Ok(answer.map_err(|code| CallError::Untrusted { party: to.clone(), code })??)
    }
}

/// The receiver's side: checks, hands to a [`Service`], signs the answer.
pub struct Endpoint {
    me: Identity,
    service: Arc<dyn Service>,
    seen: Mutex<HashMap<MessageId, Timestamp>>,
    started: Timestamp,
}

impl Endpoint {
    /// Answers for `me` through `service`.
    pub fn new(me: Identity, service: Arc<dyn Service>) -> Self {
        let started = me.clock.now();
        Self { me, service, seen: Mutex::default(), started }
    }

    /// Who answers here.
    pub fn party(&self) -> &Party {
        &self.me.party
    }

    /// Takes one message and gives the signed answer; a refusal is an answer too. `peer` is who the transport knows the
    /// caller to be (e.g. by the client certificate), when it knows; then it must be the one who signed.
    ///
    /// # Errors
    /// Only when the answer cannot be signed.
    pub async fn receive(&self, message: &[u8], peer: Option<&Party>) -> Result<Vec<u8>, kernel::CryptoError> {
        let asked = Digest::sha256(head_bytes(message));
        let outcome = match self.accept(message, peer) {
            Ok((head, body)) => self.service.handle(&head.from, &head.kind, body).await,
            Err(code) => Err(Refusal::new(code)),
        };
        let (refused, body) = match outcome {
            Ok(body) if body.len() > MAX_BODY => {
                let refusal = Refusal::new(codes::TOO_LARGE);
                (Some(refusal.code.to_string()), encode(&refusal))
            }
            Ok(body) => (None, body),
            Err(refusal) => (Some(refusal.code.to_string()), encode(&refusal)),
        };
        let head = AnswerHead {
            in_reply_to: asked,
            from: self.me.party.clone(),
            at: self.me.clock.now(),
            refused,
            body: Digest::sha256(&body),
        };
        let envelope = Envelope::of(&head, &*self.me.signer)?;
        Ok(join(&envelope.to_bytes(), &body))
    }

    /// The checks of KEY-021 in their order; the first failure ends them.
    fn accept(&self, message: &[u8], peer: Option<&Party>) -> Result<(QuestionHead, Bytes), &'static str> {
        let (envelope, _, body) = split(message).map_err(|e| e.code())?;
        let head: QuestionHead = envelope.open(&self.me.directory).map_err(|e| e.code())?;
        let directory = &self.me.directory;
        if !envelope.signatures.iter().all(|s| directory.allows(&s.keyid, &head.from, KeyRole::Channel)) {
            return Err(codes::UNKNOWN_KEY);
        }
        if head.to != self.me.party || peer.is_some_and(|p| *p != head.from) {
            return Err(codes::WRONG_PARTY);
        }
        if head.body != Digest::sha256(body) {
            return Err(codes::MANIFEST_MISMATCH);
        }
        self.check_time(&head)?;
        self.check_replay(&head)?;
        Ok((head, Bytes::copy_from_slice(body)))
    }

    fn check_time(&self, head: &QuestionHead) -> Result<(), &'static str> {
        let now = self.me.clock.now();
        let early = head.at > now.plus_seconds(SKEW_SECONDS);
        let late = head.not_after < now.plus_seconds(-SKEW_SECONDS);
        let too_long = head.not_after > head.at.plus_seconds(LIFETIME_SECONDS);
        // What was signed before this process started may have been seen by the process before it, whose memory of
        // message ids is gone.
        if early || late || too_long || head.at < self.started { Err(codes::EXPIRED) } else { Ok(()) }
    }

    fn check_replay(&self, head: &QuestionHead) -> Result<(), &'static str> {
        let now = self.me.clock.now();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.contains_key(&head.message_id) {
            return Err(codes::REPLAY);
        }
        if seen.len() >= REMEMBERED / 2 {
            seen.retain(|_, not_after| *not_after >= now.plus_seconds(-SKEW_SECONDS));
        }
        if seen.len() >= REMEMBERED {
            return Err(codes::RATE_LIMITED);
        }
        seen.insert(head.message_id, head.not_after);
        Ok(())
    }
}

/// A transport inside one process: the demo's zones and tests.
#[derive(Default)]
pub struct Switchboard {
    endpoints: RwLock<HashMap<Party, Arc<Endpoint>>>,
}

impl Switchboard {
    /// Puts an endpoint under its party's name.
    pub fn connect(&self, endpoint: Arc<Endpoint>) {
        let mut endpoints = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        endpoints.insert(endpoint.party().clone(), endpoint);
    }

    /// Takes an endpoint off: it does not answer any more.
    pub fn disconnect(&self, party: &Party) {
        self.endpoints.write().unwrap_or_else(PoisonError::into_inner).remove(party);
    }
}

#[async_trait]
impl Transport for Switchboard {
    async fn exchange(&self, to: &Party, message: Vec<u8>) -> Result<Vec<u8>, String> {
        let endpoint = self.endpoints.read().unwrap_or_else(PoisonError::into_inner).get(to).cloned();
        let endpoint = endpoint.ok_or_else(|| "no such endpoint in this process".to_owned())?;
        endpoint.receive(&message, None).await.map_err(|e| e.to_string())
    }
}

fn encode(refusal: &Refusal) -> Bytes {
    serde_json::to_vec(refusal).unwrap_or_default().into()
}

fn join(head: &[u8], body: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + head.len() + body.len());
    out.extend_from_slice(&(head.len() as u32).to_le_bytes());
    out.extend_from_slice(head);
    out.extend_from_slice(body);
    out
}

/// The bytes of the head, or all of a message that has none.
fn head_bytes(message: &[u8]) -> &[u8] {
    split_raw(message).map_or(message, |(head, _)| head)
}

fn split_raw(message: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = message.split_first_chunk::<4>()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

fn split(message: &[u8]) -> Result<(Envelope, &[u8], &[u8]), DsseError> {
    if message.len() > MAX_BODY + MAX_ENVELOPE + 4 {
        return Err(DsseError::TooLarge);
    }
    let (head, body) = split_raw(message).ok_or(DsseError::BadEnvelope)?;
    if body.len() > MAX_BODY {
        return Err(DsseError::TooLarge);
    }
    Ok((Envelope::parse(head)?, head, body))
}
