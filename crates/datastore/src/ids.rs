//! Ordinals for unit ids (DATA-081 to DATA-083): the trait that stands for the key role, its implementation over a
//! channel, and the memory of one job, so that an id that occurs in many datasets is asked for once. Ids live in memory
//! only, for the length of the job, and never enter a log or an error.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use engine::source::UnitType;
use protocol::calls::{Frame, IdCheck, IndexRegister, Registered, index_register};
use protocol::channel::codes;
use protocol::{CallError, Channel, Party, Refusal};
use tokio::sync::Mutex;

use crate::prepared::REFUSED;
use crate::texts::Texts;

/// Gives dense ordinals for unit ids. The same ids again get the same ordinals.
#[async_trait]
pub trait UnitIndex: Send + Sync {
    /// Ordinals for at most 65 536 ids, in their order.
    async fn register(&self, header: &IndexRegister, ids: &[&[u8]]) -> Result<Registered, CallError>;
}

/// The key role, asked over a channel.
#[derive(Clone)]
pub struct ChannelIndex(pub Arc<dyn Channel>);

#[async_trait]
impl UnitIndex for ChannelIndex {
    async fn register(&self, header: &IndexRegister, ids: &[&[u8]]) -> Result<Registered, CallError> {
        let malformed = || CallError::Refused(Refusal::new(codes::BAD_ENCODING));
        let packed = index_register::encode(ids).map_err(|_| malformed())?;
        let body = Frame::new(header.clone(), packed).encode().map_err(|_| malformed())?;
        let answer = self.0.call(&Party::Keys, IndexRegister::KIND, body).await?;
        index_register::decode_answer(&answer, ids.len())
            .map_err(|_| CallError::Untrusted { party: Party::Keys, code: codes::BAD_ENCODING })
    }
}

/// How the ids of a store are checked, and which spaces they live in.
#[derive(Clone, Debug)]
pub(crate) struct IdSpaces {
    pub store: String,
    pub check: IdCheck,
}

impl IdSpaces {
    /// The unit type as the engine sees it: opaque ids live in a space of the store's own (DATA-087).
    pub(crate) fn unit_type(&self, unit: UnitType) -> UnitType {
        match (self.check, &unit.id_type) {
            (IdCheck::Opaque, Some(id_type)) => UnitType { id_type: Some(format!("{id_type}@{}", self.store)), ..unit },
            _ => unit,
        }
    }
}

/// Ordinals of the ids of one job, by space.
pub(crate) struct JobIds<'a> {
    index: &'a dyn UnitIndex,
    job: String,
    spaces: IdSpaces,
    known: Mutex<HashMap<String, Arc<Mutex<Known>>>>,
}

#[derive(Default)]
struct Known {
    ids: Texts,
    ordinals: Vec<u32>,
}

/// Ordinals of the distinct ids of a column; refused ones have [`REFUSED`].
pub(crate) struct Ordinals {
    pub ordinals: Vec<u32>,
    pub refused: u64,
}

impl<'a> JobIds<'a> {
    pub(crate) fn new(index: &'a dyn UnitIndex, job: &str, spaces: IdSpaces) -> Self {
        Self { index, job: job.to_owned(), spaces, known: Mutex::default() }
    }

    /// Ordinals of ids of one id type, in their order. Batches of one space follow each other, so that two datasets with
    /// the same new ids ask once.
    pub(crate) async fn ordinals(&self, id_type: &str, ids: &Texts) -> Result<Ordinals, CallError> {
        let space = self.known.lock().await.entry(id_type.to_owned()).or_default().clone();
        let mut known = space.lock().await;
        let missing: Vec<u32> = (0..ids.len() as u32).filter(|n| known.ids.find(ids.get(*n)).is_none()).collect();
        let opaque = self.spaces.check == IdCheck::Opaque;
        let header = IndexRegister {
            job: self.job.clone(),
            id_type: id_type.to_owned(),
            check: self.spaces.check,
            space: opaque.then(|| self.spaces.store.clone()),
        };
        for batch in missing.chunks(IndexRegister::MAX) {
            let texts: Vec<&[u8]> = batch.iter().map(|n| ids.get(*n)).collect();
            // Longer texts are no ids of any type (DATA-087), and do not fit the message.
            let fits = |id: &&[u8]| !id.is_empty() && id.len() <= 32;
            let sent: Vec<&[u8]> = texts.iter().copied().filter(fits).collect();
            let answer =
                if sent.is_empty() { Registered::default() } else { self.index.register(&header, &sent).await? };
            let mut answers = answer.ordinals.into_iter();
            for id in texts {
                let ordinal = if fits(&id) { answers.next().unwrap_or(REFUSED) } else { REFUSED };
                let full = |_| CallError::Refused(Refusal::new(codes::TOO_LARGE));
                known.ids.number(id).map_err(full)?;
                known.ordinals.push(ordinal);
            }
        }
        let of = |id: &[u8]| known.ids.find(id).map_or(REFUSED, |n| known.ordinals[n as usize]);
        let ordinals: Vec<u32> = ids.iter().map(of).collect();
        let refused = ordinals.iter().filter(|o| **o == REFUSED).count() as u64;
        Ok(Ordinals { ordinals, refused })
    }
}
