//! The cart: variables chosen for an application (CAT-040). Belongs to a token, so that it needs no login.

use serde::{Deserialize, Serialize};

use crate::Variable;

/// One chosen variable.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CartItem {
    /// Id of the variable.
    pub variable: String,
    /// Level of detail, one of those the variable offers.
    pub granularity: String,
    /// Why it is needed, when the applicant has said so already.
    #[serde(default)]
    pub necessity: String,
}

/// One line of the cart as shown: the item with what the catalogue says of it now.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct CartLine {
    /// The choice.
    pub item: CartItem,
    /// The variable; none when it has left the catalogue since (CAT-025).
    pub variable: Option<Variable>,
}
