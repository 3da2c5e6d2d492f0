//! Who may run which command in which state: the committed table `data/permissions.json`, default deny (`access.md`
//! section 8). Nothing is added to it here.

mod workflow;

pub use workflow::{Workflow, sees_everything};

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::model::{CommandName, StateName};

/// What somebody is in one case (`permissions.json`, `roles`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseRole {
    /// Submits.
    Applicant,
    /// Edits and reads.
    CoApplicant,
    /// Prepares the decision.
    CaseHandler,
    /// Answers for a source.
    RegistryHandler,
    /// Gives an opinion.
    Reviewer,
    /// Gave an opinion.
    PastReviewer,
    /// Decides.
    DecisionMaker,
    /// Decided.
    PastDecisionMaker,
    /// Decides appeals.
    AppealHandler,
    /// Prepares and delivers.
    DataPreparer,
    /// Reads everything, changes nothing.
    Auditor,
    /// Runs the system, sees no case.
    Administrator,
    /// Timers.
    SystemClock,
    /// Holder of an invitation.
    Outsider,
}

impl CaseRole {
    /// Every role, in the order of the table.
    pub const ALL: [CaseRole; 14] = [
        CaseRole::Applicant,
        CaseRole::CoApplicant,
        CaseRole::CaseHandler,
        CaseRole::RegistryHandler,
        CaseRole::Reviewer,
        CaseRole::PastReviewer,
        CaseRole::DecisionMaker,
        CaseRole::PastDecisionMaker,
        CaseRole::AppealHandler,
        CaseRole::DataPreparer,
        CaseRole::Auditor,
        CaseRole::Administrator,
        CaseRole::SystemClock,
        CaseRole::Outsider,
    ];

    /// Whether those in this role handle the case and say first whether they have a conflict of interest (ACC-083).
    pub const fn is_staff(self) -> bool {
        matches!(
            self,
            CaseRole::CaseHandler
                | CaseRole::RegistryHandler
                | CaseRole::Reviewer
                | CaseRole::DecisionMaker
                | CaseRole::AppealHandler
        )
    }

    /// The name in the table.
    pub const fn slug(self) -> &'static str {
        match self {
            CaseRole::Applicant => "applicant",
            CaseRole::CoApplicant => "co_applicant",
            CaseRole::CaseHandler => "case_handler",
            CaseRole::RegistryHandler => "registry_handler",
            CaseRole::Reviewer => "reviewer",
            CaseRole::PastReviewer => "past_reviewer",
            CaseRole::DecisionMaker => "decision_maker",
            CaseRole::PastDecisionMaker => "past_decision_maker",
            CaseRole::AppealHandler => "appeal_handler",
            CaseRole::DataPreparer => "data_preparer",
            CaseRole::Auditor => "auditor",
            CaseRole::Administrator => "administrator",
            CaseRole::SystemClock => "system_clock",
            CaseRole::Outsider => "outsider",
        }
    }
}

/// A right to look.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// The own case.
    ViewOwn,
    /// Everything.
    ViewFull,
    /// The part of one source.
    ViewSourcePart,
}

impl View {
    /// The name in the table.
    pub const fn slug(self) -> &'static str {
        match self {
            View::ViewOwn => "view_own",
            View::ViewFull => "view_full",
            View::ViewSourcePart => "view_source_part",
        }
    }
}

#[derive(Deserialize)]
struct File {
    hap: Table,
}

#[derive(Deserialize)]
struct Table {
    matrix: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the table is part of the program and is read by its tests")]
    let file: File = serde_json::from_str(include_str!("../../data/permissions.json")).unwrap();
    file.hap
});

fn cell(state: StateName, role: CaseRole, right: &str) -> bool {
    let row = TABLE.matrix.get(state.slug()).and_then(|roles| roles.get(role.slug()));
    row.is_some_and(|rights| rights.iter().any(|r| r == right))
}

/// Whether the table allows the command.
pub fn allows(state: StateName, role: CaseRole, command: CommandName) -> bool {
    cell(state, role, command.slug())
}

