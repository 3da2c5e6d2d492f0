//! The personas of the demo: who can be chosen on the login page of an installation that is marked `demo`. Named by
//! role and organisation; nobody real.

use kernel::LangMap;

use crate::{Grant, Role};

/// A person of the demo to log in as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Persona {
    /// Stable name, e.g. `case-handler-1`.
    pub slug: &'static str,
    /// Role and organisation.
    pub name: LangMap,
    /// What this persona does in the demo.
    pub what: LangMap,
    /// Roles.
    pub roles: Vec<Role>,
    /// The address where this persona starts.
    pub start: &'static str,
    pub(crate) grants: Vec<Grant>,
}

/// An organisation of the demo: slug and names.
pub(crate) const ORGANISATIONS: &[(&str, [&str; 3])] = &[
    ("citizens", ["Innbyggere", "Innbyggjarar", "Citizens"]),
    ("university", ["Det syntetiske universitetet", "Det syntetiske universitetet", "The synthetic university"]),
    ("helsedataservice", ["Helsedataservice", "Helsedataservice", "Health data access body"]),
    ("fhi", ["Folkehelseinstituttet", "Folkehelseinstituttet", "Institute of Public Health"]),
    ("ssb", ["Statistisk sentralbyrå", "Statistisk sentralbyrå", "Statistics Norway"]),
    ("tsd", ["Analyserommet TSD", "Analyserommet TSD", "Analysis room TSD"]),
    ("keys", ["Nøkkelforvaltningen", "Nøkkelforvaltinga", "Key management"]),
];

