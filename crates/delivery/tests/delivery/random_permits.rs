//! Random permits over random data: what lies in the room is exactly what a reader of the facts, going row by row, finds
//! that the permit grants about the persons who may be used. Nothing more: no other column, row, day or person; and
//! nothing less.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use delivery::State;
use kernel::Date;
use proptest::prelude::*;
use proptest::sample::subsequence;

use crate::common::{Facts, SERIES, World, bag, part, permit};

type Naive = fn(&Facts, u32) -> bool;

/// Rules and what they mean, in the plainest way.
const RULES: [(&str, Naive); 8] = [
    ("ssb_fdb.main.kjonn = '1'", |f, p| f.sex[p as usize] == "1"),
    ("ssb_fdb.main.kjonn in ('1', '2')", |_, _| true),
    ("not ssb_fdb.main.kjonn = '1'", |f, p| f.sex[p as usize] != "1"),
    ("npr.somatikk.hovedtilstand in ('I60'..'I61', 'J45')", |f, p| {
        let codes = ["I60", "I61", "J45"];
        f.episodes.iter().any(|e| e.0 == p && e.1.is_some_and(|c| codes.iter().any(|x| c.starts_with(x))))
    }),
    ("npr.somatikk.liggetid >= 20 and npr.somatikk.hovedtilstand in ('I60'..'I64')", |f, p| {
        let stroke = |c: &str| ("I60".."I65").contains(&c);
        f.episodes.iter().any(|e| e.0 == p && e.1.is_some_and(stroke) && e.3.is_some_and(|n| n >= 20))
    }),
    ("npr.somatikk.hovedtilstand = 'K35' and ssb_fdb.main.kjonn = '2'", |f, p| {
        f.sex[p as usize] == "2" && f.episodes.iter().any(|e| e.0 == p && e.1.is_some_and(|c| c.starts_with("K35")))
    }),
    ("ssb_fdb.main.sivilstand = '3' or ssb_fdb.main.inntekt between 5000 and 14999", |f, p| {
        f.marital.iter().any(|m| m.0 == p && m.1 == "3")
            || f.income.iter().any(|i| i.0 == p && (5000..=14_999).contains(&i.2))
    }),
    ("npr.somatikk.innDato >= 2019-01-01 and (ssb_fdb.main.formue > 0 and ssb_fdb.main.kjonn = '1')", |f, p| {
        let after = "2019-01-01".parse::<Date>().unwrap();
        f.sex[p as usize] == "1"
            && f.wealth.iter().any(|w| w.0 == p && w.2 > 0)
            && f.episodes.iter().any(|e| e.0 == p && e.2.is_some_and(|d| d >= after))
    }),
];

const DATES: [&str; 7] = ["as_is", "day", "month", "quarter", "year", "5_year_band", "10_year_band"];
const CODES: [&str; 3] = ["as_is", "grouped", "code_prefix:1"];
const NUMBERS: [&str; 4] = ["as_is", "round:10", "top:12", "10_year_band"];

fn date(d: Date, level: &str) -> String {
    let (y, m, _) = d.ymd();
    let band = |w: i16| format!("{}-{}", y / w * w, y / w * w + w - 1);
    match level {
        "as_is" | "day" => d.to_string(),
        "month" => format!("{y:04}-{m:02}-01"),
        "quarter" => format!("{y:04}-{:02}-01", (m - 1) / 3 * 3 + 1),
        "year" => y.to_string(),
        "5_year_band" => band(5),
        _ => band(10),
    }
}

fn code(c: &str, level: &str) -> String {
    match level {
        "as_is" => c.to_owned(),
        "grouped" => c[..3].to_owned(),
        _ => c[..1].to_owned(),
    }
}

fn number(n: i64, level: &str) -> String {
    match level {
        "as_is" => n.to_string(),
        "round:10" => ((n as f64 / 10.0).round() as i64 * 10).to_string(),
        "top:12" => n.min(12).to_string(),
        _ => format!("{}-{}", n / 10 * 10, n / 10 * 10 + 9),
    }
}

#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    rule: usize,
    episode_columns: Vec<usize>,
    fact_columns: Vec<usize>,
    levels: (usize, usize, usize, usize),
    periods: ((i32, i32), (i32, i32)),
    reserved: BTreeSet<u32>,
}

fn case() -> impl Strategy<Value = Case> {
    let period = (0i32..2400, 0i32..900);
    (
        any::<u64>(),
        0..RULES.len(),
        subsequence(vec![0usize, 1, 2], 1..=3),
        subsequence(vec![0usize, 1, 2, 3, 4], 1..=5),
        (0..CODES.len(), 0..DATES.len(), 0..NUMBERS.len(), 0..DATES.len()),
        (period.clone(), period),
        proptest::collection::btree_set(0u32..40, 0..12),
    )
        .prop_map(|(seed, rule, episode_columns, fact_columns, levels, periods, reserved)| Case {
            seed,
            rule,
            episode_columns,
            fact_columns,
            levels,
            periods,
            reserved,
        })
}

