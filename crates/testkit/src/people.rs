//! Who acts in tests, and the scanner for personal data in what tests write.

use identity::{Account, AccountId, Actor, Assurance, Grant, Role};
use kernel::{Id, LangMap, identity_number};
use sha2::{Digest as _, Sha256};

/// An actor with one role at an organisation. The same name gives the same account.
pub fn actor(name: &str, role: Role, organisation: &str) -> Actor {
    let grant = Grant { role, organisation: organisation.to_owned(), scope: None };
    Actor {
        account: account(name),
        session: None,
        name: LangMap::of(name, name, name),
        grants: vec![grant],
        assurance: Assurance::High,
        on_behalf_of: None,
    }
}

/// A citizen without any other role.
pub fn citizen(name: &str) -> Actor {
    actor(name, Role::Citizen, "citizens")
}

fn account(name: &str) -> AccountId {
    let digest = Sha256::digest(format!("account {name}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    // The first bits are a time; keep it within the range of ULIDs.
    bytes[0] = 1;
    Id::<Account>::from_bytes(bytes)
}

/// What in `text` looks like personal data: identity numbers and e-mail addresses, in masked form (AUD-030). Digests are
/// not looked into.
pub fn personal_data(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "@._+-".contains(c);
    for word in text.split(|c: char| !allowed(c)) {
        let hex = word.len() >= 32 && word.bytes().all(|b| b.is_ascii_hexdigit());
        if hex {
            continue;
        }
        if let Some((user, host)) = word.split_once('@')
            && !user.is_empty()
            && host.contains('.')
        {
            found.push(format!("address of {} characters", word.len()));
        }
        let hits = identity_number::scan(word, identity_number::Accept::Both);
        found.extend(hits.into_iter().map(|h| h.masked));
    }
    found
}
