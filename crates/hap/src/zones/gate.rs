//! The keys of the disclosure gate in the data zone: asked of the key role at the start, and again as soon as there is a unit
//! space without one, because a package was loaded while the zone was running. They stay in memory.

use std::sync::{Arc, OnceLock};

use anyhow::anyhow;
use async_trait::async_trait;
use bytes::Bytes;
use datastore::Datastore;
use disclosure::GateKeys;
use keys::SealingKey;
use protocol::calls::{GrantGate, GrantGateAnswer, ask};
use protocol::documents::KeyGrant;
use protocol::{Base64, Channel, Directory, Envelope, Party, Refusal, Service};

use super::{Opened, until};

/// Asks for keys and hands them to the datastore.
pub struct GateRing {
    channel: Arc<dyn Channel>,
    directory: Arc<Directory>,
    seal: SealingKey,
    datastore: Datastore,
    /// The epoch of the keys that the zone works with: those of another would give other numbers beside the same ledger.
    epoch: OnceLock<u32>,
}

impl GateRing {
    /// The ring of a data zone.
    ///
    /// # Errors
    /// When the zone's sealing key cannot be opened.
    pub fn new(opened: &Opened, datastore: Datastore) -> anyhow::Result<Self> {
        let seal = opened.keystore.x25519("seal")?;
        let (channel, directory) = (opened.channel.clone(), opened.directory.clone());
        Ok(Self { channel, directory, seal, datastore, epoch: OnceLock::new() })
    }

    /// The keys that the gate itself works with with their epoch, and those of every unit space there is. Waits for the key role.
    ///
    /// # Errors
    /// When the key role does not answer within a minute, or gives less than was asked for.
    pub async fn first(&self) -> anyhow::Result<(GateKeys, u32)> {
        let mut spaces = self.datastore.columns().spaces();
        if !spaces.iter().any(|s| s == datastore::PERSON_IDS) {
            spaces.push(datastore::PERSON_IDS.to_owned());
        }
        let question = GrantGate { id_types: spaces };
        let answer = until("the gate's keys", async || ask(&*self.channel, &Party::Keys, &question).await).await?;
        match self.take(&answer)? {
            (Some(persons), Some(noise)) => Ok((GateKeys::new(persons, noise), self.epoch.get().copied().unwrap_or(1))),
            _ => Err(anyhow!("the key role did not give all keys of the gate")),
        }
    }

    /// Looks for versions that were released since, and asks for the keys of unit spaces that have none.
    ///
    /// # Errors
    /// When the database or the key role does not answer.
    pub async fn complete(&self) -> anyhow::Result<()> {
        self.datastore.refresh().await?;
        let missing = self.datastore.columns().spaces_without_key();
        if !missing.is_empty() {
            let answer = ask(&*self.channel, &Party::Keys, &GrantGate { id_types: missing }).await?;
            self.take(&answer)?;
        }
        Ok(())
    }

    /// Keys of spaces go to the datastore; gives that of persons and that of the noise.
    fn take(&self, answer: &GrantGateAnswer) -> anyhow::Result<PersonsAndNoise> {
        let columns = self.datastore.columns();
        let (mut persons, mut noise) = (None, None);
        let grants = answer.grants.iter().map(|container| self.open(container)).collect::<anyhow::Result<Vec<_>>>()?;
        for grant in &grants {
            let epoch = *self.epoch.get_or_init(|| grant.epoch);
            anyhow::ensure!(
                grant.epoch == epoch,
                "the keys of the gate were rotated (epoch {}): start the data role again",
                grant.epoch
            );
        }
        for grant in grants {
            let name = grant.name.clone().unwrap_or_default();
            match name.strip_prefix("k_dataset:") {
                Some(space) => {
                    columns.set_dataset_key(space, *grant.key.expose());
                    if space == datastore::PERSON_IDS {
                        persons = Some(*grant.key.expose());
                    }
                }
                None => noise = Some(*grant.key.expose()),
            }
        }
        Ok((persons, noise))
    }

    fn open(&self, container: &Base64) -> anyhow::Result<KeyGrant> {
        let plain = self.seal.open(&container.0).map_err(|e| anyhow!("a key grant: {e}"))?;
        let envelope = Envelope::parse(&plain).map_err(|e| anyhow!("a key grant: {e}"))?;
        envelope.open(&self.directory).map_err(|e| anyhow!("a key grant: {e}"))
    }
}

/// The key of the person space and that of the noise, as far as an answer has them.
type PersonsAndNoise = (Option<[u8; 32]>, Option<[u8; 32]>);

/// A service before which the ring is made complete.
pub struct WithKeys {
    /// The keys.
    pub ring: Arc<GateRing>,
    /// What answers.
    pub service: Arc<dyn Service>,
}

#[async_trait]
impl Service for WithKeys {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        if let Err(error) = self.ring.complete().await {
            // What needs no new key still works; what does says itself that the keys are not there.
            tracing::warn!(%error, "keys of new unit spaces");
        }
        self.service.handle(from, kind, body).await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datastore::IngestOptions;
    use engine::source::{SourceError, VariableSource as _};
    use protocol::peer::Switchboard;

    use super::*;
    use crate::places::Places;
    use crate::zones::{Net, data, keys, prepare};

    /// A unit space that is first loaded while the data zone runs has its key before the next script.
    #[tokio::test]
    async fn a_space_that_is_loaded_later_gets_its_key_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let places = Places::new(folder.path().join("installation"));
        let published = Arc::new(prepare(&places, true, 8181).unwrap());
        let (_alive, stop) = tokio::sync::watch::channel(false);
        let net = Net { published, switchboard: Some(Arc::new(Switchboard::default())), stop };
        let keys = keys::start(&net, &places).await.unwrap();
        // One zone with its stores seen twice: by what answers scripts, and by what loads.
        let loader = data::open(&net, &places).await.unwrap();
        let opened = &loader.opened;
        let stores = Datastore::open(opened.zone.clone(), &opened.dir.join("datastore")).await.unwrap();
        let ring = GateRing::new(opened, stores.clone()).unwrap();
        ring.first().await.unwrap();
        assert!(stores.columns().spaces().is_empty());

        let files = folder.path().join("files");
        let settings = synth::Settings { persons: 200, seed: 1, catalogue: false };
        synth::generate(&settings, &files, &|_, _| ()).unwrap();
        loader.ingest(&[files.join("no.fhi.npr")], &IngestOptions::default(), &|_| ()).await.unwrap();

        stores.refresh().await.unwrap();
        let columns = stores.columns();
        assert_eq!(columns.spaces_without_key(), ["NPR_EPISODE_ID"], "persons had theirs from the start");
        assert!(matches!(columns.record_keys("NPR_EPISODE_ID"), Err(SourceError::NoKeys)));
        ring.complete().await.unwrap();
        assert!(columns.spaces_without_key().is_empty());
        assert!(columns.record_keys("NPR_EPISODE_ID").is_ok());

        // SDC-030: a zone that works with the old keys takes none of the new ones; one that starts anew has these alone.
        keys.rotate_gate("kari", "siv", "A test.").await.unwrap();
        let later = GrantGate { id_types: vec!["LNR".to_owned()] };
        let answer = ask(&*ring.channel, &Party::Keys, &later).await.unwrap();
        assert!(ring.take(&answer).err().unwrap().to_string().contains("start the data role again"));
        assert_eq!(GateRing::new(opened, stores).unwrap().first().await.unwrap().1, 2);
    }
}
