//! The typed ids (ULIDs, KEY-022) that occur in messages between zones.

use kernel::{Id, Kind};

macro_rules! ids {
    ($($(#[$doc:meta])* $marker:ident, $alias:ident, $name:literal;)*) => {$(
        #[doc = concat!("Marks the id of a ", $name, ".")]
        pub enum $marker {}
        impl Kind for $marker {
            const NAME: &'static str = $name;
        }
        $(#[$doc])*
        pub type $alias = Id<$marker>;
    )*};
}

ids! {
    /// One message; never used twice (KEY-021, replay).
    Message, MessageId, "message";
    /// One extraction order.
    Order, OrderId, "extraction order";
    /// One delivery of one source to one room.
    Delivery, DeliveryId, "delivery";
    /// One release in the ledger: a source's data about a set of persons.
    Release, ReleaseId, "release";
    /// One key of a keystore.
    StoredKey, StoredKeyId, "key";
    /// One choice of a citizen, or its withdrawal.
    Choice, ChoiceId, "choice";
    /// The state of a set at one instant, e.g. of the choices in force.
    Snapshot, SnapshotId, "snapshot";
    /// One run of a script.
    Run, RunId, "run";
}
