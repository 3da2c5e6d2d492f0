//! The index: ids of persons and other units to dense ordinals (KEY-012, KEY-014, section 12 `index/register`).
//!
//! A person's number is a row of `person_number`: found by the CMAC of the number, sealed for the few who must read it
//! back. Other units have no history and come in millions, so `unit_number` holds one row per registered batch with the
//! same columns packed: the CMACs in ordinal order, and the ids sealed together. Ordinals are dispensed in shuffled
//! order inside a batch, from 0 without gaps, and never again.

use std::collections::HashMap;
use std::sync::Arc;

use audit::{Actor, Counts, Entry, Object, Zone};
use kernel::identity_number::{Environment, Rules};
use kernel::{IdentityNumber, Random, Sealer};
use protocol::calls::{IdCheck, IndexRegister, Registered, RowCode, RowError};
use protocol::channel::codes;
use store::{Tx, Value, params};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::actions;
use crate::error::KeyError;
use crate::keystore::{KeyClass, SoftKeystore};
use crate::primitives::{Block16, Cmac256};

/// The space of persons, shared by all id types that are identity numbers.
pub(crate) const PERSONS: &str = "FNR";
/// How many rows one statement inserts: below the parameter limits of both databases.
const ROWS_PER_STATEMENT: usize = 400;
/// How often a registration that met another process is run again.
const ATTEMPTS: u32 = 4;

pub(crate) struct Index {
    zone: Zone,
    lookup: Cmac256,
    sealer: Arc<dyn Sealer>,
    environment: Environment,
    rules: Rules,
    spaces: Mutex<HashMap<String, Space>>,
}

#[derive(Default)]
struct Space {
    next: u32,
    known: HashMap<Block16, u32>,
}

/// One id that has no ordinal yet.
struct Fresh {
    lookup: Block16,
    id: Zeroizing<Vec<u8>>,
    kind: &'static str,
    ordinal: u32,
}

impl Index {
    pub fn new(zone: Zone, keystore: &SoftKeystore, environment: Environment) -> Result<Self, KeyError> {
        let lookup = Cmac256::new(&*keystore.role_key(KeyClass::Index, "lookup")?);
        let sealer = keystore.sealer_of(KeyClass::Index, "seal")?;
        Ok(Self { zone, lookup, sealer, environment, rules: Rules::of(environment), spaces: Mutex::default() })
    }

    /// Ordinals for a batch of ids. The same ids again get the same ordinals.
    pub async fn register(&self, actor: &Actor, header: &IndexRegister, ids: &[&[u8]]) -> Result<Registered, KeyError> {
        let space = self.space_of(header)?;
        let mut spaces = self.spaces.lock().await;
        for _ in 0..ATTEMPTS {
            if !spaces.contains_key(&space) {
                let loaded = self.load(&space).await?;
                spaces.insert(space.clone(), loaded);
            }
            let Some(known) = spaces.get_mut(&space) else { break };
            match self.register_in(actor, header, &space, known, ids).await {
                Err(KeyError::Stale) => {
                    spaces.remove(&space);
                }
                done => return done,
            }
        }
        Err(KeyError::refused(codes::UNAVAILABLE))
    }

    /// The ordinal of a person, when there is one.
    pub async fn find(&self, number: &IdentityNumber) -> Result<Option<u32>, KeyError> {
        let lookup = self.lookup.tag(number.reveal().as_bytes()).to_vec();
        let row = self
            .zone
            .store
            .read("index.find", async |tx: &mut Tx| {
                tx.query_opt("SELECT ordinal FROM person_number WHERE lookup = $1", params![lookup.clone()]).await
            })
            .await?;
        row.map(|r| ordinal(r.get::<i64>(0)?)).transpose()
    }

    /// The ordinal of a person, dispensed now when she has none: a choice counts also for what is registered later.
    pub async fn find_or_add(&self, actor: &Actor, number: &IdentityNumber) -> Result<u32, KeyError> {
        if let Some(found) = self.find(number).await? {
            return Ok(found);
        }
        let header =
            IndexRegister { job: "choice".into(), id_type: PERSONS.into(), check: IdCheck::National, space: None };
        let answer = self.register(actor, &header, &[number.reveal().as_bytes()]).await?;
        match answer.ordinals.first() {
            Some(&o) if o != IndexRegister::REFUSED => Ok(o),
            _ => Err(KeyError::refused(codes::INVALID)),
        }
    }

    /// How many persons have an ordinal: every ordinal below is somebody's.
    pub async fn persons(&self) -> Result<u32, KeyError> {
        if let Some(space) = self.spaces.lock().await.get(PERSONS) {
            return Ok(space.next);
        }
        self.zone.store.read("index.persons", async |tx: &mut Tx| next_of(tx, PERSONS).await).await
    }

