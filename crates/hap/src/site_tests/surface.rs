//! An attacker of the surface: odd scripts over the whole site, and everything that it says about them (answers of the API, pages,
//! files in every format, permanent links, what is proposed while typing, lists of runs, alerts, the log) is searched for values
//! that only raw data hold (SDC-180, SDC-184, SDC-185): identity numbers, and incomes with more digits than are ever shown.

use std::collections::BTreeSet;

use axum::body::to_bytes;
use serde_json::{Value, json};

use super::{Visitor, ask, send, site, text, visitor};

const HEAD: &str = "require no.ssb.fdb:1 as db\ncreate-dataset d\nimport db/BEFOLKNING_KJOENN as sex\n\
                    import db/INNTEKT_WLONN 2020-01-01 as wage\nimport db/BEFOLKNING_FOEDSELS_AAR_MND as born\n";

/// Each is run on its own: what looks for extremes, for single values, for exact numbers, and what goes wrong.
const SCRIPTS: &[&str] = &[
    "tabulate wage",
    "tabulate wage if wage > 900000",
    "tabulate sex, summarize(wage) mean std sum min max p25 p50 p75 gini iqr",
    "summarize wage, gini iqr",
    "summarize wage if wage > 1500000",
    "histogram wage, freq",
    "histogram wage, discrete",
    "histogram wage, by(sex) bin(60)",
    "boxplot wage, over(sex)",
    "hexbin wage born, gridsize(40)",
    "barchart (min) wage, over(sex)",
    "barchart (max) wage, over(sex)",
    "correlate wage born, covariance obs sig",
    "normaltest wage",
    "ci wage",
    "anova wage sex",
    "regress wage born",
    "regress wage born, noconstant",
    "rdd wage born, cutoff(196001)",
    "regress-predict wage born, predicted(p) residuals(r) cooksd(c)\nsummarize p r c\ntabulate r",
    "regress-predict wage born, predicted(p)\ntabulate p",
    "generate e = wage > 400000\nkaplan-meier e wage\nweibull e wage\ncox e wage born",
    "generate y = wage\nlogit y born",
    "poisson wage born",
    "recode wage (min/300000 = 1 'low') (300000/max = 2 'high')\ntabulate wage sex, chi2",
    "generate k = wage - 1000 * int(wage / 1000)\ntabulate k",
    "keep if wage > 2000000",
    "replace wage = 0 if wage > 2000000",
    "sample 50 7",
    "destring sex\nsummarize sex",
    "destring wage",
    "generate x = wage / 0\ngenerate z = ln(0 - wage)\nsummarize x z",
    "tabulate nothing",
    "summarize sex",
    "generate w = 'a' + wage",
    "export last, format(csv) name('../../etc/passwd')",
    "import db/INNTEKT_WLONN 1800-01-01 as old\nsummarize old",
    "piechart wage",
    "sankey sex wage",
];

/// Values that may be in no answer.
struct Secrets {
    numbers: BTreeSet<String>,
    ids: BTreeSet<String>,
}

impl Secrets {
    /// Of the registers that the site was made with.
    fn read() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = synth::Settings { persons: 1500, seed: 1, catalogue: false };
        synth::generate(&settings, folder.path(), &|_, _| ()).unwrap();
        let file = std::fs::read_to_string(folder.path().join("no.ssb.fdb/INNTEKT_WLONN/INNTEKT_WLONN.csv")).unwrap();
        let (mut numbers, mut ids) = (BTreeSet::new(), BTreeSet::new());
        for field in file.lines().flat_map(|line| line.split([',', ';'])).map(|field| field.trim_matches('"')) {
            let digits = !field.is_empty() && field.bytes().all(|b| b.is_ascii_digit());
            match field.len() {
                11 if digits => _ = ids.insert(field.to_owned()),
                // More digits than four, and than a rounded number has.
                6.. if digits && !field.ends_with("00") => _ = numbers.insert(field.to_owned()),
                _ => {}
            }
        }
        Self { numbers, ids }
    }

    /// What of it stands in an answer, as text or, in a file of columns, as a number of eight bytes.
    fn found_in(&self, answer: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(answer);
        // Whole words: digits within a digest or a time of day are no numbers.
        let mut words: BTreeSet<String> = text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_owned).collect();
        // Numbers as people read them, with a blank for thousands.
        let joined: String =
            text.replace("&#160;", "").chars().filter(|c| !matches!(c, '\u{a0}' | '\u{202f}')).collect();
        words.extend(joined.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_owned));
        if answer.starts_with(b"PAR1") {
            for eight in answer.windows(8) {
                let bytes: [u8; 8] = eight.try_into().unwrap();
                let (x, n) = (f64::from_le_bytes(bytes), i64::from_le_bytes(bytes));
                words.extend(
                    [
                        (1e5..1e8).contains(&x).then(|| x.to_string()),
                        (100_000..100_000_000).contains(&n).then(|| n.to_string()),
                    ]
                    .into_iter()
                    .flatten(),
                );
            }
        }
        self.numbers.iter().chain(&self.ids).filter(|secret| words.contains(*secret)).cloned().collect()
    }
}