async fn check(case: &Case) {
    let facts = Facts::random(case.seed, 40);
    let base = "2016-01-01".parse::<Date>().unwrap();
    let period = |p: (i32, i32)| (base.plus_days(p.0), base.plus_days(p.0 + p.1));
    let ((a, b), (c, d)) = (period(case.periods.0), period(case.periods.1));
    let (code_level, date_level, number_level, birth_level) = case.levels;
    let (code_level, date_level) = (CODES[code_level], DATES[date_level]);
    let (number_level, birth_level) = (NUMBERS[number_level], DATES[birth_level]);
    let episodes = [("hovedtilstand", code_level), ("innDato", date_level), ("liggetid", number_level)];
    let columns: Vec<_> = case.episode_columns.iter().map(|i| episodes[*i]).collect();
    let about = [
        ("kjonn", "as_is"),
        ("fodselsdato", birth_level),
        ("inntekt", "as_is"),
        ("sivilstand", "as_is"),
        ("formue", "as_is"),
    ];
    let chosen: Vec<_> = case.fact_columns.iter().map(|i| about[*i]).collect();
    let (rule, naive) = RULES[case.rule];
    let permit = permit(
        rule,
        vec![
            part("npr.somatikk", (&a.to_string(), &b.to_string()), &columns),
            part("ssb_fdb.main", (&c.to_string(), &d.to_string()), &chosen),
        ],
    );
    let world = World::new(&permit, Arc::new(facts.source())).await;
    world.keys.reserved.lock().unwrap().extend(case.reserved.iter().copied());
    world.deliver().await;
    let persons: BTreeSet<u32> =
        (0..facts.persons).filter(|p| naive(&facts, *p) && !case.reserved.contains(p)).collect();
    let states = world.deliveries().states(SERIES).await.unwrap();
    if persons.is_empty() {
        assert!(states.values().all(|s| matches!(s, State::Failed { code, .. } if code == "no_persons")), "{states:?}");
        assert!(!world.inbox.exists());
        return;
    }
    assert!(states.values().all(|s| *s == State::Opened), "{states:?} of {case:?}");

    let mut wanted: BTreeMap<(&str, String), BTreeMap<Vec<String>, usize>> = BTreeMap::new();
    let everybody = bag(persons.iter().map(|p| vec![p.to_string()]));
    for source in ["npr", "ssb_fdb"] {
        wanted.insert((source, "population".into()), everybody.clone());
    }
    let rows = facts.episodes.iter().filter_map(|(p, diagnosis, at, days)| {
        let has = |i: &usize| [diagnosis.is_some(), at.is_some(), days.is_some()][*i];
        let inside =
            persons.contains(p) && at.is_some_and(|t| a <= t && t <= b) && case.episode_columns.iter().any(has);
        let fields = case.episode_columns.iter().map(|i| match i {
            0 => diagnosis.map(|c| code(c, code_level)),
            1 => at.map(|t| date(t, date_level)),
            _ => days.map(|n| number(n, number_level)),
        });
        inside.then(|| std::iter::once(p.to_string()).chain(fields.map(Option::unwrap_or_default)).collect())
    });
    wanted.insert(("npr", "npr.somatikk".into()), bag(rows));

    let has = |i: usize| case.fact_columns.contains(&i);
    // Tables of the second collection: one per kind of rows, all named after it; alone it has the plain name.
    let kinds = usize::from(has(0) || has(1)) + [2, 3, 4].into_iter().filter(|i| has(*i)).count();
    let name = |suffix: &str| {
        if kinds == 1 || suffix.is_empty() { "ssb_fdb.main".to_owned() } else { format!("ssb_fdb.main.{suffix}") }
    };
    if has(0) || has(1) {
        let rows = persons.iter().map(|p| {
            let i = *p as usize;
            let mut row = vec![p.to_string()];
            row.extend(has(0).then(|| facts.sex[i].to_owned()));
            row.extend(has(1).then(|| date(facts.born[i], birth_level)));
            row
        });
        wanted.insert(("ssb_fdb", name("")), bag(rows));
    }
    let cut = |p: u32, value: String, start: Date, stop: Option<Date>| {
        let stop = stop.unwrap_or(d).min(d);
        let row = || vec![p.to_string(), value, start.max(c).to_string(), stop.to_string()];
        (persons.contains(&p) && start <= d && c <= stop).then(row)
    };
    if has(2) {
        let year = |y: i16, m, day| Date::new(y, m, day).unwrap();
        let rows =
            facts.income.iter().filter_map(|(p, y, n)| cut(*p, n.to_string(), year(*y, 1, 1), Some(year(*y, 12, 31))));
        wanted.insert(("ssb_fdb", name("accumulated")), bag(rows));
    }
    if has(3) {
        let rows = facts.marital.iter().filter_map(|(p, s, from, to)| cut(*p, (*s).to_owned(), *from, *to));
        wanted.insert(("ssb_fdb", name("sivilstand")), bag(rows));
    }
    if has(4) {
        let rows = facts.wealth.iter().filter_map(|(p, t, n)| cut(*p, n.to_string(), *t, Some(*t)));
        wanted.insert(("ssb_fdb", name("status")), bag(rows));
    }
    let mut files = BTreeSet::new();
    for ((source, table), rows) in wanted {
        assert_eq!(world.rows(&facts, source, &table).await, rows, "{source} {table} of {case:?}");
        files.insert((source.to_owned(), format!("{table}.csv")));
    }
    // No other table lies in the room.
    for source in ["npr", "ssb_fdb"] {
        for entry in std::fs::read_dir(world.out.join(SERIES).join(source).join("1")).unwrap() {
            let file = entry.unwrap().file_name().to_str().unwrap().to_owned();
            assert!(!file.ends_with(".csv") || files.contains(&(source.to_owned(), file.clone())), "{source} {file}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_outside_the_permit_is_delivered(case in case()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(check(&case));
    }
}
