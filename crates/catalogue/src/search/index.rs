//! The index: for every word where it stands, how heavy, and in which variable. Small enough to be held in memory and to
//! be built anew whenever the catalogue changes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::Model;
use crate::search::analyse::{distance, fold, is_code, stem, synonyms, tolerance, words};
use crate::search::{Hit, Place};

/// One place of a word.
#[derive(Clone, Copy)]
struct Posting {
    variable: u32,
    place: Place,
    /// Weight of the place, divided by the square root of the words there: a short label says more than a long one.
    weight: f64,
}

/// The index of one model.
#[derive(Default)]
pub(crate) struct Index {
    ids: Vec<String>,
    words: BTreeMap<String, Vec<Posting>>,
    /// Codes as written, folded, with the variables that have them: prefixes are ranges.
    codes: BTreeMap<String, Vec<(u32, String)>>,
    /// A word as it stands in a label, for proposals.
    shown: HashMap<String, String>,
    synonyms: Vec<BTreeSet<String>>,
}

/// What a query found.
pub(super) struct Found {
    pub(super) hits: Vec<Hit>,
    pub(super) did_you_mean: Option<String>,
}

#[derive(Clone)]
struct Match {
    score: f64,
    place: Place,
    word: String,
}

impl Index {
    /// Builds the index of a model.
    pub(crate) fn of(model: &Model) -> Self {
        let mut index = Self { synonyms: synonyms(), ..Self::default() };
        for (number, variable) in model.variables.values().enumerate() {
            let id = number as u32;
            index.ids.push(variable.id.clone());
            index.add(id, Place::Name, &variable.name);
            index.add(id, Place::Name, &variable.name.replace('_', " "));
            for text in variable.label.0.values() {
                index.add(id, Place::Label, text);
            }
            for text in variable.description.0.values() {
                index.add(id, Place::Description, text);
            }
            if let Some(list) = &variable.code_list {
                index.add(id, Place::Description, list);
            }
            for code in &variable.codes {
                index.codes.entry(fold(&code.code)).or_default().push((id, code.code.clone()));
                for text in code.label.0.values() {
                    index.add(id, Place::Code, text);
                }
            }
            if let Some(source) = model.sources.get(&variable.source) {
                index.add(id, Place::Source, &source.abbrev);
                for text in source.name.0.values() {
                    index.add(id, Place::Source, text);
                }
            }
            if let Some(collection) = model.collections.get(&variable.collection) {
                for text in collection.title.0.values() {
                    index.add(id, Place::Source, text);
                }
            }
        }
        index
    }