    fn space_of(&self, header: &IndexRegister) -> Result<String, KeyError> {
        let code = |text: &str| {
            let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.:-".contains(&b);
            (1..=100).contains(&text.len()) && text.bytes().all(allowed)
        };
        if !code(&header.id_type) || !code(&header.job) {
            return Err(KeyError::refused(codes::BAD_SCHEMA));
        }
        match (header.check, &header.space) {
            (IdCheck::National, None) => Ok(header.id_type.clone()),
            // Invented ids never meet national numbers, and live data never goes in without its check (DATA-087).
            (IdCheck::Opaque, Some(space)) if code(space) && self.environment == Environment::Test => {
                Ok(format!("{}@{space}", header.id_type))
            }
            (IdCheck::Opaque, Some(_)) => Err(KeyError::refused("opaque_in_production")),
            _ => Err(KeyError::refused(codes::BAD_SCHEMA)),
        }
    }

    /// What is hashed and sealed for an id, or why it has no ordinal.
    fn normalise(&self, persons: bool, id: &[u8]) -> Result<(Zeroizing<Vec<u8>>, &'static str), RowCode> {
        let text = std::str::from_utf8(id).map_err(|_| RowCode::InvalidNumber)?;
        if persons {
            let number = IdentityNumber::parse_lenient(text, &self.rules).map_err(|_| RowCode::InvalidNumber)?;
            return Ok((Zeroizing::new(number.reveal().as_bytes().to_vec()), number.reading().code()));
        }
        if text.trim().is_empty() {
            return Err(RowCode::InvalidNumber);
        }
        Ok((Zeroizing::new(id.to_vec()), "unit"))
    }

    async fn register_in(
        &self,
        actor: &Actor,
        header: &IndexRegister,
        space: &str,
        known: &mut Space,
        ids: &[&[u8]],
    ) -> Result<Registered, KeyError> {
        let persons = space == PERSONS;
        let mut answer = Registered { ordinals: vec![IndexRegister::REFUSED; ids.len()], errors: Vec::new() };
        let mut fresh: Vec<Fresh> = Vec::new();
        let mut fresh_at: HashMap<Block16, usize> = HashMap::new();
        let mut waiting: Vec<(usize, usize)> = Vec::new();
        for (row, id) in ids.iter().enumerate() {
            let (id, kind) = match self.normalise(persons, id) {
                Ok(normal) => normal,
                Err(code) => {
                    answer.errors.push(RowError { index: row as u32, code });
                    continue;
                }
            };
            let lookup = self.lookup_of(space, &id);
            if let Some(ordinal) = known.known.get(&lookup) {
                answer.ordinals[row] = *ordinal;
                continue;
            }
            let at = *fresh_at.entry(lookup).or_insert_with(|| {
                fresh.push(Fresh { lookup, id, kind, ordinal: 0 });
                fresh.len() - 1
            });
            waiting.push((row, at));
        }
        let end = u64::from(known.next) + fresh.len() as u64;
        if end >= u64::from(u32::MAX) {
            return Err(KeyError::refused(codes::CAP_EXCEEDED));
        }
        for (fresh, place) in fresh.iter_mut().zip(shuffled(ids.len().min(fresh_at.len()), &*self.zone.random)) {
            fresh.ordinal = known.next + place;
        }
        for (row, at) in waiting {
            answer.ordinals[row] = fresh[at].ordinal;
        }
        self.write(actor, header, space, known.next, end as u32, &fresh, &answer).await?;
        known.next = end as u32;
        known.known.extend(fresh.iter().map(|f| (f.lookup, f.ordinal)));
        Ok(answer)
    }

    #[expect(clippy::too_many_arguments, reason = "one transaction with all that belongs to it")]
    async fn write(
        &self,
        actor: &Actor,
        header: &IndexRegister,
        space: &str,
        first: u32,
        end: u32,
        fresh: &[Fresh],
        answer: &Registered,
    ) -> Result<(), KeyError> {
        let rows = if space == PERSONS { self.person_rows(fresh)? } else { self.unit_row(space, first, fresh)? };
        self.zone
            .store
            .tx("index.register", async |tx: &mut Tx| {
                if !fresh.is_empty() {
                    let moved = tx
                        .execute(
                            "UPDATE index_space SET next_ordinal = $1 WHERE space = $2 AND next_ordinal = $3",
                            params![end, space, first],
                        )
                        .await?;
                    if moved != 1 {
                        return Err(KeyError::Stale);
                    }
                }
                for (sql, values) in &rows {
                    tx.execute(sql, values).await?;
                }
                let entry = Entry::new(&actions::REGISTER, actor.clone(), Object::new("index", space))
                    .counts(Counts::default().rows(answer.ordinals.len() as u64))
                    .detail("job", header.job.as_str())
                    .detail("id_type", header.id_type.as_str())
                    .detail("new", fresh.len() as u64)
                    .detail("refused", answer.errors.len() as u64);
                self.zone.log.record(tx, entry).await?;
                Ok(())
            })
            .await
    }

