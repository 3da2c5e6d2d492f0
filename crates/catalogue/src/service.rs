//! What the catalogue does: describe, search, keep carts, and take in what the data zone says it holds.

use std::sync::{Arc, PoisonError, RwLock};

use audit::Zone;
use kernel::Problem;
use protocol::calls::MetadataAnswer;
use store::{Store, StoreError, Tx};

use crate::cart::{CartItem, CartLine};
use crate::model::{Collection, Model, Source, Variable};
use crate::search::{self, Filters, Index, Page};
use crate::{seed, sql};

/// Most items that a cart may hold.
const CART_LIMIT: usize = 500;
/// How long a cart that nobody touches is kept (CAT-044).
const CART_DAYS: i64 = 30;

/// The catalogue of an installation. What it describes is held in memory and replaced as a whole.
pub struct Catalogue {
    zone: Zone,
    state: RwLock<Arc<State>>,
}

struct State {
    model: Arc<Model>,
    index: Index,
    etag: Option<String>,
}

impl Catalogue {
    /// Creates the tables.
    ///
    /// # Errors
    /// The database's own.
    pub async fn migrate(store: &Store) -> Result<(), StoreError> {
        store.migrate("catalogue", sql::MIGRATIONS).await
    }

    /// Opens the catalogue with what the data zone said last.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when the database does not answer.
    pub async fn open(zone: Zone) -> Result<Self, Problem> {
        let (etag, stores) = zone.store.read("catalogue stores", async |tx: &mut Tx| sql::stores(tx).await).await?;
        let model = Arc::new(seed::build(&stores)?);
        let index = Index::of(&model);
        Ok(Self { zone, state: RwLock::new(Arc::new(State { model, index, etag })) })
    }

    fn state(&self) -> Arc<State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The whole catalogue as it is now.
    pub fn model(&self) -> Arc<Model> {
        self.state().model.clone()
    }

    /// Etag of what the data zone said last, to ask it for news with.
    pub fn etag(&self) -> Option<String> {
        self.state().etag.clone()
    }

    /// Takes in what the data zone holds. Nothing happens when it has not changed.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when the database does not answer; then the catalogue stays as it was.
    pub async fn refresh(&self, metadata: MetadataAnswer) -> Result<(), Problem> {
        if self.etag().as_ref() == Some(&metadata.etag) {
            return Ok(());
        }
        let model = Arc::new(seed::build(&metadata.stores)?);
        let index = Index::of(&model);
        let at = self.zone.now();
        let save = async |tx: &mut Tx| sql::set_stores(tx, &metadata.etag, &metadata.stores, at).await;
        self.zone.store.tx::<_, StoreError, _>("catalogue refresh", save).await?;
        let state = Arc::new(State { model, index, etag: Some(metadata.etag.clone()) });
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        Ok(())
    }

    /// All sources, those that hold data here first.
    pub fn sources(&self) -> Vec<Source> {
        let model = self.model();
        let mut sources: Vec<Source> = model.sources.values().cloned().collect();
        let held = |s: &Source| model.variables.values().filter(|v| v.source == s.id && v.deliverable()).count();
        sources.sort_by_key(|s| (held(s) == 0, s.id.clone()));
        sources
    }

    /// One source.
    ///
    /// # Errors
    /// [`Problem::NotFound`].
    pub fn source(&self, id: &str) -> Result<Source, Problem> {
        self.model().sources.get(id).cloned().ok_or_else(|| Problem::not_found("source"))
    }

    /// The collections of a source.
    pub fn collections(&self, source: &str) -> Vec<Collection> {
        self.model().collections.values().filter(|c| c.source == source).cloned().collect()
    }

    /// The variables of a collection, those that can be delivered first, then by label.
    pub fn variables(&self, collection: &str) -> Vec<Variable> {
        let model = self.model();
        let mut found: Vec<Variable> =
            model.variables.values().filter(|v| v.collection == collection).cloned().collect();
        found.sort_by_key(|v| (!v.deliverable(), v.id.clone()));
        found
    }

