//! Permits and appeals: a permit with its versions, persons and what may still be done; an appeal for the one who lodged it
//! and for those who deal with it.

mod appeal;
pub(crate) mod ops;
mod permit;

use crate::site::{Site, Who};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/permits/{series}", Who::LoggedIn, permit::permit)
        .post("/permits/{series}/change", Who::LoggedIn, permit::change)
        .post("/permits/{series}/do/{command}", Who::LoggedIn, permit::command)
        .get("/appeals", Who::LoggedIn, appeal::list)
        .get("/appeals/{number}", Who::LoggedIn, appeal::appeal)
        .post("/appeals/{number}/{command}", Who::LoggedIn, appeal::command)
        .post("/apply/{id}/appeal", Who::LoggedIn, appeal::open)
}
