//! Load on the script workspace: 50 users run different scripts at the same time against a demo, over loopback. Run by
//! `cargo xtask bench explore [--persons N] [--users N] [--rounds N]`; prints a table. The data are made once and kept in
//! `target/bench`.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

/// Accounts of the demo; users share them in turn, so that an account never has more runs than its queue has room for.
const PERSONAS: &[&str] = &[
    "citizen",
    "citizen-2",
    "researcher",
    "student",
    "org-representative",
    "case-handler-1",
    "case-handler-2",
    "decision-maker",
    "registry-handler",
    "data-preparer",
    "key-officer-1",
    "key-officer-2",
    "room-intake",
    "output-reviewer-1",
    "output-reviewer-2",
    "disclosure-steward",
    "catalogue-editor",
    "catalogue-manager",
    "reviewer",
    "appeal-handler",
    "auditor",
    "administrator",
];

/// What users look at: variable and time.
const MEASURES: &[(&str, &str)] =
    &[("INNTEKT_WLONN", "2020-01-01"), ("INNTEKT_WLONN", "2019-01-01"), ("INNTEKT_WLONN", "2022-01-01")];

struct Settings {
    persons: u32,
    users: usize,
    rounds: usize,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let settings = settings()?;
    let demo = Demo::start(settings.persons)?;
    let began = Instant::now();
    let users = (0..settings.users).map(|user| tokio::spawn(visit(demo.url.clone(), user, settings.rounds)));
    let mut visits = Vec::new();
    for user in users.collect::<Vec<_>>() {
        visits.push(user.await?);
    }
    report(&settings, &visits, began.elapsed(), &demo)
}

fn settings() -> anyhow::Result<Settings> {
    let mut settings = Settings { persons: 1_000_000, users: 50, rounds: 4 };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().with_context(|| format!("{word} needs a number"))?;
        match word.as_str() {
            "--persons" => settings.persons = value.parse()?,
            "--users" => settings.users = value.parse()?,
            "--rounds" => settings.rounds = value.parse()?,
            _ => bail!("{word}: write --persons N, --users N or --rounds N"),
        }
    }
    Ok(settings)
}

/// A demo in a process of its own, ended with the value.
struct Demo {
    child: Child,
    url: String,
}

