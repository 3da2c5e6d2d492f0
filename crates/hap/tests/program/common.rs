//! What the tests of the program share: starting it, stopping it, and asking it over HTTP.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

pub const HAP: &str = env!("CARGO_BIN_EXE_hap");

/// A process that ends with the test, killed without warning.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a command over a data folder to its end.
pub fn hap(data: &Path, words: &[&str]) -> Output {
    Command::new(HAP).args(words).arg("--data").arg(data).output().unwrap()
}

/// Runs a command to its end; it must succeed. Gives its standard output.
pub fn must(data: &Path, words: &[&str]) -> String {
    let output = hap(data, words);
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "hap {}: {out}{err}", words.join(" "));
    out.into_owned()
}

/// Starts a role and waits for its first line, which says that it answers.
pub fn start(data: &Path, words: &[&str]) -> (Running, String) {
    let mut command = Command::new(HAP);
    command.args(words).arg("--data").arg(data).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Running(child), line)
}

/// The address in a role's first line.
pub fn address(line: &str) -> String {
    let from = line.find("http://").unwrap_or_else(|| panic!("no address in {line:?}"));
    line[from..].split_whitespace().next().unwrap().to_owned()
}

/// Walks the whole chain; it must come to its end.
pub fn tour(url: &str) {
    let tour = Command::new(HAP).args(["tour", "--url", url]).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&tour.stdout), String::from_utf8_lossy(&tour.stderr));
    assert!(tour.status.success() && out.contains("chain complete"), "{out}{err}");
}

/// One visitor of the site, with a session.
pub struct Visitor {
    runtime: tokio::runtime::Runtime,
    client: reqwest::Client,
    url: String,
}

impl Visitor {
    pub fn nobody(url: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().cookie_store(true).build().unwrap();
        Self { runtime: tokio::runtime::Runtime::new().unwrap(), client, url: url.to_owned() }
    }

    pub fn persona(url: &str, persona: &str) -> Self {
        let visitor = Self::nobody(url);
        assert_eq!(visitor.post("/api/v1/login", &json!({ "persona": persona })).0, 200);
        visitor
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        self.send(self.client.get(format!("{}{path}", self.url)))
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.send(self.client.post(format!("{}{path}", self.url)).json(body))
    }

    fn send(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            (answer.status().as_u16(), answer.json().await.unwrap_or_default())
        })
    }
}
