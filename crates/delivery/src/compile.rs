//! From permit to extraction order (DEL-010, DEL-015, DEL-016): every variable is resolved to its dataset, the datasets
//! of a collection are sorted into tables, conditions that coarsen are applied. Nothing in an order is typed by hand.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use kernel::criteria::Criteria;
use kernel::{Date, Problem, Timestamp};
use protocol::Party;
use protocol::documents::{
    ColumnOrder, ExtractionOrder, LinkagePlan, OptOut, OrderOptOut, OrderPopulation, OrderPseudonym, OrderRoom, Permit,
    PermitSource, PermitVariable, TableOrder,
};
use protocol::form::Key32;
use protocol::ids::OrderId;
use serde::{Deserialize, Serialize};

use crate::Granularity;

/// How long an order may be carried out.
const ORDER_DAYS: i64 = 30;

/// What the catalogue says of a variable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResolvedVariable {
    /// Catalogue id, e.g. `npr.somatikk.hovedtilstand`.
    pub id: String,
    /// Its collection.
    pub collection: String,
    /// `store/NAME`; none when the catalogue only describes it.
    pub dataset: Option<String>,
    /// `FIXED`, `STATUS`, `ACCUMULATED`, `EVENT`.
    pub temporality: String,
    /// Unit type, e.g. `PERSON`.
    pub unit_type: String,
}

/// What the catalogue says of a collection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ResolvedCollection {
    /// Id, e.g. `npr.somatikk`.
    pub id: String,
    /// Dataset that leads from the unit to the person, when the unit is not a person.
    pub person_pointer: Option<String>,
    /// Dataset whose date says when a unit's row belongs, with the variable's id where the catalogue has one.
    pub date_variable: Option<(String, String)>,
}

/// Looks things up where the catalogue is. `hap` gives the one that stands on the catalogue's service.
#[async_trait]
pub trait Resolver: Send + Sync {
    /// A variable at a version.
    async fn variable(&self, id: &str, version: i64) -> Result<Option<ResolvedVariable>, Problem>;
    /// The newest version of a variable, for the population rule, which names none.
    async fn current_variable(&self, id: &str) -> Result<Option<ResolvedVariable>, Problem>;
    /// A collection.
    async fn collection(&self, id: &str) -> Result<Option<ResolvedCollection>, Problem>;
    /// The newest released version of a store.
    async fn store_version(&self, store: &str) -> Result<Option<String>, Problem>;
}

/// Something that keeps an order from being made; the case gets a task.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct NotDeliverable {
    /// The source.
    pub source: String,
    /// The variable or collection.
    pub what: String,
    /// `not_deliverable` (no dataset), `unknown_variable`, `no_person_pointer`, `bad_granularity`,
    /// `permit_not_enforceable`, `bad_population`.
    pub code: String,
}

/// Who orders what, when: what does not come from permit, plan or catalogue.
#[derive(Clone, Debug)]
pub struct OrderFrame<'a> {
    /// Id of the order.
    pub order_id: OrderId,
    /// The source.
    pub source: &'a str,
    /// Which delivery of the source under the series.
    pub sequence: u32,
    /// Adapter of the room, e.g. `local`.
    pub adapter: &'a str,
    /// Now.
    pub now: Timestamp,
}

/// The level at which a variable of the permit is delivered: its own, made coarser by the permit's conditions.
///
/// # Errors
/// A code of [`NotDeliverable`].
pub fn effective_granularity(permit: &Permit, variable: &PermitVariable) -> Result<Granularity, &'static str> {
    let mut level: Granularity = variable.granularity.parse().map_err(|_| "bad_granularity")?;
    for condition in permit.conditions.iter().filter(|c| c.kind == "min_granularity") {
        let text = |name: &str| condition.fields.get(name).and_then(|v| v.as_str());
        if text("variable") == Some(variable.id.as_str()) {
            let least: Granularity = text("value").and_then(|v| v.parse().ok()).ok_or("permit_not_enforceable")?;
            level = level.coarser(least).ok_or("permit_not_enforceable")?;
        }
    }
    Ok(level)
}

