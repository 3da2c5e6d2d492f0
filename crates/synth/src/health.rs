//! Illness: chronic conditions by age and sex, what follows from them (hospital episodes, contacts with the doctor,
//! medicines, cancer cases, deaths) and what happens by chance.

use rayon::prelude::*;

use crate::rng::{Purpose, Rng};
use crate::world::{BEGIN, END, NEVER, PERSONAS, Person, World, day, years};

/// First day of the hospital episodes.
pub(crate) const NPR_FROM: i32 = day(2018, 1, 1);
/// First day of the dispensed medicines.
pub(crate) const LMR_FROM: i32 = day(2021, 1, 1);
/// First day of the contacts with primary care.
pub(crate) const KPR_FROM: i32 = day(2023, 1, 1);

/// A chronic condition or a cancer.
pub(crate) struct Condition {
    icd: &'static str,
    icpc: &'static str,
    /// Lifetime risk of men and women, mean age at onset and its standard deviation.
    risk: (f64, f64),
    onset: (f64, f64),
    /// Begins with an acute stay.
    acute: bool,
    /// Hospital episodes a year after onset, contacts with the doctor a year.
    rates: (f64, f64),
    /// Yearly hazard of dying from it.
    lethal: f64,
    /// ATC code, share that gets it, dispensings a year, DDD each time.
    medicines: &'static [(&'static str, f64, f64, f64)],
}

impl Condition {
    fn cancer(&self) -> bool {
        self.icd.starts_with('C')
    }
}

macro_rules! condition {
    ($icd:literal $icpc:literal $risk:expr, $onset:expr, $acute:expr, $rates:expr, $lethal:expr, $medicines:expr) => {
        Condition {
            icd: $icd,
            icpc: $icpc,
            risk: $risk,
            onset: $onset,
            acute: $acute,
            rates: $rates,
            lethal: $lethal,
            medicines: &$medicines,
        }
    };
}

