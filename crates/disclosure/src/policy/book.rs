//! The policies of an installation (SDC-010): one for everything, and stricter ones attached to a variable, a version of a
//! store, a project or a role. Which one counts for a run is the strictest mixture of all that concern it.
//!
//! Guarantee: attaching can only make stricter; anything that makes a threshold looser for anybody takes two persons, one
//! for the data and one for disclosure control. A policy never changes: another content is another version.
//!
//! What it is not: a store. It is a value; whoever keeps it writes down each change with those who approved it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Policy, PolicyError, Rules};

/// What a stricter policy is attached to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Subject {
    /// A variable of a store, in every version.
    Variable {
        /// E.g. `no.fhi.npr`.
        store: String,
        /// Its name there.
        name: String,
    },
    /// A version of a store.
    Version {
        /// E.g. `no.fhi.npr`.
        store: String,
        /// E.g. `1.0.0.0`.
        version: String,
    },
    /// A workspace of exploration.
    Project {
        /// Its id.
        id: String,
    },
    /// Everyone who explores in a role.
    Role {
        /// E.g. `student`.
        name: String,
    },
}

/// A policy and what it is attached to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attachment {
    /// What it concerns.
    pub subject: Subject,
    /// The thresholds; merged with all others that concern the same run.
    pub rules: Rules,
}

/// A change of the policies of an installation.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case", deny_unknown_fields)]
pub enum Change {
    /// Another policy for everything.
    Base {
        /// Its thresholds.
        rules: Rules,
    },
    /// Another policy for one subject, in place of the one it had.
    Attach(Attachment),
    /// No policy of its own for a subject any more.
    Detach {
        /// The subject.
        subject: Subject,
    },
}

/// For whom somebody approves a change.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Office {
    /// For those whose data it is.
    DataOwner,
    /// For disclosure control.
    DisclosureSteward,
}

/// Somebody's approval of a change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approval {
    /// The account.
    pub account: String,
    /// For whom it speaks. The caller has checked that it may.
    pub office: Office,
}

