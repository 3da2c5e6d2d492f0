//! One persona of the tour: an HTTP client with a session and a cart of its own.

use std::fs::File;
use std::io::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};

/// The site that is walked through, and where to write down what it acknowledged.
#[derive(Clone)]
pub struct Site {
    url: String,
    journal: Option<Arc<File>>,
}

impl Site {
    /// The site at an address. Every change that it acknowledges becomes a line of JSON in `journal`.
    pub fn new(url: &str, journal: Option<File>) -> Self {
        Self { url: url.trim_end_matches('/').to_owned(), journal: journal.map(Arc::new) }
    }

    fn acknowledged(&self, persona: &str, path: &str, answer: &Value) -> anyhow::Result<()> {
        let Some(journal) = &self.journal else { return Ok(()) };
        let line = json!({ "persona": persona, "path": path, "answer": answer });
        (&**journal).write_all(format!("{line}\n").as_bytes()).context("writing the journal")
    }
}

/// A persona, logged in (or nobody).
pub struct Persona {
    client: Client,
    site: Site,
    name: String,
}

impl Persona {
    /// Somebody without login.
    pub fn nobody(site: &Site) -> anyhow::Result<Self> {
        let client = Client::builder().cookie_store(true).no_proxy().build()?;
        Ok(Self { client, site: site.clone(), name: "anyone".to_owned() })
    }

    /// Logs in as a persona of the demo.
    pub async fn login(site: &Site, persona: &str) -> anyhow::Result<Self> {
        let mut who = Self::nobody(site)?;
        who.post("/api/v1/login", json!({ "persona": persona })).await?;
        who.name = persona.to_owned();
        Ok(who)
    }

    /// Logs this one in, keeping what it has in its cart.
    pub async fn become_persona(&mut self, persona: &str) -> anyhow::Result<()> {
        self.post("/api/v1/login", json!({ "persona": persona })).await?;
        self.name = persona.to_owned();
        Ok(())
    }

    /// The answer to a GET.
    pub async fn get(&self, path: &str) -> anyhow::Result<Value> {
        let answer =
            self.client.get(format!("{}{path}", self.site.url)).send().await.map_err(reqwest::Error::without_url)?;
        self.read(path, answer).await
    }

    /// The bytes and the content type of a GET.
    pub async fn bytes(&self, path: &str) -> anyhow::Result<(String, Vec<u8>)> {
        let answer =
            self.client.get(format!("{}{path}", self.site.url)).send().await.map_err(reqwest::Error::without_url)?;
        if !answer.status().is_success() {
            bail!("{}: {path} answers {}", self.name, answer.status());
        }
        let kind = answer.headers().get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        Ok((kind, answer.bytes().await?.to_vec()))
    }

    /// The answer to a POST.
    pub async fn post(&self, path: &str, body: Value) -> anyhow::Result<Value> {
        let request = self.client.post(format!("{}{path}", self.site.url)).json(&body);
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        let answer = self.read(path, answer).await?;
        self.site.acknowledged(&self.name, path, &answer)?;
        Ok(answer)
    }

    /// Sends a file and gives the answer.
    pub async fn upload(&self, path: &str, bytes: &'static [u8]) -> anyhow::Result<Value> {
        let request = self.client.post(format!("{}{path}", self.site.url));
        let request = request.header("content-type", "application/octet-stream").body(bytes);
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        self.read(path, answer).await
    }

    /// Only the status: for what must be refused.
    pub async fn status(&self, path: &str) -> anyhow::Result<StatusCode> {
        let answer =
            self.client.get(format!("{}{path}", self.site.url)).send().await.map_err(reqwest::Error::without_url)?;
        Ok(answer.status())
    }

    /// A POST that must be refused: gives the status and the code of the problem.
    pub async fn refused(&self, path: &str, body: Value) -> anyhow::Result<(u16, String)> {
        let request = self.client.post(format!("{}{path}", self.site.url)).json(&body);
        let answer = request.send().await.map_err(reqwest::Error::without_url)?;
        let status = answer.status();
        if status.is_success() {
            bail!("{}: {path} was carried out, and should have been refused", self.name);
        }
        let document: Value = answer.json().await.unwrap_or_default();
        Ok((status.as_u16(), document["code"].as_str().unwrap_or_default().to_owned()))
    }

    async fn read(&self, path: &str, answer: Response) -> anyhow::Result<Value> {
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{}: {path} answers {status}: {text}", self.name);
        }
        serde_json::from_str(&text).with_context(|| format!("{}: {path} answers no JSON", self.name))
    }
}