/// Rates of the order of magnitude of public statistics; no register was read.
#[rustfmt::skip]
const CONDITIONS: [Condition; 35] = [
    condition!("I10" "K86" (0.42, 0.42), (58.0, 12.0), false, (0.02, 0.9), 0.0, [("C09CA06", 0.5, 2.6, 98.0), ("C08CA01", 0.4, 2.6, 98.0), ("C09AA05", 0.2, 2.6, 98.0)]),
    condition!("E11" "T90" (0.13, 0.10), (60.0, 12.0), false, (0.15, 2.0), 0.004, [("A10BA02", 0.85, 2.8, 60.0), ("A10BJ06", 0.25, 3.0, 30.0), ("A10BK01", 0.3, 2.8, 98.0), ("C10AA05", 0.5, 2.4, 98.0)]),
    condition!("E10" "T89" (0.008, 0.007), (16.0, 10.0), true, (0.8, 1.0), 0.003, [("A10AE04", 0.95, 3.0, 75.0), ("A10AB05", 0.95, 3.0, 75.0)]),
    condition!("E03" "T86" (0.03, 0.11), (48.0, 15.0), false, (0.03, 1.0), 0.0, [("H03AA01", 0.97, 2.5, 66.0)]),
    condition!("I21" "K75" (0.16, 0.09), (69.0, 11.0), true, (0.25, 1.0), 0.035, [("C10AA05", 0.9, 2.6, 98.0), ("B01AC06", 0.9, 2.6, 98.0), ("C07AB02", 0.7, 2.6, 60.0)]),
    condition!("I25" "K74" (0.14, 0.08), (70.0, 10.0), false, (0.4, 1.0), 0.02, [("C10AA05", 0.8, 2.6, 98.0), ("B01AC06", 0.8, 2.6, 98.0)]),
    condition!("I48" "K78" (0.17, 0.13), (73.0, 10.0), false, (0.4, 1.3), 0.012, [("B01AF02", 0.8, 3.0, 60.0), ("C07AB02", 0.7, 2.6, 60.0), ("B01AA03", 0.1, 3.0, 60.0)]),
    condition!("I50" "K77" (0.12, 0.10), (78.0, 9.0), true, (0.6, 2.0), 0.09, [("C03CA01", 0.85, 3.4, 98.0), ("C07AB02", 0.7, 2.6, 60.0)]),
    condition!("I63" "K90" (0.14, 0.12), (73.0, 12.0), true, (0.3, 1.0), 0.06, [("B01AC04", 0.7, 2.7, 98.0), ("C10AA05", 0.8, 2.6, 98.0)]),
    condition!("I61" "K90" (0.02, 0.018), (71.0, 14.0), true, (0.3, 1.0), 0.18, [("C09CA06", 0.6, 2.6, 98.0)]),
    condition!("I60" "K90" (0.006, 0.009), (57.0, 14.0), true, (0.3, 1.0), 0.12, [("N02BE01", 0.5, 2.0, 33.0)]),
    condition!("I62" "K90" (0.006, 0.004), (74.0, 13.0), true, (0.2, 0.8), 0.1, []),
    condition!("I64" "K90" (0.012, 0.013), (78.0, 10.0), true, (0.1, 0.8), 0.15, [("B01AC06", 0.7, 2.6, 98.0)]),
    condition!("G45" "K90" (0.04, 0.035), (71.0, 12.0), true, (0.1, 0.8), 0.01, [("B01AC04", 0.7, 2.6, 98.0)]),
    condition!("J44" "R95" (0.11, 0.10), (66.0, 9.0), false, (0.5, 2.0), 0.04, [("R03BB04", 0.7, 3.4, 30.0), ("R03AK06", 0.6, 3.4, 30.0), ("R03AC02", 0.5, 2.0, 50.0)]),
    condition!("J45" "R96" (0.11, 0.12), (20.0, 17.0), false, (0.1, 0.8), 0.0, [("R03AC02", 0.7, 1.6, 50.0), ("R03AK06", 0.5, 2.2, 30.0)]),
    condition!("F32" "P76" (0.14, 0.23), (38.0, 16.0), false, (0.25, 1.4), 0.001, [("N06AB10", 0.5, 3.0, 98.0), ("N06AB04", 0.1, 3.0, 98.0), ("N05CF01", 0.2, 2.4, 30.0)]),
    condition!("F41" "P74" (0.08, 0.14), (33.0, 15.0), false, (0.15, 1.0), 0.0, [("N06AB10", 0.4, 2.8, 98.0)]),
    condition!("F90" "P81" (0.07, 0.05), (13.0, 8.0), false, (0.5, 0.6), 0.0, [("N06BA04", 0.75, 5.0, 30.0)]),
    condition!("F20" "P72" (0.009, 0.006), (25.0, 6.0), true, (1.2, 0.8), 0.008, [("N05AX12", 0.5, 4.0, 30.0), ("N05AH04", 0.4, 4.0, 30.0)]),
    condition!("F10" "P15" (0.045, 0.018), (44.0, 12.0), false, (0.5, 0.8), 0.015, [("N07BB03", 0.1, 3.0, 30.0)]),
    condition!("G30" "P70" (0.12, 0.19), (82.0, 6.0), false, (0.2, 1.5), 0.16, [("N06DA02", 0.4, 2.8, 98.0)]),
    condition!("G20" "N87" (0.018, 0.012), (71.0, 9.0), false, (0.5, 1.0), 0.05, [("N04BA02", 0.9, 3.6, 33.0)]),
    condition!("G35" "A97" (0.0025, 0.005), (35.0, 10.0), false, (1.0, 0.6), 0.004, [("L04AA23", 0.3, 4.0, 28.0)]),
    condition!("G40" "N88" (0.018, 0.017), (33.0, 24.0), true, (0.4, 0.7), 0.003, [("N03AX14", 0.6, 3.4, 60.0)]),
    condition!("G43" "N89" (0.05, 0.15), (28.0, 11.0), false, (0.06, 0.4), 0.0, [("N02CC01", 0.6, 2.4, 12.0)]),
    condition!("L40" "S91" (0.04, 0.04), (34.0, 16.0), false, (0.3, 0.5), 0.0, [("D07AC01", 0.7, 1.8, 20.0), ("L04AB04", 0.1, 4.0, 28.0)]),
    condition!("M06" "L88" (0.007, 0.014), (55.0, 13.0), false, (0.9, 0.8), 0.004, [("L04AX03", 0.7, 3.4, 30.0)]),
    condition!("M16" "L89" (0.09, 0.13), (68.0, 10.0), false, (0.3, 0.5), 0.0, [("N02BE01", 0.6, 2.4, 33.0)]),
    condition!("M17" "L90" (0.09, 0.14), (66.0, 10.0), false, (0.25, 0.5), 0.0, [("N02BE01", 0.6, 2.4, 33.0)]),
    condition!("N18" "U99" (0.09, 0.08), (74.0, 11.0), false, (0.7, 0.8), 0.03, [("C09CA06", 0.6, 2.6, 98.0)]),
    condition!("C61" "Y77" (0.14, 0.0), (69.0, 8.0), false, (1.6, 1.0), 0.03, [("L02AE02", 0.35, 3.6, 30.0)]),
    condition!("C50" "X76" (0.001, 0.11), (62.0, 12.0), false, (2.2, 1.0), 0.022, [("L02BG04", 0.5, 3.4, 98.0), ("L02BA01", 0.25, 3.4, 98.0)]),
    condition!("C18" "A79" (0.05, 0.05), (72.0, 10.0), true, (1.8, 1.0), 0.11, [("N02BE01", 0.3, 2.0, 33.0)]),
    condition!("C34" "A79" (0.055, 0.05), (71.0, 9.0), true, (2.6, 1.0), 0.5, [("N02AX02", 0.5, 3.0, 30.0)]),
];

