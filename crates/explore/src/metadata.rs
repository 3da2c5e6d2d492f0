//! What the data zone says about its stores, kept by the centre as the catalogue that the script checker asks. Metadata
//! only; the data zone decides again from its own when a script runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::calls::{CodeChangeItem, DatasetMetadata, MetadataAnswer, StoreMetadata};
use script::{
    Catalogue, CodeEntry, CodeList, CodePeriod, DataType, Recoding, RequestedVersion, StoreAnswer, Temporality,
    UnitType, VariableInfo,
};

/// The variables of the newest version of every store.
#[derive(Clone, Debug, Default)]
pub struct MetadataCatalogue {
    stores: BTreeMap<String, StoreVariables>,
}

#[derive(Clone, Debug)]
struct StoreVariables {
    version: String,
    variables: BTreeMap<String, Arc<VariableInfo>>,
}

impl MetadataCatalogue {
    /// The catalogue of an answer.
    pub fn new(answer: &MetadataAnswer) -> Self {
        let stores = answer.stores.iter().map(|store| {
            let variables = store.datasets.iter();
            let variables = variables.filter_map(|d| Some((d.name.clone(), Arc::new(variable(store, d)?)))).collect();
            (store.store.clone(), StoreVariables { version: store.version.clone(), variables })
        });
        Self { stores: stores.collect() }
    }

    /// All variables, store by store.
    pub fn variables(&self) -> impl Iterator<Item = &Arc<VariableInfo>> {
        self.stores.values().flat_map(|s| s.variables.values())
    }
}

impl Catalogue for MetadataCatalogue {
    fn store(&self, store: &str, version: &RequestedVersion) -> StoreAnswer {
        match self.stores.get(store) {
            None if self.stores.is_empty() => StoreAnswer::NotAtHand(None),
            None => StoreAnswer::UnknownStore(self.store_names()),
            Some(known) if known.version == version.to_string() => StoreAnswer::Known(known.version.clone()),
            // An older version may still be readable in the data zone; its list is not here.
            Some(known) => StoreAnswer::NotAtHand(Some(known.version.clone())),
        }
    }

    fn variable(&self, store: &str, version: &str, name: &str) -> Option<Arc<VariableInfo>> {
        let known = self.stores.get(store).filter(|s| s.version == version)?;
        known.variables.get(name).cloned()
    }

    fn variable_names(&self, store: &str, version: &str) -> Vec<String> {
        let known = self.stores.get(store).filter(|s| s.version == version);
        known.map(|s| s.variables.keys().cloned().collect()).unwrap_or_default()
    }

    fn store_names(&self) -> Vec<String> {
        self.stores.keys().cloned().collect()
    }
}

fn unit_type(name: &str, id_type: Option<&str>) -> UnitType {
    UnitType::built_in(name).unwrap_or_else(|| UnitType {
        name: name.to_owned(),
        id_type: id_type.map(str::to_owned),
        identifier: format!("{name}_ID"),
    })
}

/// None for a dataset whose temporality or type this version does not know.
fn variable(store: &StoreMetadata, dataset: &DatasetMetadata) -> Option<VariableInfo> {
    let data_type = match (&dataset.points_to, dataset.data_type.as_str()) {
        (Some(unit), _) => DataType::Key(Arc::new(unit_type(unit, None))),
        (None, "STRING") => DataType::Text,
        (None, "LONG") => DataType::Integer,
        (None, "DOUBLE") => DataType::Decimal,
        (None, "DATE") => DataType::Date,
        _ => return None,
    };
    let temporality = match dataset.temporality.as_str() {
        "FIXED" => Temporality::Fixed,
        "STATUS" => Temporality::Status,
        "ACCUMULATED" => Temporality::Accumulated,
        "EVENT" => Temporality::Event,
        _ => return None,
    };
    Some(VariableInfo {
        store: store.store.clone(),
        version: store.version.clone(),
        name: dataset.name.clone(),
        title: dataset.title.clone(),
        description: dataset.description.clone(),
        unit_type: Arc::new(unit_type(&dataset.unit_type, dataset.id_type.as_deref())),
        temporality,
        data_type,
        covered_from: dataset.from.filter(|_| temporality != Temporality::Fixed),
        covered_until: dataset.to.filter(|_| temporality != Temporality::Fixed),
        status_dates: dataset.status_dates.clone(),
        code_list: code_list(dataset),
    })
}