impl Demo {
    fn start(persons: u32) -> anyhow::Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize()?;
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--locked", "--profile", "demo", "-p", "hap", "--bin", "hap"])
            .current_dir(&root)
            .status()?;
        ensure!(built.success(), "hap was not built");
        // Beside the folder of this example.
        let here = std::env::current_exe()?;
        let hap: PathBuf = here.ancestors().nth(2).context("no folder of programs")?.join("hap");
        let data = root.join(format!("target/bench/explore-{persons}"));
        std::fs::create_dir_all(&data)?;
        let mut child = Command::new(hap)
            .arg("demo")
            .arg("--data")
            .arg(&data)
            .args(["--port", "0", "--persons", &persons.to_string()])
            .stdout(Stdio::piped())
            .spawn()
            .context("starting the demo")?;
        let out = child.stdout.take().context("the demo says nothing")?;
        let line = BufReader::new(out).lines().map_while(Result::ok).find(|l| l.contains("http://"));
        let url = line.as_deref().and_then(|l| l.split_whitespace().find(|w| w.starts_with("http://")));
        let Some(url) = url else {
            child.kill().ok();
            bail!("the demo ended before it was ready")
        };
        Ok(Self { url: url.to_owned(), child })
    }

    /// Bytes of memory of its own, now and at most, from the kernel.
    fn memory(&self) -> (u64, u64) {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let field = |name: &str| {
            let line = status.lines().find(|l| l.starts_with(name)).unwrap_or_default();
            line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or_default() * 1024
        };
        (field("RssAnon:"), field("VmHWM:"))
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// What one user saw.
#[derive(Default)]
struct Visit {
    /// Milliseconds of each run: a new script, its last line edited, and again.
    millis: Vec<f64>,
    failures: Vec<String>,
}

async fn visit(url: String, user: usize, rounds: usize) -> Visit {
    let mut visit = Visit::default();
    if let Err(error) = session(&url, user, rounds, &mut visit).await {
        visit.failures.push(format!("{error:#}"));
    }
    visit
}

async fn session(url: &str, user: usize, rounds: usize, visit: &mut Visit) -> anyhow::Result<()> {
    let client = reqwest::Client::builder().cookie_store(true).no_proxy().build()?;
    let persona = PERSONAS[user % PERSONAS.len()];
    let login = client.post(format!("{url}/api/v1/login")).json(&json!({ "persona": persona })).send().await?;
    ensure!(login.status().is_success(), "login of {persona}: {}", login.status());
    for round in 0..rounds {
        let script = script(user, round);
        let began = Instant::now();
        let answer = client.post(format!("{url}/api/v1/explore/run")).json(&json!({ "script": script })).send().await?;
        let status = answer.status();
        let run: Value = answer.json().await?;
        visit.millis.push(began.elapsed().as_secs_f64() * 1000.0);
        if !status.is_success() || run["status"] != "finished" {
            visit.failures.push(format!("{status} {} {}", run["status"], run["diagnostics"]));
        }
    }
    Ok(())
}

/// A script of its own for each user; each round changes what is asked at the end, as one does.
fn script(user: usize, round: usize) -> String {
    let (variable, at) = MEASURES[user % MEASURES.len()];
    // Of two digits and zeros, as people choose limits: others are fragmenting splits, of which there are few (SDC-171).
    let limit = 100_000 + user * 10_000;
    let asked = [
        "tabulate sex marital".to_owned(),
        "tabulate sex, summarize(wage) mean".to_owned(),
        "barchart (percent) marital".to_owned(),
        "summarize wage".to_owned(),
    ];
    let above = asked.iter().cycle().skip(user).take(round % asked.len() + 1).cloned().collect::<Vec<_>>().join("\n");
    format!(
        "require no.ssb.fdb:1 as db\ncreate-dataset people\nimport db/BEFOLKNING_KJOENN as sex\n\
         import db/SIVSTANDFDT_SIVSTAND 2020-01-01 as marital\nimport db/{variable} {at} as wage\n\
         generate high = wage > {limit}\nkeep if wage > {}\n{above}\n",
        limit / 10
    )
}

#[expect(clippy::print_stdout, reason = "a command line program")]
fn report(settings: &Settings, visits: &[Visit], took: Duration, demo: &Demo) -> anyhow::Result<()> {
    let failures: Vec<&String> = visits.iter().flat_map(|v| &v.failures).collect();
    let column = |pick: &dyn Fn(&Visit) -> Vec<f64>| -> [f64; 3] {
        let mut all: Vec<f64> = visits.iter().flat_map(pick).collect();
        all.sort_by(f64::total_cmp);
        let at = |share: f64| all.get(((all.len() as f64 * share) as usize).min(all.len().saturating_sub(1))).copied();
        [0.5, 0.95, 1.0].map(|share| at(share).unwrap_or_default())
    };
    let processors = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{} users over {} accounts, {} persons, {processors} processors, {} runs in {:.1} s, {} failures.\n",
        settings.users,
        PERSONAS.len().min(settings.users),
        settings.persons,
        visits.iter().map(|v| v.millis.len()).sum::<usize>(),
        took.as_secs_f64(),
        failures.len()
    );
    println!("| run | median ms | 95 % ms | longest ms |\n|---|---:|---:|---:|");
    type Pick<'a> = &'a dyn Fn(&Visit) -> Vec<f64>;
    let rows: [(&str, Pick<'_>); 3] = [
        ("the first of each user", &|v| v.millis.iter().take(1).copied().collect()),
        ("with more asked at the end", &|v| v.millis.iter().skip(1).copied().collect()),
        ("all", &|v| v.millis.clone()),
    ];
    for (name, pick) in rows {
        let [median, most, longest] = column(pick);
        println!("| {name} | {median:.0} | {most:.0} | {longest:.0} |");
    }
    let (now, peak) = demo.memory();
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!("\nMemory of the demo: {:.0} MiB of its own at the end, {:.0} MiB resident at most.", mib(now), mib(peak));
    for failure in failures.iter().take(5) {
        println!("- {failure}");
    }
    ensure!(failures.is_empty(), "{} runs failed", failures.len());
    Ok(())
}