/// Rarer cancers: only the case, a few stays and the risk of death.
const OTHER_CANCERS: [(&str, (f64, f64), f64, f64); 6] = [
    ("C20", (0.025, 0.017), 70.0, 0.1),
    ("C25", (0.014, 0.013), 72.0, 0.9),
    ("C43", (0.04, 0.038), 62.0, 0.03),
    ("C54", (0.0, 0.025), 67.0, 0.04),
    ("C67", (0.035, 0.011), 73.0, 0.06),
    ("C85", (0.015, 0.012), 67.0, 0.07),
];

/// What happens by chance: code, yearly rate at ages 0-17, 18-49, 50-74, 75+, level of care 0 inpatient, 1 day,
/// 2 outpatient, acute.
const EVENTS: [(&str, [f64; 4], u8, bool); 20] = [
    ("J18", [0.002, 0.001, 0.005, 0.028], 0, true),
    ("A41", [0.0002, 0.0004, 0.002, 0.01], 0, true),
    ("A09", [0.003, 0.001, 0.001, 0.004], 0, true),
    ("R07", [0.0005, 0.003, 0.006, 0.007], 0, true),
    ("R10", [0.003, 0.005, 0.004, 0.005], 0, true),
    ("K35", [0.0016, 0.0012, 0.0008, 0.0006], 0, true),
    ("K80", [0.0001, 0.002, 0.003, 0.0035], 0, false),
    ("K57", [0.0, 0.0005, 0.002, 0.004], 0, true),
    ("K92", [0.0002, 0.0005, 0.0015, 0.006], 0, true),
    ("N20", [0.0001, 0.002, 0.003, 0.002], 0, true),
    ("S06", [0.003, 0.0012, 0.0012, 0.004], 0, true),
    ("S52", [0.007, 0.003, 0.005, 0.009], 2, true),
    ("S72", [0.0002, 0.0003, 0.002, 0.016], 0, true),
    ("H25", [0.0, 0.0004, 0.011, 0.045], 1, false),
    ("M54", [0.001, 0.012, 0.015, 0.01], 2, false),
    ("K29", [0.0006, 0.004, 0.006, 0.005], 2, false),
    ("N39", [0.001, 0.002, 0.004, 0.012], 2, true),
    ("Z00", [0.03, 0.012, 0.014, 0.02], 2, false),
    ("E66", [0.001, 0.004, 0.003, 0.0003], 2, false),
    ("B34", [0.006, 0.001, 0.001, 0.002], 2, true),
];

/// Code, yearly rate by age, medicine that may follow and its share.
type ContactRate = (&'static str, [f64; 4], Option<(&'static str, f64)>);

