//! The software keystore (KEY-064): a folder with `root.json`, which holds the master key wrapped under a key from a
//! passphrase (argon2id) or a random key file, and one file per key, wrapped under the master and protected by a MAC.
//!
//! Destroying a key makes a new master: the key's file goes, every other key is wrapped anew, and the old master is
//! overwritten, so that a copy of the destroyed key's file opens with nothing that still exists here. Every step is
//! written down in `root.json` first; opening the keystore finishes what a crash cut off.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::Signer as _;
use kernel::{Clock, Id, Random, canonical_json};
use protocol::ids::StoredKeyId;
use protocol::{Base64, Digest};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{KeyHeader, KeySpec, KeyState, Keystore, KeystoreError, Secret, files};
use crate::primitives::{Block16, Cmac256, Permutation, kdf256, unwrap, wrap};

/// What opens a keystore.
pub enum Unlock {
    /// A file of 32 random bytes with mode 0600; made when the keystore is made.
    KeyFile(PathBuf),
    /// A passphrase, from a credential file.
    Passphrase(Zeroizing<Vec<u8>>),
}

/// A keystore in a folder.
pub struct SoftKeystore {
    dir: PathBuf,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    opener: Secret,
    state: RwLock<State>,
}

struct State {
    root: Root,
    master: Secret,
    keys: BTreeMap<StoredKeyId, Loaded>,
}

struct Loaded {
    header: KeyHeader,
    secret: Secret,
}

/// `root.json`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    v: u32,
    kdf: Kdf,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    m_kib: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    t: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    p: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    salt: Option<Base64>,
    generation: u64,
    wrapped_master: Base64,
    /// A destruction that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pending: Option<Pending>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Kdf {
    #[serde(rename = "argon2id")]
    Argon2id,
    #[serde(rename = "key-file")]
    KeyFile,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pending {
    destroy: StoredKeyId,
    generation: u64,
    wrapped_master: Base64,
}

/// A `.key` file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    header: KeyHeader,
    wrapped: Base64,
    mac: String,
}

/// What the MAC covers: the header and the wrapped key, so that no two files can swap their keys.
#[derive(Serialize)]
struct Covered<'a> {
    header: &'a KeyHeader,
    wrapped: &'a Base64,
}

