//! Commands per second with several writers, each over cases of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Access, CaseId};
use serde_json::json;
use testkit::TestZone;
use tokio::sync::Mutex;

use crate::processor::Processor;
use crate::support::{self, Cast, cast, command_id};
use crate::{Options, ms, quantile};

const WRITERS: [usize; 3] = [1, 8, 32];
/// Cases of each writer.
const CASES: usize = 8;

pub(crate) async fn measure(database: &str, zone: &TestZone, options: &Options) {
    let access = support::service(zone).await;
    let cast = Arc::new(cast());
    let mut cases = Vec::new();
    for _ in 0..WRITERS[2] * CASES {
        let id = support::submitted(&access, &cast).await;
        let declared = support::run(&access, &cast.handler, id, "declare_interest", json!({"interest": "none"})).await;
        cases.push((id, declared.unwrap().version));
    }
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let log = zone.log.clone();
    let sequencer = tokio::spawn(async move { log.run(stopped).await });
    let processor = Processor::of(&zone.store).await;
    for writers in WRITERS {
        let before = processor.used();
        let mut free = run(&access, &cast, &mut cases, writers, options, None).await;
        let used = processor.used().saturating_sub(before);
        let lock = Arc::new(Mutex::new(()));
        let mut locked = run(&access, &cast, &mut cases, writers, options, Some(lock)).await;
        let rate = |times: &[Duration]| times.len() as f64 / options.seconds;
        println!(
            "| {database} | {writers} | {:.0} | {} | {} | {:.2} | {:.0} | {} | {:.1} |",
            rate(&free),
            ms(quantile(&mut free, 0.5)),
            ms(quantile(&mut free, 0.99)),
            used.as_secs_f64() * 1000.0 / free.len().max(1) as f64,
            rate(&locked),
            ms(quantile(&mut locked, 0.99)),
            rate(&free) / rate(&locked),
        );
    }
    fill_up(&access, &cast, &mut cases, options).await;
    stop.send_replace(true);
    sequencer.await.unwrap();
}

/// Goes on until there are as many events as are to be replayed.
async fn fill_up(access: &Access, cast: &Arc<Cast>, cases: &mut [(CaseId, i64)], options: &Options) {
    let events = |cases: &[(CaseId, i64)]| cases.iter().map(|(_, version)| version.unsigned_abs()).sum::<u64>();
    while events(cases) < options.events {
        run(access, cast, cases, WRITERS[2], options, None).await;
    }
}

/// The times of all commands that were answered in the time that is measured.
async fn run(
    access: &Access,
    cast: &Arc<Cast>,
    cases: &mut [(CaseId, i64)],
    writers: usize,
    options: &Options,
    lock: Option<Arc<Mutex<()>>>,
) -> Vec<Duration> {
    let until = Instant::now() + Duration::from_secs_f64(options.seconds);
    let mut tasks = Vec::new();
    for own in cases.chunks(CASES).take(writers) {
        let (access, cast, lock, mut own) = (access.clone(), cast.clone(), lock.clone(), own.to_vec());
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            for at in (0..CASES).cycle() {
                let begun = Instant::now();
                if begun >= until {
                    break;
                }
                let (id, version) = own[at];
                let held = match &lock {
                    Some(lock) => Some(lock.lock().await),
                    None => None,
                };
                let handler = if version % 2 == 0 { &cast.handler } else { &cast.other_handler };
                let payload = json!({"handler": handler.account});
                let done =
                    access.command(&cast.handler, id, "assign_case", payload, &command_id(), version).await.unwrap();
                drop(held);
                own[at].1 = done.version;
                times.push(begun.elapsed());
            }
            (own, times)
        }));
    }
    let mut all = Vec::new();
    for (task, place) in tasks.into_iter().zip(cases.chunks_mut(CASES)) {
        let (own, times) = task.await.unwrap();
        place.copy_from_slice(&own);
        all.extend(times);
    }
    all
}
