//! Measures the demo as a user meets it: first start with 100 000 persons, start on an existing folder, and every page over
//! loopback. Run by `cargo xtask bench pages [PERSONS [REQUESTS]]`, which builds `hap` beside this program; prints a table.
//! Targets: 60 s, 10 s, and 100 ms at the 99th percentile.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use reqwest::Client;
use serde_json::{Value, json};

/// Pages by persona; `{case}`, `{draft}`, `{run}`, `{number}` and `{receipt}` stand for what the tour left behind.
const PAGES: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "/",
            "/login",
            "/help",
            "/privacy",
            "/accessibility",
            "/api",
            "/find",
            "/find?q=diagnose",
            "/find?q=sivilstnad",
            "/find/sources",
            "/find/source/npr",
            "/find/source/ssb_fdb",
            "/find/variable/npr.somatikk.hovedtilstand",
            "/cart",
            "/register",
            "/register/{number}",
            "/system",
        ],
    ),
    (
        "researcher",
        &[
            "/",
            "/explore",
            "/explore/run/{run}",
            "/apply",
            "/apply/{draft}",
            "/apply/{draft}/cart",
            "/cases/{case}",
            "/deliveries",
            "/account",
        ],
    ),
    ("case-handler-1", &["/cases", "/cases/{case}"]),
    ("citizen", &["/me", "/me/uses", "/me/choices", "/me/log", "/me/receipts/{receipt}"]),
    ("auditor", &["/audit", "/cases"]),
];

struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(hap: &Path, data: &Path, persons: &str) -> anyhow::Result<(Demo, String)> {
    let mut command = Command::new(hap);
    command.args(["demo", "--port", "0", "--persons", persons, "--data"]).arg(data).stdout(Stdio::piped());
    let mut child = command.spawn().context("starting the demo")?;
    let out = child.stdout.take().context("the demo's output")?;
    let demo = Demo(child);
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line)?;
    let url = line.split_whitespace().find(|w| w.starts_with("http://")).context("the demo did not start")?;
    Ok((demo, url.to_owned()))
}

async fn persona(url: &str, name: &str) -> anyhow::Result<Client> {
    let client = Client::builder().cookie_store(true).no_proxy().build()?;
    if !name.is_empty() {
        client
            .post(format!("{url}/api/v1/login"))
            .json(&json!({ "persona": name }))
            .send()
            .await?
            .error_for_status()?;
    }
    Ok(client)
}

async fn ask(client: &Client, url: &str, path: &str) -> anyhow::Result<Value> {
    Ok(client.get(format!("{url}{path}")).send().await?.error_for_status()?.json().await?)
}

/// What the tour left behind, by the name that stands for it.
async fn things(url: &str) -> anyhow::Result<Vec<(&'static str, String)>> {
    let (researcher, citizen) = (persona(url, "researcher").await?, persona(url, "citizen").await?);
    let cases = ask(&researcher, url, "/api/v1/cases").await?;
    let decided = cases["items"].as_array().into_iter().flatten().find(|c| c["number"].is_string());
    let decided = decided.context("the tour left no case")?;
    let cart = json!({ "variable": "npr.somatikk.hovedtilstand" });
    researcher.post(format!("{url}/api/v1/cart")).json(&cart).send().await?.error_for_status()?;
    let draft: Value = researcher.post(format!("{url}/api/v1/cases")).json(&json!({})).send().await?.json().await?;
    let runs = ask(&researcher, url, "/api/v1/explore/runs").await?;
    let finished = runs.as_array().into_iter().flatten().find(|r| r["state"] == "finished");
    let text = |value: &Value| value.as_str().map(str::to_owned).with_context(|| format!("no text: {value}"));
    Ok(vec![
        ("{case}", text(&decided["id"])?),
        ("{number}", text(&decided["number"])?),
        ("{draft}", text(&draft["id"])?),
        ("{run}", text(&finished.context("the tour left no run")?["id"])?),
        ("{receipt}", text(&ask(&citizen, url, "/api/v1/me/choices").await?["receipts"][0]["number"])?),
    ])
}

/// Times of a page, sorted.
async fn measure(client: &Client, address: &str, requests: usize) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::with_capacity(requests);
    // The first ones open the connection.
    for number in 0..requests + 3 {
        let begun = Instant::now();
        let answer = client.get(address).send().await?;
        ensure!(answer.status().is_success(), "{address} answers {}", answer.status());
        answer.bytes().await?;
        if number >= 3 {
            times.push(begun.elapsed());
        }
    }
    times.sort();
    Ok(times)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}

#[tokio::main]
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let persons = arguments.next().unwrap_or_else(|| "100000".to_owned());
    let requests: usize = arguments.next().map_or(Ok(200), |n| n.parse())?;
    let here = std::env::current_exe()?;
    let hap: PathBuf = here.parent().and_then(Path::parent).context("no folder of programs")?.join("hap");
    let folder = std::env::temp_dir().join(format!("hap-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let data = folder.join("data");

    let begun = Instant::now();
    drop(start(&hap, &data, &persons)?);
    let first = begun.elapsed();
    let begun = Instant::now();
    let (demo, url) = start(&hap, &data, &persons)?;
    let again = begun.elapsed();
    println!("| start | seconds | target |\n|---|---:|---:|");
    println!("| new folder, {persons} persons made and loaded | {:.1} | 60 |", first.as_secs_f64());
    println!("| existing folder | {:.1} | 10 |\n", again.as_secs_f64());

    let tour = Command::new(&hap).args(["tour", "--url", &url]).stdout(Stdio::null()).status()?;
    ensure!(tour.success(), "the tour failed");
    let things = things(&url).await?;
    println!("Each page {requests} times, one after the other, over loopback; target 100 ms at the 99th percentile.\n");
    println!("| page | as | p50 ms | p99 ms | longest ms |\n|---|---|---:|---:|---:|");
    let mut late = Vec::new();
    for (name, paths) in PAGES {
        let client = persona(&url, name).await?;
        for path in *paths {
            eprintln!("{path} {name}");
            let address = things.iter().fold(format!("{url}{path}"), |a, (name, value)| a.replace(name, value));
            let times = measure(&client, &address, requests).await?;
            let at = |share: f64| times[((times.len() - 1) as f64 * share).ceil() as usize];
            let who = if name.is_empty() { "anyone" } else { name };
            println!(
                "| `{path}` | {who} | {} | {} | {} |",
                milliseconds(at(0.5)),
                milliseconds(at(0.99)),
                milliseconds(at(1.0))
            );
            if at(0.99) > Duration::from_millis(100) {
                late.push(*path);
            }
        }
    }
    println!("\nPages that miss the target: {}.", if late.is_empty() { "none".to_owned() } else { late.join(", ") });
    drop(demo);
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