    /// One variable.
    ///
    /// # Errors
    /// [`Problem::NotFound`].
    pub fn variable(&self, id: &str) -> Result<Variable, Problem> {
        self.model().variables.get(id).cloned().ok_or_else(|| Problem::not_found("variable"))
    }

    /// Searches variables. An empty query lists everything that passes the filters.
    pub fn search(&self, query: &str, filters: &Filters, from: usize, size: usize) -> Page {
        let state = self.state();
        // A query is a few words; what is longer is not searched for but would cost.
        let query: String = query.chars().take(200).collect();
        search::search(&state.model, &state.index, &query, filters, from, size.min(100))
    }

    /// Adds a variable to a cart, or changes its level of detail. None for the level means the coarsest on offer.
    ///
    /// # Errors
    /// [`Problem::NotFound`] for an unknown variable, [`Problem::Invalid`] for one that cannot be delivered, for a level
    /// that is not on offer, and for a cart that is full.
    pub async fn cart_add(&self, cart: &str, variable: &str, granularity: Option<&str>) -> Result<(), Problem> {
        let known = self.variable(variable)?;
        if !known.deliverable() {
            let why = "this variable cannot be delivered from here: choose one that is marked as available";
            return Err(Problem::invalid("variable", "not_deliverable", why));
        }
        let offered: Vec<&str> = known.granularities.iter().map(|g| g.slug()).collect();
        let granularity = granularity.or(offered.first().copied()).unwrap_or("as_is").to_owned();
        if !offered.contains(&granularity.as_str()) {
            let message = format!("choose one of the levels on offer: {}", offered.join(", "));
            return Err(Problem::invalid("granularity", "not_offered", message));
        }
        let item = CartItem { variable: known.id, granularity, necessity: String::new() };
        let now = self.zone.now();
        let add = async |tx: &mut Tx| -> Result<(), Problem> {
            if sql::items(tx, cart).await?.len() >= CART_LIMIT {
                let message = format!("a cart holds at most {CART_LIMIT} variables: remove some first");
                return Err(Problem::invalid("cart", "full", message));
            }
            sql::forget_old(tx, now.plus_seconds(-CART_DAYS * 86_400)).await?;
            Ok(sql::add(tx, cart, &item, now).await?)
        };
        self.zone.store.tx("cart add", add).await
    }

    /// Takes a variable out of a cart. Taking out what is not there changes nothing.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when the database does not answer.
    pub async fn cart_remove(&self, cart: &str, variable: &str) -> Result<(), Problem> {
        let remove = async |tx: &mut Tx| sql::remove(tx, cart, variable).await;
        self.zone.store.tx::<_, StoreError, _>("cart remove", remove).await?;
        Ok(())
    }

    /// Empties a cart, e.g. when it has become an application.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when the database does not answer.
    pub async fn cart_empty(&self, cart: &str) -> Result<(), Problem> {
        self.zone.store.tx::<_, StoreError, _>("cart empty", async |tx: &mut Tx| sql::empty(tx, cart).await).await?;
        Ok(())
    }

    /// What is in a cart, in the order in which it was put there.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when the database does not answer.
    pub async fn cart(&self, cart: &str) -> Result<Vec<CartLine>, Problem> {
        let items = self.zone.store.read("cart", async |tx: &mut Tx| sql::items(tx, cart).await);
        let items: Vec<CartItem> = items.await.map_err(|e: StoreError| Problem::from(e))?;
        let model = self.model();
        let line = |item: CartItem| CartLine { variable: model.variables.get(&item.variable).cloned(), item };
        Ok(items.into_iter().map(line).collect())
    }

    /// How many variables are in a cart.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when the database does not answer.
    pub async fn cart_count(&self, cart: &str) -> Result<usize, Problem> {
        Ok(self.cart(cart).await?.len())
    }
}
