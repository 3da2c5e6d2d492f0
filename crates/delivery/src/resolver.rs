//! The resolver that stands on the catalogue: datasets and collections from its records, store versions from the data
//! zone.

use std::sync::Arc;

use async_trait::async_trait;
use catalogue::Catalogue;
use kernel::Problem;
use protocol::calls::{Metadata, ask};
use protocol::{Channel, Party};

use crate::compile::{ResolvedCollection, ResolvedVariable, Resolver};

/// Resolves through a [`Catalogue`].
#[derive(Clone)]
pub struct CatalogueResolver {
    catalogue: Arc<Catalogue>,
    channel: Arc<dyn Channel>,
}

impl CatalogueResolver {
    /// A resolver; `channel` asks the data zone for versions of stores.
    pub fn new(catalogue: Arc<Catalogue>, channel: Arc<dyn Channel>) -> Self {
        Self { catalogue, channel }
    }
}

#[async_trait]
impl Resolver for CatalogueResolver {
    async fn variable(&self, id: &str, _version: i64) -> Result<Option<ResolvedVariable>, Problem> {
        // The catalogue keeps one record per variable; the version that the permit froze goes into the order as it is.
        self.current_variable(id).await
    }

    async fn current_variable(&self, id: &str) -> Result<Option<ResolvedVariable>, Problem> {
        let model = self.catalogue.model();
        Ok(model.variables.get(id).map(|v| ResolvedVariable {
            id: v.id.clone(),
            collection: v.collection.clone(),
            dataset: v.dataset.clone().filter(|_| v.deliverable()),
            temporality: v.temporality.map_or("FIXED", temporality).to_owned(),
            unit_type: v.unit_type.clone().unwrap_or_else(|| "PERSON".to_owned()),
        }))
    }

    async fn collection(&self, id: &str) -> Result<Option<ResolvedCollection>, Problem> {
        let model = self.catalogue.model();
        Ok(model.collections.get(id).map(|c| ResolvedCollection {
            id: c.id.clone(),
            person_pointer: c.person_pointer.clone(),
            date_variable: c.date_variable.as_ref().map(|dataset| {
                let known =
                    model.variables.values().find(|v| v.collection == c.id && v.dataset.as_ref() == Some(dataset));
                (known.map_or_else(|| dataset.clone(), |v| v.id.clone()), dataset.clone())
            }),
        }))
    }

    async fn store_version(&self, store: &str) -> Result<Option<String>, Problem> {
        let question = Metadata { store: Some(store.to_owned()), etag: None };
        let answer = ask(&*self.channel, &Party::Data, &question).await?;
        Ok(answer.stores.into_iter().find(|s| s.store == store).map(|s| s.version))
    }
}

const fn temporality(t: catalogue::Temporality) -> &'static str {
    match t {
        catalogue::Temporality::Fixed => "FIXED",
        catalogue::Temporality::Status => "STATUS",
        catalogue::Temporality::Accumulated => "ACCUMULATED",
        catalogue::Temporality::Event => "EVENT",
    }
}
