//! What this installation can tell the checks of an application besides what stands in the draft itself: rooms on offer, its
//! files, the last count of its criteria, cases like it, what projects with the same purpose were granted, the size of collections. It
//! is read in one transaction with the draft; whoever is not connected stays silent, and the check says "not verified".
//!
//! Not known here, and so never answered: the invoice directory, the exclusion list of other bodies, and the share of small
//! cells of a table that nobody has made yet. The register of legal entities answers where one is connected.

use std::collections::{BTreeMap, BTreeSet};

use protocol::Envelope;
use protocol::documents::{Permit, PermitStatus, SourceOutcome};
use serde_json::Value;
use store::{Tx, params};

use super::Access;
use super::change::change_link;
use crate::error::AccessError;
use crate::files::{self, FileView};
use crate::form::{Counted, Decides, DraftContent, FileState, OrganisationState, Outside, RoomFacts, VariableFacts};
use crate::model::{CaseId, StateName};
use crate::sql;

/// Cases of the same applicants that are looked at.
const MOST_CASES: i64 = 100;
/// Permits that are looked at, the newest.
const MOST_PERMITS: i64 = 100;
/// Levels of detail in time, the finest first.
const FROM_FINE: [&str; 4] = ["day", "month", "quarter", "year"];

/// What was read for one draft.
#[derive(Default)]
pub(super) struct Told {
    rooms: BTreeSet<String>,
    /// Files of the case by id; none when they were not looked at.
    files: Option<BTreeMap<String, FileState>>,
    counted: Option<Counted>,
    similar: Vec<String>,
    sizes: BTreeMap<String, usize>,
    peers: BTreeMap<String, String>,
    /// Who decides, by source.
    bodies: BTreeMap<String, Decides>,
    /// How the register of legal entities has those that the draft names; none where no register is connected.
    organisations: BTreeMap<String, OrganisationState>,
}

impl Outside for Told {
    fn organisation(&self, number: &str) -> Option<OrganisationState> {
        self.organisations.get(number).copied()
    }
    fn file(&self, id: &str) -> Option<FileState> {
        let files = self.files.as_ref()?;
        Some(files.get(id).copied().unwrap_or(FileState::Missing))
    }
    fn room(&self, id: &str) -> Option<RoomFacts> {
        // Rooms on offer are those that this installation has approved.
        self.rooms.contains(id).then(|| RoomFacts {
            person_level: true,
            approved_until: None,
            tools: Vec::new(),
            third_countries: false,
        })
    }
    fn counted(&self) -> Option<Counted> {
        self.counted
    }
    fn similar_cases(&self) -> Option<Vec<String>> {
        Some(self.similar.clone())
    }
    fn collection_size(&self, collection: &str) -> Option<usize> {
        self.sizes.get(collection).copied()
    }
    fn decides(&self, source: &str) -> Option<Decides> {
        self.bodies.get(source).cloned()
    }
    fn peer_granularity(&self, variable: &str) -> Option<String> {
        self.peers.get(variable).cloned()
    }
}

impl Access {
    /// What is known for a draft without reading anything.
    pub(super) fn told_nothing(&self) -> Told {
        Told { rooms: self.room_ids().into_iter().collect(), ..Told::default() }
    }

    /// Who decides on the source of a variable, where the catalogue says so.
    pub(super) fn decides(&self, facts: &VariableFacts) -> Option<(String, Decides)> {
        let body = facts.decision_body.as_deref().map(str::trim).filter(|body| !body.is_empty())?;
        let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
        let own = letters(body) == letters(&self.settings().body);
        let decides = if own { Decides::ThisBody } else { Decides::Other(body.to_owned()) };
        Some((facts.source.clone(), decides))
    }

    /// Reads what is known for a draft.
    pub(super) async fn told(
        &self,
        tx: &mut Tx,
        loaded: &sql::Loaded,
        content: &DraftContent,
        facts: &BTreeMap<String, VariableFacts>,
    ) -> Result<Told, AccessError> {
        let collections: BTreeSet<&str> = facts.values().map(|f| f.collection.as_str()).collect();
        let sizes = collections.into_iter().filter_map(|c| Some((c.to_owned(), self.variables.collection_size(c)?)));
        // A change is written over a copy of the application: its files are those of another case.
        let files = match change_link(&loaded.case) {
            Some(_) => None,
            None => Some(files::sql::files(tx, &self.zone, loaded.id).await?.iter().map(standing).collect()),
        };
        Ok(Told {
            files,
            counted: self.counted(tx, loaded.id, &content.fields).await?,
            similar: self.similar_cases(tx, loaded, content).await?,
            sizes: sizes.collect(),
            bodies: facts.values().filter_map(|facts| self.decides(facts)).collect(),
            peers: peers(tx, content).await?,
            organisations: self.organisation_states(content),
            ..self.told_nothing()
        })
    }

