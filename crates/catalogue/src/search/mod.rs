//! Search over sources, collections, variables and codes: three languages, forgiving of typing errors, with the reason of
//! each hit (CAT-030 to CAT-036 as far as built: words, exclusion, codes, synonyms, facets).

mod analyse;
mod index;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::Model;
pub(crate) use index::Index;

/// What narrows a search. Values of one group are alternatives; groups are combined.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Filters {
    /// Source ids.
    pub sources: BTreeSet<String>,
    /// Names of data types.
    pub types: BTreeSet<String>,
    /// Only what can be explored and applied for here.
    pub deliverable: bool,
}

/// One value of a facet with the number of hits it would leave.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Facet {
    /// Value.
    pub value: String,
    /// Hits with this value.
    pub count: usize,
    /// Whether it is chosen now.
    pub chosen: bool,
}

/// Where a word of the query was found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The technical name.
    Name,
    /// The label.
    Label,
    /// A word that means the same.
    Synonym,
    /// A code or its text.
    Code,
    /// The description.
    Description,
    /// Source or collection.
    Source,
}

impl Place {
    /// Name in interfaces and text keys.
    pub const fn slug(self) -> &'static str {
        match self {
            Place::Name => "name",
            Place::Label => "label",
            Place::Synonym => "synonym",
            Place::Code => "code",
            Place::Description => "description",
            Place::Source => "source",
        }
    }

    const fn weight(self) -> f64 {
        match self {
            Place::Name => 20.0,
            Place::Label => 8.0,
            Place::Synonym => 6.0,
            Place::Code => 5.0,
            Place::Description => 2.0,
            Place::Source => 1.0,
        }
    }
}

/// One hit.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Hit {
    /// Id of the variable.
    pub variable: String,
    /// Where the best match stands.
    pub place: Place,
    /// The word or code that matched.
    pub matched: String,
    /// Score; higher is better.
    pub score: f64,
}

/// One page of hits.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Page {
    /// Hits of this page, best first.
    pub hits: Vec<Hit>,
    /// All hits.
    pub total: usize,
    /// A spelling with more hits, when there are few (CAT-032).
    pub did_you_mean: Option<String>,
    /// Sources with counts.
    pub sources: Vec<Facet>,
    /// Data types with counts.
    pub types: Vec<Facet>,
}

/// Searches `index` over `model`. An empty query gives everything that passes the filters, by label.
pub(crate) fn search(model: &Model, index: &Index, query: &str, filters: &Filters, from: usize, size: usize) -> Page {
    let found = index.find(query);
    let mut hits: Vec<Hit> = if query.trim().is_empty() {
        let all = model.variables.keys().map(|id| Hit {
            variable: id.clone(),
            place: Place::Source,
            matched: String::new(),
            score: 0.0,
        });
        all.collect()
    } else {
        found.hits
    };
    let mut sources: BTreeMap<String, usize> = BTreeMap::new();
    let mut types: BTreeMap<String, usize> = BTreeMap::new();
    hits.retain(|hit| {
        let Some(v) = model.variables.get(&hit.variable) else { return false };
        let source_fits = filters.sources.is_empty() || filters.sources.contains(&v.source);
        let type_fits = filters.types.is_empty() || filters.types.contains(v.data_type.slug());
        let here_fits = !filters.deliverable || v.deliverable();
        // A facet counts what choosing it would leave, so its own group does not narrow it.
        if type_fits && here_fits {
            *sources.entry(v.source.clone()).or_default() += 1;
        }
        if source_fits && here_fits {
            *types.entry(v.data_type.slug().to_owned()).or_default() += 1;
        }
        source_fits && type_fits && here_fits
    });
    let deliverable = |hit: &Hit| model.variables.get(&hit.variable).is_some_and(|v| v.deliverable());
    hits.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| deliverable(b).cmp(&deliverable(a)))
            .then_with(|| a.variable.cmp(&b.variable))
    });
    let facets = |counts: BTreeMap<String, usize>, chosen: &BTreeSet<String>| {
        let facet = |(value, count)| Facet { chosen: chosen.contains(&value), value, count };
        let mut facets: Vec<Facet> = counts.into_iter().map(facet).collect();
        facets.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
        facets
    };
    let total = hits.len();
    Page {
        did_you_mean: if total < 3 { found.did_you_mean } else { None },
        sources: facets(sources, &filters.sources),
        types: facets(types, &filters.types),
        hits: hits.into_iter().skip(from).take(size).collect(),
        total,
    }
}
