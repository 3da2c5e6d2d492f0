//! Who acts: accounts, login, sessions, organisations, roles, and the one function that says who may do what.
//!
//! - [`Actor`]: the account behind a request, with its roles. Every service takes one.
//! - [`can`] and [`authorise`]: the decision over the committed table of permissions.
//! - [`Identity`]: sessions, personas of the demo, roles, representation of children.
//! - [`SubjectSealer`]: the only way in which an identity number leaves the login table, sealed for another zone.
//!
//! Not here: what a case or permit looks like (the areas bring the object to [`can`]), and identity numbers in clear.

mod login;
mod model;
mod permissions;
mod personas;
mod roles;
mod service;
mod session;
mod sql;

pub use login::{Enrolment, SubjectSealer};
pub use model::{Account, AccountId, Actor, Assurance, Grant, Role};
pub use permissions::{Action, Object, anyone_can, authorise, can};
pub use personas::Persona;
pub use roles::{AccountFilter, RoleChange, RoleHolder};
pub use service::{DemoPerson, Identity};
pub use session::Session;