/// Contacts with the doctor by chance: code, yearly rate by age, medicine that may follow.
const CONTACTS: [ContactRate; 13] = [
    ("R74", [0.16, 0.09, 0.06, 0.06], Some(("J01CE02", 0.15))),
    ("R05", [0.04, 0.03, 0.04, 0.05], None),
    ("H71", [0.06, 0.004, 0.002, 0.001], Some(("J01CA04", 0.5))),
    ("U71", [0.01, 0.04, 0.05, 0.09], Some(("J01CA08", 0.7))),
    ("A04", [0.01, 0.04, 0.04, 0.05], None),
    ("A97", [0.05, 0.06, 0.08, 0.1], None),
    ("L03", [0.004, 0.06, 0.07, 0.06], Some(("M01AE01", 0.3))),
    ("L84", [0.002, 0.04, 0.05, 0.04], Some(("M01AB05", 0.3))),
    ("D01", [0.03, 0.03, 0.03, 0.04], Some(("A02BC02", 0.25))),
    ("D73", [0.03, 0.015, 0.01, 0.015], None),
    ("S99", [0.05, 0.04, 0.05, 0.06], Some(("D07AC01", 0.3))),
    ("A03", [0.06, 0.01, 0.01, 0.02], None),
    ("R81", [0.008, 0.006, 0.012, 0.03], Some(("J01CE02", 0.6))),
];

/// A hospital episode.
#[derive(Clone, Copy)]
pub(crate) struct Episode {
    pub person: u32,
    pub icd: &'static str,
    pub second: Option<&'static str>,
    pub from: i32,
    pub to: i32,
    /// 0 inpatient, 1 day, 2 outpatient.
    pub care: u8,
    pub acute: bool,
}

/// A contact with primary care.
pub(crate) struct Contact {
    pub person: u32,
    pub icpc: &'static str,
    pub at: i32,
    /// 0 general practitioner, 1 out-of-hours, 2 physiotherapist.
    pub practice: u8,
}

/// A dispensed medicine.
pub(crate) struct Dispensing {
    pub person: u32,
    pub atc: &'static str,
    pub at: i32,
    pub packages: u8,
    pub ddd: f64,
}

/// A case of cancer.
pub(crate) struct Cancer {
    pub person: u32,
    pub icd: &'static str,
    pub at: i32,
    pub metastasis: u8,
    pub basis: u8,
}

/// A notified infection.
pub(crate) struct Infection {
    pub person: u32,
    pub disease: &'static str,
    pub at: i32,
    pub admitted: bool,
}

