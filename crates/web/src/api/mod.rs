//! The JSON API: what the pages do, for machines. Paths under `/api/v1`; errors as RFC 9457 documents.

use crate::site::Site;

pub(crate) fn endpoints(site: Site) -> Site {
    site
}
