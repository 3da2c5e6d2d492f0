//! Accounts, organisations, roles and the actor of a request. No I/O.

use std::fmt;
use std::str::FromStr;

use kernel::{Id, Kind, LangMap, Language};
use serde::{Deserialize, Serialize};

/// Marks ids of accounts.
#[derive(Debug)]
pub struct Account;
impl Kind for Account {
    const NAME: &'static str = "account";
}

/// Id of an account. It says nothing about the person; everything but the login table knows only this.
pub type AccountId = Id<Account>;

macro_rules! roles {
    ($($(#[$doc:meta])* $variant:ident => $slug:literal),* $(,)?) => {
        /// What an account may be at an organisation (architecture section 6, `access.md` section 8).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Role { $($(#[$doc])* $variant),* }

        impl Role {
            /// Every role.
            pub const ALL: &'static [Role] = &[$(Role::$variant),*];

            /// The role's name in tables and interfaces.
            pub const fn slug(self) -> &'static str {
                match self { $(Role::$variant => $slug),* }
            }
        }

        impl FromStr for Role {
            type Err = ();
            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($slug => Ok(Role::$variant),)* _ => Err(()) }
            }
        }
    };
}
roles! {
    /// Sees own data and their use, makes choices.
    Citizen => "citizen",
    /// Explores and applies.
    Researcher => "researcher",
    /// Explores under supervision.
    Student => "student",
    /// Binds the organisation of the applicant.
    OrgRepresentative => "org_representative",
    /// Prepares cases at the access body.
    CaseHandler => "case_handler",
    /// Signs decisions.
    DecisionMaker => "decision_maker",
    /// Answers tasks for a register and keeps its metadata right.
    RegistryHandler => "registry_handler",
    /// Prepares and sends extractions.
    DataPreparer => "data_preparer",
    /// Key operations, always two together.
    KeyOfficer => "key_officer",
    /// Opens packages in an analysis room.
    RoomIntake => "room_intake",
    /// Reviews results that leave a room.
    OutputReviewer => "output_reviewer",
    /// Watches over disclosure control.
    DisclosureSteward => "disclosure_steward",
    /// Edits the catalogue.
    CatalogueEditor => "catalogue_editor",
    /// Publishes the catalogue.
    CatalogueManager => "catalogue_manager",
    /// Gives expert opinions on cases.
    Reviewer => "reviewer",
    /// Decides appeals.
    AppealHandler => "appeal_handler",
    /// Reads everything, changes nothing.
    Auditor => "auditor",
    /// Runs the installation; sees no case content.
    Administrator => "administrator",
}

impl Role {
    /// Whether the role assesses or decides cases.
    pub const fn assesses(self) -> bool {
        matches!(self, Role::CaseHandler | Role::DecisionMaker)
    }

    /// Whether the role prepares data for what was decided, or runs the room in which they are used.
    pub const fn prepares(self) -> bool {
        matches!(self, Role::DataPreparer | Role::RoomIntake)
    }

    /// Whether one person may hold both roles: who assesses cases neither prepares their data nor runs a room
    /// (EHDS article 55(3), ACC-009).
    pub const fn goes_with(self, other: Role) -> bool {
        !(self.assesses() && other.prepares() || self.prepares() && other.assesses())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}

/// A role at an organisation; `scope` narrows it, e.g. to one source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// Slug of the organisation, e.g. `helsedataservice`.
    pub organisation: String,
    /// What the role is limited to, e.g. the source `npr`; none for the whole organisation.
    pub scope: Option<String>,
}

/// Assurance level of a login.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Assurance {
    /// Level substantial.
    Substantial,
    /// Level high.
    High,
}

/// Who acts: an account with its roles, for the length of a request. Carries no identity number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Actor {
    /// The account.
    pub account: AccountId,
    /// Id of the session, for the audit log; none for services and tests.
    pub session: Option<String>,
    /// What the account is called on pages: role and organisation in the demo.
    pub name: LangMap,
    /// Roles in force.
    pub grants: Vec<Grant>,
    /// Level of the login.
    pub assurance: Assurance,
    /// The account this actor represents, e.g. a child.
    pub on_behalf_of: Option<AccountId>,
}

impl Actor {
    /// Whether the actor holds the role at any organisation.
    pub fn has(&self, role: Role) -> bool {
        self.grants.iter().any(|g| g.role == role)
    }

    /// Whether the actor holds the role for `scope` (a source, say) or without limit.
    pub fn has_for(&self, role: Role, scope: &str) -> bool {
        self.grants.iter().any(|g| g.role == role && g.scope.as_deref().is_none_or(|s| s == scope))
    }

    /// The roles held.
    pub fn roles(&self) -> impl Iterator<Item = Role> + '_ {
        self.grants.iter().map(|g| g.role)
    }

    /// Slug of the organisation at which the actor holds its first role.
    pub fn organisation(&self) -> Option<&str> {
        self.grants.first().map(|g| g.organisation.as_str())
    }

    /// The actor as audit entries name it: account, session, first role and organisation.
    pub fn audit(&self) -> audit::Actor {
        audit::Actor {
            session: self.session.clone(),
            role: self.grants.first().map(|g| g.role.slug().to_owned()),
            organisation: self.grants.first().map(|g| g.organisation.clone()),
            ..audit::Actor::person(self.account.to_string())
        }
    }

    /// What pages call the actor.
    pub fn display_name(&self, language: Language) -> String {
        self.name.text(language).to_owned()
    }

    /// Whose data a citizen's page is about: the represented account, or the actor's own.
    pub fn subject(&self) -> AccountId {
        self.on_behalf_of.unwrap_or(self.account)
    }
}
