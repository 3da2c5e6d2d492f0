//! Messages about a run as a whole: what no line of the script is to blame for.

use kernel::{LangMap, Language, Problem};
use protocol::CallError;
use protocol::calls::Diagnostic as Wire;

/// A message about the whole script.
fn about_all(code: &str, [nb, nn, en]: [&str; 3]) -> Wire {
    Wire { code: code.to_owned(), severity: "error".to_owned(), message: LangMap::of(nb, nn, en), ..Wire::default() }
}

pub(super) fn unavailable() -> Wire {
    about_all(
        "unavailable",
        [
            "Analysetjenesten svarer ikke nå. Prøv igjen om litt.",
            "Analysetenesta svarar ikkje no. Prøv igjen om litt.",
            "The analysis service does not answer now. Try again in a while.",
        ],
    )
}

pub(super) fn interrupted() -> Wire {
    about_all(
        "interrupted",
        [
            "Kjøringen ble avbrutt fordi tjenesten stoppet. Kjør skriptet på nytt.",
            "Køyringa vart avbroten fordi tenesta stoppa. Køyr skriptet på nytt.",
            "The run was interrupted because the service stopped. Run the script again.",
        ],
    )
}

/// What the data zone refused, in its own words where it said what is wrong with the order.
pub(super) fn told(error: CallError) -> Wire {
    match Problem::from(error) {
        Problem::Invalid { fields } => {
            let text = fields.iter().map(|f| f.message.as_str()).collect::<Vec<_>>().join(" ");
            about_all("E601", [&text, &text, &text])
        }
        Problem::Unavailable { what } => {
            let mut wire = unavailable();
            if let Some(text) = wire.message.0.get_mut(&Language::En) {
                text.push_str(&format!(" ({what})"));
            }
            wire
        }
        _ => unavailable(),
    }
}

/// The owner ended it.
pub(super) fn cancelled() -> Wire {
    about_all(
        "cancelled",
        [
            "Kjøringen ble avbrutt. Det som var ferdig, blir ikke regnet ut på nytt neste gang.",
            "Køyringa vart avbroten. Det som var ferdig, blir ikkje rekna ut på nytt neste gong.",
            "The run was cancelled. What was done already is not computed again next time.",
        ],
    )
}

/// There are too many of them.
pub(super) fn busy() -> Wire {
    about_all(
        "busy",
        [
            "For mange kjøringer venter allerede. Vent til en av dem er ferdig.",
            "For mange køyringar ventar alt. Vent til ei av dei er ferdig.",
            "Too many runs are waiting already. Wait until one of them is done.",
        ],
    )
}