struct Told {
    what: Vec<String>,
    answers: usize,
}

impl Told {
    fn hear(&mut self, secrets: &Secrets, from: &str, answer: &[u8]) {
        self.answers += 1;
        let found = secrets.found_in(answer);
        if !found.is_empty() {
            self.what.push(format!("{from}: {found:?}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sdc_180_the_surface_says_nothing_that_only_raw_data_hold() {
    let secrets = Secrets::read();
    assert!(secrets.numbers.len() > 500 && secrets.ids.len() > 500, "{} {}", secrets.numbers.len(), secrets.ids.len());
    let one = secrets.numbers.first().unwrap();
    assert_eq!(
        secrets.found_in(format!("a,{one};b").as_bytes()),
        std::slice::from_ref(one),
        "the search finds what is there"
    );

    let folder = tempfile::tempdir().unwrap();
    let (services, _running) = site(folder.path()).await;
    let router = web::router(services.clone());
    let researcher = visitor(&services, &router, Some("researcher")).await;
    let mut told = Told { what: Vec::new(), answers: 0 };
    let get = async |who: &Visitor, path: &str| {
        let answer = send(&router, who, "GET", path, "").await;
        let status = answer.status().as_u16();
        (status, to_bytes(answer.into_body(), 64 << 20).await.unwrap())
    };
    for script in SCRIPTS {
        let all = format!("{HEAD}{script}\n");
        for call in ["check", "format"] {
            let body = json!({ "script": all }).to_string();
            let answer = send(&router, &researcher, "POST", &format!("/api/v1/explore/{call}"), &body).await;
            told.hear(&secrets, script, text(answer).await.as_bytes());
        }
        let body = json!({ "script": all, "keep_going": true }).to_string();
        let answer = text(send(&router, &researcher, "POST", "/api/v1/explore/run", &body).await).await;
        told.hear(&secrets, script, answer.as_bytes());
        let run: Value = serde_json::from_str(&answer).unwrap();
        let Some(id) = run["id"].as_str() else { continue };
        let mut pages = vec![format!("/api/v1/explore/runs/{id}"), format!("/explore/run/{id}"), format!("/e/{id}")];
        pages.push(format!("/api/v1/explore/runs/{id}/events"));
        for result in run["results"].as_array().unwrap().iter().filter_map(|r| r["id"].as_u64()) {
            for format in ["json", "csv", "parquet", "html", "latex", "svg", "text", "png", "pdf"] {
                pages.push(format!("/api/v1/explore/runs/{id}/results/{result}?format={format}"));
            }
        }
        for page in pages {
            let (_, answer) = get(&researcher, &page).await;
            told.hear(&secrets, &format!("{script} at {page}"), &answer);
        }
    }
    // What is proposed and explained while typing, at places where a value would come.
    for line in
        ["keep if wage == ", "tabulate wa", "recode wage (", "import db/INNTEKT_WLONN ", "replace wage = 1 if sex == '"]
    {
        let script = format!("{HEAD}{line}");
        for call in ["complete", "hover"] {
            let body = json!({"script": script, "line": 6, "column": line.len() + 1}).to_string();
            let answer = send(&router, &researcher, "POST", &format!("/api/v1/explore/{call}"), &body).await;
            told.hear(&secrets, line, text(answer).await.as_bytes());
        }
    }
    for path in ["/api/v1/explore/runs", "/api/v1/explore/scripts", "/api/v1/explore/budget", "/explore"] {
        told.hear(&secrets, path, &get(&researcher, path).await.1);
    }
    let steward = visitor(&services, &router, Some("disclosure-steward")).await;
    for path in ["/api/v1/alerts?show=all", "/alerts?show=all"] {
        let (status, answer) = get(&steward, path).await;
        assert_eq!(status, 200);
        told.hear(&secrets, path, &answer);
    }
    let auditor = visitor(&services, &router, Some("auditor")).await;
    told.hear(&secrets, "the log", ask(&router, &auditor, "/api/v1/audit/entries").await.to_string().as_bytes());
    assert!(told.answers > 400, "{}", told.answers);
    assert!(told.what.is_empty(), "{}", told.what.join("\n"));
}