/// The list cut into periods at every day on which a code begins or ends to be valid (DATA-070).
fn code_list(dataset: &DatasetMetadata) -> Option<CodeList> {
    if dataset.codes.is_empty() {
        return None;
    }
    let mut starts: Vec<_> = dataset.codes.iter().map(|c| c.from).collect();
    starts.extend(dataset.codes.iter().filter_map(|c| c.to.map(|to| Some(to.plus_days(1)))));
    starts.sort_unstable();
    starts.dedup();
    let periods = starts.iter().enumerate().map(|(i, from)| {
        let until = starts.get(i + 1).copied().flatten().map(|next| next.plus_days(-1));
        let held = dataset.codes.iter().filter(|c| c.from <= *from && (c.to.is_none() || c.to >= *from));
        let codes = held.map(|c| CodeEntry {
            code: c.code.clone(),
            label: c.label.clone(),
            missing: dataset.missing.contains(&c.code),
        });
        CodePeriod { from: *from, until, codes: codes.collect::<Vec<_>>() }
    });
    let recoding =
        |c: &CodeChangeItem| Recoding { date: c.date, from: c.from.clone(), to: c.to.clone(), share: c.share };
    let changes = dataset.changes.iter().map(recoding).collect();
    Some(CodeList { periods: periods.filter(|p| !p.codes.is_empty()).collect(), changes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::{Date, LangMap};
    use protocol::calls::CodeItem;

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    /// DATA-070: periods between all changes; a code that has ended is in none that follows.
    #[test]
    fn data_070_code_lists_are_cut_into_periods() {
        let code = |code: &str, from: &str, to: Option<&str>| CodeItem {
            code: code.into(),
            label: LangMap::of(code, code, code),
            from: Some(day(from)),
            to: to.map(day),
        };
        let answer: MetadataAnswer = serde_json::from_value(serde_json::json!({
            "etag": "1",
            "stores": [{"store": "no.ssb.fdb", "version": "1.0.0.0", "released_at": "2026-11-21T09:15:00Z", "datasets": [{
                "name": "KOMMUNE", "version": 1, "temporality": "EVENT", "unit_type": "PERSON", "id_type": "FNR",
                "data_type": "STRING", "title": {"nb": "Kommune"}, "from": "2000-01-01",
                "codes": [code("1601", "2000-01-01", Some("2017-12-31")), code("5001", "2018-01-01", None),
                          code("0301", "2000-01-01", None), code("9999", "2000-01-01", None)],
                "missing": ["9999"]
            }]}]
        }))
        .unwrap();
        let catalogue = MetadataCatalogue::new(&answer);
        let variable = catalogue.variable("no.ssb.fdb", "1.0.0.0", "KOMMUNE").unwrap();
        let list = variable.code_list.as_ref().unwrap();
        let codes = |d: &str| list.on(Some(day(d))).unwrap().codes.iter().map(|c| c.code.clone()).collect::<Vec<_>>();
        assert_eq!(codes("2017-12-31"), ["1601", "0301", "9999"]);
        assert_eq!(codes("2018-01-01"), ["5001", "0301", "9999"]);
        assert!(list.periods[0].codes[2].missing);
        assert_eq!(variable.unit_type.identifier, "PERSONID_1");
        let one = RequestedVersion::read("1").unwrap();
        assert_eq!(catalogue.store("no.ssb.fdb", &one), StoreAnswer::Known("1.0.0.0".into()));
        assert!(matches!(catalogue.store("no.ssb.fbd", &one), StoreAnswer::UnknownStore(_)));
        assert_eq!(MetadataCatalogue::default().store("no.ssb.fdb", &one), StoreAnswer::NotAtHand(None));
    }
}
