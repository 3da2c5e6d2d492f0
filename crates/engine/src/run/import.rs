//! `import` (LANG-120): a column at a time, through the cache that all runs share.

use std::sync::Arc;

use script::program::Import;

use super::{Outcome, Run};
use crate::cache::ImportKey;
use crate::data::Data;
use crate::dataset::{Column, Dataset, DatasetKind, Rows, column_key, flagged};
use crate::error::RunError;
use crate::mask::Mask;
use crate::source::{StoreVersion, space_of};

impl Run {
    pub(super) fn import(&mut self, plan: &Import) -> Result<Outcome, RunError> {
        let info = &plan.variable;
        let at = StoreVersion { store: info.store.clone(), version: info.version.clone() };
        let variable = self.source.describe(&at, &info.name)?;
        let cache_key =
            ImportKey { store: at.store.clone(), name: info.name.clone(), digest: variable.digest, at: plan.at };
        let load = || -> Result<Data, RunError> {
            let column = self.source.column(&at, &info.name, plan.at)?;
            Ok(Data::imported(column, variable.codes.as_deref(), info.data_type == script::DataType::Integer))
        };
        let data = if self.no_cache { Arc::new(load()?) } else { self.cache.column(cache_key, load)? };
        let sentinel = variable.codes.as_ref().map_or(&[][..], |c| &c.sentinel);
        let day = plan.at.map_or_else(Vec::new, |d| d.days().to_le_bytes().to_vec());
        let column = Column {
            data_type: info.data_type.clone(),
            flagged: Arc::new(flagged(plan.labels.as_deref(), &data, sentinel)),
            labels: plan.labels.clone(),
            title: Some(info.title.clone()),
            origin: Arc::new(vec![info.name.clone()]),
            key: column_key("import", &[info.store.as_bytes(), info.name.as_bytes(), &variable.digest, &day]),
            row_wise: true,
            import: Some((Arc::clone(info), plan.at)),
            made: false,
            data,
        };
        let mut dataset = self.active()?.clone();
        // A space grows when data are read in; a dataset keeps the size it had when it was begun.
        let rows = match dataset.unit_type {
            Some(_) => dataset.mask.len(),
            None => self.source.space_size(space_of(&info.unit_type)) as usize,
        };
        if !matches!(dataset.rows, Rows::Units) || dataset.groups.is_some() {
            return Err(RunError::mixed_kinds(&plan.column));
        }
        dataset.kind = DatasetKind::CrossSection;
        let with_value = Mask::of_valid(column.data.validity.as_ref(), column.data.len(), rows);
        if dataset.unit_type.is_none() {
            dataset.unit_type = Some(Arc::clone(&info.unit_type));
            dataset.set_mask(with_value);
        } else if plan.outer_join {
            self.restrict(&mut dataset)?;
            let mask = dataset.mask.or(&with_value);
            dataset.set_mask(mask);
        } else {
            dataset.put(&plan.column, column);
            self.insert(dataset);
            return Ok(Outcome::Done);
        }
        dataset.put(&plan.column, column);
        self.population(dataset)
    }

    /// Older columns have no value for units that an outer join adds (LANG-073); from then on they depend on the
    /// population.
    pub(super) fn restrict(&self, dataset: &mut Dataset) -> Result<(), RunError> {
        let population = self.population_key(dataset)?;
        let mask = Arc::clone(&dataset.mask);
        for (_, column) in &mut dataset.columns {
            let rows = column.data.len().min(mask.len());
            let valid = arrow::buffer::BooleanBuffer::collect_bool(rows, |i| mask.get(i) && column.data.is_valid(i));
            let data = Data {
                values: slice(&column.data.values, rows),
                validity: Some(arrow::buffer::NullBuffer::new(valid)),
                dictionary: column.data.dictionary.clone(),
            };
            column.data = Arc::new(data);
            column.key = column_key("within", &[&column.key, &population]);
            column.row_wise = false;
        }
        Ok(())
    }
}

fn slice(values: &crate::source::Values, rows: usize) -> crate::source::Values {
    use crate::source::Values as V;
    match values {
        V::Code8(v) => V::Code8(v.slice(0, rows)),
        V::Code16(v) => V::Code16(v.slice(0, rows)),
        V::Code32(v) => V::Code32(v.slice(0, rows)),
        V::Int8(v) => V::Int8(v.slice(0, rows)),
        V::Int16(v) => V::Int16(v.slice(0, rows)),
        V::Int32(v) => V::Int32(v.slice(0, rows)),
        V::Int64(v) => V::Int64(v.slice(0, rows)),
        V::Float(v) => V::Float(v.slice(0, rows)),
        V::Date(v) => V::Date(v.slice(0, rows)),
        V::Text { index, dictionary } => V::Text { index: index.slice(0, rows), dictionary: Arc::clone(dictionary) },
        V::Unit(v) => V::Unit(v.slice(0, rows)),
    }
}
