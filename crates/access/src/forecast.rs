//! When a case will be decided and data lie ready, as far as finished cases tell (ACC-130). Pure: the same case, day and
//! history give the same forecast.

use kernel::Date;
use serde::{Deserialize, Serialize};

use crate::handling::{Handling, quantile, size};

/// How many combinations are drawn.
const DRAWS: usize = 1_000;
/// Fewer finished cases than this say too little: a coarser stratum is taken.
const ENOUGH: usize = 20;
/// Days to the decision when nothing is known: P50 and P80.
const DECISION: (i32, i32) = (90, 150);
/// Days from the decision to the data when nothing is known: P50 and P80.
const DATA: (i32, i32) = (60, 90);

/// A forecast: half of the cases like this one were ready by the first date, four of five by the second.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Forecast {
    /// The day on which it was made.
    pub made_on: Date,
    /// The decision.
    pub decision: Option<Expected>,
    /// Data.
    pub data: Option<Expected>,
    /// How many finished cases it is based on; 0 when it is the general expectation.
    pub based_on: usize,
    /// Which cases they are: `form/sources/source`, coarser ones with less; empty for the general expectation.
    pub stratum: String,
}

/// Two dates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Expected {
    /// Half of the draws are not later.
    pub p50: Date,
    /// Four of five draws are not later.
    pub p80: Date,
}

/// Random numbers that a seed gives (SplitMix64); nothing secret depends on them.
struct Draws(u64);

impl Draws {
    fn seeded(text: &str) -> Self {
        let digest = kernel::sha256_hex(text.as_bytes());
        let hex = digest.rsplit(':').next().unwrap_or_default();
        Self(u64::from_str_radix(hex.get(..16).unwrap_or("0"), 16).unwrap_or(0))
    }

    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// What is still to come, in order.
#[derive(Clone, PartialEq, Debug)]
enum Phase {
    Screening,
    Source(String),
    Assessment,
    Acceptance,
    Extraction,
}

/// The forecast of a case on a day, by its own handling and that of finished cases. Finished cases are those decided in
/// the 24 months before. None before the submission and after data lie ready.
pub fn forecast(case: &str, own: &Handling, finished: &[Handling], today: Date) -> Option<Forecast> {
    let submitted = own.submitted?;
    if own.withdrawn || own.available.is_some() {
        return None;
    }
    let since = today.plus_months(-24);
    let recent: Vec<&Handling> =
        finished.iter().filter(|h| h.decided.is_some_and(|day| day >= since && day <= today)).collect();
    let Some((stratum, pool)) = stratum(own, &recent) else {
        let from = own.decided.unwrap_or(submitted);
        let after = |from: Date, days: i32| from.plus_days(days).max(today);
        let decision = own
            .decided
            .is_none()
            .then(|| Expected { p50: after(submitted, DECISION.0), p80: after(submitted, DECISION.1) });
        let (p50, p80) = decision.map_or((from, from), |d| (d.p50, d.p80));
        let data = Expected { p50: after(p50, DATA.0), p80: after(p80, DATA.1) };
        return Some(Forecast { made_on: today, decision, data: Some(data), based_on: 0, stratum: String::new() });
    };
    let mut draws = Draws::seeded(&format!("{case} {today}"));
    let durations = |phase: &Phase, used: i32| durations(&pool, &recent, phase, used);
    let mut to_decision = vec![0; DRAWS];
    if own.decided.is_none() {
        let since_submission = today.days() - submitted.days();
        if own.screened.is_none() {
            add(&mut to_decision, &durations(&Phase::Screening, since_submission), &mut draws);
        }
        // Sources work at the same time: the slowest counts.
        let mut slowest = vec![0; DRAWS];
        for source in own.sources.iter().filter(|source| !own.answers.contains_key(*source)) {
            let used = own.asked.map_or(0, |(first, _)| today.days() - first.days());
            let mut one = vec![0; DRAWS];
            add(&mut one, &durations(&Phase::Source(source.clone()), used), &mut draws);
            slowest.iter_mut().zip(one).for_each(|(all, one)| *all = one.max(*all));
        }
        to_decision.iter_mut().zip(slowest).for_each(|(all, one)| *all += one);
        let used = own
            .screened
            .map_or(0, |day| today.days() - day.days() - own.waited_for_sources() - own.waited_for_applicant());
        add(&mut to_decision, &durations(&Phase::Assessment, used.max(0)), &mut draws);
        if own.acceptance == 0 {
            let used = own.offered.map_or(0, |day| today.days() - day.days());
            add(&mut to_decision, &durations(&Phase::Acceptance, used), &mut draws);
        }
    }
    let mut to_data = to_decision.clone();
    let used = own.decided.map_or(0, |day| today.days() - day.days());
    let extraction = durations(&Phase::Extraction, used);
    if extraction.is_empty() {
        let spread = [DATA.0, DATA.1].map(|days| (days - used).max(0));
        to_data.iter_mut().for_each(|days| *days += spread[usize::from(draws.below(10) >= 5)]);
    } else {
        add(&mut to_data, &extraction, &mut draws);
    }
    let expected = |mut days: Vec<i32>| {
        days.sort_unstable();
        let at = |share| Some(today.plus_days(quantile(&days, share)?));
        Some(Expected { p50: at(0.5)?, p80: at(0.8)? })
    };
    Some(Forecast {
        made_on: today,
        decision: own.decided.is_none().then(|| expected(to_decision)).flatten(),
        data: expected(to_data),
        based_on: pool.len(),
        stratum,
    })
}

/// The finest stratum with enough finished cases: form, number of sources and one of the sources; form and number of
/// sources; form; all.
fn stratum<'a>(own: &Handling, recent: &[&'a Handling]) -> Option<(String, Vec<&'a Handling>)> {
    let form = |h: &Handling| h.form == own.form;
    let class = |h: &Handling| size(h.sources.len()) == own.size();
    let mut candidates: Vec<(String, Vec<&Handling>)> = own
        .sources
        .iter()
        .map(|source| {
            let with = recent.iter().copied().filter(|h| form(h) && class(h) && h.sources.contains(source)).collect();
            (format!("{}/{}/{source}", own.form, own.size()), with)
        })
        .collect();
    // Of the sources, the one with the most finished cases.
    candidates.sort_by_key(|(name, pool)| (std::cmp::Reverse(pool.len()), name.clone()));
    candidates.truncate(1);
    let some = |f: &dyn Fn(&Handling) -> bool| recent.iter().copied().filter(|h| f(h)).collect::<Vec<_>>();
    candidates.push((format!("{}/{}", own.form, own.size()), some(&|h| form(h) && class(h))));
    candidates.push((own.form.clone(), some(&form)));
    candidates.push(("all".into(), recent.to_vec()));
    candidates.into_iter().find(|(_, pool)| pool.len() >= ENOUGH)
}

