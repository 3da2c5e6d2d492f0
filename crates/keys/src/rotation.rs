//! Rotation of the gate's keys (SDC-030). New keys give new noise for the same persons, so the old ledger says nothing of what
//! they give: they are changed only together with a new gate ledger, by two persons and with a recorded decision. The epoch
//! of `k_noise` is that of all keys of the gate: making it is the one step that rotates, the keys of unit spaces follow when
//! they are asked for. The old keys are deactivated and given to nobody; they are not destroyed.

use audit::{Actor, Entry, Object};
use kernel::Problem;

use crate::actions;
use crate::error::KeyError;
use crate::keystore::{KeyClass, KeySpec, KeyState, Keystore as _};
use crate::service::KeyService;

/// The key whose epoch is that of the gate.
pub(crate) const NOISE: &str = "k_noise";
/// Longest reason, in characters.
const LONGEST_REASON: usize = 1000;

impl KeyService {
    /// The epoch of the gate's keys, from 1.
    pub fn gate_epoch(&self) -> u32 {
        let noise = self.keystore.list().into_iter().filter(|k| k.class == KeyClass::Gate && k.label == NOISE);
        noise.map(|key| key.epoch).max().unwrap_or(1)
    }

    /// Rotates the keys of the gate, as the key officer and the disclosure steward have decided; gives the new epoch. The data
    /// zone begins a new ledger when it starts the next time. Accounts are recorded as they are given.
    ///
    /// # Errors
    /// [`Problem::Invalid`] without a reason or an account; [`Problem::Forbidden`] when both are one person;
    /// [`Problem::Unavailable`] when the keystore or the log does not answer.
    pub async fn rotate_gate(&self, officer: &str, steward: &str, reason: &str) -> Result<u32, Problem> {
        if reason.trim().is_empty() || reason.chars().count() > LONGEST_REASON {
            return Err(Problem::invalid("reason", "length", "write why, in at most 1000 letters"));
        }
        let actor = Actor { role: Some("key_officer".into()), ..Actor::person(officer.to_owned()) };
        if officer == steward {
            self.refused_officer(&actor, "same_person").await?;
            return Err(Problem::forbidden("same_person"));
        }
        let (before, epoch) = (self.gate_epoch(), self.gate_epoch() + 1);
        let entry = Entry::new(&actions::ROTATE_GATE, actor, Object::new("system_purpose", "disclosure"))
            .detail("epoch", u64::from(epoch))
            .detail("second", steward.to_owned())
            .detail("reason", reason.to_owned());
        // No entry, no action.
        self.zone.log.record_alone(entry).await?;
        // Without a first key there would be nothing that the new one comes after.
        self.keystore.generate(&KeySpec::new(KeyClass::Gate, NOISE)).map_err(KeyError::from)?;
        self.keystore.generate(&KeySpec { epoch, ..KeySpec::new(KeyClass::Gate, NOISE) }).map_err(KeyError::from)?;
        for key in self.keystore.list() {
            if key.class == KeyClass::Gate && key.epoch <= before && key.state == KeyState::Active {
                self.keystore.set_state(key.key_id, KeyState::Deactivated).map_err(KeyError::from)?;
            }
        }
        Ok(epoch)
    }
}