    fn person_rows(&self, fresh: &[Fresh]) -> Result<Vec<(String, Vec<Value>)>, KeyError> {
        let mut statements = Vec::new();
        for chunk in fresh.chunks(ROWS_PER_STATEMENT) {
            let mut sql = String::from("INSERT INTO person_number (lookup, ordinal, sealed, kind) VALUES ");
            let mut values: Vec<Value> = Vec::with_capacity(chunk.len() * 4);
            for (i, person) in chunk.iter().enumerate() {
                let separator = if i == 0 { "" } else { ", " };
                let n = i * 4;
                sql.push_str(&format!("{separator}(${}, ${}, ${}, ${})", n + 1, n + 2, n + 3, n + 4));
                let place = format!("person_number/{}/sealed", person.ordinal);
                values.push(person.lookup.to_vec().into());
                values.push(person.ordinal.into());
                values.push(self.sealer.seal(&place, &person.id)?.into());
                values.push(person.kind.into());
            }
            statements.push((sql, values));
        }
        Ok(statements)
    }

    fn unit_row(&self, space: &str, first: u32, fresh: &[Fresh]) -> Result<Vec<(String, Vec<Value>)>, KeyError> {
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let mut by_ordinal: Vec<&Fresh> = fresh.iter().collect();
        by_ordinal.sort_by_key(|f| f.ordinal);
        let mut lookups = Vec::with_capacity(fresh.len() * 16);
        let mut ids = Zeroizing::new(Vec::with_capacity(fresh.len() * 16));
        for unit in by_ordinal {
            lookups.extend_from_slice(&unit.lookup);
            // An id is at most 255 bytes: the form of the message says so.
            ids.push(unit.id.len() as u8);
            ids.extend_from_slice(&unit.id);
        }
        let sealed = self.sealer.seal(&format!("unit_number/{space}:{first}/sealed"), &ids)?;
        let sql = "INSERT INTO unit_number (space, first_ordinal, lookups, sealed) VALUES ($1, $2, $3, $4)";
        Ok(vec![(sql.to_owned(), vec![space.into(), first.into(), lookups.into(), sealed.into()])])
    }

    fn lookup_of(&self, space: &str, id: &[u8]) -> Block16 {
        if space == PERSONS {
            return self.lookup.tag(id);
        }
        let mut message = Vec::with_capacity(space.len() + 1 + id.len());
        message.extend_from_slice(space.as_bytes());
        message.push(0);
        message.extend_from_slice(id);
        self.lookup.tag(&message)
    }

    async fn load(&self, space: &str) -> Result<Space, KeyError> {
        let add = "INSERT INTO index_space (space, next_ordinal) VALUES ($1, 0) ON CONFLICT (space) DO NOTHING";
        self.zone
            .store
            .tx("index.space", async |tx: &mut Tx| {
                tx.execute(add, params![space]).await?;
                let mut loaded = Space { next: next_of(tx, space).await?, known: HashMap::new() };
                if space == PERSONS {
                    for row in tx.query("SELECT lookup, ordinal FROM person_number", params![]).await? {
                        loaded.known.insert(block(&row.get::<Vec<u8>>(0)?)?, ordinal(row.get(1)?)?);
                    }
                } else {
                    let sql = "SELECT first_ordinal, lookups FROM unit_number WHERE space = $1";
                    for row in tx.query(sql, params![space]).await? {
                        let first = ordinal(row.get(0)?)?;
                        let lookups: Vec<u8> = row.get(1)?;
                        let (blocks, _) = lookups.as_chunks::<16>();
                        loaded.known.extend(blocks.iter().zip(first..).map(|(b, o)| (*b, o)));
                    }
                }
                Ok(loaded)
            })
            .await
    }
}

async fn next_of(tx: &mut Tx, space: &str) -> Result<u32, KeyError> {
    let row = tx.query_opt("SELECT next_ordinal FROM index_space WHERE space = $1", params![space]).await?;
    row.map_or(Ok(0), |r| ordinal(r.get(0)?))
}

pub(crate) fn ordinal(value: i64) -> Result<u32, KeyError> {
    u32::try_from(value).map_err(|_| KeyError::Damaged("the person index"))
}

fn block(bytes: &[u8]) -> Result<Block16, KeyError> {
    bytes.try_into().map_err(|_| KeyError::Damaged("the person index"))
}

/// 0 … n−1 in uniformly random order (Fisher–Yates; 64 random bits per step leave a bias below 2^-31).
pub(crate) fn shuffled(n: usize, random: &dyn Random) -> Vec<u32> {
    let mut order: Vec<u32> = (0..n as u32).collect();
    let mut bytes = vec![0u8; n * 8];
    random.fill(&mut bytes);
    let (words, _) = bytes.as_chunks::<8>();
    for (i, word) in words.iter().enumerate().skip(1) {
        let bound = i as u128 + 1;
        let j = (u128::from(u64::from_le_bytes(*word)) * bound) >> 64;
        order.swap(i, j as usize);
    }
    order
}
