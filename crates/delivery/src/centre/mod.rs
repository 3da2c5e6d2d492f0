//! The centre's side: one order per source of a permit, sent to the data zone, and what became of it. Holds states,
//! times and signed receipts; no row, no person, no count of persons.

mod service;
mod sql;
mod views;

pub use service::{Deliveries, Ordered};
pub use views::{DeliveryView, EventView, PermitDeliveries, ReceiptView};

use audit::{Action, Detail, Kind};

const ORDER: Action = Action::new(
    Kind::Release,
    "delivery.order",
    &[("source", Detail::Code), ("sequence", Detail::Int), ("order", Detail::Digest)],
);
const OBSTACLE: Action =
    Action::new(Kind::Release, "delivery.not_deliverable", &[("source", Detail::Code), ("what", Detail::Codes)]);
const REPORT: Action = Action::new(
    Kind::Release,
    "delivery.report",
    &[("state", Detail::Code), ("step", Detail::Code), ("receipt", Detail::Digest), ("from", Detail::Code)],
);
const VIEW: Action = Action::new(Kind::Admin, "delivery.view", &[]);
