//! The synthetic register that is attacked: persons with five attributes that everybody may know of a neighbour, a number
//! that tells each of them apart (as a date of birth and a place do together), an income, and a secret that 15 in 100 have.

use engine::memory::{Fact, MemorySource};
use kernel::LangMap;
use script::program::Literal;
use script::{CodeEntry, CodeList, CodePeriod, DataType, Temporality, UnitType, VariableInfo};
use std::sync::Arc;

/// Attributes with their number of codes.
pub const ATTRIBUTES: [(&str, u64); 5] = [("REGION", 8), ("SEX", 2), ("EDUCATION", 5), ("MARITAL", 4), ("AGE", 6)];
/// The versions of the store; both hold the same.
const VERSIONS: [&str; 2] = ["1.0.0.0", "2.0.0.0"];

/// A stream of numbers from a seed (splitmix64).
#[derive(Clone)]
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

/// A person as the attacker knows her, and the secret that is the attacker's aim.
#[derive(Clone)]
pub struct Person {
    /// The number that tells her apart.
    pub number: u32,
    /// Codes of [`ATTRIBUTES`], from 1.
    pub attributes: [u64; 5],
    pub income: i64,
    pub secret: bool,
}

/// The register of a seed.
pub struct Register {
    pub persons: Vec<Person>,
}

impl Register {
    pub fn new(seed: u64, size: u32) -> Self {
        let mut dice = Dice::new(seed);
        let mut numbers: Vec<u32> = (0..size).collect();
        dice.shuffle(&mut numbers);
        let persons = numbers.into_iter().map(|number| {
            let attributes = ATTRIBUTES.map(|(_, codes)| {
                // Codes are not equally common: the smaller of two throws.
                1 + dice.below(codes).min(dice.below(codes + 2))
            });
            let normal: f64 = (0..12).map(|_| dice.unit()).sum::<f64>() - 6.0;
            let income = (420_000.0 * (normal * 0.55).exp()).round() as i64;
            let secret = dice.unit() < 0.15;
            Person { number, attributes, income, secret }
        });
        Self { persons: persons.collect() }
    }

    /// The same persons, but of these everybody has the secret who had it not, and the other way round.
    pub fn turned(&self, who: &[usize]) -> Self {
        let mut persons = self.persons.clone();
        who.iter().for_each(|i| persons[*i].secret ^= true);
        Self { persons }
    }

    /// As many targets with the secret as without, by the place in the register.
    pub fn targets(&self, dice: &mut Dice, each: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.persons.len()).collect();
        dice.shuffle(&mut order);
        let of = |secret: bool| order.iter().copied().filter(move |i| self.persons[*i].secret == secret).take(each);
        let (with, without): (Vec<_>, Vec<_>) = (of(true).collect(), of(false).collect());
        let mut all = [with, without].concat();
        dice.shuffle(&mut all);
        all
    }

    /// The register as a source, with record keys of this key.
    pub fn source(&self, dataset_key: &[u8; 32]) -> MemorySource {
        let mut source = MemorySource::new(true).space("FNR", self.persons.len() as u32, dataset_key);
        for version in VERSIONS {
            let facts = |of: &dyn Fn(&Person) -> Literal| -> Vec<Fact> {
                let each = self.persons.iter().enumerate();
                each.map(|(i, p)| Fact { unit: i as u32, value: of(p), start: None, stop: None }).collect()
            };
            for (a, (name, codes)) in ATTRIBUTES.iter().enumerate() {
                let of = |p: &Person| Literal::Text(p.attributes[a].to_string().into());
                source = source.variable(info(version, name, 1..*codes + 1), facts(&of));
            }
            let secret = |p: &Person| Literal::Text(u8::from(p.secret).to_string().into());
            source = source.variable(info(version, "SECRET", 0..2), facts(&secret));
            let number = |p: &Person| Literal::Integer(i64::from(p.number));
            source = source.variable(info(version, "NUMBER", 0..0), facts(&number));
            source = source.variable(info(version, "INCOME", 0..0), facts(&|p: &Person| Literal::Integer(p.income)));
        }
        source
    }
}

fn info(version: &str, name: &str, codes: std::ops::Range<u64>) -> VariableInfo {
    let entry = |code: u64| CodeEntry {
        code: code.to_string(),
        label: LangMap::of(&format!("kode {code}"), &format!("kode {code}"), &format!("code {code}")),
        missing: false,
    };
    let list = CodePeriod { from: None, until: None, codes: codes.clone().map(entry).collect() };
    VariableInfo {
        store: "no.attack".into(),
        version: version.into(),
        name: name.into(),
        title: LangMap::of(name, name, name),
        description: LangMap::default(),
        unit_type: Arc::new(person()),
        temporality: Temporality::Fixed,
        data_type: if codes.is_empty() { DataType::Integer } else { DataType::Text },
        covered_from: None,
        covered_until: None,
        status_dates: Vec::new(),
        code_list: (!codes.is_empty()).then(|| CodeList { periods: vec![list], changes: Vec::new() }),
    }
}

#[expect(clippy::expect_used, reason = "the language has this unit type")]
fn person() -> UnitType {
    UnitType::built_in("PERSON").expect("built in")
}

/// The lines that every script begins with.
pub const PRELUDE: &str = "\
require no.attack:1 as r
create-dataset d
import r/NUMBER as nr
import r/REGION as region
import r/SEX as sex
import r/EDUCATION as education
import r/MARITAL as marital
import r/AGE as age
import r/SECRET as s
import r/INCOME as income
";

/// The names of [`ATTRIBUTES`] in [`PRELUDE`].
pub const COLUMNS: [&str; 5] = ["region", "sex", "education", "marital", "age"];