/// Why a change was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    /// Nobody approved it.
    #[error("a change of policy needs somebody who approves it")]
    Nobody,
    /// It makes these fields looser, which takes two persons.
    #[error("{} would be looser: two persons must approve, one for the data and one for disclosure control", .0.join(", "))]
    TwoPersons(Vec<&'static str>),
    /// A policy of this name and version is known with other content.
    #[error("policy {name} version {version} is known with other content: give it another version")]
    Version {
        /// Its name.
        name: String,
        /// Its version.
        version: u32,
    },
    /// The subject has no policy of its own.
    #[error("there is no policy of its own to take away")]
    NotAttached,
    /// The thresholds cannot be used.
    #[error(transparent)]
    Policy(#[from] PolicyError),
}

/// The policies of an installation.
#[derive(Clone, Debug)]
pub struct PolicyBook {
    base: Policy,
    attached: BTreeMap<Subject, Rules>,
    /// Digests of all policies that were ever in the book, by name and version.
    known: BTreeMap<(String, u32), String>,
}

impl PolicyBook {
    /// A book with one policy for everything.
    pub fn new(base: Policy) -> Self {
        let known = BTreeMap::from([(name_of(base.rules()), base.hash().to_owned())]);
        Self { base, attached: BTreeMap::new(), known }
    }

    /// The policy for everything.
    pub fn base(&self) -> &Policy {
        &self.base
    }

    /// What is attached to what.
    pub fn attached(&self) -> impl Iterator<Item = (&Subject, &Rules)> {
        self.attached.iter()
    }

    /// The policy that counts where these subjects are concerned: the stricter value of each field (SDC-010).
    ///
    /// # Errors
    /// [`PolicyError`] when the mixture cannot be used, which does not happen with policies that can.
    pub fn in_force<'a>(&self, subjects: impl IntoIterator<Item = &'a Subject>) -> Result<Policy, PolicyError> {
        let concerned: BTreeSet<&Subject> = subjects.into_iter().filter(|s| self.attached.contains_key(s)).collect();
        if concerned.is_empty() {
            return Ok(self.base.clone());
        }
        let rules = concerned.iter().filter_map(|s| self.attached.get(s));
        Policy::new(rules.fold(self.base.rules().clone(), |all, rules| all.stricter(rules)))
    }

    /// The book after a change.
    ///
    /// # Errors
    /// [`NotChanged`]; then the book stays as it is.
    pub fn changed(&self, change: &Change, approved_by: &[Approval]) -> Result<Self, NotChanged> {
        if approved_by.is_empty() {
            return Err(NotChanged::Nobody);
        }
        let mut next = self.clone();
        let looser = match change {
            Change::Base { rules } => {
                next.base = next.know(rules)?;
                rules.looser_than(self.base.rules())
            }
            Change::Attach(Attachment { subject, rules }) => {
                next.know(rules)?;
                let before = self.attached.get(subject);
                next.attached.insert(subject.clone(), rules.clone());
                before.map(|before| self.effective(rules).looser_than(&self.effective(before))).unwrap_or_default()
            }
            Change::Detach { subject } => {
                let before = next.attached.remove(subject).ok_or(NotChanged::NotAttached)?;
                self.base.rules().looser_than(&self.effective(&before))
            }
        };
        if looser.is_empty() || two_persons(approved_by) { Ok(next) } else { Err(NotChanged::TwoPersons(looser)) }
    }

    /// What attached rules come to beside those for everything.
    fn effective(&self, rules: &Rules) -> Rules {
        self.base.rules().stricter(rules)
    }

    /// Takes a policy into the book; one of the same name and version must be the same.
    fn know(&mut self, rules: &Rules) -> Result<Policy, NotChanged> {
        let policy = Policy::new(rules.clone())?;
        let known = self.known.entry(name_of(rules)).or_insert_with(|| policy.hash().to_owned());
        if known != policy.hash() {
            return Err(NotChanged::Version { name: rules.name.clone(), version: rules.version });
        }
        Ok(policy)
    }
}

fn name_of(rules: &Rules) -> (String, u32) {
    (rules.name.clone(), rules.version)
}