/// The order of one source, or everything that keeps it from being made.
///
/// # Errors
/// The obstacles; [`Problem`] when the catalogue does not answer.
pub async fn compile(
    permit: &Permit,
    plan: &LinkagePlan,
    resolver: &dyn Resolver,
    frame: &OrderFrame<'_>,
) -> Result<Result<ExtractionOrder, Vec<NotDeliverable>>, Problem> {
    let mut work = Compilation { permit, resolver, source: frame.source, obstacles: BTreeSet::new() };
    let mut datasets = BTreeMap::new();
    let own_rule = work.population(&mut datasets).await?;
    let mut tables = Vec::new();
    for part in permit.granted(frame.source) {
        tables.extend(work.tables(part, &mut datasets).await?);
    }
    if tables.is_empty() && work.obstacles.is_empty() {
        work.obstacle(frame.source, "not_deliverable");
    }
    if !work.obstacles.is_empty() {
        return Ok(Err(work.obstacles.into_iter().collect()));
    }
    let end = Timestamp::from_micros((i64::from(permit.valid_to.days()) + 1) * 86_400_000_000);
    let cap =
        plan.caps.iter().find(|c| c.source == frame.source).map_or(permit.population.max_persons, |c| c.max_persons);
    Ok(Ok(ExtractionOrder {
        order_id: frame.order_id,
        series: permit.series.clone(),
        permit_id: permit.permit_id.clone(),
        plan_no: plan.plan_no,
        source: frame.source.to_owned(),
        sequence: frame.sequence,
        population: OrderPopulation {
            // Where the rule speaks of other sources, the list of persons is made and used inside the data zone and
            // never leaves it (DEL-021), so neither decoys nor a superset are needed.
            mode: if own_rule { "own_rule" } else { "list_mixed" }.to_owned(),
            expr: permit.population.expr.clone(),
            datasets,
            max_persons: cap.min(permit.population.max_persons),
        },
        tables,
        optout: OrderOptOut {
            rule: match permit.population.optout {
                OptOut::Exclude => "exclude",
                OptOut::Exempt => "exempt",
            }
            .to_owned(),
            snapshot: None,
        },
        pseudonym: OrderPseudonym {
            protocol: plan.protocol.clone(),
            mode: "service".into(),
            id_form: plan.id_form.clone(),
            epoch: 1,
        },
        room: OrderRoom {
            id: plan.room.clone(),
            adapter: frame.adapter.to_owned(),
            intake_key: Key32(plan.room_key.0),
        },
        format: "parquet".into(),
        pad: true,
        not_before: frame.now,
        not_after: frame.now.plus_seconds(ORDER_DAYS * 86_400).min(end),
    }))
}

/// Whether the room of a plan is the one of the permit.
pub(crate) fn is_room_of(permit: &Permit, room: &Party) -> bool {
    permit.room.id == room.to_string()
}

struct Compilation<'a> {
    permit: &'a Permit,
    resolver: &'a dyn Resolver,
    source: &'a str,
    obstacles: BTreeSet<NotDeliverable>,
}