    /// Open or live cases of the same controller and leader with a variable of this draft (CHK-35), among those that the
    /// applicants of the draft have part in. A change is about another case on purpose.
    async fn similar_cases(
        &self,
        tx: &mut Tx,
        loaded: &sql::Loaded,
        content: &DraftContent,
    ) -> Result<Vec<String>, AccessError> {
        let field = |id: &str| content.fields.get(id).and_then(Value::as_str).unwrap_or_default().trim();
        let (controller, leader) = (field("app.orgnr"), field("use.responsible"));
        if controller.is_empty() || leader.is_empty() || change_link(&loaded.case).is_some() {
            return Ok(Vec::new());
        }
        let wanted: BTreeSet<&str> = content.cart.iter().map(|item| item.variable_id.as_str()).collect();
        let today = self.zone.clock.today();
        let mut found = Vec::new();
        for id in of_applicants(tx, loaded).await? {
            let Some(other) = sql::case(tx, id).await? else { continue };
            let Some(dossier) = other.case.dossier() else { continue };
            if !dossier.order.items.iter().any(|item| wanted.contains(item.variable.as_str())) {
                continue;
            }
            if other.case.name() == StateName::Decided && !has_live_permit(tx, id, today).await? {
                continue;
            }
            let (number, revision) = (dossier.number.clone(), dossier.revision);
            let same = sql::revision(tx, &self.zone, id, revision).await?.is_some_and(|revision| {
                revision.text("app.orgnr").trim() == controller
                    && revision.text("use.responsible").trim().eq_ignore_ascii_case(leader)
            });
            if same {
                found.push(number);
            }
        }
        Ok(found)
    }
}

/// How a file of the case stands. What is taken was found readable; what waits for a confirmation is not part of it yet.
fn standing(file: &FileView) -> (String, FileState) {
    let state = match file.state {
        files::FileState::Kept | files::FileState::Detached => FileState::Good,
        files::FileState::Held | files::FileState::Redacted => FileState::Unreadable,
    };
    (file.id.to_string(), state)
}

/// Other cases that are open or decided and in which an applicant of this one has part, the newest first.
async fn of_applicants(tx: &mut Tx, loaded: &sql::Loaded) -> Result<Vec<CaseId>, AccessError> {
    let mut accounts = vec![loaded.case.applicant().to_owned()];
    accounts.extend(loaded.case.folder().members.keys().cloned());
    let mut found = Vec::new();
    for account in accounts {
        let rows = tx
            .query(
                "SELECT c.id FROM access_case c
                 WHERE (c.applicant = $1 OR c.id IN (SELECT case_id FROM access_party WHERE account = $1))
                   AND c.id <> $2 AND c.state NOT IN ('draft', 'lapsed', 'withdrawn', 'closed')
                 ORDER BY c.updated_at DESC LIMIT $3",
                params![&account, loaded.id, MOST_CASES],
            )
            .await?;
        for row in &rows {
            let id: CaseId = row.get(0)?;
            if !found.contains(&id) {
                found.push(id);
            }
        }
    }
    Ok(found)
}

async fn has_live_permit(tx: &mut Tx, id: CaseId, today: kernel::Date) -> Result<bool, AccessError> {
    let sql = "SELECT COUNT(*) FROM access_permit WHERE case_id = $1 AND latest = 1 AND valid_to >= $2
               AND status IN ('GRANTED', 'AMENDED', 'RENEWED')";
    let row = tx.query_opt(sql, params![id, today]).await?;
    let n: i64 = row.map(|row| row.get(0)).transpose()?.unwrap_or(0);
    Ok(n > 0)
}

/// For each variable that the draft wants in time: the finest level that projects with one of its purposes were granted
/// (CHK-22).
async fn peers(tx: &mut Tx, content: &DraftContent) -> Result<BTreeMap<String, String>, AccessError> {
    let timed = |level: &str| FROM_FINE.iter().position(|known| *known == level);
    let wanted: BTreeSet<&str> = content
        .cart
        .iter()
        .filter(|item| timed(&item.granularity).is_some())
        .map(|item| item.variable_id.as_str())
        .collect();
    let purposes: BTreeSet<&str> = content
        .fields
        .get("pub.purposes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    if wanted.is_empty() || purposes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = "SELECT envelope FROM access_permit WHERE latest = 1 AND status IN ('GRANTED', 'AMENDED', 'RENEWED')
               ORDER BY changed_at DESC LIMIT $1";
    let mut finest: BTreeMap<String, usize> = BTreeMap::new();
    for row in &tx.query(sql, params![MOST_PERMITS]).await? {
        let envelope: Envelope = sql::parse(&row.get::<String>(0)?)?;
        let permit: Permit = envelope.read_unverified().map_err(|e| AccessError::Damaged(e.to_string()))?;
        let same = permit.purpose.ehds.iter().any(|purpose| purposes.contains(purpose.as_str()));
        let live = matches!(permit.status, PermitStatus::Granted | PermitStatus::Amended | PermitStatus::Renewed);
        if !same || !live {
            continue;
        }
        let some = |outcome| matches!(outcome, SourceOutcome::Granted | SourceOutcome::GrantedInPart);
        let granted = permit.sources.iter().filter(|source| some(source.outcome));
        for variable in granted.flat_map(|source| &source.variables) {
            if let (true, Some(level)) = (wanted.contains(variable.id.as_str()), timed(&variable.granularity)) {
                let known = finest.entry(variable.id.clone()).or_insert(level);
                *known = (*known).min(level);
            }
        }
    }
    Ok(finest.into_iter().filter_map(|(id, level)| Some((id, (*FROM_FINE.get(level)?).to_owned()))).collect())
}
