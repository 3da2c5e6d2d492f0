//! What this area answers for the data zone: the kinds `metadata` and `insight`, as a piece that the role mounts.

use std::sync::Arc;

use async_trait::async_trait;
use audit::{Action, Actor, Entry, Kind, Object, Purpose};
use bytes::Bytes;
use protocol::calls::{self, Insight, InsightAnswer};
use protocol::channel::codes;
use protocol::documents::InsightToken;
use protocol::{Base64, Call, Party, Refusal, Service};

use crate::store_service::Datastore;

/// A citizen's question was answered. The object is the token: neither person nor ordinal stands in the log.
const INSIGHT: Action = Action::new(Kind::Citizen, "datastore.insight", &[]);

/// Opens what the key role sealed for the data zone: the container, and the signed document in it, checked against the
/// directory. Implemented by the role, which has the zone's sealing key.
pub trait OpenToken: Send + Sync {
    /// The token.
    ///
    /// # Errors
    /// The refusal, when it does not open or its signature does not verify.
    fn open(&self, token: &Base64) -> Result<InsightToken, Refusal>;
}

/// Answers `metadata` and `insight`.
pub struct DatastoreService {
    datastore: Datastore,
    tokens: Arc<dyn OpenToken>,
}

impl DatastoreService {
    /// The kinds that it answers.
    pub const KINDS: [&'static str; 2] = [calls::Metadata::KIND, Insight::KIND];

    /// Answers from this datastore.
    pub fn new(datastore: Datastore, tokens: Arc<dyn OpenToken>) -> Self {
        Self { datastore, tokens }
    }

    async fn metadata(&self, question: &calls::Metadata) -> Result<calls::MetadataAnswer, Refusal> {
        Ok(self.datastore.metadata(question).await?)
    }

    async fn insight(&self, from: &Party, question: &Insight) -> Result<InsightAnswer, Refusal> {
        let token = self.tokens.open(&question.token)?;
        let zone = &self.datastore.zone;
        let now = zone.now();
        if token.usage != "insight" || token.id_form != "O" {
            return Err(Refusal::new(codes::BAD_SCHEMA));
        }
        if now < token.not_before || token.not_after < now {
            return Err(Refusal::new(codes::EXPIRED));
        }
        self.datastore.refresh().await?;
        let datastore = self.datastore.clone();
        let looked = tokio::task::spawn_blocking(move || datastore.insight(token.ordinal)).await;
        let sources = looked.map_err(|_| Refusal::new(codes::UNAVAILABLE))?;
        let entry =
            Entry::new(&INSIGHT, Actor::service(from.to_string()), Object::new("insight_token", token.message_id))
                .purpose(Purpose::Insight);
        zone.log.record_alone(entry).await.map_err(|_| Refusal::new(codes::UNAVAILABLE))?;
        Ok(InsightAnswer { sources, as_of: now })
    }
}

#[async_trait]
impl Service for DatastoreService {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        if *from != Party::Centre {
            return Err(Refusal::new(codes::WRONG_PARTY));
        }
        match kind {
            calls::Metadata::KIND => calls::write(&self.metadata(&calls::read(&body)?).await?),
            Insight::KIND => calls::write(&self.insight(from, &calls::read(&body)?).await?),
            _ => Err(Refusal::new(codes::UNKNOWN_KIND)),
        }
    }
}
