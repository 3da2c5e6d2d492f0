//! The catalogue as this area asks it.

use async_trait::async_trait;
use catalogue::{Catalogue, DataType, Sensitivity, Variable};
use kernel::criteria::{VariableKind, nearest};
use kernel::{Period, Problem};

use super::Variables;
use crate::form::VariableFacts;

#[async_trait]
impl Variables for Catalogue {
    async fn facts(&self, ids: &[String]) -> Result<Vec<VariableFacts>, Problem> {
        let model = self.model();
        let known = ids.iter().filter_map(|id| model.variables.get(id));
        Ok(known.map(|variable| facts(variable, &model)).collect())
    }

    fn nearest(&self, id: &str) -> Vec<String> {
        nearest(self.model().variables.keys().map(String::as_str), id, 3)
    }

    fn collection_size(&self, collection: &str) -> Option<usize> {
        let model = self.model();
        let known = model.collections.get(collection)?;
        let orderable = |id: &&String| model.variables.get(*id).is_some_and(|v| facts(v, &model).orderable);
        Some(known.variables.iter().filter(orderable).count())
    }
}

fn facts(variable: &Variable, model: &catalogue::Model) -> VariableFacts {
    let kind = match variable.data_type {
        _ if !variable.codes.is_empty() => VariableKind::Code,
        DataType::Code | DataType::CodeListMulti => VariableKind::Code,
        DataType::Integer | DataType::Decimal | DataType::Boolean => VariableKind::Number,
        DataType::Date | DataType::Datetime => VariableKind::Date,
        DataType::String => VariableKind::Text,
        DataType::Identifier => VariableKind::Other,
    };
    VariableFacts {
        id: variable.id.clone(),
        version: variable.dataset_version.unwrap_or(1),
        collection: variable.collection.clone(),
        source: variable.source.clone(),
        source_name: model.sources.get(&variable.source).map(|source| source.name.clone()).unwrap_or_default(),
        label: variable.label.clone(),
        kind,
        orderable: variable.deliverable() && variable.data_type != DataType::Identifier,
        sensitive: variable.sensitivity == Sensitivity::High,
        free_text: false,
        granularities: variable.granularities.iter().map(|level| level.slug().to_owned()).collect(),
        // A variable without a list has as many categories as there are values: nobody knows before the data are read.
        categories: u64::try_from(variable.codes.len()).ok().filter(|n| *n > 0),
        decision_body: model.sources.get(&variable.source).map(|source| source.decision_body.clone()),
        validity: variable.from.map(|from| Period { from, to: variable.to }),
    }
}
