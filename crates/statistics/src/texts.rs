//! The texts of all problems and notices, in bokmål, nynorsk and English. `{about}` is the variable or term.

type Texts = [&'static str; 3];

/// Problems: what is wrong, and what to do about it.
const PROBLEMS: &[(&str, Texts)] = &[
    (
        "E_COLLINEAR_ALL",
        [
            "Ingen ledd er igjen å estimere: alle følger av andre ledd eller av den avhengige variabelen. Velg andre forklaringsvariabler.",
            "Ingen ledd er att å estimere: alle følgjer av andre ledd eller av den avhengige variabelen. Vel andre forklaringsvariablar.",
            "No term is left to estimate: all follow from other terms or from the dependent variable. Choose other explanatory variables.",
        ],
    ),
    (
        "E_NO_ROWS",
        [
            "Ingen rader har verdi for alle variablene som er nevnt. Se etter om vilkåret etter if stemmer.",
            "Ingen rader har verdi for alle variablane som er nemnde. Sjå etter om vilkåret etter if stemmer.",
            "No row has a value of all the variables named. See whether the condition after if is right.",
        ],
    ),
    (
        "E_NEGATIVE_TIME",
        [
            "«{about}» må være 0 eller mer. Ta ut de andre radene med drop if.",
            "«{about}» må vere 0 eller meir. Ta ut dei andre radene med drop if.",
            "\"{about}\" must be 0 or more. Leave the other rows out with drop if.",
        ],
    ),
    (
        "E_ZERO_TIME",
        [
            "«{about}» må være større enn 0 for en Weibull-fordeling. Ta ut de andre radene med drop if.",
            "«{about}» må vere større enn 0 for ei Weibull-fordeling. Ta ut dei andre radene med drop if.",
            "\"{about}\" must be greater than 0 for a Weibull distribution. Leave the other rows out with drop if.",
        ],
    ),
    (
        "E_ENTRY_AFTER_TIME",
        [
            "«{about}» må være mindre enn tiden på hver rad. Ta ut de andre radene med drop if.",
            "«{about}» må vere mindre enn tida på kvar rad. Ta ut dei andre radene med drop if.",
            "\"{about}\" must be less than the time in each row. Leave the other rows out with drop if.",
        ],
    ),
    (
        "E_NO_EVENTS",
        [
            "«{about}» er 0 overalt, så det er ingen hendelser å regne på.",
            "«{about}» er 0 overalt, så det er ingen hendingar å rekne på.",
            "\"{about}\" is 0 everywhere, so there are no events to compute with.",
        ],
    ),
    (
        "E_RDD_TOO_FEW",
        [
            "Det er for få observasjoner nær grensen på en av sidene. Utvid utvalget, eller senk graden.",
            "Det er for få observasjonar nær grensa på ei av sidene. Utvid utvalet, eller senk graden.",
            "There are too few observations near the cutoff on one side. Widen the sample, or lower the order.",
        ],
    ),
    (
        "E_RDD_NO_JUMP",
        [
            "«{about}» har ikke noe hopp ved grensen, så det er ikke noe å dele hoppet i utfallet på.",
            "«{about}» har ikkje noko hopp ved grensa, så det er ikkje noko å dele hoppet i utfallet på.",
            "\"{about}\" does not jump at the cutoff, so there is nothing to divide the jump of the outcome by.",
        ],
    ),
    (
        "E_TOO_MANY_GROUPS",
        [
            "«{about}» gir for mange grupper til at alle par kan sammenlignes. Slå sammen kategorier.",
            "«{about}» gjev for mange grupper til at alle par kan samanliknast. Slå saman kategoriar.",
            "\"{about}\" gives too many groups for all pairs to be compared. Merge categories.",
        ],
    ),
    (
        "E_TOO_MANY_TERMS",
        [
            "Modellen har over 1 000 kolonner. Slå sammen kategorier med recode, eller ta ut samspill.",
            "Modellen har over 1 000 kolonnar. Slå saman kategoriar med recode, eller ta ut samspel.",
            "The model has more than 1,000 columns. Merge categories with recode, or leave out interactions.",
        ],
    ),
    (
        "E_NO_RESIDUAL_DF",
        [
            "Det er for få observasjoner til så mange ledd. Ta ut ledd, eller utvid utvalget.",
            "Det er for få observasjonar til så mange ledd. Ta ut ledd, eller utvid utvalet.",
            "There are too few observations for so many terms. Leave out terms, or widen the sample.",
        ],
    ),
    (
        "E_STOPPED",
        [
            "Beregningen ble stanset før den var ferdig.",
            "Utrekninga vart stansa før ho var ferdig.",
            "The computation was stopped before it was finished.",
        ],
    ),
    (
        "E_CLUSTER_IN_MODEL",
        [
            "«{about}» grupperer feilene og kan ikke også være forklaringsvariabel.",
            "«{about}» grupperer feila og kan ikkje også vere forklaringsvariabel.",
            "Errors are clustered by \"{about}\", so it cannot also be an explanatory variable.",
        ],
    ),
    (
        "E_MARGINS_NEEDS_DUMMY",
        [
            "margins({about}) krever at «{about}» er et ledd med verdiene 0 og 1.",
            "margins({about}) krev at «{about}» er eit ledd med verdiane 0 og 1.",
            "margins({about}) needs \"{about}\" to be a term with the values 0 and 1.",
        ],
    ),
    (
        "E_NOT_A_PANEL",
        [
            "Dette krever minst to enheter, og minst én med flere tidspunkter.",
            "Dette krev minst to einingar, og minst éi med fleire tidspunkt.",
            "This needs at least two units, and at least one with several times.",
        ],
    ),
    (
        "E_DID_NEEDS_FOUR_CELLS",
        [
            "Gruppe og behandling må ha verdiene 0 og 1, og alle fire kombinasjoner må finnes.",
            "Gruppe og behandling må ha verdiane 0 og 1, og alle fire kombinasjonar må finnast.",
            "Group and treatment must have the values 0 and 1, and all four combinations must occur.",
        ],
    ),
    (
        "E_UNDERIDENTIFIED",
        [
            "Det er for få instrumenter, eller de følger av de andre leddene. Hver endogen variabel trenger minst ett eget.",
            "Det er for få instrument, eller dei følgjer av dei andre ledda. Kvar endogen variabel treng minst eitt eige.",
            "There are too few instruments, or they follow from the other terms. Each endogenous variable needs at least one of its own.",
        ],
    ),
    (
        "E_NO_CONVERGENCE",
        [
            "Estimeringen kom ikke i mål innen grensen for antall iterasjoner. Ta ut ledd, eller skaler variablene.",
            "Estimeringa kom ikkje i mål innan grensa for talet på iterasjonar. Ta ut ledd, eller skaler variablane.",
            "The estimation did not converge within the limit of iterations. Leave out terms, or scale the variables.",
        ],
    ),
    (
        "E_SEPARATION",
        [
            "Leddet «{about}» bestemmer utfallet helt. Slå sammen kategorier, eller ta det ut.",
            "Leddet «{about}» avgjer utfallet heilt. Slå saman kategoriar, eller ta det ut.",
            "The term \"{about}\" decides the outcome exactly. Merge categories, or leave it out.",
        ],
    ),
    (
        "E_NO_VARIATION",
        [
            "«{about}» har samme verdi i hele utvalget. Se etter om vilkåret etter if stemmer.",
            "«{about}» har same verdi i heile utvalet. Sjå etter om vilkåret etter if stemmer.",
            "\"{about}\" has the same value in the whole sample. See whether the condition after if is right.",
        ],
    ),
    (
        "E_NOT_BINARY",
        [
            "«{about}» må ha verdiene 0 og 1. Lag en slik variabel med generate eller recode.",
            "«{about}» må ha verdiane 0 og 1. Lag ein slik variabel med generate eller recode.",
            "\"{about}\" must have the values 0 and 1. Make such a variable with generate or recode.",
        ],
    ),
    (
        "E_NOT_COUNT",
        [
            "«{about}» må være hele tall fra 0 og opp.",
            "«{about}» må vere heile tal frå 0 og opp.",
            "\"{about}\" must be whole numbers from 0 up.",
        ],
    ),
    (
        "E_EXPOSURE",
        [
            "«{about}» må være større enn 0 overalt. Ta ut de andre radene med drop if.",
            "«{about}» må vere større enn 0 overalt. Ta ut dei andre radene med drop if.",
            "\"{about}\" must be greater than 0 everywhere. Leave the other rows out with drop if.",
        ],
    ),
    (
        "E_TOO_FEW_CLUSTERS",
        [
            "«{about}» må ha minst to verdier for at feilene kan grupperes etter den.",
            "«{about}» må ha minst to verdiar for at feila kan grupperast etter han.",
            "\"{about}\" must have at least two values for errors to be clustered by it.",
        ],
    ),
    (
        "E_MLOGIT_NEEDS_3",
        [
            "«{about}» må ha minst tre verdier. Bruk logit når den har to.",
            "«{about}» må ha minst tre verdiar. Bruk logit når han har to.",
            "\"{about}\" must have at least three values. Use logit where it has two.",
        ],
    ),
    (
        "E_NEEDS_TWO_GROUPS",
        [
            "«{about}» må gi minst to grupper.",
            "«{about}» må gje minst to grupper.",
            "\"{about}\" must give at least two groups.",
        ],
    ),
    (
        "E_NOT_POSITIVE",
        [
            "«{about}» må være større enn 0 overalt.",
            "«{about}» må vere større enn 0 overalt.",
            "\"{about}\" must be greater than 0 everywhere.",
        ],
    ),
];

/// Notices: what is told beside a result.
const NOTICES: &[(&str, Texts)] = &[
    (
        "W_COLLINEAR",
        [
            "«{about}» følger av andre ledd og er utelatt.",
            "«{about}» følgjer av andre ledd og er utelate.",
            "\"{about}\" follows from other terms and is omitted.",
        ],
    ),
    (
        "W_CONSTANT",
        [
            "«{about}» har samme verdi overalt.",
            "«{about}» har same verdi overalt.",
            "\"{about}\" has the same value everywhere.",
        ],
    ),
    (
        "W_HAUSMAN_NEGATIVE",
        [
            "Observatoren er negativ, så testen gir ingen p-verdi. Prøv sigmamore.",
            "Observatoren er negativ, så testen gir ingen p-verdi. Prøv sigmamore.",
            "The statistic is negative, so the test has no p-value. Try sigmamore.",
        ],
    ),
    (
        "W_DID_TWOWAY",
        [
            "Ingen i kontrollgruppen er behandlet, så modellen har et nivå for hvert tidspunkt i stedet for behandlingstiden.",
            "Ingen i kontrollgruppa er behandla, så modellen har eit nivå for kvart tidspunkt i staden for behandlingstida.",
            "Nobody in the control group is treated, so the model has a level for each time instead of the time of treatment.",
        ],
    ),
    (
        "W_GROUP_VARIES",
        [
            "«{about}» skifter verdi over tid for noen enheter.",
            "«{about}» skifter verdi over tid for nokre einingar.",
            "\"{about}\" changes over time for some units.",
        ],
    ),
    (
        "W_WEAK_INSTRUMENT",
        [
            "Instrumentene for «{about}» er svake (F under 10), så estimatene er usikre.",
            "Instrumenta for «{about}» er svake (F under 10), så estimata er usikre.",
            "The instruments for \"{about}\" are weak (F below 10), so the estimates are unreliable.",
        ],
    ),
    (
        "W_PERFECT_FIT",
        [
            "Leddene forklarer utfallet helt, så det finnes ingen feil å regne usikkerhet av.",
            "Ledda forklarer utfallet heilt, så det finst ingen feil å rekne uvisse av.",
            "The terms explain the outcome exactly, so there is no error to compute uncertainty from.",
        ],
    ),
    (
        "W_NO_OVERDISPERSION",
        [
            "Utfallet varierer ikke mer enn i en Poisson-modell, så det er den som vises.",
            "Utfallet varierer ikkje meir enn i ein Poisson-modell, så det er han som blir vist.",
            "The outcome does not vary more than in a Poisson model, so that is the one shown.",
        ],
    ),
    (
        "W_VARIANCE_ZERO",
        [
            "Gruppene i «{about}» skiller seg ikke mer fra hverandre enn rader gjør. Variansen er 0.",
            "Gruppene i «{about}» skil seg ikkje meir frå kvarandre enn rader gjer. Variansen er 0.",
            "The groups of \"{about}\" do not differ more than rows do. The variance is 0.",
        ],
    ),
];

/// The texts of a problem; its code where it has none, which a test forbids.
pub(crate) fn problem(code: &'static str) -> Texts {
    PROBLEMS.iter().find(|(c, _)| *c == code).map_or([code; 3], |(_, texts)| *texts)
}

/// The texts of a notice.
pub(crate) fn notice(code: &'static str) -> Texts {
    NOTICES.iter().find(|(c, _)| *c == code).map_or([code; 3], |(_, texts)| *texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// STAT-012: every code that the crate uses has texts. The sources are searched, so that none is forgotten.
    #[test]
    fn stat_012_every_code_has_texts() {
        fn sources(folder: &std::path::Path, out: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    sources(&path, out);
                } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("texts.rs") {
                    let text = std::fs::read_to_string(&path).unwrap();
                    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                    out.extend(code.flat_map(|line| [line, "\n"]));
                }
            }
        }
        let mut text = String::new();
        sources(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut text);
        for piece in text.split('"').skip(1).step_by(2) {
            let is_code = |start: &str| {
                piece.strip_prefix(start).is_some_and(|rest| {
                    !rest.is_empty() && rest.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
                })
            };
            if is_code("E_") {
                assert!(PROBLEMS.iter().any(|(c, _)| *c == piece), "{piece} has no text");
            }
            if is_code("W_") {
                assert!(NOTICES.iter().any(|(c, _)| *c == piece), "{piece} has no text");
            }
        }
    }
}