/// What finished cases took for a phase beyond the time already used. Those of the stratum that took longer than that;
/// when it says nothing of a source, those of all cases; when nobody took so long, nothing is left.
fn durations(pool: &[&Handling], all: &[&Handling], phase: &Phase, used: i32) -> Vec<i32> {
    let took = |h: &&Handling| match phase {
        Phase::Screening => h.screening(),
        Phase::Source(source) => h.answers.get(source).copied(),
        Phase::Assessment => h.assessment(),
        Phase::Acceptance => (h.acceptance > 0).then_some(h.acceptance),
        Phase::Extraction => h.extraction(),
    };
    let mut known: Vec<i32> = pool.iter().filter_map(took).collect();
    if known.is_empty() {
        known = all.iter().filter_map(took).collect();
    }
    let left: Vec<i32> = known.iter().filter(|days| **days > used).map(|days| days - used).collect();
    if left.is_empty() && !known.is_empty() { vec![0] } else { left }
}

fn add(sums: &mut [i32], durations: &[i32], draws: &mut Draws) {
    if durations.is_empty() {
        return;
    }
    sums.iter_mut().for_each(|sum| *sum += durations[draws.below(durations.len())]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(n: i32) -> Date {
        "2026-06-01".parse::<Date>().unwrap().plus_days(n)
    }

    fn open() -> Handling {
        Handling {
            form: "person-level".into(),
            sources: vec!["dar".into(), "npr".into()],
            submitted: Some(day(0)),
            ..Handling::default()
        }
    }

    /// A case that took `n` days of screening, `n` and `2n` of its sources, `n` of assessment, `n` of acceptance.
    fn closed(n: i32) -> Handling {
        Handling {
            submitted: Some(day(-300)),
            screened: Some(day(-300 + n)),
            answers: [("dar".into(), n), ("npr".into(), 2 * n)].into(),
            asked: Some((day(-300 + n), Some(day(-300 + 3 * n)))),
            acceptance: n,
            decided: Some(day(-300 + 5 * n)),
            available: Some(day(-300 + 6 * n)),
            ..open()
        }
    }

    #[test]
    fn acc_130_without_history_the_general_expectation_is_told() {
        let few: Vec<Handling> = (1..20).map(closed).collect();
        let forecast = forecast("c", &open(), &few, day(10)).unwrap();
        assert_eq!((forecast.based_on, forecast.stratum.as_str()), (0, ""));
        assert_eq!(forecast.decision.unwrap(), Expected { p50: day(90), p80: day(150) });
        assert_eq!(forecast.data.unwrap(), Expected { p50: day(150), p80: day(240) });
        let late = super::forecast("c", &open(), &few, day(200)).unwrap();
        assert_eq!(late.decision.unwrap(), Expected { p50: day(200), p80: day(200) }, "never in the past");
        assert_eq!(super::forecast("c", &Handling::default(), &few, day(0)), None, "a draft has none");
    }

    #[test]
    fn acc_130_phases_are_drawn_and_the_slowest_source_counts() {
        let same: Vec<Handling> = (0..25).map(|_| closed(10)).collect();
        let forecast = forecast("c", &open(), &same, day(0)).unwrap();
        assert_eq!((forecast.based_on, forecast.stratum.as_str()), (25, "person-level/2-3/dar"));
        // 10 screening, 20 of the slower source, 10 assessment, 10 acceptance; 10 more to the data.
        assert_eq!(forecast.decision.unwrap(), Expected { p50: day(50), p80: day(50) });
        assert_eq!(forecast.data.unwrap(), Expected { p50: day(60), p80: day(60) });
        // Four days of the screening are used: six are left.
        let later = super::forecast("c", &open(), &same, day(4)).unwrap();
        assert_eq!(later.decision.unwrap().p50, day(50));
        // After the screening it is no longer drawn.
        let screened = Handling { screened: Some(day(4)), ..open() };
        assert_eq!(super::forecast("c", &screened, &same, day(4)).unwrap().decision.unwrap().p50, day(4 + 40));
        let decided = Handling { decided: Some(day(30)), ..screened };
        let after = super::forecast("c", &decided, &same, day(33)).unwrap();
        assert_eq!((after.decision, after.data.unwrap().p50), (None, day(40)));
    }

    #[test]
    fn acc_130_the_same_case_and_day_give_the_same_forecast_and_others_a_like_one() {
        let mixed: Vec<Handling> = (1..60).map(closed).collect();
        let a = forecast("case-a", &open(), &mixed, day(0)).unwrap();
        assert_eq!(a, forecast("case-a", &open(), &mixed, day(0)).unwrap());
        let b = forecast("case-b", &open(), &mixed, day(0)).unwrap();
        assert_ne!(a, b, "another seed");
        let (a, b) = (a.decision.unwrap(), b.decision.unwrap());
        assert!((a.p50.days() - b.p50.days()).abs() < 20 && a.p50 < a.p80);
        // The mean of n = 1..59 is 30: five phases of it, the sources twice.
        assert!((130..170).contains(&(a.p50.days() - day(0).days())), "{a:?}");
    }

    #[test]
    fn acc_130_too_few_of_a_kind_take_a_coarser_stratum() {
        let mut finished: Vec<Handling> = (0..19).map(|_| closed(10)).collect();
        let single = Handling { sources: vec!["krg".into()], answers: [("krg".into(), 10)].into(), ..closed(10) };
        finished.extend((0..5).map(|_| single.clone()));
        assert_eq!(forecast("c", &open(), &finished, day(0)).unwrap().stratum, "person-level");
        let old = Handling { decided: Some(day(-900)), ..closed(10) };
        let stale: Vec<Handling> = (0..50).map(|_| old.clone()).collect();
        assert_eq!(forecast("c", &open(), &stale, day(0)).unwrap().based_on, 0, "older than 24 months");
    }
}
