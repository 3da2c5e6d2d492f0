//! Connects the feasibility count of an application (`access`) to the analysis and its gate (`explore`), with the datasets
//! that the catalogue knows. A count is a run of the account that asks: it is metered, logged and kept as every other.

use std::sync::Arc;

use access::{CountAnswer, Feasibility, NotCounted, Released};
use async_trait::async_trait;
use catalogue::{Catalogue, DataType, Model, Temporality};
use explore::feasibility::{Column, Columns, Count, NotCountable, counted, to_script};
use explore::{RunRequest, RunState, Workspace};
use identity::Actor;
use kernel::criteria::{Criteria, VariableKind};
use kernel::{Language, Problem};

/// A FIXED dataset that every person has a value in: the population in which persons of several registers come together.
/// An installation that does not hold it counts the criteria of one register at a time.
const POPULATION: &str = "no.ssb.fdb/BEFOLKNING_KJOENN";

/// The count through a workspace.
pub struct Counts {
    /// Runs scripts.
    pub explore: Arc<Workspace>,
    /// Knows the datasets.
    pub catalogue: Arc<Catalogue>,
}

#[async_trait]
impl Feasibility for Counts {
    fn script(&self, criteria: &Criteria) -> Result<String, NotCounted> {
        to_script(criteria, &Datasets(&self.catalogue.model())).map_err(|why| not_counted(&why))
    }

    async fn count(&self, actor: &Actor, script: &str) -> Result<Released, Problem> {
        let run = self.explore.run(actor, &RunRequest::new(script, Language::En)).await?;
        let answer = match run.released.as_ref().and_then(counted) {
            Some(Count { persons, population }) => CountAnswer::Counted { persons, population },
            // The budget of the account is spent, or the gate withheld the whole table.
            None if run.state == RunState::Stopped => {
                let said = run.diagnostics.iter().find(|d| d.severity == "error");
                let detail = said.map(|d| d.code.clone()).unwrap_or_default();
                CountAnswer::NotCountable(NotCounted { code: "withheld".into(), detail })
            }
            None => return Err(Problem::unavailable("the feasibility count")),
        };
        Ok(Released { run: run.id.to_string(), answer })
    }
}

fn not_counted(why: &NotCountable) -> NotCounted {
    let detail = match why {
        NotCountable::Unknown(variable)
        | NotCountable::NoDataset(variable)
        | NotCountable::NoPointer(variable)
        | NotCountable::Value(variable) => variable.clone(),
        NotCountable::SameRow(one, other) => format!("{one}, {other}"),
        NotCountable::NoPopulation => String::new(),
    };
    NotCounted { code: why.slug().to_owned(), detail }
}

/// The catalogue as the script needs it.
struct Datasets<'a>(&'a Model);

impl Columns for Datasets<'_> {
    fn column(&self, variable: &str) -> Option<Column> {
        let variable = self.0.variables.get(variable)?;
        let kind = match variable.data_type {
            _ if !variable.codes.is_empty() => VariableKind::Code,
            DataType::Code | DataType::CodeListMulti => VariableKind::Code,
            DataType::Integer | DataType::Decimal | DataType::Boolean => VariableKind::Number,
            DataType::Date | DataType::Datetime => VariableKind::Date,
            DataType::String => VariableKind::Text,
            DataType::Identifier => VariableKind::Other,
        };
        let temporality = match variable.temporality.unwrap_or(Temporality::Fixed) {
            Temporality::Fixed => script::Temporality::Fixed,
            Temporality::Status => script::Temporality::Status,
            Temporality::Accumulated => script::Temporality::Accumulated,
            Temporality::Event => script::Temporality::Event,
        };
        let codes = variable.codes.iter().map(|code| (code.code.clone(), code.missing)).collect();
        let collection = self.0.collections.get(&variable.collection);
        Some(Column {
            collection: variable.collection.clone(),
            dataset: variable.dataset.clone(),
            unit_type: variable.unit_type.clone().unwrap_or_default(),
            temporality,
            kind,
            pointer: collection.and_then(|c| c.person_pointer.clone()),
            codes,
        })
    }

    fn population(&self) -> Option<String> {
        self.0.by_dataset(POPULATION).map(|_| POPULATION.to_owned())
    }
}