type Texts = [&'static str; 3];
type Line = (&'static str, &'static [(Role, &'static str, Option<&'static str>)], &'static str, Texts, Texts);

/// Slug; role, organisation, scope; start page; name; what the persona does.
const PERSONAS: &[Line] = &[
    (
        "citizen",
        &[(Role::Citizen, "citizens", None)],
        "/me",
        ["Innbygger med et barn", "Innbyggjar med eit barn", "Citizen with a child"],
        [
            "Ser hva som er registrert, hvem som har brukt opplysningene, og kan si nei – også for barnet sitt.",
            "Ser kva som er registrert, kven som har brukt opplysningane, og kan seie nei – også for barnet sitt.",
            "Sees what is registered and who has used it, and can say no – also for the child.",
        ],
    ),
    (
        "citizen-2",
        &[(Role::Citizen, "citizens", None)],
        "/me",
        ["Innbygger 2", "Innbyggjar 2", "Citizen 2"],
        [
            "En annen innbygger, for å se at ingen ser andres opplysninger.",
            "Ein annan innbyggjar, for å sjå at ingen ser opplysningane til andre.",
            "Another citizen, to see that nobody sees what is others'.",
        ],
    ),
    (
        "researcher",
        &[(Role::Researcher, "university", None)],
        "/explore",
        [
            "Forsker, Det syntetiske universitetet",
            "Forskar, Det syntetiske universitetet",
            "Researcher, the synthetic university",
        ],
        [
            "Utforsker variabler, søker om data og analyserer dem i et analyserom.",
            "Utforskar variablar, søkjer om data og analyserer dei i eit analyserom.",
            "Explores variables, applies for data and analyses them in an analysis room.",
        ],
    ),
    (
        "student",
        &[(Role::Student, "university", None)],
        "/explore",
        [
            "Student, Det syntetiske universitetet",
            "Student, Det syntetiske universitetet",
            "Student, the synthetic university",
        ],
        ["Utforsker uten søknad.", "Utforskar utan søknad.", "Explores without an application."],
    ),
    (
        "org-representative",
        &[(Role::OrgRepresentative, "university", None)],
        "/apply",
        [
            "Virksomhetens representant, Det syntetiske universitetet",
            "Representant for verksemda, Det syntetiske universitetet",
            "Representative of the synthetic university",
        ],
        [
            "Bekrefter søknader på vegne av den dataansvarlige.",
            "Stadfestar søknader på vegner av den dataansvarlege.",
            "Confirms applications for the controller.",
        ],
    ),
    (
        "case-handler-1",
        &[(Role::CaseHandler, "helsedataservice", None)],
        "/cases",
        [
            "Saksbehandler 1, Helsedataservice",
            "Saksbehandlar 1, Helsedataservice",
            "Case handler 1, health data access body",
        ],
        [
            "Behandler søknader og foreslår vedtak.",
            "Behandlar søknader og føreslår vedtak.",
            "Handles applications and proposes decisions.",
        ],
    ),
    (
        "case-handler-2",
        &[(Role::CaseHandler, "helsedataservice", None)],
        "/cases",
        [
            "Saksbehandler 2, Helsedataservice",
            "Saksbehandlar 2, Helsedataservice",
            "Case handler 2, health data access body",
        ],
        ["Kollega som kan overta saker.", "Kollega som kan ta over saker.", "A colleague who can take over cases."],
    ),
    (
        "decision-maker",
        &[(Role::DecisionMaker, "helsedataservice", None)],
        "/proposals",
        [
            "Beslutter 1, Helsedataservice",
            "Avgjerdstakar 1, Helsedataservice",
            "Decision maker 1, health data access body",
        ],
        [
            "Fatter vedtak som en annen har foreslått.",
            "Gjer vedtak som ein annan har føreslått.",
            "Issues decisions that somebody else proposed.",
        ],
    ),
    (
        "decision-maker-2",
        &[(Role::DecisionMaker, "helsedataservice", None)],
        "/proposals",
        [
            "Beslutter 2, Helsedataservice",
            "Avgjerdstakar 2, Helsedataservice",
            "Decision maker 2, health data access body",
        ],
        [
            "Avgjør klager over vedtak som den første har fattet.",
            "Avgjer klager på vedtak som den første har gjort.",
            "Decides on appeals against what the first one issued.",
        ],
    ),
    (
        "registry-handler",
        &[(Role::RegistryHandler, "fhi", Some("npr"))],
        "/tasks",
        [
            "Registerforvalter, Norsk pasientregister",
            "Registerforvaltar, Norsk pasientregister",
            "Registry handler, patient register",
        ],
        [
            "Svarer på oppgaver for registeret og holder metadata riktige.",
            "Svarar på oppgåver for registeret og held metadata rette.",
            "Answers tasks for the register and keeps its metadata right.",
        ],
    ),
    (
        "data-preparer",
        &[(Role::DataPreparer, "helsedataservice", None)],
        "/deliveries",
        [
            "Datatilrettelegger, Helsedataservice",
            "Datatilretteleggjar, Helsedataservice",
            "Data preparer, health data access body",
        ],
        [
            "Bestiller uttrekk og følger leveransen til analyserommet.",
            "Tingar uttrekk og følgjer leveransen til analyserommet.",
            "Orders extractions and follows the delivery to the room.",
        ],
    ),
    (
        "key-officer-1",
        &[(Role::KeyOfficer, "keys", None)],
        "/account",
        ["Nøkkelansvarlig 1", "Nøkkelansvarleg 1", "Key officer 1"],
        [
            "Følger nøklene gjennom livsløpet; destruerer dem bare sammen med en annen.",
            "Følgjer nøklane gjennom livsløpet; destruerer dei berre saman med ein annan.",
            "Follows the keys through their life; destroys them only together with another.",
        ],
    ),
    (
        "key-officer-2",
        &[(Role::KeyOfficer, "keys", None)],
        "/account",
        ["Nøkkelansvarlig 2", "Nøkkelansvarleg 2", "Key officer 2"],
        ["Den andre av de to.", "Den andre av dei to.", "The other of the two."],
    ),
    (
        "room-intake",
        &[(Role::RoomIntake, "tsd", Some("tsd"))],
        "/deliveries",
        ["Mottak, analyserommet TSD", "Mottak, analyserommet TSD", "Intake, analysis room TSD"],
        [
            "Kontrollerer og åpner leveranser i analyserommet.",
            "Kontrollerer og opnar leveransar i analyserommet.",
            "Checks and opens deliveries in the analysis room.",
        ],
    ),
    (
        "output-reviewer-1",
        &[(Role::OutputReviewer, "tsd", Some("tsd"))],
        "/account",
        ["Resultatkontrollør 1", "Resultatkontrollør 1", "Output reviewer 1"],
        [
            "Ser på resultater før de forlater analyserommet.",
            "Ser på resultat før dei forlèt analyserommet.",
            "Looks at results before they leave the room.",
        ],
    ),
    (
        "output-reviewer-2",
        &[(Role::OutputReviewer, "helsedataservice", Some("tsd"))],
        "/account",
        ["Resultatkontrollør 2", "Resultatkontrollør 2", "Output reviewer 2"],
        [
            "Ser på de samme resultatene, uavhengig av den første.",
            "Ser på dei same resultata, uavhengig av den første.",
            "Looks at the same results, independently of the first.",
        ],
    ),
    (
        "disclosure-steward",
        &[(Role::DisclosureSteward, "helsedataservice", None)],
        "/account",
        ["Ansvarlig for avsløringskontroll", "Ansvarleg for avsløringskontroll", "Disclosure steward"],
        [
            "Følger med på varsler fra avsløringskontrollen.",
            "Følgjer med på varsel frå avsløringskontrollen.",
            "Watches the alerts of disclosure control.",
        ],
    ),
    (
        "catalogue-editor",
        &[(Role::CatalogueEditor, "fhi", None)],
        "/find",
        [
            "Katalogredaktør, Folkehelseinstituttet",
            "Katalogredaktør, Folkehelseinstituttet",
            "Catalogue editor, Institute of Public Health",
        ],
        ["Retter og utfyller katalogen.", "Rettar og utfyller katalogen.", "Corrects and completes the catalogue."],
    ),
    (
        "catalogue-manager",
        &[(Role::CatalogueManager, "helsedataservice", None)],
        "/find",
        [
            "Katalogansvarlig, Helsedataservice",
            "Katalogansvarleg, Helsedataservice",
            "Catalogue manager, health data access body",
        ],
        ["Publiserer katalogen.", "Publiserer katalogen.", "Publishes the catalogue."],
    ),
    (
        "reviewer",
        &[(Role::Reviewer, "university", None)],
        "/reviews",
        ["Fagfelle", "Fagfelle", "Reviewer"],
        [
            "Gir faglige uttalelser om søknader.",
            "Gjev faglege uttaler om søknader.",
            "Gives expert opinions on applications.",
        ],
    ),
    (
        "appeal-handler",
        &[(Role::AppealHandler, "helsedataservice", None)],
        "/account",
        ["Klagebehandler", "Klagebehandlar", "Appeal handler"],
        ["Behandler klager på vedtak.", "Behandlar klager på vedtak.", "Handles appeals against decisions."],
    ),
    (
        "auditor",
        &[(Role::Auditor, "helsedataservice", None)],
        "/audit",
        ["Revisor", "Revisor", "Auditor"],
        [
            "Ser hele loggen og kan bevise at ingenting er endret.",
            "Ser heile loggen og kan prove at ingenting er endra.",
            "Sees the whole log and can prove that nothing was changed.",
        ],
    ),
    (
        "administrator",
        &[(Role::Administrator, "helsedataservice", None)],
        "/roles",
        ["Administrator", "Administrator", "Administrator"],
        [
            "Gir roller og drifter løsningen; ser ikke innholdet i saker.",
            "Gjev roller og driftar løysinga; ser ikkje innhaldet i saker.",
            "Gives roles and runs the installation; sees no case content.",
        ],
    ),
];

/// Every persona, in the order in which they are offered.
pub(crate) fn all() -> Vec<Persona> {
    let texts = |[nb, nn, en]: Texts| LangMap::of(nb, nn, en);
    let persona = |(slug, grants, start, name, what): &Line| Persona {
        slug,
        name: texts(*name),
        what: texts(*what),
        roles: grants.iter().map(|(role, ..)| *role).collect(),
        start,
        grants: grants
            .iter()
            .map(|(role, organisation, scope)| Grant {
                role: *role,
                organisation: (*organisation).to_owned(),
                scope: scope.map(str::to_owned),
            })
            .collect(),
    };
    PERSONAS.iter().map(persona).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Language;

    /// Architecture section 6: one persona per role, two of those who check each other, named in all languages, at
    /// organisations that exist. Two decision makers, since who decided first does not decide on the appeal (ACC-170).
    #[test]
    fn every_role_has_its_persona() {
        let personas = all();
        for role in Role::ALL {
            let wanted = match role {
                Role::CaseHandler | Role::DecisionMaker | Role::OutputReviewer | Role::KeyOfficer | Role::Citizen => 2,
                _ => 1,
            };
            assert_eq!(personas.iter().filter(|p| p.roles.contains(role)).count(), wanted, "{role}");
        }
        for persona in &personas {
            for language in Language::ALL {
                assert!(!persona.name.text(language).is_empty() && !persona.what.text(language).is_empty());
            }
            for grant in &persona.grants {
                assert!(ORGANISATIONS.iter().any(|(slug, _)| *slug == grant.organisation), "{}", grant.organisation);
            }
        }
    }
}
