//! Who acts: accounts, login, sessions, organisations, roles, and the one function that says who may do what.
//!
//! Not here: what a case or permit looks like (the areas bring the object to [`can`](crate)), and identity numbers in
//! clear (they are sealed in the login table and leave it only sealed to the key role).
//!
//! Surface that the site uses: `Identity::session(token) -> Result<Option<Session>, Problem>` with
//! `Session { actor: Actor, .. }` and `Session::form_secret() -> &str` (stable for the session, not the token itself);
//! `Identity::personas() -> Vec<Persona { slug, name: LangMap, what: LangMap, roles }>` (demo only);
//! `Identity::login_persona(slug) -> Result<String /* token */, Problem>`; `Identity::logout(token)`;
//! `Identity::represent(&Actor, Option<AccountId>)`; `Identity::represented(&Actor) -> Vec<(AccountId, LangMap)>`;
//! `Identity::denied(&Actor, method, path)` writes the audit entry of a refused attempt.

mod model;

pub use model::{Account, AccountId, Actor, Assurance, Grant, Role};