/// One person's illness.
#[derive(Default)]
pub(crate) struct History {
    /// Condition and day of onset.
    conditions: Vec<(usize, i32)>,
    cancers: Vec<(&'static str, i32)>,
    /// Underlying cause of death.
    pub cause: Option<&'static str>,
    /// Day and degree (per cent) of disability pension, when the person gets one.
    pub disability: Option<(i32, i64)>,
    /// Spell of work assessment allowance.
    pub assessment: Option<(i32, i32)>,
}

/// Draws the conditions of everybody and lets deaths follow from them.
pub(crate) fn histories(world: &mut World) -> Vec<History> {
    let seed = world.seed;
    let people = &world.people;
    let drawn: Vec<(History, i32)> = (0..people.len())
        .into_par_iter()
        .map(|i| {
            let mut rng = Rng::new(seed, Purpose::Health, i as u64);
            let youngest = people[i].children.iter().map(|c| people[*c as usize].birth).max();
            draw(&people[i], i, youngest, &mut rng)
        })
        .collect();
    let mut histories = Vec::with_capacity(drawn.len());
    for (person, (history, death)) in world.people.iter_mut().zip(drawn) {
        person.death = death;
        histories.push(history);
    }
    histories
}

fn draw(p: &Person, index: usize, youngest: Option<i32>, rng: &mut Rng) -> (History, i32) {
    let mut history = History::default();
    let burden = (0.45 * p.frailty - 0.12 * f64::from(p.level) + 0.45).exp();
    let (mut death, mut cause) = (p.death, None);
    let earliest = youngest.map_or(BEGIN, |b| b + 400).max(BEGIN).max(p.arrived() + 30);
    for (k, c) in CONDITIONS.iter().enumerate() {
        let risk = if p.sex == 1 { c.risk.0 } else { c.risk.1 };
        let age = rng.normal(c.onset.0, c.onset.1).max(1.0);
        if !rng.chance((risk * burden).min(0.95)) {
            continue;
        }
        let onset = p.birth + (365.25 * age) as i32;
        if onset >= END || onset >= p.death {
            continue;
        }
        history.conditions.push((k, onset));
        if c.cancer() {
            history.cancers.push((c.icd, onset));
        }
        if c.lethal > 0.0 {
            // Most deaths of a lethal illness come soon after it begins.
            let at = onset.max(earliest) + (365.25 * rng.exponential(2.5 / c.lethal)) as i32;
            if at < death && at > earliest {
                (death, cause) = (at, Some(c.icd));
            }
        }
    }
    for (icd, risk, mean, lethal) in OTHER_CANCERS {
        let onset = p.birth + (365.25 * rng.normal(mean, 11.0).max(15.0)) as i32;
        let happens = rng.chance((if p.sex == 1 { risk.0 } else { risk.1 }) * burden.min(2.0));
        if !happens || onset >= END || onset >= death {
            continue;
        }
        history.cancers.push((icd, onset));
        let at = onset.max(earliest) + (365.25 * rng.exponential(2.0 / lethal)) as i32;
        if at < death && at > earliest {
            (death, cause) = (at, Some(icd));
        }
    }
    if index < PERSONAS.len() {
        (death, cause) = (NEVER, None);
        personas(&mut history, index);
    }
    if death > END {
        (death, cause) = (NEVER, None);
    }
    history.conditions.retain(|(_, onset)| *onset < death);
    history.cancers.retain(|(_, onset)| *onset < death);
    history.cause =
        (death != NEVER).then(|| cause.unwrap_or_else(|| other_cause(&history, years(p.birth, death), rng)));
    benefits(p, &mut history, death, rng);
    (history, death)
}

/// The demo's personas have what its project looks at: a stroke, diabetes, asthma for the child.
fn personas(history: &mut History, index: usize) {
    let find = |icd: &str| CONDITIONS.iter().position(|c| c.icd == icd);
    let given: &[(&str, i32)] = match index {
        0 => &[("E11", day(2019, 2, 11)), ("I63", day(2022, 5, 9)), ("I10", day(2018, 9, 3))],
        2 => &[("J45", day(2020, 10, 5))],
        3 => &[("E11", day(2012, 4, 16)), ("I63", day(2021, 11, 2)), ("I48", day(2020, 1, 20))],
        _ => &[],
    };
    history.conditions = given.iter().filter_map(|(icd, at)| find(icd).map(|k| (k, *at))).collect();
    history.cancers.clear();
}

fn other_cause(history: &History, age: i32, rng: &mut Rng) -> &'static str {
    let lethal: Vec<f64> = history.conditions.iter().map(|(k, _)| CONDITIONS[*k].lethal).collect();
    if lethal.iter().sum::<f64>() > 0.02 && rng.chance(0.6) {
        return CONDITIONS[history.conditions[rng.weighted(&lethal)].0].icd;
    }
    let (codes, weights): (&[&str], &[f64]) = match age {
        ..=44 => (&["V89", "X70", "F10", "J18", "I21"], &[3.0, 5.0, 2.0, 0.5, 1.0]),
        45..=74 => (&["I21", "C34", "C18", "J44", "X70", "F10", "I61"], &[5.0, 3.0, 2.0, 2.0, 1.0, 1.0, 1.0]),
        _ => (&["I21", "I50", "F03", "J18", "R54", "J44", "I63", "U07"], &[4.0, 4.0, 4.0, 3.0, 3.0, 2.0, 3.0, 1.0]),
    };
    codes[rng.weighted(weights)]
}

/// Disability pension and work assessment allowance follow mental and musculoskeletal illness more than anything else.
fn benefits(p: &Person, history: &mut History, death: i32, rng: &mut Rng) {
    let heavy = history
        .conditions
        .iter()
        .filter(|(k, _)| {
            matches!(CONDITIONS[*k].icd, "F32" | "F20" | "F10" | "G35" | "M06" | "I63" | "C50" | "F41" | "G40" | "J44")
        })
        .map(|(_, onset)| *onset)
        .min();
    let base = 0.02 + 0.05 * (-0.3 * p.advantage).exp();
    let risk = if heavy.is_some() { 4.0 * base } else { base };
    if !rng.chance(risk.min(0.7)) {
        return;
    }
    let from = heavy.unwrap_or(p.birth + (365.25 * rng.normal(46.0, 9.0)) as i32).max(p.birth + 6800);
    let stops = death.min(p.emigrated).min(p.birth + 24_472);
    let pension = from + 365 * rng.between(2, 4);
    if from >= stops {
        return;
    }
    history.assessment = (from >= day(2010, 3, 1) && from < END).then_some((from, (pension - 1).min(stops - 1)));
    if rng.chance(0.6) && pension < stops && pension < END {
        history.disability =
            Some((pension.max(day(2011, 1, 1)), [50, 60, 80, 100][rng.weighted(&[0.15, 0.1, 0.1, 0.65])]));
    }
}

