//! The datasets of the health registers: hospital episodes, primary care, medicines, cancer, deaths, births,
//! vaccinations, infections. Each register numbers its own records.

use rayon::prelude::*;

use crate::SynthError;
use crate::health::{History, Records};
use crate::output::{Day, Output, Rows};
use crate::rng::{Purpose, Rng};
use crate::social::per_person;
use crate::world::{END, NEVER, World, day, years};

/// Writes every dataset of every health register.
pub(crate) fn write(world: &World, histories: &[History], records: &Records, out: &Output) -> Result<(), SynthError> {
    let tasks: Vec<Box<dyn Fn() -> Result<(), SynthError> + Sync + Send + '_>> = vec![
        Box::new(|| npr(world, records, out)),
        Box::new(|| kpr(world, records, out)),
        Box::new(|| lmr(world, records, out)),
        Box::new(|| krg(world, records, out)),
        Box::new(|| msis(world, records, out)),
        Box::new(|| dar(world, histories, out)),
        Box::new(|| mfr(world, out)),
        Box::new(|| sysvak(world, out)),
    ];
    tasks.par_iter().try_for_each(|task| task())
}

/// Rows made record by record under the record's own number, in parallel and in order.
fn per_record<T: Sync>(prefix: char, records: &[T], rows: impl Fn(&str, usize, &T, &mut Rows) + Sync) -> Vec<Rows> {
    records
        .par_chunks(16_384)
        .enumerate()
        .map(|(k, chunk)| {
            let mut out = Rows::default();
            for (i, record) in chunk.iter().enumerate() {
                let index = k * 16_384 + i;
                rows(&format!("{prefix}{:010}", index + 1), index, record, &mut out);
            }
            out
        })
        .collect()
}

fn npr(world: &World, records: &Records, out: &Output) -> Result<(), SynthError> {
    const STORE: &str = "no.fhi.npr";
    let e = &records.episodes;
    out.dataset(
        STORE,
        "NPRID",
        &per_record('E', e, |id, _, r, o| o.fixed(id, &world.people[r.person as usize].number)),
    )?;
    out.dataset(STORE, "HOVEDTILSTAND1", &per_record('E', e, |id, _, r, o| o.fixed(id, r.icd)))?;
    let second = per_record('E', e, |id, _, r, o| {
        if let Some(code) = r.second {
            o.fixed(id, code);
        }
    });
    out.dataset(STORE, "HOVEDTILSTAND2", &second)?;
    out.dataset(STORE, "INNDATO", &per_record('E', e, |id, _, r, o| o.fixed(id, Day(r.from))))?;
    out.dataset(STORE, "UTDATO", &per_record('E', e, |id, _, r, o| o.fixed(id, Day(r.to))))?;
    let care = ["døgn", "dag", "poliklinisk"];
    out.dataset(STORE, "OMSORGSNIVA", &per_record('E', e, |id, _, r, o| o.fixed(id, care[r.care as usize])))?;
    let funding = |icd: &str| {
        if icd == "I69" {
            "R"
        } else if icd == "Z00" {
            "U"
        } else {
            "I"
        }
    };
    out.dataset(STORE, "NIVA", &per_record('E', e, |id, _, r, o| o.fixed(id, funding(r.icd))))?;
    out.dataset(STORE, "HASTEGRAD", &per_record('E', e, |id, _, r, o| o.fixed(id, if r.acute { 1 } else { 4 })))
}

fn kpr(world: &World, records: &Records, out: &Output) -> Result<(), SynthError> {
    const STORE: &str = "no.fhi.kpr";
    let c = &records.contacts;
    let person = per_record('K', c, |id, _, r, o| o.fixed(id, &world.people[r.person as usize].number));
    out.dataset(STORE, "PASIENT_LOPENR", &person)?;
    out.dataset(STORE, "KONTAKTDATO", &per_record('K', c, |id, _, r, o| o.fixed(id, Day(r.at))))?;
    out.dataset(STORE, "DIAGNOSE", &per_record('K', c, |id, _, r, o| o.fixed(id, r.icpc)))?;
    let practice = ["LE", "LV", "FT"];
    out.dataset(STORE, "PRAKSISTYPE", &per_record('K', c, |id, _, r, o| o.fixed(id, practice[r.practice as usize])))
}

fn lmr(world: &World, records: &Records, out: &Output) -> Result<(), SynthError> {
    const STORE: &str = "no.fhi.lmr";
    let d = &records.dispensings;
    let person = per_record('R', d, |id, _, r, o| o.fixed(id, &world.people[r.person as usize].number));
    out.dataset(STORE, "PASIENTLOPENR", &person)?;
    out.dataset(STORE, "UTLEVERINGDATO", &per_record('R', d, |id, _, r, o| o.fixed(id, Day(r.at))))?;
    out.dataset(STORE, "ATCKODE", &per_record('R', d, |id, _, r, o| o.fixed(id, r.atc)))?;
    out.dataset(STORE, "ORDINASJONANTALLPAKNINGER", &per_record('R', d, |id, _, r, o| o.fixed(id, r.packages)))?;
    out.dataset(
        STORE,
        "ORDINASJONANTALLDDD",
        &per_record('R', d, |id, _, r, o| o.fixed(id, format_args!("{:.1}", r.ddd))),
    )
}

