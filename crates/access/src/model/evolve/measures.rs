//! Hearings before a reaction, and how holders deliver.

use super::super::{
    Case, Decided, DeliveryExtension, DeliveryPause, Event, HolderDelivery, Recorded, SanctionComment, SanctionEnd,
    SanctionNotice,
};

pub(super) fn next(case: Case, event: &Event, recorded: &Recorded) -> Option<Case> {
    let Case::Decided(mut decided) = case else { return None };
    let (by, at) = (recorded.actor.clone(), recorded.at);
    match event {
        Event::SanctionNotified { number, sanction, reason, deadline } => {
            decided.after.notices.push(SanctionNotice {
                number: *number,
                sanction: *sanction,
                reason: reason.clone(),
                by,
                at,
                deadline: *deadline,
                comments: Vec::new(),
                ended: None,
            });
        }
        Event::SanctionCommented { number, text } => {
            notice(&mut decided, *number)?.comments.push(SanctionComment { by, at, text: text.clone() });
        }
        Event::SanctionDecided { number, imposed, reason } => {
            let end = SanctionEnd { imposed: *imposed, reason: reason.clone(), by, at };
            notice(&mut decided, *number)?.ended = Some(end);
        }
        Event::DeliveryPaused { source, code, reason, on } => {
            let pause = DeliveryPause { from: *on, to: None, code: *code, reason: reason.clone(), by };
            holder(&mut decided, source).pauses.push(pause);
        }
        Event::DeliveryResumed { source, on } => {
            holder(&mut decided, source).pauses.last_mut()?.to = Some(*on);
        }
        Event::DeliveryExtended { source, until, reason } => {
            let longer = DeliveryExtension { until: *until, reason: reason.clone(), by, at };
            holder(&mut decided, source).longer.push(longer);
        }
        Event::DeliveryReported { source, on } => holder(&mut decided, source).delivered = Some(*on),
        _ => return None,
    }
    Some(Case::Decided(decided))
}

fn notice(decided: &mut Decided, number: u32) -> Option<&mut SanctionNotice> {
    decided.after.notices.iter_mut().find(|notice| notice.number == number && notice.is_open())
}

fn holder<'a>(decided: &'a mut Decided, source: &str) -> &'a mut HolderDelivery {
    decided.after.holders.entry(source.to_owned()).or_default()
}
