//! What a check asks others about: registers of organisations, rooms, files, other cases. Whoever is not connected answers
//! nothing, and the check says "not verified" (ACC-203); nothing is ever taken for granted.

use kernel::Date;
use serde::{Deserialize, Serialize};

/// How the Entity Register has an organisation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganisationState {
    /// It is there.
    Active,
    /// It is bankrupt or being wound up.
    Bankrupt,
    /// It was deleted.
    Deleted,
    /// There never was one.
    #[serde(skip)]
    Unknown,
}

/// What the built-in checks say of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileState {
    /// It can be read.
    Good,
    /// It has no content.
    Empty,
    /// It is protected by a password.
    Protected,
    /// It cannot be read, or waits for a confirmation.
    Unreadable,
    /// There is no such file.
    Missing,
}

/// What is known of an analysis room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RoomFacts {
    /// Whether it may hold person-level health data.
    pub person_level: bool,
    /// Last day of its approval.
    pub approved_until: Option<Date>,
    /// Names of its tools, in lower case; none: not known.
    pub tools: Vec<String>,
    /// Whether it lets people in from outside the European Economic Area.
    pub third_countries: bool,
}

/// Who decides on a source.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decides {
    /// The body of this installation.
    ThisBody,
    /// Another one, to which that part is forwarded.
    Other(String),
}

/// How many persons meet the criteria (ACC-045).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Counted {
    /// The released number; 0 stands for "fewer than 10".
    pub persons: u64,
    /// The population of the source, when it was released.
    pub population: Option<u64>,
}

/// Whom a check asks. Every answer may be missing.
pub trait Outside: Sync {
    /// An organisation in the Entity Register.
    fn organisation(&self, _orgnr: &str) -> Option<OrganisationState> {
        None
    }
    /// Whether a person (by e-mail) or organisation (by number) is on the exclusion list.
    fn excluded(&self, _who: &str) -> Option<bool> {
        None
    }
    /// Whether an e-invoice reaches the address.
    fn receives_invoice(&self, _endpoint: &str) -> Option<bool> {
        None
    }
    /// A file of the case.
    fn file(&self, _id: &str) -> Option<FileState> {
        None
    }
    /// A room.
    fn room(&self, _id: &str) -> Option<RoomFacts> {
        None
    }
    /// The last feasibility count of these criteria.
    fn counted(&self) -> Option<Counted> {
        None
    }
    /// Numbers of open or live cases of the same controller and leader with variables of this draft.
    fn similar_cases(&self) -> Option<Vec<String>> {
        None
    }
    /// How many variables a collection has.
    fn collection_size(&self, _collection: &str) -> Option<usize> {
        None
    }
    /// The finest level that projects with the same purpose were granted for a variable.
    fn peer_granularity(&self, _variable: &str) -> Option<String> {
        None
    }
    /// Who decides on a source.
    fn decides(&self, _source: &str) -> Option<Decides> {
        None
    }
    /// The share of a table's cells expected to be under the threshold, in per cent.
    fn small_cells(&self, _table: usize) -> Option<u32> {
        None
    }
}

/// Nobody is connected.
pub struct NobodyToAsk;

impl Outside for NobodyToAsk {}
