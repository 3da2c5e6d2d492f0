//! `load` at the centre (LANG-224): the saved scripts of the one who asks, by name. A script may load others, in loops and
//! under names that are put together, so it is checked until it asks for none that was not looked up yet; what it used goes
//! with the order, because the data zone knows no saved script.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use identity::Actor;
use kernel::Problem;
use script::{Diagnostic, SavedScripts, Settings};
use store::Tx;

use super::Workspace;
use crate::sql;

/// Saved scripts that one script may load in all; the others are then unknown to it.
const MOST_LOADS: usize = 64;

/// A script that was checked, with what it loads.
pub(super) struct Loaded {
    /// Texts by the names that the script uses.
    pub(super) loads: BTreeMap<String, String>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Workspace {
    /// Checks a text with what it loads. Without an actor there are no saved scripts.
    pub(super) async fn checked(
        &self,
        actor: Option<&Actor>,
        text: &str,
        params: &BTreeMap<String, String>,
    ) -> Result<Loaded, Problem> {
        let catalogue = self.catalogue().await;
        let mut loads: BTreeMap<String, String> = BTreeMap::new();
        let mut asked_for: BTreeSet<String> = BTreeSet::new();
        let mut names: Vec<String> = Vec::new();
        loop {
            let missing: Arc<Mutex<BTreeSet<String>>> = Arc::default();
            let scripts = {
                let (loads, missing) = (loads.clone(), Arc::clone(&missing));
                SavedScripts::of(move |name| {
                    let found = loads.get(name).cloned();
                    if found.is_none() {
                        missing.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
                    }
                    found
                })
            };
            let settings =
                Settings { params: params.clone(), scripts: scripts.with_names(names.clone()), ..Settings::default() };
            let diagnostics = script::compile(text, &*catalogue, &settings).diagnostics;
            let mut new: Vec<String> = missing.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
            new.retain(|name| !asked_for.contains(name));
            let Some(actor) = actor.filter(|_| !new.is_empty() && asked_for.len() < MOST_LOADS) else {
                return Ok(Loaded { loads, diagnostics });
            };
            if names.is_empty() {
                names = self.scripts(actor).await?.into_iter().map(|s| s.name).collect();
            }
            for name in new {
                if let Some(text) = self.text_of(actor, &name).await? {
                    loads.insert(name.clone(), text);
                }
                asked_for.insert(name);
            }
        }
    }

    /// The text of a saved script by name; `name@3` is its third version, where no script is called so.
    async fn text_of(&self, actor: &Actor, name: &str) -> Result<Option<String>, Problem> {
        let versioned = name.rsplit_once('@').and_then(|(name, version)| Some((name, version.parse::<i64>().ok()?)));
        let owner = actor.account;
        let read = async |tx: &mut Tx| match (sql::text_by_name(tx, owner, name, None).await?, versioned) {
            (None, Some((name, version))) => sql::text_by_name(tx, owner, name, Some(version)).await,
            (found, _) => Ok(found),
        };
        Ok(self.zone.store.read("explore.load", read).await?)
    }
}
