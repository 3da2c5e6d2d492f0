//! The centre's side of the meters: who may look and act, and the calls to the data zone that holds them (SDC-172).

use identity::{Action, Actor, Object, authorise};
use kernel::Problem;
use protocol::Party;
use protocol::calls::{self, MetersAct, MetersList, MetersListAnswer, MetersOwn, MetersOwnAnswer, StewardAct};

use super::Workspace;
use super::runs::is_student;
use crate::meters::AlertKind;

const ALERTS: Action = Action("explore.alerts");
const ALLOW: Action = Action("explore.allow");
const LOOK: Action = Action("explore.meters");

/// Longest reason, in bytes.
const LONGEST_REASON: usize = 1000;
/// Most that is allowed at a time.
const MOST_MORE: u64 = 1000;

/// Which part of the list of alerts is wanted.
#[derive(Clone, Debug, Default)]
pub struct MetersPage {
    /// Only alerts that nobody has looked at.
    pub open: bool,
    /// Only alerts of this kind.
    pub kind: Option<AlertKind>,
    /// Alerts to leave out at the beginning.
    pub alerts_from: u32,
    /// Meters to leave out at the beginning.
    pub meters_from: u32,
    /// How many of each.
    pub most: u32,
}

impl Workspace {
    /// Alerts, meters and proposals, for the disclosure steward and for who allows more together with her.
    ///
    /// # Errors
    /// [`Problem::Forbidden`]; [`Problem::Unavailable`] when the data zone does not answer.
    pub async fn meters(&self, actor: &Actor, page: &MetersPage) -> Result<MetersListAnswer, Problem> {
        authorise(&self.zone, actor, LOOK, &Object::any("meters")).await?;
        let call = MetersList {
            account: actor.account.to_string(),
            open: page.open,
            kind: page.kind.map(|k| k.code().to_owned()),
            alerts_from: page.alerts_from,
            meters_from: page.meters_from,
            most: page.most,
        };
        Ok(calls::ask(&*self.channel, &Party::Data, &call).await?)
    }

    /// Does what the steward decided.
    ///
    /// # Errors
    /// [`Problem::Invalid`] without a reason; [`Problem::Forbidden`]; [`Problem::Conflict`] when it has been done, or the
    /// one who proposed wants to allow it; [`Problem::NotFound`]; [`Problem::Unavailable`].
    pub async fn steward(&self, actor: &Actor, act: StewardAct) -> Result<(), Problem> {
        let action = if matches!(act, StewardAct::Allow { .. }) { ALLOW } else { ALERTS };
        authorise(&self.zone, actor, action, &Object::any("meters")).await?;
        if let StewardAct::Acknowledge { reason, .. } | StewardAct::Propose { reason, .. } = &act
            && (reason.trim().is_empty() || reason.len() > LONGEST_REASON)
        {
            return Err(Problem::invalid("reason", "length", "write why, in at most 1000 letters"));
        }
        if let StewardAct::Propose { more, .. } = &act
            && !(1..=MOST_MORE).contains(more)
        {
            return Err(Problem::invalid("more", "range", "a number from 1 to 1000"));
        }
        let call = MetersAct { account: actor.account.to_string(), act };
        calls::ask(&*self.channel, &Party::Data, &call).await?;
        Ok(())
    }

    /// How much of its budget the actor's project has used, in tenths.
    ///
    /// # Errors
    /// [`Problem::Unavailable`] when the data zone does not answer.
    pub async fn own_use(&self, actor: &Actor) -> Result<MetersOwnAnswer, Problem> {
        let call = MetersOwn { project: actor.account.to_string(), student: is_student(actor) };
        Ok(calls::ask(&*self.channel, &Party::Data, &call).await?)
    }
}
