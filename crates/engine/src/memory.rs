//! A source held in memory: facts per variable, found by going through all of them. It is the plain counterpart of the
//! mapped files, for tests of everything that reads through [`VariableSource`], and small enough to be read as the
//! meaning of an import (language.md section 6.1).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use arrow::buffer::NullBuffer;
use kernel::Date;
pub use script::program::Literal;
use script::{DataType, Temporality, VariableInfo};

use crate::keys::RecordKeys;
use crate::source::{
    Codes, Column, PersonPointer, SourceError, Spells, StoreVersion, Values, Variable, VariableSource,
};

/// One row of a dataset: unit, value, validity (DATA-005).
#[derive(Clone, PartialEq, Debug)]
pub struct Fact {
    /// Ordinal of the unit.
    pub unit: u32,
    /// Value; the code of a coded variable, days for dates, the ordinal for pointers.
    pub value: Literal,
    /// First day; none for fixed variables.
    pub start: Option<Date>,
    /// Last day; none for fixed variables and ongoing spells.
    pub stop: Option<Date>,
}

struct Held {
    variable: Arc<Variable>,
    facts: Vec<Fact>,
}

/// Variables and unit spaces in memory.
#[derive(Default)]
pub struct MemorySource {
    variables: BTreeMap<(StoreVersion, String), Held>,
    spaces: HashMap<String, u32>,
    pointers: HashMap<String, PersonPointer>,
    keys: HashMap<String, Arc<RecordKeys>>,
    synthetic: bool,
}

impl MemorySource {
    /// Without variables; marked synthetic when `synthetic`.
    pub fn new(synthetic: bool) -> Self {
        Self { synthetic, ..Self::default() }
    }

    /// A unit space of this many units, with the keys that `dataset_key` gives them.
    pub fn space(mut self, name: &str, size: u32, dataset_key: &[u8; 32]) -> Self {
        self.spaces.insert(name.to_owned(), size);
        self.keys.insert(name.to_owned(), Arc::new(RecordKeys::derive(dataset_key, size)));
        self
    }

    /// The persons behind the units of a space.
    pub fn pointer(mut self, space: &str, persons: Vec<u32>) -> Self {
        self.pointers.insert(space.to_owned(), PersonPointer { persons: persons.into() });
        self
    }

    /// A variable and its facts. Codes are those of all periods of the list, then others met in the facts.
    pub fn variable(mut self, info: VariableInfo, facts: Vec<Fact>) -> Self {
        let codes = info.code_list.is_some().then(|| Arc::new(codes(&info, &facts)));
        let at = StoreVersion { store: info.store.clone(), version: info.version.clone() };
        let name = info.name.clone();
        let digest = *blake3::hash(format!("{facts:?}").as_bytes()).as_bytes();
        let variable = Arc::new(Variable { info: Arc::new(info), codes, digest });
        self.variables.insert((at, name), Held { variable, facts });
        self
    }

    /// The facts of a variable.
    ///
    /// # Errors
    /// [`SourceError::UnknownVariable`].
    pub fn facts(&self, at: &StoreVersion, name: &str) -> Result<&[Fact], SourceError> {
        Ok(&self.held(at, name)?.facts)
    }

    fn held(&self, at: &StoreVersion, name: &str) -> Result<&Held, SourceError> {
        self.variables.get(&(at.clone(), name.to_owned())).ok_or_else(|| SourceError::UnknownVariable {
            store: at.store.clone(),
            version: at.version.clone(),
            name: name.to_owned(),
        })
    }
}

/// Whether a fact holds on `day` (LANG-076); fixed facts always do.
pub fn holds(fact: &Fact, temporality: Temporality, day: Option<Date>) -> bool {
    match (temporality, day) {
        (Temporality::Fixed, _) => true,
        (_, Some(day)) => fact.start.is_none_or(|s| s <= day) && fact.stop.is_none_or(|e| day <= e),
        (_, None) => false,
    }
}

/// The codes of all periods in list order, then others met in the facts, each once.
fn codes(info: &VariableInfo, facts: &[Fact]) -> Codes {
    let listed = info.code_list.iter().flat_map(|l| &l.periods).flat_map(|p| &p.codes);
    let listed = listed.map(|c| (c.code.clone(), c.missing));
    let mut codes = Codes::default();
    let mut known = HashSet::new();
    for (code, sentinel) in listed.chain(facts.iter().map(|f| (f.value.to_string(), false))) {
        if known.insert(code.clone()) {
            codes.codes.push(code);
            codes.sentinel.push(sentinel);
        }
    }
    codes
}

