//! Commands per second with several writers, each over cases of its own.

use std::sync::Arc;
use std::time::{Duration, Instant};

use audit::Zone;

use access::{Access, CaseId};
use serde_json::json;
use testkit::TestZone;

use crate::processor::Processor;
use crate::support::{self, Cast, cast, command_id};
use crate::{Options, ms, quantile};

const WRITERS: [usize; 3] = [1, 8, 32];
/// Cases of each writer.
const CASES: usize = 8;

pub(crate) async fn measure(database: &str, zone: &TestZone, options: &Options) {
    let access = support::service(zone).await;
    let under_lock = Zone { store: zone.store.under_table_lock("access_event"), ..zone.zone() };
    let under_lock = Access::new(under_lock, Arc::new(support::SmallCatalogue), support::settings());
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
        let mut free = run(&access, &cast, &mut cases, writers, options).await;
        let used = processor.used().since(before);
        let a_command = |time: Duration| time.as_secs_f64() * 1000.0 / free.len().max(1) as f64;
        let used = [used.own, used.server].map(a_command);
        let mut locked = run(&under_lock, &cast, &mut cases, writers, options).await;
        let rate = |times: &[Duration]| times.len() as f64 / options.seconds;
        println!(
            "| {database} | {writers} | {:.0} | {} | {} | {:.2} + {:.2} | {:.0} | {} | {:.1} |",
            rate(&free),
            ms(quantile(&mut free, 0.5)),
            ms(quantile(&mut free, 0.99)),
            used[0],
            used[1],
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
        run(access, cast, cases, WRITERS[2], options).await;
    }
}

/// The times of all commands that were answered in the time that is measured.
async fn run(
    access: &Access,
    cast: &Arc<Cast>,
    cases: &mut [(CaseId, i64)],
    writers: usize,
    options: &Options,
) -> Vec<Duration> {
    let until = Instant::now() + Duration::from_secs_f64(options.seconds);
    let mut tasks = Vec::new();
    for own in cases.chunks(CASES).take(writers) {
        let (access, cast, mut own) = (access.clone(), cast.clone(), own.to_vec());
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            for at in (0..CASES).cycle() {
                let begun = Instant::now();
                if begun >= until {
                    break;
                }
                let (id, version) = own[at];
                let handler = if version % 2 == 0 { &cast.handler } else { &cast.other_handler };
                let payload = json!({"handler": handler.account});
                let done =
                    access.command(&cast.handler, id, "assign_case", payload, &command_id(), version).await.unwrap();
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