    fn add(&mut self, variable: u32, place: Place, text: &str) {
        let found: Vec<String> = words(text).collect();
        let weight = place.weight() / (found.len().max(1) as f64).sqrt();
        for (folded, original) in found.iter().zip(text.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()))
        {
            if place <= Place::Label {
                self.shown.entry(folded.clone()).or_insert_with(|| original.to_lowercase());
            }
            self.words.entry(stem(folded).to_owned()).or_default().push(Posting { variable, place, weight });
        }
    }

    /// Finds what has every word of the query and none of those with a minus before them.
    pub(super) fn find(&self, query: &str) -> Found {
        let mut wanted: Option<HashMap<u32, Match>> = None;
        let mut unwanted: BTreeSet<u32> = BTreeSet::new();
        let mut better: Vec<String> = Vec::new();
        for part in query.split_whitespace() {
            let (exclude, part) = part.strip_prefix('-').map_or((false, part), |rest| (true, rest));
            for word in words(part) {
                let matches = self.word(&word);
                better.push(self.nearest(&word));
                if exclude {
                    unwanted.extend(matches.keys());
                    continue;
                }
                wanted = Some(match wanted.take() {
                    None => matches,
                    Some(earlier) => {
                        earlier.into_iter().filter_map(|(id, a)| matches.get(&id).map(|b| (id, join(a, b)))).collect()
                    }
                });
            }
        }
        let hits = wanted.unwrap_or_default().into_iter().filter(|(id, _)| !unwanted.contains(id));
        let hit = |(id, m): (u32, Match)| Hit {
            variable: self.ids[id as usize].clone(),
            place: m.place,
            matched: m.word,
            score: m.score,
        };
        let proposal = better.join(" ");
        let asked: Vec<String> = words(query).collect();
        let did_you_mean = (!proposal.is_empty() && fold(&proposal) != asked.join(" ")).then_some(proposal);
        Found { hits: hits.map(hit).collect(), did_you_mean }
    }

    /// Everything that matches one word: exactly, as a synonym, as the start or a part of a word, with typing errors, or
    /// as a code.
    fn word(&self, word: &str) -> HashMap<u32, Match> {
        let mut best: HashMap<u32, Match> = HashMap::new();
        let mut note = |variable: u32, score: f64, place: Place, word: &str| {
            let entry = best.entry(variable).or_insert_with(|| Match { score: 0.0, place, word: word.to_owned() });
            if score > entry.score {
                *entry = Match { score, place, word: word.to_owned() };
            }
        };
        if is_code(word) {
            let children = self.codes.range(word.to_owned()..).take_while(|(code, _)| code.starts_with(word));
            let parents = (2..word.len()).filter_map(|n| self.codes.get_key_value(&word[..n]));
            for (_, places) in children.chain(parents) {
                for (variable, code) in places {
                    note(*variable, Place::Code.weight(), Place::Code, code);
                }
            }
        }
        let stemmed = stem(word);
        let errors = tolerance(word);
        for (candidate, postings) in &self.words {
            let factor = if candidate == stemmed {
                1.0
            } else if word.chars().count() >= 2 && candidate.starts_with(stemmed) {
                0.6
            } else if stemmed.chars().count() >= 4 && candidate.contains(stemmed) {
                0.45
            } else if errors > 0 && near(candidate, stemmed, errors) {
                0.4
            } else {
                continue;
            };
            for p in postings {
                note(p.variable, factor * p.weight, p.place, candidate);
            }
        }
        for group in self.synonyms.iter().filter(|g| g.contains(stemmed)) {
            for same in group.iter().filter(|s| s.as_str() != stemmed) {
                for p in self.words.get(same).into_iter().flatten().filter(|p| p.place <= Place::Label) {
                    note(p.variable, p.weight.min(Place::Synonym.weight()) * 0.8, Place::Synonym, same);
                }
                for (_, places) in self
                    .codes
                    .range(same.clone()..)
                    .take_while(|(code, _)| is_code(same) && code.starts_with(same.as_str()))
                {
                    for (variable, code) in places {
                        note(*variable, Place::Code.weight() * 0.6, Place::Code, code);
                    }
                }
            }
        }
        best
    }

    /// The word of a name or label that is nearest, as it is written there; the word itself when nothing is near.
    fn nearest(&self, word: &str) -> String {
        if let Some(shown) = self.shown.get(word) {
            return shown.clone();
        }
        let near = self.shown.iter().filter_map(|(folded, shown)| distance(folded, word, 2).map(|d| (d, shown)));
        let best = near.min_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(b.1)));
        match best {
            Some((_, shown)) if word.chars().count() >= 4 => shown.clone(),
            _ => word.to_owned(),
        }
    }
}

/// Whether a word, or the start of a compound such as «legemiddelregister», is the other word but for a few letters.
fn near(candidate: &str, word: &str, errors: usize) -> bool {
    let letters = word.chars().count();
    let start = |n: usize| candidate.char_indices().nth(n).map(|(at, _)| &candidate[..at]);
    distance(candidate, word, errors).is_some()
        || [letters, letters + 1].into_iter().filter_map(start).any(|s| distance(s, word, errors.min(1)).is_some())
}

fn join(a: Match, b: &Match) -> Match {
    let score = a.score + b.score;
    if b.score > a.score { Match { score, ..b.clone() } } else { Match { score, ..a } }
}