/// Whether two different persons approve, one for each office.
fn two_persons(approvals: &[Approval]) -> bool {
    let of = |office| approvals.iter().filter(move |a| a.office == office);
    of(Office::DataOwner).any(|owner| of(Office::DisclosureSteward).any(|steward| steward.account != owner.account))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::merge::tests::rules;
    use super::*;

    fn student() -> Subject {
        Subject::Role { name: "student".into() }
    }

    fn diagnosis() -> Subject {
        Subject::Variable { store: "no.fhi.npr".into(), name: "DIAGNOSE".into() }
    }

    fn by(account: &str, office: Office) -> Approval {
        Approval { account: account.into(), office }
    }

    fn attach(subject: Subject, rules: Rules) -> Change {
        Change::Attach(Attachment { subject, rules })
    }

    /// SDC-010: what concerns a run is merged; what does not, leaves it alone.
    #[test]
    fn sdc_010_what_concerns_a_run_is_merged() {
        let one = [by("steward", Office::DisclosureSteward)];
        let book = PolicyBook::new(Policy::standard());
        let book = book.changed(&attach(diagnosis(), Rules::high()), &one).unwrap();
        let strict = Rules { name: "students".into(), min_edit: 50, ..Rules::standard() };
        let book = book.changed(&attach(student(), strict), &one).unwrap();
        assert_eq!(book.in_force([]).unwrap().hash(), Policy::standard().hash());
        let other = Subject::Role { name: "researcher".into() };
        assert_eq!(book.in_force([&other]).unwrap().hash(), Policy::standard().hash());
        let both = book.in_force([&student(), &diagnosis(), &student()]).unwrap();
        assert_eq!((both.rules().min_edit, both.rules().min_cell), (50, 15));
        assert_eq!(both.stamp().name, "default+high+students");
        assert_eq!(book.in_force([&diagnosis(), &student()]).unwrap().hash(), both.hash());
        assert_eq!(book.attached().count(), 2);
    }

    /// SDC-010: loosening takes two persons with two offices; tightening takes one; nobody is not enough.
    #[test]
    fn sdc_010_loosening_takes_two_persons() {
        let book = PolicyBook::new(Policy::standard());
        let looser = Change::Base { rules: Rules { version: 2, min_edit: 9, low_cell: 4, ..Rules::standard() } };
        let steward = by("a", Office::DisclosureSteward);
        let refused = |approvals: &[Approval]| book.changed(&looser, approvals).unwrap_err();
        assert_eq!(refused(&[]), NotChanged::Nobody);
        let both = NotChanged::TwoPersons(vec!["min_edit", "low_cell"]);
        assert_eq!(refused(std::slice::from_ref(&steward)), both);
        assert_eq!(refused(&[steward.clone(), by("a", Office::DataOwner)]), both, "one person in two offices");
        assert_eq!(refused(&[steward.clone(), by("b", Office::DisclosureSteward)]), both, "one office");
        let changed = book.changed(&looser, &[steward.clone(), by("b", Office::DataOwner)]).unwrap();
        assert_eq!(changed.base().rules().min_edit, 9);
        let stricter = Change::Base { rules: Rules { version: 2, min_edit: 11, ..Rules::standard() } };
        assert!(book.changed(&stricter, std::slice::from_ref(&steward)).is_ok());
        // Taking a stricter policy away loosens for those it concerned.
        let book = book.changed(&attach(student(), Rules::high()), std::slice::from_ref(&steward)).unwrap();
        let detach = Change::Detach { subject: student() };
        let error = book.changed(&detach, std::slice::from_ref(&steward)).unwrap_err();
        assert!(error.to_string().contains("min_cell"), "{error}");
        assert_eq!(book.changed(&detach, &[steward, by("b", Office::DataOwner)]).unwrap().attached().count(), 0);
    }

    /// SDC-010: a policy never changes under its name and version.
    #[test]
    fn sdc_010_a_policy_is_immutable() {
        let book = PolicyBook::new(Policy::standard());
        let steward = [by("a", Office::DisclosureSteward)];
        let same_name = Change::Base { rules: Rules { min_edit: 12, ..Rules::standard() } };
        assert!(matches!(book.changed(&same_name, &steward), Err(NotChanged::Version { version: 1, .. })));
        let unusable = Change::Base { rules: Rules { version: 2, min_cell: 3, ..Rules::standard() } };
        assert!(matches!(book.changed(&unusable, &steward), Err(NotChanged::Policy(_))));
        assert_eq!(book.changed(&Change::Detach { subject: student() }, &steward).err(), Some(NotChanged::NotAttached));
        let text = serde_json::to_string(&attach(diagnosis(), Rules::high())).unwrap();
        assert_eq!(serde_json::from_str::<Change>(&text).unwrap(), attach(diagnosis(), Rules::high()));
    }

    proptest! {
        /// SDC-010: whatever one person alone can change, nothing becomes looser for anybody.
        #[test]
        fn sdc_010_one_person_never_loosens(base in rules(), first in rules(), second in rules()) {
            let one = [by("a", Office::DataOwner)];
            let before = PolicyBook::new(Policy::new(Rules { name: "base".into(), ..base }).unwrap());
            let first = Rules { name: "first".into(), ..first };
            let second = Rules { name: "second".into(), ..second };
            let Ok(book) = before.changed(&attach(student(), first), &one) else { return Ok(()) };
            for change in [attach(student(), second.clone()), Change::Base { rules: second }, Change::Detach { subject: student() }] {
                let Ok(after) = book.changed(&change, &one) else { continue };
                for subjects in [vec![], vec![student()], vec![diagnosis()]] {
                    let (was, is) = (book.in_force(&subjects).unwrap(), after.in_force(&subjects).unwrap());
                    prop_assert!(is.rules().looser_than(was.rules()).is_empty());
                }
            }
        }
    }
}