/// Whether a case in this state takes the command at all, whoever asks (ACC-100). Commands of REMS profiles belong to every
/// state from the submission on.
pub fn belongs_to(state: StateName, command: CommandName) -> bool {
    if command.is_rems_only() {
        return !matches!(state, StateName::Draft | StateName::Lapsed);
    }
    CaseRole::ALL.into_iter().any(|role| allows(state, role, command))
}

/// Whether the table allows the view.
pub fn shows(state: StateName, role: CaseRole, view: View) -> bool {
    cell(state, role, view.slug())
}

/// The commands, among those that are built, that somebody with these roles may run in this state.
pub fn allowed(state: StateName, roles: &[CaseRole]) -> Vec<CommandName> {
    let any = |command: &CommandName| command.is_built() && roles.iter().any(|role| allows(state, *role, *command));
    CommandName::ALL.iter().copied().filter(any).collect()
}

/// The widest view that somebody with these roles has in this state.
pub fn view(state: StateName, roles: &[CaseRole]) -> Option<View> {
    [View::ViewFull, View::ViewOwn, View::ViewSourcePart]
        .into_iter()
        .find(|view| roles.iter().any(|role| shows(state, *role, *view)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const VIEWS: [&str; 4] = ["view_own", "view_full", "view_source_part", "view_audit_log"];

    /// The whole table: its two forms (per command, per state and role) agree with each other and with the code, over all
    /// states, roles and commands: the 9 800 cells of version 1.0.0 with 412 allowed, and those of commands added since.
    #[test]
    fn acc_080_the_table_equals_its_cells() {
        let file: Value = serde_json::from_str(include_str!("../../data/permissions.json")).unwrap();
        let texts = |v: &Value| -> Vec<String> {
            v.as_array().unwrap().iter().map(|t| t.as_str().unwrap().to_owned()).collect()
        };
        let states: Vec<&str> = StateName::ALL.iter().map(|s| s.slug()).collect();
        let roles: Vec<&str> = CaseRole::ALL.iter().map(|r| r.slug()).collect();
        assert_eq!(texts(&file["hap"]["states"]), states);
        assert_eq!(texts(&file["hap"]["roles"]), roles);
        let listed = file["hap"]["commands"].as_array().unwrap();
        let commands = CommandName::ALL.iter().filter(|c| !c.is_rems_only()).map(|c| c.slug());
        let built: std::collections::BTreeSet<&str> = commands.chain(VIEWS).collect();
        let named = listed.iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(built, named, "the code has a name for every command of the table and for no other");
        let (mut cells, mut allowed, mut added) = (0, 0, (0, 0));
        for entry in listed {
            let name = entry["name"].as_str().unwrap();
            let (in_states, by) = (texts(&entry["states"]), texts(&entry["roles"]));
            for state in StateName::ALL {
                for role in CaseRole::ALL {
                    let expected = in_states.iter().any(|s| s == state.slug()) && by.iter().any(|r| r == role.slug());
                    let code = match CommandName::parse(name) {
                        Some(command) => allows(state, role, command),
                        None => cell(state, role, name),
                    };
                    assert_eq!(code, expected, "{state:?} {role:?} {name}");
                    if entry["since"].is_null() {
                        (cells, allowed) = (cells + 1, allowed + i64::from(code));
                    } else {
                        added = (added.0 + 1, added.1 + i64::from(code));
                    }
                }
            }
        }
        assert_eq!((cells, allowed), (9_800, 412));
        let whole = (file["hap"]["cells"].as_i64(), file["hap"]["allowed"].as_i64());
        assert_eq!(whole, (Some(cells + added.0), Some(allowed + added.1)));
    }

    #[test]
    fn what_is_not_listed_is_denied() {
        for state in StateName::ALL {
            for command in CommandName::ALL.iter().filter(|command| command.is_rems_only()) {
                assert!(CaseRole::ALL.into_iter().all(|role| !allows(state, role, *command)), "ACC-091 {command:?}");
            }
            assert!(allowed(state, &[CaseRole::Auditor]).is_empty(), "{state:?}");
            assert_eq!(allowed(state, &[CaseRole::Administrator]), [CommandName::Configure], "{state:?}");
        }
        assert_eq!(view(StateName::Draft, &[CaseRole::CaseHandler]), None);
        assert_eq!(view(StateName::Processing, &[CaseRole::RegistryHandler]), Some(View::ViewSourcePart));
    }
}
