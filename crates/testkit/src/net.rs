//! Zones that call each other in one process, through the same signed messages as in production.

use std::sync::Arc;

use audit::Zone;
use protocol::directory::{Directory, Entry, KeyRole};
use protocol::peer::{Endpoint, Identity, Peer, Switchboard};
use protocol::{Channel, Party, Service};

const ROLES: [KeyRole; 8] = [
    KeyRole::Channel,
    KeyRole::PermitAuthority,
    KeyRole::KeyService,
    KeyRole::Ledger,
    KeyRole::Gate,
    KeyRole::Source,
    KeyRole::Intake,
    KeyRole::Audit,
];

/// A net of zones with a directory of their keys.
pub struct Net {
    directory: Arc<Directory>,
    switchboard: Arc<Switchboard>,
}

impl Net {
    /// A net of these zones. Each zone's own signer is listed for every role that a key can have, so that one zone can
    /// stand for a whole party.
    pub fn of(zones: &[(Party, &Zone)]) -> Self {
        let mut directory = Directory::default();
        for (party, zone) in zones {
            for role in ROLES {
                directory.add(Entry::new(party.clone(), role, zone.signer.public_key(), None));
            }
        }
        Self { directory: Arc::new(directory), switchboard: Arc::new(Switchboard::default()) }
    }

    /// The keys that every zone of the net trusts.
    pub fn directory(&self) -> Arc<Directory> {
        self.directory.clone()
    }

    /// How `party` asks the others.
    pub fn channel(&self, party: &Party, zone: &Zone) -> Arc<dyn Channel> {
        Arc::new(Peer::new(self.identity(party, zone), self.switchboard.clone()))
    }

    /// Lets `service` answer as `party`.
    pub fn serve(&self, party: &Party, zone: &Zone, service: Arc<dyn Service>) {
        self.switchboard.connect(Arc::new(Endpoint::new(self.identity(party, zone), service)));
    }

    fn identity(&self, party: &Party, zone: &Zone) -> Identity {
        Identity {
            party: party.clone(),
            signer: zone.signer.clone(),
            directory: self.directory.clone(),
            clock: zone.clock.clone(),
            random: zone.random.clone(),
        }
    }
}
