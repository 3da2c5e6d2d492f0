//! Sessions: an opaque token in a cookie, of which only a hash is stored; idle limits; the secret behind form tokens.

use kernel::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::{Actor, Role};

/// A live session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// Who acts.
    pub actor: Actor,
    /// When it ends unless it is used.
    pub idle_until: Timestamp,
    pub(crate) form_secret: String,
}

impl Session {
    /// A secret of this session for form tokens: stable, not the token itself, and not stored.
    pub fn form_secret(&self) -> &str {
        &self.form_secret
    }
}

/// Seconds that a session may stay idle: 30 minutes for who is a citizen only, 8 hours for others.
pub(crate) fn idle_seconds(roles: impl Iterator<Item = Role>) -> i64 {
    let mut roles = roles.peekable();
    let citizen_only = roles.peek().is_some() && roles.all(|r| r == Role::Citizen);
    if citizen_only { 30 * 60 } else { 8 * 3600 }
}

/// What of a token is stored.
pub(crate) fn token_hash(token: &str) -> String {
    digest("session", token)
}

/// The secret behind the form tokens of the session with this token.
pub(crate) fn form_secret(token: &str) -> String {
    digest("form", token)
}

fn digest(purpose: &str, token: &str) -> String {
    hex::encode(Sha256::new().chain_update(purpose).chain_update([0]).chain_update(token).finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citizens_are_logged_out_sooner() {
        assert_eq!(idle_seconds([Role::Citizen].into_iter()), 1800);
        assert_eq!(idle_seconds([Role::Citizen, Role::Researcher].into_iter()), 28_800);
        assert_eq!(idle_seconds([].into_iter()), 28_800);
        assert_ne!(token_hash("t"), form_secret("t"));
    }
}
