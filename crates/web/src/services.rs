//! What the site is given: one service per area, and a few settings.

use std::sync::Arc;

use hmac::{Hmac, Mac};
use kernel::{Clock, Random};
use sha2::Sha256;

/// The services behind the pages. Cheap to clone.
#[derive(Clone)]
pub struct Services {
    /// Sessions, personas, roles.
    pub identity: Arc<identity::Identity>,
    /// Sources, variables, cart.
    pub catalogue: Arc<catalogue::Catalogue>,
    /// Scripts, runs, released results.
    pub explore: Arc<explore::Workspace>,
    /// Applications, cases, permits.
    pub access: Arc<access::Access>,
    /// Deliveries as the centre sees them.
    pub deliveries: Arc<delivery::Deliveries>,
    /// Insight, choices, trace of use.
    pub citizen: Arc<citizen::Citizen>,
    /// The centre's audit log, for the auditor's page.
    pub log: Arc<audit::Log>,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Where tokens come from.
    pub random: Arc<dyn Random>,
    /// Whether this installation is a demo: personas to choose from, synthetic persons only.
    pub demo: bool,
    /// Whether cookies travel over TLS only. Off on loopback.
    pub secure_cookies: bool,
    /// Key of the form tokens, made at start-up.
    pub form_key: Arc<[u8; 32]>,
}

impl Services {
    /// 32 random hex digits.
    pub(crate) fn token(&self) -> String {
        let mut bytes = [0u8; 16];
        self.random.fill(&mut bytes);
        hex::encode(bytes)
    }

    /// The token that the forms of one session (or of one cart, without login) carry.
    pub(crate) fn form_token(&self, session: &str) -> String {
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(self.form_key.as_slice()) else { return String::new() };
        mac.update(session.as_bytes());
        hex::encode(&mac.finalize().into_bytes()[..16])
    }
}
