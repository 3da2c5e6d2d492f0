//! Lists and searches over many cases, replaying of all events, and a restart.

use std::time::Instant;

use access::views::CaseFilter;
use store::{StoreError, Tx, Value, params};
use testkit::TestZone;

use crate::support::{self, cast};
use crate::{Options, ms, quantile};

/// Syllables of the words in titles.
const SYLLABLES: [&str; 24] = [
    "slag", "hjer", "te", "kreft", "lun", "ge", "død", "lig", "het", "be", "hand", "ling", "fød", "sel", "vekt",
    "barn", "al", "der", "syk", "dom", "me", "di", "sin", "bruk",
];
/// Rounds of every question.
const ROUNDS: usize = 60;

/// Makes a filter of a number.
type Question<'a> = Box<dyn Fn(u64) -> CaseFilter + 'a>;

/// A word of the vocabulary; small numbers are the common ones.
fn word(n: u64) -> String {
    let at = |place: u32| SYLLABLES[(n / 24_u64.pow(place) % 24) as usize];
    if n < 24 { at(0).to_owned() } else { format!("{}{}{}", at(0), at(1), if n < 576 { "" } else { at(2) }) }
}

/// Deterministic numbers.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    *state >> 33
}

pub(crate) async fn measure(database: &str, zone: &TestZone, options: &Options) {
    let access = support::service(zone).await;
    let cast = cast();
    let template = support::submitted(&access, &cast).await;
    let begun = Instant::now();
    fill(zone, &template.to_string(), options.cases, &cast.handler.account.to_string()).await;
    eprintln!("{database}: {} cases in {:.0} s", options.cases, begun.elapsed().as_secs_f64());
    let filter = |change: &dyn Fn(&mut CaseFilter)| {
        let mut filter = CaseFilter { which: Some("all".into()), ..CaseFilter::default() };
        change(&mut filter);
        filter
    };
    let q = |text: String| filter(&|f: &mut CaseFilter| f.q.clone_from(&text));
    let mut all = Vec::new();
    let mut seed = 7;
    let questions: Vec<(&str, Question)> = vec![
        ("open cases, what is due first", Box::new(|_| filter(&|f| f.which = Some("open".into())))),
        ("the 20th page of all", Box::new(|_| filter(&|f| f.from = 475))),
        ("one state", Box::new(|_| filter(&|f| f.state = Some("decided".into())))),
        (
            "my open cases",
            Box::new(|_| {
                filter(&|f| {
                    f.which = Some("open".into());
                    f.handler = Some("me".into());
                })
            }),
        ),
        (
            "open cases of a source",
            Box::new(|_| {
                filter(&|f| {
                    f.which = Some("open".into());
                    f.source = Some("npr".into());
                })
            }),
        ),
        ("a number", Box::new(|n| q(format!("A-2025-{:06}", n % options.cases)))),
        ("a rare word", Box::new(|n| q(word(600 + n % 4_000)))),
        ("a common word", Box::new(|n| q(word(n % 8)))),
        ("the beginning of a word", Box::new(|n| q(word(n % 24).chars().take(3).collect()))),
        ("a common and a rare word", Box::new(|n| q(format!("{} {}", word(n % 8), word(600 + n % 4_000))))),
        ("two common words", Box::new(|n| q(format!("{} {}", word(n % 8), word(8 + n % 8))))),
    ];
    for (name, question) in &questions {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..ROUNDS {
            let filter = question(next(&mut seed));
            let begun = Instant::now();
            found += access.cases(&cast.handler, &filter).await.unwrap().items.len();
            times.push(begun.elapsed());
        }
        all.extend(times.clone());
        println!(
            "| {database} | {name} | {:.1} | {} | {} |",
            found as f64 / ROUNDS as f64,
            ms(quantile(&mut times, 0.5)),
            ms(quantile(&mut times, 0.99))
        );
    }
    println!("| {database} | all of them | | {} | {} |", ms(quantile(&mut all, 0.5)), ms(quantile(&mut all, 0.99)));
}

