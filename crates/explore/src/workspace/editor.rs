//! What the editor asks while a script is written: checks, completion, explanations, layout. All of it from metadata.

use std::collections::BTreeMap;
use std::sync::Arc;

use identity::Actor;
use kernel::{Problem, Timestamp};
use protocol::calls::{self, Metadata, MetadataAnswer};
use protocol::{CallError, Party};

use super::Workspace;
use crate::metadata::MetadataCatalogue;

/// How long metadata are believed before the data zone is asked whether they have changed, in seconds.
const METADATA_SECONDS: i64 = 30;

/// What the data zone said last.
#[derive(Clone, Default)]
pub(super) struct Known {
    etag: Option<String>,
    asked: Option<Timestamp>,
    catalogue: Arc<MetadataCatalogue>,
}

impl Workspace {
    /// Everything that metadata show to be wrong with a text; nothing is run. With an actor `load` finds her saved scripts.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn check(&self, actor: Option<&Actor>, text: &str) -> Result<Vec<script::Diagnostic>, Problem> {
        Ok(self.checked(actor, text, &BTreeMap::new()).await?.diagnostics)
    }

    /// What may stand at a place of a text: commands, options, variables, codes.
    pub async fn complete(&self, text: &str, line: u32, column: u32) -> Vec<script::Completion> {
        script::complete(text, line, column, &*self.catalogue().await)
    }

    /// What the word at a place means.
    pub async fn hover(&self, text: &str, line: u32, column: u32) -> Option<script::Hover> {
        script::hover(text, line, column, &*self.catalogue().await)
    }

    /// The classes of the words of a text, for colouring; needs no metadata.
    pub fn highlight(&self, text: &str) -> Vec<(script::Span, script::TokenClass)> {
        script::highlight(text)
    }

    /// The metadata that checks use: those of the data zone, asked for again after half a minute.
    pub async fn catalogue(&self) -> Arc<MetadataCatalogue> {
        let now = self.zone.now();
        let known = self.known();
        if known.asked.is_some_and(|asked| now < asked.plus_seconds(METADATA_SECONDS)) {
            return known.catalogue;
        }
        let question = Metadata { store: None, etag: known.etag.clone() };
        let answer: Result<MetadataAnswer, CallError> = calls::ask(&*self.channel, &Party::Data, &question).await;
        let next = match answer {
            Ok(answer) if Some(&answer.etag) == known.etag.as_ref() => Known { asked: Some(now), ..known },
            Ok(answer) => Known {
                catalogue: Arc::new(MetadataCatalogue::new(&answer)),
                etag: Some(answer.etag),
                asked: Some(now),
            },
            // The last known metadata go on to serve; the next check asks again.
            Err(error) => {
                tracing::warn!(%error, "metadata");
                return known.catalogue;
            }
        };
        let catalogue = Arc::clone(&next.catalogue);
        *self.metadata.write().unwrap_or_else(std::sync::PoisonError::into_inner) = next;
        catalogue
    }

    fn known(&self) -> Known {
        self.metadata.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}