fn krg(world: &World, records: &Records, out: &Output) -> Result<(), SynthError> {
    const STORE: &str = "no.fhi.krg";
    let c = &records.cancers;
    out.dataset(
        STORE,
        "KRG_FNR",
        &per_record('C', c, |id, _, r, o| o.fixed(id, &world.people[r.person as usize].number)),
    )?;
    out.dataset(STORE, "DIAGNOSEDATO", &per_record('C', c, |id, _, r, o| o.fixed(id, Day(r.at))))?;
    out.dataset(STORE, "ICD10GRUPPE", &per_record('C', c, |id, _, r, o| o.fixed(id, r.icd)))?;
    out.dataset(STORE, "METASTASE", &per_record('C', c, |id, _, r, o| o.fixed(id, r.metastasis)))?;
    out.dataset(STORE, "BASIS", &per_record('C', c, |id, _, r, o| o.fixed(id, r.basis)))
}

fn msis(world: &World, records: &Records, out: &Output) -> Result<(), SynthError> {
    const STORE: &str = "no.fhi.msis";
    let c = &records.infections;
    out.dataset(
        STORE,
        "LOPENR",
        &per_record('M', c, |id, _, r, o| o.fixed(id, &world.people[r.person as usize].number)),
    )?;
    out.dataset(STORE, "PROVEDATO", &per_record('M', c, |id, _, r, o| o.fixed(id, Day(r.at))))?;
    out.dataset(STORE, "DIAGNOSE", &per_record('M', c, |id, _, r, o| o.fixed(id, r.disease)))?;
    out.dataset(STORE, "INNLAGT", &per_record('M', c, |id, _, r, o| o.fixed(id, u8::from(r.admitted))))
}

fn dar(world: &World, histories: &[History], out: &Output) -> Result<(), SynthError> {
    const STORE: &str = "no.fhi.dar";
    let dead = |rows: &(dyn Fn(usize, &crate::world::Person, &mut Rows) + Sync)| {
        per_person(world, |i, p, o| {
            if p.death != NEVER && p.death < p.emigrated {
                rows(i, p, o);
            }
        })
    };
    out.dataset(STORE, "DODSDATO", &dead(&|_, p, o| o.fixed(&p.number, Day(p.death))))?;
    out.dataset(STORE, "UNDERLIGGENDE", &dead(&|i, p, o| o.fixed(&p.number, histories[i].cause.unwrap_or("R54"))))?;
    out.dataset(STORE, "ALDER", &dead(&|_, p, o| o.fixed(&p.number, years(p.birth, p.death))))?;
    let place = dead(&|i, p, o| {
        let old = years(p.birth, p.death) >= 80;
        let weights = if old { [0.27, 0.6, 0.12, 0.01] } else { [0.45, 0.2, 0.28, 0.07] };
        let mut rng = Rng::new(world.seed, Purpose::Registers, 1 << 40 | i as u64);
        o.fixed(&p.number, [1, 2, 3, 9][rng.weighted(&weights)]);
    });
    out.dataset(STORE, "DODSSTED", &place)
}

/// A birth: mother, child, number among her children.
struct Birth {
    mother: u32,
    child: u32,
    parity: usize,
}

fn mfr(world: &World, out: &Output) -> Result<(), SynthError> {
    const STORE: &str = "no.fhi.mfr";
    let mut births = Vec::new();
    for (i, p) in world.people.iter().enumerate().filter(|(_, p)| p.sex == 2) {
        for (parity, child) in p.children.iter().enumerate() {
            if world.people[*child as usize].birth >= day(2000, 1, 1) {
                births.push(Birth { mother: i as u32, child: *child, parity });
            }
        }
    }
    let b = &births;
    let rng = |r: &Birth, part: u64| Rng::new(world.seed, Purpose::Registers, (2 + part) << 40 | u64::from(r.child));
    let weeks = |r: &Birth| (40 - rng(r, 0).exponential(1.3) as i32 + rng(r, 1).between(-1, 1)).clamp(24, 42);
    let smokes = |r: &Birth| {
        let mother = &world.people[r.mother as usize];
        rng(r, 2).weighted(&[0.9, 0.03, 0.07 * (-0.8 * mother.advantage).exp()])
    };
    let child = |r: &Birth| &world.people[r.child as usize];
    let mother = |r: &Birth| &world.people[r.mother as usize];
    out.dataset(STORE, "ID_MOR", &per_record('S', b, |id, _, r, o| o.fixed(id, &mother(r).number)))?;
    out.dataset(STORE, "ID_BARN", &per_record('S', b, |id, _, r, o| o.fixed(id, &child(r).number)))?;
    out.dataset(STORE, "FODSELSDATO", &per_record('S', b, |id, _, r, o| o.fixed(id, Day(child(r).birth))))?;
    let age = per_record('S', b, |id, _, r, o| o.fixed(id, years(mother(r).birth, child(r).birth)));
    out.dataset(STORE, "MORS_ALDER", &age)?;
    out.dataset(STORE, "PARITET_MFR", &per_record('S', b, |id, _, r, o| o.fixed(id, r.parity)))?;
    let weight = per_record('S', b, |id, _, r, o| {
        let sex = if child(r).sex == 1 { 65.0 } else { -65.0 };
        let smoking = if smokes(r) == 2 { -200.0 } else { 0.0 };
        let mean = 3560.0 + 150.0 * f64::from(weeks(r) - 40) + sex + smoking + 60.0 * r.parity.min(2) as f64;
        o.fixed(id, rng(r, 3).normal(mean, 430.0).clamp(500.0, 5900.0) as i64);
    });
    out.dataset(STORE, "VEKT", &weight)?;
    out.dataset(STORE, "SVLEN", &per_record('S', b, |id, _, r, o| o.fixed(id, weeks(r))))?;
    out.dataset(
        STORE,
        "KSNITT",
        &per_record('S', b, |id, _, r, o| o.fixed(id, rng(r, 4).weighted(&[0.84, 0.06, 0.1]))),
    )?;
    out.dataset(STORE, "ROYK_BEG", &per_record('S', b, |id, _, r, o| o.fixed(id, smokes(r))))
}

