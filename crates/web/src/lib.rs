//! Pages and JSON API of the centre: routes, templates, texts in three languages, sessions at the edge.
//!
//! It holds no rule of any area: handlers read a request, call one service function and draw what it returns.
//! - `site`: the table of endpoints, who may use each, and the router made from it
//! - `visitor`: session, language, theme and form token of a request
//! - `input`: what stands in an address; `held`: what somebody wrote, when a form cannot be accepted; `naming`: what fields
//!   are called
//! - `frame`: what every page shows; `texts`: Fluent; `error`: one error page, one RFC 9457 document
//! - `pages`: a module per task; `api`: the same over JSON

mod api;
mod assets;
mod error;
mod frame;
mod held;
mod input;
mod naming;
mod pages;
mod services;
mod site;
mod texts;
mod upload;
mod visitor;

pub use error::WebError;
pub use services::Services;
pub use site::{Endpoint, Who, endpoints, router};
pub use texts::{TextFault, check_texts};
