//! What the key role writes into the audit log. Never a number, canonical id, ordinal, pseudonym or key (AUD-030).

use audit::{Action, Detail, Kind};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $kind:ident $text:literal [$($field:literal: $type:ident),*];)*) => {
        $($(#[$doc])* pub(crate) const $name: Action =
            Action::new(Kind::$kind, $text, &[$(($field, Detail::$type)),*]);)*
    };
}

actions! {
    /// Any call that was refused.
    REFUSE = Key "keys.refuse" ["call": Code];
    /// Ids got ordinals.
    REGISTER = Key "keys.register" ["job": Code, "id_type": Code, "new": Int, "refused": Int];
    /// A permit version was taken in.
    PERMIT = Key "keys.permit" ["hold": Bool, "status": Code];
    /// A linkage plan was made.
    PLAN = Key "keys.plan" ["plan_no": Int];
    /// Keys of a series changed state; with the receipt.
    LIFECYCLE = Key "keys.lifecycle" ["event": Code, "use": Code, "receipt": Digest, "holder": Code, "second": Code];
    /// The source's step for a batch.
    PSEUDONYMS = Key "keys.pseudonyms" ["delivery": Code, "failed": Int, "batch": Digest];
    /// A key was sealed for a holder.
    GRANT = Key "keys.grant" ["use": Code, "holder": Code];
    /// The keys of the gate were changed: by whom, with whom, and why.
    ROTATE_GATE = Key "keys.rotate_gate" ["epoch": Int, "second": Code, "reason": Text];
    /// The set of persons that may be used was asked for.
    PERMITTED = Read "keys.permitted" ["source": Code, "snapshot": Code];
    /// A citizen chose or withdrew.
    CHOICE = Citizen "keys.choice" ["choice": Code, "scope": Code, "value": Bool, "subject_tag": Digest];
    /// A citizen's choices were read.
    CHOICES_READ = Citizen "keys.choices_read" ["subject_tag": Digest];
    /// A citizen's releases were looked up.
    LEDGER_READ = Citizen "keys.ledger_read" ["subject_tag": Digest];
    /// A citizen's token was made.
    INSIGHT = Citizen "keys.insight" ["subject_tag": Digest];
    /// A release was sealed.
    SEAL = Release "keys.seal" ["seq": Int, "record": Digest, "source": Code];
    /// A release became final.
    KEPT = Release "keys.kept" ["receipt": Digest];
    /// A release became void.
    VOID = Release "keys.void" ["reason": Code];
    /// A caller was suspended or let in again.
    CALLER = Key "keys.caller" ["suspended": Bool];
}