/// One dose: day, code, number of the dose.
type Dose = (i32, &'static str, u8);

fn doses(world: &World, i: usize) -> Vec<Dose> {
    let p = &world.people[i];
    let mut rng = Rng::new(world.seed, Purpose::Vaccines, i as u64);
    let mut doses: Vec<Dose> = Vec::new();
    if p.immigrated.is_none() && p.birth >= day(2000, 1, 1) {
        let follows = rng.chance(0.97);
        let plan: [(i32, &str, u8); 12] = [
            (92, "DTP06", 1),
            (99, "PKV13", 1),
            (152, "DTP06", 2),
            (160, "PKV13", 2),
            (366, "DTP06", 3),
            (374, "PKV13", 3),
            (458, "MMR", 1),
            (2780, "DTP04", 4),
            (4200, "MMR", 2),
            (4560, "HPV02", 1),
            (4800, "HPV02", 2),
            (5650, "DTP04", 5),
        ];
        for (age, code, dose) in plan {
            let at = p.birth + age + rng.between(0, 5);
            if follows && rng.chance(0.97) && at < p.gone() {
                doses.push((at, code, dose));
            }
        }
    }
    let age = years(p.birth, day(2021, 1, 1));
    let share = match age {
        ..=11 => 0.02,
        12..=17 => 0.7,
        18..=44 => 0.86,
        45..=64 => 0.92,
        _ => 0.95,
    } - if p.immigrated.is_some() { 0.2 } else { 0.0 };
    if rng.chance(share) || i < crate::world::PERSONAS.len() {
        let start = day(2021, 1, 10) + ((85 - age.clamp(16, 85)) * 3) + rng.between(0, 25);
        let code = if rng.chance(0.84) { "BNT03" } else { "MOD03" };
        let mut at = start;
        for (dose, chance, wait) in [
            (1u8, 1.0, 0),
            (2, 0.97, 45),
            (3, if age > 44 { 0.85 } else { 0.5 }, 190),
            (4, if age > 64 { 0.75 } else { 0.08 }, 300),
        ] {
            at += wait + rng.between(0, 20);
            if !rng.chance(chance) {
                break;
            }
            doses.push((at, code, dose));
        }
    }
    for year in 2018..=2024 {
        if rng.chance(if years(p.birth, day(year, 10, 1)) >= 65 { 0.6 } else { 0.08 }) {
            doses.push((day(year, 10, 1) + rng.between(0, 70), "INF01", 1));
        }
    }
    doses.retain(|d| d.0 <= END && d.0 < p.gone() && d.0 >= p.arrived());
    doses.sort_unstable();
    // The register holds one row per person and day: a second vaccine on the same day is dated to the next.
    for k in 1..doses.len() {
        if doses[k].0 <= doses[k - 1].0 {
            doses[k].0 = doses[k - 1].0 + 1;
        }
    }
    doses.retain(|d| d.0 <= END && d.0 < p.gone());
    doses
}

fn sysvak(world: &World, out: &Output) -> Result<(), SynthError> {
    const STORE: &str = "no.fhi.sysvak";
    let all: Vec<Vec<Dose>> = (0..world.people.len()).into_par_iter().map(|i| doses(world, i)).collect();
    let codes = per_person(world, |i, p, o| all[i].iter().for_each(|d| o.spell(&p.number, d.1, d.0, Some(d.0))));
    out.dataset(STORE, "SYSVAK_KODE", &codes)?;
    let numbers = per_person(world, |i, p, o| all[i].iter().for_each(|d| o.spell(&p.number, d.2, d.0, Some(d.0))));
    out.dataset(STORE, "DOSENUMMER", &numbers)
}

/// Dates print as ISO dates.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::date_text;

    #[test]
    fn dates_print_as_iso() {
        assert_eq!(&date_text(day(2024, 2, 29)), b"2024-02-29");
        assert_eq!(Day(day(1928, 1, 1)).to_string(), "1928-01-01");
    }
}
