//! Which guard would refuse a command that belongs to the time after the decision.

use kernel::Date;

use crate::clocks::holder;
use crate::model::{Case, CommandName, Decided, PermitRef, ReportKind};

/// The code of the guard that would refuse the command now.
pub(super) fn blocked(name: CommandName, case: &Case, today: Date) -> Option<&'static str> {
    let at = case.decided()?;
    match name {
        CommandName::NotifySanction | CommandName::ExtendResults => {
            let results = at.after.reports.iter().any(|report| report.report.kind == ReportKind::Results);
            permit(at).err().or((name == CommandName::ExtendResults && results).then_some("results_came"))
        }
        CommandName::CommentSanction | CommandName::DecideSanction => {
            (!at.after.notices.iter().any(|notice| notice.is_open())).then_some("no_hearing")
        }
        CommandName::PauseDelivery | CommandName::ExtendDelivery | CommandName::ReportDelivery => {
            permit(at).err().or((!waits(at, today)).then_some("delivered"))
        }
        CommandName::ResumeDelivery => {
            let paused = holder::clocks(at, today).iter().any(|clock| clock.paused.is_some());
            permit(at).err().or((!paused).then_some("not_paused"))
        }
        _ => None,
    }
}

fn permit(at: &Decided) -> Result<&PermitRef, &'static str> {
    if at.dossier.change.is_some() {
        return Err("linked_case");
    }
    at.permit.as_ref().ok_or("no_permit")
}

/// Whether a holder still has to deliver.
fn waits(at: &Decided, today: Date) -> bool {
    holder::clocks(at, today).iter().any(|clock| clock.delivered.is_none())
}