/// Copies a case under other numbers, titles, states and handlers.
async fn fill(zone: &TestZone, template: &str, cases: u64, me: &str) {
    let now = zone.zone().now().micros();
    let mut seed = 1;
    let mut at = 0;
    while at < cases {
        let end = (at + 2_000).min(cases);
        let rows: Vec<Vec<Value>> = (at..end).map(|n| row(n, now, me, &mut seed)).collect();
        let work = async |tx: &mut Tx| {
            for row in rows.iter() {
                let [id, title] = [&row[0], &row[4]];
                let mut values = row.clone();
                values.push(template.into());
                tx.execute(
                    "INSERT INTO access_case (id, number, state, version, applicant, handler, title, search, sources,
                       submitted_at, updated_at, body, head, rank, track)
                     SELECT $1, $2, $3, version, applicant, $4, $5, $5, sources, submitted_at, $6, body, head, $7, track
                     FROM access_case WHERE id = $8",
                    &values,
                )
                .await?;
                let mut words = vec![id.clone()];
                let Value::Text(Some(title)) = title else { continue };
                let mut places = Vec::new();
                // A number is a word and so are its parts, as `sql::list` has it.
                let parts = title.split(' ').flat_map(|word| word.split('-').filter(move |part| *part != word));
                let all = title.split(' ').chain(parts).map(|word| format!("w{word}"));
                for word in all.chain(["snpr".to_owned(), "sdar".to_owned()]) {
                    words.push(Value::from(word.into_bytes()));
                    places.push(format!("(${}, $1)", words.len()));
                }
                let sql = format!(
                    "INSERT INTO access_word (word, case_id) VALUES {} ON CONFLICT (word, case_id) DO NOTHING",
                    places.join(", ")
                );
                tx.execute(&sql, &words).await?;
            }
            Ok(())
        };
        zone.store.tx::<(), StoreError, _>("fill", work).await.unwrap();
        at = end;
    }
    let analyze = async |tx: &mut Tx| tx.execute("ANALYZE", params![]).await.map(|_| ());
    zone.store.tx::<(), StoreError, _>("analyze", analyze).await.unwrap();
}

/// Id, number, state, handler, title, time of change, rank.
fn row(n: u64, now: i64, me: &str, seed: &mut u64) -> Vec<Value> {
    // One of 60 cases is open.
    let open = n.is_multiple_of(60);
    let words: Vec<String> = (0..6)
        .map(|_| {
            let (a, b) = (next(seed) % 5_000, next(seed) % 5_000);
            word(a * b / 5_000)
        })
        .collect();
    let number = format!("A-2025-{n:06}");
    let title = format!("{} {}", words.join(" "), number.to_lowercase());
    let rank = if open { 20_000 + (n % 400) as i64 } else { (1 << 60) - now + n as i64 };
    let id = kernel::Id::<Row>::new(
        &kernel::FixedClock::at(kernel::Timestamp::from_micros(now + n as i64 * 1_000)),
        &testkit::Seeded::new(n),
    );
    vec![
        Value::from(id),
        number.into(),
        if open { "processing" } else { "decided" }.into(),
        if n.is_multiple_of(7) { me } else { "01ARZ3NDEKTSV4RRFFQ69G5FAV" }.into(),
        title.as_str().into(),
        (now - n as i64).into(),
        rank.into(),
    ]
}

struct Row;
impl kernel::Kind for Row {
    const NAME: &'static str = "case";
}

/// Reads every event again and compares the states that they give with those stored.
pub(crate) async fn replay(database: &str, zone: &TestZone) {
    let access = support::service(zone).await;
    let begun = Instant::now();
    let replayed = access.verify_all().await.unwrap();
    println!(
        "| {database} | {} events of {} cases replayed | | {} | |",
        replayed.events,
        replayed.cases,
        ms(begun.elapsed())
    );
}

/// What a start does before the first list is answered.
pub(crate) async fn restart(database: &str, zone: &TestZone) {
    let begun = Instant::now();
    let access = support::service(zone).await;
    let first = CaseFilter { which: Some("open".into()), ..CaseFilter::default() };
    access.cases(&cast().handler, &first).await.unwrap();
    println!("| {database} | start to the first list | | {} | |", ms(begun.elapsed()));
}