/// Everything that the registers of health hold about a range of persons.
#[derive(Default)]
pub(crate) struct Records {
    pub episodes: Vec<Episode>,
    pub contacts: Vec<Contact>,
    pub dispensings: Vec<Dispensing>,
    pub cancers: Vec<Cancer>,
    pub infections: Vec<Infection>,
}

/// Draws the records of everybody, in the order of the persons.
pub(crate) fn records(world: &World, histories: &[History]) -> Records {
    let chunks: Vec<Records> = (0..world.people.len())
        .collect::<Vec<_>>()
        .par_chunks(4096)
        .map(|chunk| {
            let mut out = Records::default();
            for i in chunk {
                let mut rng = Rng::new(world.seed, Purpose::Registers, *i as u64);
                Recorder { p: &world.people[*i], index: *i as u32, rng: &mut rng, out: &mut out }
                    .all(world, &histories[*i]);
            }
            out
        })
        .collect();
    let mut all = Records::default();
    for mut c in chunks {
        all.episodes.append(&mut c.episodes);
        all.contacts.append(&mut c.contacts);
        all.dispensings.append(&mut c.dispensings);
        all.cancers.append(&mut c.cancers);
        all.infections.append(&mut c.infections);
    }
    all
}

struct Recorder<'a> {
    p: &'a Person,
    index: u32,
    rng: &'a mut Rng,
    out: &'a mut Records,
}