impl SoftKeystore {
    /// Opens the keystore in `dir`, or makes one, with the key file `unlock.key` inside the folder: the embedded
    /// default. Whoever can read the folder has the keys.
    ///
    /// # Errors
    /// As [`SoftKeystore::open_with`].
    pub fn open_or_init(dir: &Path, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, KeystoreError> {
        Self::open_with(dir, &Unlock::KeyFile(dir.join("unlock.key")), clock, random)
    }

    /// Opens the keystore in `dir`, or makes one that `unlock` opens.
    ///
    /// # Errors
    /// [`KeystoreError::WrongUnlock`], [`KeystoreError::Damaged`], [`KeystoreError::Io`].
    pub fn open_with(
        dir: &Path,
        unlock: &Unlock,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, KeystoreError> {
        files::make_folder(dir)?;
        let _lock = files::lock(dir)?;
        let root_path = dir.join("root.json");
        let (root, opener) = match files::read(&root_path)? {
            Some(bytes) => {
                let root: Root = serde_json::from_slice(&bytes).map_err(|_| damaged("root.json"))?;
                let opener = root.opener(unlock)?;
                (root, opener)
            }
            None => {
                // Keys without their root are a loss to be looked at, never an occasion to begin anew.
                if !files::names(dir, "key")?.iter().all(|n| n == "unlock") {
                    return Err(damaged("root.json"));
                }
                let (root, opener) = Root::make(unlock, &*random)?;
                files::write(&root_path, &canonical(&root)?)?;
                (root, opener)
            }
        };
        let state = State::load(dir, root, &opener)?;
        let keystore = Self { dir: dir.to_owned(), clock, random, opener, state: RwLock::new(state) };
        keystore.finish_pending(&mut keystore.write())?;
        Ok(keystore)
    }

    /// A secret for its lawful holder inside this process (a sealer, a session cache).
    pub(crate) fn secret_of(&self, key: StoredKeyId) -> Result<Secret, KeystoreError> {
        let state = self.read();
        let loaded = state.keys.get(&key).ok_or(KeystoreError::NotFound)?;
        match loaded.header.state {
            KeyState::Planned | KeyState::Active => Ok(loaded.secret.clone()),
            other => Err(KeystoreError::NotActive(other)),
        }
    }

    pub(crate) fn random(&self) -> Arc<dyn Random> {
        self.random.clone()
    }

    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a change under the lock between processes, on what the files say now.
    fn change<T>(&self, work: impl FnOnce(&mut State) -> Result<T, KeystoreError>) -> Result<T, KeystoreError> {
        let mut state = self.write();
        let _lock = files::lock(&self.dir)?;
        let bytes = files::read(&self.dir.join("root.json"))?.ok_or_else(|| damaged("root.json"))?;
        let root: Root = serde_json::from_slice(&bytes).map_err(|_| damaged("root.json"))?;
        *state = State::load(&self.dir, root, &self.opener)?;
        self.finish_pending(&mut state)?;
        work(&mut state)
    }

    fn path(&self, key: StoredKeyId) -> PathBuf {
        self.dir.join(format!("{key}.key"))
    }

    fn store(&self, master: &Secret, header: &KeyHeader, secret: &Secret) -> Result<(), KeystoreError> {
        let wrapped = Base64(wrap(master, secret).to_vec());
        let mac = mac_of(master, header, &wrapped)?;
        let file = KeyFile { header: header.clone(), wrapped, mac };
        files::write(&self.path(header.key_id), &canonical(&file)?)
    }

    /// Carries a destruction through from wherever it stands.
    fn finish_pending(&self, state: &mut State) -> Result<(), KeystoreError> {
        let Some(pending) = state.root.pending.clone() else { return Ok(()) };
        let next = unwrap_master(&self.opener, &pending.wrapped_master)?;
        for loaded in state.keys.values_mut().filter(|k| k.header.key_id != pending.destroy) {
            if loaded.header.generation < pending.generation {
                let mut header = loaded.header.clone();
                header.generation = pending.generation;
                self.store(&next, &header, &loaded.secret)?;
                loaded.header = header;
            }
        }
        files::remove(&self.path(pending.destroy))?;
        state.keys.remove(&pending.destroy);
        let mut root = state.root.clone();
        root.generation = pending.generation;
        root.wrapped_master = pending.wrapped_master;
        root.pending = None;
        files::write(&self.dir.join("root.json"), &canonical(&root)?)?;
        state.root = root;
        state.master = next;
        Ok(())
    }
}

impl Keystore for SoftKeystore {
    fn generate(&self, spec: &KeySpec) -> Result<StoredKeyId, KeystoreError> {
        if let Some(key) = self.find(spec) {
            return Ok(key);
        }
        self.change(|state| {
            if let Some(found) = state.find(spec) {
                return Ok(found);
            }
            let mut secret: Secret = Zeroizing::new([0; 32]);
            self.random.fill(secret.as_mut());
            let header = KeyHeader {
                key_id: Id::new(&*self.clock, &*self.random),
                class: spec.class,
                label: spec.label.clone(),
                permit: spec.permit.clone(),
                epoch: spec.epoch,
                state: KeyState::Active,
                created: self.clock.now(),
                generation: state.root.generation,
            };
            self.store(&state.master, &header, &secret)?;
            let key_id = header.key_id;
            state.keys.insert(key_id, Loaded { header, secret });
            Ok(key_id)
        })
    }

    fn find(&self, spec: &KeySpec) -> Option<StoredKeyId> {
        self.read().find(spec)
    }

    fn wrap(&self, kek: StoredKeyId, key: &[u8; 32]) -> Result<[u8; 40], KeystoreError> {
        Ok(wrap(&*self.secret_of(kek)?, key))
    }

    fn unwrap(&self, kek: StoredKeyId, wrapped: &[u8; 40]) -> Result<Secret, KeystoreError> {
        unwrap(&*self.secret_of(kek)?, wrapped).map_err(|_| KeystoreError::DoesNotOpen)
    }

    fn cmac(&self, key: StoredKeyId, message: &[u8]) -> Result<Block16, KeystoreError> {
        Ok(Cmac256::new(&*self.secret_of(key)?).tag(message))
    }

    fn ecb_blocks(&self, key: StoredKeyId, blocks: &mut [Block16]) -> Result<(), KeystoreError> {
        Permutation::new(&*self.secret_of(key)?).encrypt_all(blocks);
        Ok(())
    }

    fn sign(&self, key: StoredKeyId, message: &[u8]) -> Result<[u8; 64], KeystoreError> {
        let signing = ed25519_dalek::SigningKey::from_bytes(&*self.secret_of(key)?);
        Ok(signing.sign(message).to_bytes())
    }

    fn derive(&self, key: StoredKeyId, label: &str, context: &[u8]) -> Result<Secret, KeystoreError> {
        Ok(kdf256(&*self.secret_of(key)?, label, context))
    }

    fn set_state(&self, key: StoredKeyId, next: KeyState) -> Result<(), KeystoreError> {
        self.change(|state| {
            let loaded = state.keys.get_mut(&key).ok_or(KeystoreError::NotFound)?;
            let now = loaded.header.state;
            if now == next {
                return Ok(());
            }
            if next == KeyState::Destroyed || !now.may_become(next) {
                return Err(KeystoreError::NotActive(now));
            }
            let mut header = loaded.header.clone();
            header.state = next;
            self.store(&state.master, &header, &loaded.secret)?;
            loaded.header = header;
            Ok(())
        })
    }

    fn destroy(&self, key: StoredKeyId) -> Result<(), KeystoreError> {
        self.change(|state| {
            if !state.keys.contains_key(&key) {
                return Ok(());
            }
            let mut master: Secret = Zeroizing::new([0; 32]);
            self.random.fill(master.as_mut());
            let mut root = state.root.clone();
            root.pending = Some(Pending {
                destroy: key,
                generation: root.generation + 1,
                wrapped_master: Base64(wrap(&self.opener, &master).to_vec()),
            });
            files::write(&self.dir.join("root.json"), &canonical(&root)?)?;
            state.root = root;
            self.finish_pending(state)
        })
    }

    fn list(&self) -> Vec<KeyHeader> {
        self.read().keys.values().map(|k| k.header.clone()).collect()
    }

    fn generation(&self) -> u64 {
        self.read().root.generation
    }
}

impl State {
    fn load(dir: &Path, root: Root, opener: &Secret) -> Result<Self, KeystoreError> {
        let master = unwrap_master(opener, &root.wrapped_master)?;
        let next = root.pending.as_ref().map(|p| unwrap_master(opener, &p.wrapped_master)).transpose()?;
        let mut keys = BTreeMap::new();
        for name in files::names(dir, "key")?.into_iter().filter(|n| n != "unlock") {
            let file = format!("{name}.key");
            let bytes = files::read(&dir.join(&file))?.ok_or_else(|| damaged(&file))?;
            let parsed: KeyFile = serde_json::from_slice(&bytes).map_err(|_| damaged(&file))?;
            let header = parsed.header;
            // While a destruction is under way, some files are already under the next master.
            let master = match &next {
                Some(next) if header.generation > root.generation => next,
                _ => &master,
            };
            if header.key_id.to_string() != name || parsed.mac != mac_of(master, &header, &parsed.wrapped)? {
                return Err(damaged(&file));
            }
            let wrapped = <[u8; 40]>::try_from(parsed.wrapped.0.as_slice()).map_err(|_| damaged(&file))?;
            let secret = unwrap(master, &wrapped).map_err(|_| damaged(&file))?;
            keys.insert(header.key_id, Loaded { header, secret });
        }
        Ok(Self { root, master, keys })
    }

    fn find(&self, spec: &KeySpec) -> Option<StoredKeyId> {
        let same = |h: &KeyHeader| {
            h.class == spec.class && h.label == spec.label && h.permit == spec.permit && h.epoch == spec.epoch
        };
        self.keys.values().find(|k| same(&k.header)).map(|k| k.header.key_id)
    }
}

impl Root {
    const M_KIB: u32 = 65_536;
    const T: u32 = 3;
    const P: u32 = 4;

    fn make(unlock: &Unlock, random: &dyn Random) -> Result<(Self, Secret), KeystoreError> {
        let mut root = Root {
            v: 1,
            kdf: Kdf::KeyFile,
            m_kib: None,
            t: None,
            p: None,
            salt: None,
            generation: 1,
            wrapped_master: Base64::default(),
            pending: None,
        };
        match unlock {
            Unlock::KeyFile(path) => {
                if files::read(path)?.is_none() {
                    let mut key: Secret = Zeroizing::new([0; 32]);
                    random.fill(key.as_mut());
                    let text = Zeroizing::new(STANDARD.encode(*key));
                    files::write(path, text.as_bytes())?;
                }
            }
            Unlock::Passphrase(_) => {
                let mut salt = vec![0u8; 16];
                random.fill(&mut salt);
                root.kdf = Kdf::Argon2id;
                (root.m_kib, root.t, root.p) = (Some(Self::M_KIB), Some(Self::T), Some(Self::P));
                root.salt = Some(Base64(salt));
            }
        }
        let opener = root.opener(unlock)?;
        let mut master: Secret = Zeroizing::new([0; 32]);
        random.fill(master.as_mut());
        root.wrapped_master = Base64(wrap(&opener, &master).to_vec());
        Ok((root, opener))
    }

    /// The key that the master is wrapped under.
    fn opener(&self, unlock: &Unlock) -> Result<Secret, KeystoreError> {
        if self.v != 1 {
            return Err(damaged("root.json"));
        }
        match (self.kdf, unlock) {
            (Kdf::KeyFile, Unlock::KeyFile(path)) => {
                let text = files::read(path)?.ok_or(KeystoreError::WrongUnlock)?;
                files::check_private(path)?;
                let mut key: Secret = Zeroizing::new([0; 32]);
                let length = STANDARD.decode_slice(text.trim_ascii(), key.as_mut());
                if length.ok() == Some(32) { Ok(key) } else { Err(KeystoreError::WrongUnlock) }
            }
            (Kdf::Argon2id, Unlock::Passphrase(passphrase)) => {
                let (Some(m), Some(t), Some(p), Some(salt)) = (self.m_kib, self.t, self.p, &self.salt) else {
                    return Err(damaged("root.json"));
                };
                let params = Params::new(m, t, p, Some(32)).map_err(|_| damaged("root.json"))?;
                let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
                let mut key: Secret = Zeroizing::new([0; 32]);
                argon2.hash_password_into(passphrase, &salt.0, key.as_mut()).map_err(|_| damaged("root.json"))?;
                Ok(key)
            }
            _ => Err(KeystoreError::WrongUnlock),
        }
    }
}

fn unwrap_master(opener: &Secret, wrapped: &Base64) -> Result<Secret, KeystoreError> {
    let wrapped = <[u8; 40]>::try_from(wrapped.0.as_slice()).map_err(|_| damaged("root.json"))?;
    unwrap(opener, &wrapped).map_err(|_| KeystoreError::WrongUnlock)
}

fn mac_of(master: &Secret, header: &KeyHeader, wrapped: &Base64) -> Result<String, KeystoreError> {
    let key = kdf256(master, "hap/keystore/mac/v1", b"");
    let covered = canonical(&Covered { header, wrapped })?;
    Ok(hex::encode(Cmac256::new(&key).tag(&covered)))
}

fn canonical<T: Serialize>(value: &T) -> Result<Vec<u8>, KeystoreError> {
    canonical_json(value).map_err(|_| damaged("document"))
}

fn damaged(file: &str) -> KeystoreError {
    KeystoreError::Damaged(file.to_owned())
}

/// A digest that commits to a key without telling it, for receipts (KEY-070).
pub(crate) fn commitment(key: &Secret) -> Digest {
    Digest::sha256(&*kdf256(key, "hap/key/commitment/v1", b""))
}