fn values(variable: &Variable, facts: &[Option<&Literal>]) -> Values {
    let integer = |l: &Option<&Literal>| match l {
        Some(Literal::Integer(n)) => *n,
        _ => 0,
    };
    if let Some(codes) = &variable.codes {
        let place: HashMap<&str, u16> = codes.codes.iter().enumerate().map(|(i, c)| (c.as_str(), i as u16)).collect();
        let index = facts.iter().map(|l| l.and_then(|l| place.get(l.to_string().as_str())).copied().unwrap_or(0));
        return Values::Code16(index.collect::<Vec<u16>>().into());
    }
    match &variable.info.data_type {
        DataType::Integer => Values::Int64(facts.iter().map(integer).collect::<Vec<i64>>().into()),
        DataType::Date => Values::Date(facts.iter().map(|l| integer(l) as i32).collect::<Vec<i32>>().into()),
        DataType::Key(_) => Values::Unit(facts.iter().map(|l| integer(l) as u32).collect::<Vec<u32>>().into()),
        DataType::Decimal => {
            let number = |l: &Option<&Literal>| l.and_then(Literal::as_f64).unwrap_or(0.0);
            Values::Float(facts.iter().map(number).collect::<Vec<f64>>().into())
        }
        DataType::Text => {
            let mut dictionary: Vec<String> = facts.iter().flatten().map(|l| l.to_string()).collect();
            dictionary.sort_unstable();
            dictionary.dedup();
            let place = |l: &&Literal| dictionary.binary_search(&l.to_string()).unwrap_or(0) as u32;
            let index: Vec<u32> = facts.iter().map(|l| l.as_ref().map_or(0, place)).collect();
            Values::Text { index: index.into(), dictionary: Arc::new(dictionary) }
        }
    }
}

impl VariableSource for MemorySource {
    fn stores(&self) -> Vec<String> {
        let mut stores: Vec<String> = self.variables.keys().map(|(at, _)| at.store.clone()).collect();
        stores.dedup();
        stores
    }

    fn versions(&self, store: &str) -> Vec<String> {
        let mut versions: Vec<String> =
            self.variables.keys().filter(|(at, _)| at.store == store).map(|(at, _)| at.version.clone()).collect();
        versions.dedup();
        versions
    }

    fn version_digest(&self, at: &StoreVersion) -> Result<[u8; 32], SourceError> {
        let mut hasher = blake3::Hasher::new();
        self.variables.iter().filter(|((v, _), _)| v == at).for_each(|(_, held)| {
            hasher.update(&held.variable.digest);
        });
        Ok(*hasher.finalize().as_bytes())
    }

    fn is_synthetic(&self, _: &str) -> bool {
        self.synthetic
    }

    fn describe(&self, at: &StoreVersion, name: &str) -> Result<Arc<Variable>, SourceError> {
        Ok(Arc::clone(&self.held(at, name)?.variable))
    }

    fn list(&self, at: &StoreVersion) -> Result<Vec<String>, SourceError> {
        Ok(self.variables.keys().filter(|(v, _)| v == at).map(|(_, name)| name.clone()).collect())
    }

    fn space_size(&self, space: &str) -> u32 {
        self.spaces.get(space).copied().unwrap_or(0)
    }

    fn column(&self, at: &StoreVersion, name: &str, time: Option<Date>) -> Result<Column, SourceError> {
        let held = self.held(at, name)?;
        let temporality = held.variable.info.temporality;
        if temporality != Temporality::Fixed && time.is_none() {
            return Err(SourceError::Time { name: name.to_owned() });
        }
        let mut rows: Vec<Option<&Literal>> = vec![None; self.space_size(held.variable.space()) as usize];
        for fact in held.facts.iter().filter(|f| holds(f, temporality, time)) {
            rows[fact.unit as usize] = Some(&fact.value);
        }
        let validity = NullBuffer::from(rows.iter().map(Option::is_some).collect::<Vec<bool>>());
        Ok(Column { values: values(&held.variable, &rows), validity: Some(validity) })
    }

    fn spells(&self, at: &StoreVersion, name: &str, from: Date, to: Date) -> Result<Spells, SourceError> {
        let held = self.held(at, name)?;
        let mut facts: Vec<&Fact> =
            held.facts.iter().filter(|f| f.start.is_none_or(|s| s <= to) && f.stop.is_none_or(|e| e >= from)).collect();
        facts.sort_by_key(|f| (f.unit, f.start));
        let rows: Vec<Option<&Literal>> = facts.iter().map(|f| Some(&f.value)).collect();
        Ok(Spells {
            ordinals: facts.iter().map(|f| f.unit).collect::<Vec<u32>>().into(),
            starts: facts.iter().map(|f| f.start.map_or(i32::MIN, Date::days)).collect::<Vec<i32>>().into(),
            stops: facts.iter().map(|f| f.stop.map_or(i32::MAX, Date::days)).collect::<Vec<i32>>().into(),
            values: values(&held.variable, &rows),
        })
    }

    fn person_pointer(&self, space: &str) -> Result<Option<PersonPointer>, SourceError> {
        Ok(self.pointers.get(space).cloned())
    }

    fn record_keys(&self, space: &str) -> Result<Arc<RecordKeys>, SourceError> {
        self.keys.get(space).cloned().ok_or(SourceError::NoKeys)
    }
}