impl Recorder<'_> {
    fn all(&mut self, world: &World, history: &History) {
        for (k, onset) in &history.conditions {
            self.condition(&CONDITIONS[*k], *onset);
        }
        for (icd, at) in &history.cancers {
            if *at >= self.p.arrived() && *at < self.p.gone() {
                let metastasis = [0, 1, 2, 9][self.rng.weighted(&[0.5, 0.25, 0.2, 0.05])];
                let basis = [1, 2, 3, 4][self.rng.weighted(&[0.03, 0.07, 0.84, 0.06])];
                self.out.cancers.push(Cancer { person: self.index, icd, at: *at, metastasis, basis });
                self.episode(icd, None, *at, 0, false);
            }
        }
        self.chance_events();
        self.chance_contacts();
        self.infections();
        if self.p.sex == 2 {
            for c in &self.p.children {
                let at = world.people[*c as usize].birth;
                let icd = if self.rng.chance(0.16) { "O82" } else { "O80" };
                self.episode(icd, None, at, 0, true);
                for month in [9, 6, 3] {
                    self.contact("W78", at - 30 * month, 0);
                }
            }
        }
    }

    /// First and last day in `from..=END` on which the person lives in Norway.
    fn window(&self, from: i32) -> Option<(i32, i32)> {
        let (a, b) = (self.p.arrived().max(from), (self.p.gone() - 1).min(END));
        (a <= b).then_some((a, b))
    }

    /// Days of a Poisson process with this yearly rate in the window from `from`.
    fn days(&mut self, rate: f64, from: i32) -> Vec<i32> {
        let Some((a, b)) = self.window(from) else { return Vec::new() };
        let n = self.rng.poisson(rate * f64::from(b - a + 1) / 365.25);
        (0..n).map(|_| self.rng.between(a, b)).collect()
    }

    fn condition(&mut self, c: &Condition, onset: i32) {
        if c.acute || self.index < PERSONAS.len() as u32 {
            self.episode(c.icd, None, onset, 0, c.acute);
        }
        let follow_up = if c.icd.starts_with("I6") && c.acute { "I69" } else { c.icd };
        let active = if c.cancer() { onset.max(END - 900) } else { onset };
        for at in self.days(c.rates.0, active.max(NPR_FROM)) {
            let care = [0, 1, 2][self.rng.weighted(&[0.12, 0.13, 0.75])];
            let second = self.rng.chance(0.2).then_some("I10").filter(|s| *s != follow_up);
            let acute = care == 0 && self.rng.chance(0.6);
            self.episode(follow_up, second, at, care, acute);
        }
        for at in self.days(c.rates.1 * 0.5, onset.max(KPR_FROM)) {
            self.contact(c.icpc, at, 0);
        }
        for (atc, share, per_year, ddd) in c.medicines {
            if !self.rng.chance(*share) && self.index >= PERSONAS.len() as u32 {
                continue;
            }
            let Some((a, b)) = self.window(onset.max(LMR_FROM)) else { continue };
            // Regular dispensings with some slack, as repeat prescriptions are.
            let gap = 365.25 / (per_year * 0.4);
            let mut at = f64::from(a) + gap * self.rng.unit();
            while at <= f64::from(b) {
                self.dispense(atc, at as i32, *ddd);
                at += gap * (0.8 + 0.4 * self.rng.unit());
            }
        }
    }

    fn episode(&mut self, icd: &'static str, second: Option<&'static str>, at: i32, care: u8, acute: bool) {
        let Some((a, b)) = self.window(NPR_FROM) else { return };
        if at < a || at > b {
            return;
        }
        let stay = if care == 0 { 1 + self.rng.exponential(3.6) as i32 } else { 0 };
        self.out.episodes.push(Episode {
            person: self.index,
            icd,
            second,
            from: at,
            to: (at + stay).min(b),
            care,
            acute,
        });
    }

    fn contact(&mut self, icpc: &'static str, at: i32, practice: u8) {
        if self.window(KPR_FROM).is_some_and(|(a, b)| (a..=b).contains(&at)) {
            self.out.contacts.push(Contact { person: self.index, icpc, at, practice });
        }
    }

    fn dispense(&mut self, atc: &'static str, at: i32, ddd: f64) {
        let packages = 1 + u8::from(self.rng.chance(0.12));
        self.out.dispensings.push(Dispensing { person: self.index, atc, at, packages, ddd: ddd * f64::from(packages) });
    }

    fn chance_events(&mut self) {
        for (icd, rates, care, acute) in EVENTS {
            let Some((a, b)) = self.window(NPR_FROM) else { return };
            let group = age_group(years(self.p.birth, (a + b) / 2));
            for at in self.days(rates[group] * (0.3 * self.p.frailty).exp(), NPR_FROM) {
                self.episode(icd, None, at, care, acute);
            }
        }
    }

    fn chance_contacts(&mut self) {
        for (icpc, rates, medicine) in CONTACTS {
            let Some((a, b)) = self.window(KPR_FROM) else { return };
            let group = age_group(years(self.p.birth, (a + b) / 2));
            for at in self.days(rates[group] * (0.3 * self.p.frailty).exp(), KPR_FROM) {
                let practice =
                    [0, 1, 2][self.rng.weighted(&[0.82, 0.14, if icpc.starts_with('L') { 0.2 } else { 0.0 }])];
                self.contact(icpc, at, practice);
                if let Some((atc, share)) = medicine
                    && self.rng.chance(share)
                {
                    self.dispense(atc, at, 10.0);
                }
            }
        }
    }

    fn infections(&mut self) {
        const YEARLY: [(&str, f64); 8] = [
            ("CAMP", 0.0006),
            ("SALM", 0.0002),
            ("PERT", 0.0002),
            ("TB", 0.00004),
            ("GONO", 0.0004),
            ("HEPB", 0.00008),
            ("BORR", 0.00009),
            ("PNEU", 0.0001),
        ];
        for (disease, rate) in YEARLY {
            for at in self.days(rate, day(2018, 1, 1)) {
                let admitted = self.rng.chance(0.25);
                self.out.infections.push(Infection { person: self.index, disease, at, admitted });
            }
        }
        let (from, until) = (day(2020, 3, 1), day(2022, 6, 30));
        let at = self.rng.between(from, until);
        if self.rng.chance(0.16) && self.window(from).is_some_and(|(a, b)| (a..=b).contains(&at)) {
            let admitted = self.rng.chance(if self.p.birth < day(1955, 1, 1) { 0.12 } else { 0.01 });
            self.out.infections.push(Infection { person: self.index, disease: "COV19", at, admitted });
            if admitted {
                self.episode("U07", None, at, 0, true);
            }
        }
    }
}

fn age_group(age: i32) -> usize {
    match age {
        ..=17 => 0,
        18..=49 => 1,
        50..=74 => 2,
        _ => 3,
    }
}