impl Compilation<'_> {
    fn obstacle(&mut self, what: &str, code: &str) {
        self.obstacles.insert(NotDeliverable {
            source: self.source.to_owned(),
            what: what.to_owned(),
            code: code.to_owned(),
        });
    }

    /// Resolves the variables of the population rule; true when all of them belong to this source.
    async fn population(&mut self, datasets: &mut BTreeMap<String, String>) -> Result<bool, Problem> {
        let Ok(criteria) = Criteria::parse(&self.permit.population.expr) else {
            self.obstacle("population", "bad_population");
            return Ok(false);
        };
        let mut own = true;
        for id in criteria.variables() {
            own &= id.split('.').next() == Some(self.source);
            match self.resolver.current_variable(id).await? {
                None => self.obstacle(id, "unknown_variable"),
                Some(ResolvedVariable { dataset: None, .. }) => self.obstacle(id, "not_deliverable"),
                Some(ResolvedVariable { dataset: Some(dataset), collection, unit_type, .. }) => {
                    // The node tells rows of one unit from another by the datasets; the pointer of the collection goes
                    // along under the collection's id.
                    datasets.insert(id.to_owned(), dataset);
                    if let Some(pointer) = self.pointer(&collection, &unit_type).await? {
                        datasets.insert(collection, pointer);
                    }
                }
            }
        }
        Ok(own)
    }

    /// The dataset that leads from units of a collection to persons; none for units that are persons.
    async fn pointer(&mut self, collection: &str, unit_type: &str) -> Result<Option<String>, Problem> {
        if is_person(unit_type) {
            return Ok(None);
        }
        let pointer = self.resolver.collection(collection).await?.and_then(|c| c.person_pointer);
        if pointer.is_none() {
            self.obstacle(collection, "no_person_pointer");
        }
        Ok(pointer)
    }

    async fn tables(
        &mut self,
        part: &PermitSource,
        datasets: &mut BTreeMap<String, String>,
    ) -> Result<Vec<TableOrder>, Problem> {
        let collection = self.resolver.collection(&part.collection).await?;
        if collection.is_none() {
            self.obstacle(&part.collection, "not_deliverable");
        }
        // (unit type, store, kind of rows) → columns. EVENT datasets each make a table of their own.
        let mut groups: BTreeMap<(String, String, String), Vec<ColumnOrder>> = BTreeMap::new();
        for variable in &part.variables {
            let resolved = self.resolver.variable(&variable.id, variable.version).await?;
            let level = match effective_granularity(self.permit, variable) {
                Ok(level) => level,
                Err(code) => {
                    self.obstacle(&variable.id, code);
                    continue;
                }
            };
            let Some(resolved) = resolved.filter(|r| r.collection == part.collection) else {
                self.obstacle(&variable.id, "unknown_variable");
                continue;
            };
            let Some((dataset, (store, name))) =
                resolved.dataset.as_deref().and_then(|d| Some((d, d.split_once('/')?)))
            else {
                self.obstacle(&variable.id, "not_deliverable");
                continue;
            };
            let kind = match resolved.temporality.as_str() {
                "EVENT" => format!("EVENT/{}", variable.id.rsplit('.').next().unwrap_or(name)),
                other => other.to_owned(),
            };
            groups.entry((resolved.unit_type.clone(), store.to_owned(), kind)).or_default().push(ColumnOrder {
                id: variable.id.clone(),
                dataset: dataset.to_owned(),
                version: variable.version,
                granularity: level.to_string(),
            });
        }
        let alone = groups.len() == 1;
        let mut named_fixed = false;
        let mut tables = Vec::new();
        for ((unit_type, store, kind), columns) in groups {
            let Some(store_version) = self.resolver.store_version(&store).await? else {
                self.obstacle(&store, "not_deliverable");
                continue;
            };
            let fixed = kind == "FIXED";
            let table = match kind.as_str() {
                _ if alone => part.collection.clone(),
                "FIXED" if !named_fixed => {
                    named_fixed = true;
                    part.collection.clone()
                }
                "FIXED" => format!("{}.{}", part.collection, unit_type.to_lowercase()),
                other => match other.strip_prefix("EVENT/") {
                    Some(name) => format!("{}.{name}", part.collection),
                    None => format!("{}.{}", part.collection, other.to_lowercase()),
                },
            };
            let date_variable = collection.as_ref().and_then(|c| c.date_variable.clone()).filter(|_| fixed);
            if let Some((variable, dataset)) = &date_variable {
                datasets.insert(variable.clone(), dataset.clone());
            }
            let person = self.pointer(&part.collection, &unit_type).await?;
            tables.push(TableOrder {
                table,
                unit_type,
                person,
                store_version,
                period: part.period,
                date_variable: date_variable.map(|(variable, _)| variable),
                undated: "withhold".into(),
                columns,
            });
        }
        Ok(tables)
    }
}

/// Whether units of this type are numbered as persons are.
pub(crate) fn is_person(unit_type: &str) -> bool {
    unit_type == "PERSON"
}

/// Whether an order stays inside a permit: nothing in it that the permit does not grant at this level (DEL-124).
/// The node and the room both ask this; neither trusts that the order was compiled well.
pub(crate) fn order_fits_permit(order: &ExtractionOrder, permit: &Permit) -> bool {
    let inside = |a: (Date, Date), b: (Date, Date)| b.0 <= a.0 && a.1 <= b.1;
    let column_fits = |table: &TableOrder, column: &ColumnOrder| {
        permit.granted(&order.source).any(|part| {
            inside(table.period, part.period)
                && (table.table == part.collection || table.table.starts_with(&format!("{}.", part.collection)))
                && part.variables.iter().any(|v| {
                    v.id == column.id
                        && v.version == column.version
                        && effective_granularity(permit, v).is_ok_and(|g| g.to_string() == column.granularity)
                })
        })
    };
    let optout = match permit.population.optout {
        OptOut::Exclude => "exclude",
        OptOut::Exempt => "exempt",
    };
    order.series == permit.series
        && order.population.expr == permit.population.expr
        && order.population.max_persons <= permit.population.max_persons
        && order.optout.rule == optout
        && is_room_of(permit, &order.room.id)
        && !order.tables.is_empty()
        && order
            .tables
            .iter()
            .all(|t| t.undated == "withhold" && !t.columns.is_empty() && t.columns.iter().all(|c| column_fits(t, c)))
}
