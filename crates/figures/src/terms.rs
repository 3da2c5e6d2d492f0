//! The words of models, tests, survival curves and plots in three languages, by the names that results carry.

use disclosure::{Effect, Scale};
use kernel::Language;

use crate::words::{Words, say};

pub(crate) const TERM: Words = ["Ledd", "Ledd", "Term"];
pub(crate) const OUTCOME: Words = ["Utfall", "Utfall", "Outcome"];
pub(crate) const CONSTANT: Words = ["Konstantledd", "Konstantledd", "Constant"];
pub(crate) const STANDARD_ERROR: Words = ["Standardfeil", "Standardfeil", "Standard error"];
pub(crate) const LOWER: Words = ["nedre", "nedre", "lower"];
pub(crate) const UPPER: Words = ["øvre", "øvre", "upper"];
pub(crate) const RESPONSE: Words = ["Avhengig variabel", "Avhengig variabel", "Dependent variable"];
pub(crate) const ROBUST: Words =
    ["Robuste standardfeil (HC1).", "Robuste standardfeil (HC1).", "Robust standard errors (HC1)."];
pub(crate) const CLUSTERED: Words =
    ["Standardfeil er klynget etter", "Standardfeil er klynga etter", "Standard errors are clustered by"];
pub(crate) const ROBUST_SHORT: Words = ["robuste", "robuste", "robust"];
pub(crate) const ROBUST_OR_CLUSTER: Words =
    ["Robuste eller klynget etter", "Robuste eller klynga etter", "Robust or clustered by"];
pub(crate) const ERRORS_IN_PARENTHESES: Words =
    ["Standardfeil i parentes.", "Standardfeil i parentes.", "Standard errors in parentheses."];
pub(crate) const CONTROLS: Words = ["Kontrollert for", "Kontrollert for", "Controlled for"];
pub(crate) const OMITTED: Words =
    ["Utelatt på grunn av kollinearitet", "Utelate på grunn av kollinearitet", "Omitted because of collinearity"];
pub(crate) const ROUNDED: Words = [
    "Tallene er avrundet, n til nærmeste ti.",
    "Tala er runda av, n til næraste ti.",
    "Numbers are rounded, n to the nearest ten.",
];
pub(crate) const STATISTIC: Words = ["Verdi", "Verdi", "Statistic"];
pub(crate) const FREEDOM: Words = ["Frihetsgrader", "Fridomsgrader", "Degrees of freedom"];
pub(crate) const TEST: Words = ["Test", "Test", "Test"];
pub(crate) const SOURCE: Words = ["Kilde", "Kjelde", "Source"];
pub(crate) const ALL: Words = ["Alle", "Alle", "All"];
pub(crate) const GROUP: Words = ["Gruppe", "Gruppe", "Group"];
pub(crate) const MEDIAN: Words = ["Median", "Median", "Median"];
pub(crate) const LOG_RANK: Words = ["Log-rank", "Log-rank", "Log-rank"];
pub(crate) const MIDPOINTS: Words = [
    "Antall under risiko og hendelser i kurven er midten av klasser på seks; kurven følger av dem.",
    "Talet under risiko og hendingar i kurva er midten av klassar på seks; kurva følgjer av dei.",
    "Numbers at risk and of events in the curve are middles of classes of six; the curve follows from them.",
];
pub(crate) const OUTER_BINS: Words = [
    "Verdier utenfor grensene står i de ytterste søylene. Få eller ingen personer er skjult.",
    "Verdiar utanfor grensene står i dei ytste søylene. Få eller ingen personar er skjult.",
    "Values outside the limits stand in the outermost bars. Few or no persons are hidden.",
];
pub(crate) const FEW_HEXAGONS: Words = [
    "Sekskanter med få eller ingen personer er ikke tegnet. Verdier utenfor grensene er flyttet til kanten.",
    "Sekskantar med få eller ingen personar er ikkje teikna. Verdiar utanfor grensene er flytte til kanten.",
    "Hexagons with few or no persons are not drawn. Values outside the limits are moved to the edge.",
];
pub(crate) const SAME_NUMBERS: Words =
    ["Tabellen viser de samme tallene.", "Tabellen viser dei same tala.", "The table shows the same numbers."];
pub(crate) const BY: Words = ["etter", "etter", "by"];
pub(crate) const AND: Words = ["og", "og", "and"];
pub(crate) const BAR_CHART: Words = ["Søylediagram", "Søylediagram", "Bar chart"];
pub(crate) const HISTOGRAM: Words = ["Histogram", "Histogram", "Histogram"];
pub(crate) const BOX_PLOT: Words = ["Boksplott", "Boksplott", "Box plot"];
pub(crate) const PIE_CHART: Words = ["Kakediagram", "Kakediagram", "Pie chart"];
pub(crate) const HEXBIN: Words = ["Sekskantdiagram", "Sekskantdiagram", "Hexagonal bin plot"];
pub(crate) const SANKEY: Words = ["Flytdiagram", "Flytdiagram", "Flow diagram"];
pub(crate) const COEFPLOT: Words = ["Koeffisientplott", "Koeffisientplott", "Coefficient plot"];
pub(crate) const SURVIVAL_CURVES: Words = ["Overlevelseskurver", "Overlevingskurver", "Survival curves"];
pub(crate) const FITTED_PARTS: Words = [
    "Glatt linje: Weibull. Trapp: Kaplan–Meier.",
    "Glatt linje: Weibull. Trapp: Kaplan–Meier.",
    "Smooth line: Weibull. Steps: Kaplan–Meier.",
];
pub(crate) const NORMAL_CURVE: Words = ["normalfordeling", "normalfordeling", "normal distribution"];
pub(crate) const BOX_PARTS: Words = [
    "Boks: P25, median, P75. Streker: P5 og P95.",
    "Boks: P25, median, P75. Strekar: P5 og P95.",
    "Box: P25, median, P75. Lines: P5 and P95.",
];
pub(crate) const OTHERS: Words = ["Andre", "Andre", "Others"];
pub(crate) const FLOWS_HIDDEN: Words =
    ["strømmer er skjult og ikke tegnet.", "straumar er skjulte og ikkje teikna.", "flows are hidden and not drawn."];
pub(crate) const COUNT_OF_PERSONS: Words = ["Antall personer", "Talet på personar", "Number of persons"];
pub(crate) const SHARE: Words = ["Prosent av alle", "Prosent av alle", "Per cent of all"];
pub(crate) const PERSONS: Words = ["personer", "personar", "persons"];
pub(crate) const AT_RISK: Words = ["Antall under risiko", "Talet under risiko", "Numbers at risk"];
pub(crate) const INTERVAL: Words = ["intervall", "intervall", "interval"];
pub(crate) const CLASS: Words = ["Klasse", "Klasse", "Class"];

/// The heading of the column of estimates.
pub(crate) fn effect(effect: Effect) -> Words {
    match effect {
        Effect::Coefficient => ["Koeffisient", "Koeffisient", "Coefficient"],
        Effect::Standardised => ["Standardisert koeffisient", "Standardisert koeffisient", "Standardised coefficient"],
        Effect::OddsRatio => ["Oddsratio", "Oddsratio", "Odds ratio"],
        Effect::RateRatio => ["Rateratio", "Rateratio", "Rate ratio"],
        Effect::HazardRatio => ["Hasardratio", "Hasardratio", "Hazard ratio"],
    }
}

/// What the height of a bar of a histogram shows.
pub(crate) fn scale(scale: Scale, language: Language) -> String {
    let words = match scale {
        Scale::Density => ["Tetthet", "Tettleik", "Density"],
        Scale::Count => ["Antall personer", "Talet på personar", "Number of persons"],
        Scale::Fraction => ["Andel", "Del", "Fraction"],
        Scale::Percent => ["Prosent", "Prosent", "Per cent"],
    };
    say(words, language).to_owned()
}

/// A measure, a test or a column of a table of tests; the name itself where it has no words.
pub(crate) fn measure(name: &str, language: Language) -> String {
    // `vif[age]`, `dydx[age]`: the word, and what it is of.
    if let Some((word, of)) = name.split_once('[') {
        return format!("{} [{of}", measure(word, language));
    }
    let words = match name {
        "r2" => ["R²", "R²", "R²"],
        "r2_adj" => ["Justert R²", "Justert R²", "Adjusted R²"],
        "r2_within" => ["R² innen", "R² innan", "R² within"],
        "r2_between" => ["R² mellom", "R² mellom", "R² between"],
        "r2_overall" => ["R² i alt", "R² i alt", "R² overall"],
        "pseudo_r2" => ["Pseudo-R²", "Pseudo-R²", "Pseudo R²"],
        "root_mse" => ["Residualt standardavvik", "Residualt standardavvik", "Root MSE"],
        "ll" => ["Log-likelihood", "Log-likelihood", "Log likelihood"],
        "ll_0" => ["Log-likelihood, nullmodell", "Log-likelihood, nullmodell", "Log likelihood, null model"],
        "aic" => ["AIC", "AIC", "AIC"],
        "bic" => ["BIC", "BIC", "BIC"],
        "lr_chi2" => ["LR χ²", "LR χ²", "LR χ²"],
        "wald_chi2" => ["Wald χ²", "Wald χ²", "Wald χ²"],
        "chi2" => ["χ²", "χ²", "χ²"],
        "concordance" => ["Konkordans", "Konkordans", "Concordance"],
        "events" => ["Hendelser", "Hendingar", "Events"],
        "units" => ["Enheter", "Einingar", "Units"],
        "at_risk" => ["Under risiko", "Under risiko", "At risk"],
        "survival" => ["Overlevelse", "Overleving", "Survival"],
        "shape" => ["Form", "Form", "Shape"],
        "scale" => ["Skala", "Skala", "Scale"],
        "shape_se" => ["Form, standardfeil", "Form, standardfeil", "Shape, standard error"],
        "scale_se" => ["Skala, standardfeil", "Skala, standardfeil", "Scale, standard error"],
        "vif" => ["VIF", "VIF", "VIF"],
        "tolerance" => ["Toleranse", "Toleranse", "Tolerance"],
        "het_bp" => ["Breusch–Pagan", "Breusch–Pagan", "Breusch–Pagan"],
        "het_iid" => ["Breusch–Pagan (Koenker)", "Breusch–Pagan (Koenker)", "Breusch–Pagan (Koenker)"],
        "het_fstat" => ["Breusch–Pagan (F)", "Breusch–Pagan (F)", "Breusch–Pagan (F)"],
        "ov" | "reset" => ["RESET (potens 2–3)", "RESET (potens 2–3)", "RESET (powers 2–3)"],
        "vif_mean" => ["VIF, gjennomsnitt", "VIF, gjennomsnitt", "VIF, mean"],
        "sigma_u" => {
            ["Standardavvik mellom enheter", "Standardavvik mellom einingar", "Standard deviation between units"]
        }
        "sigma_e" => ["Standardavvik innen enheter", "Standardavvik innan einingar", "Standard deviation within units"],
        "rho" => {
            ["Andel av variansen mellom enheter", "Del av variansen mellom einingar", "Share of variance between units"]
        }
        "occasions" => ["Tidspunkter", "Tidspunkt", "Occasions"],
        "T_avg" => ["Tidspunkter per enhet", "Tidspunkt per eining", "Occasions per unit"],
        "hausman" => ["Hausman χ²", "Hausman χ²", "Hausman χ²"],
        "b_fe" => ["Fast effekt", "Fast effekt", "Fixed effects"],
        "b_re" => ["Tilfeldig effekt", "Tilfeldig effekt", "Random effects"],
        "se_difference" => {
            ["Standardfeil for differansen", "Standardfeil for differansen", "Standard error of the difference"]
        }
        "durbin" => ["Durbin χ²", "Durbin χ²", "Durbin χ²"],
        "wu_hausman" => ["Wu–Hausman", "Wu–Hausman", "Wu–Hausman"],
        "robust_score" => ["Robust skåretest", "Robust skåretest", "Robust score test"],
        "robust_regression" => ["Robust regresjonstest", "Robust regresjonstest", "Robust regression test"],
        "sargan" => ["Sargan", "Sargan", "Sargan"],
        "basmann" | "basmann_f" => ["Basmann", "Basmann", "Basmann"],
        "anderson_rubin" => ["Anderson–Rubin", "Anderson–Rubin", "Anderson–Rubin"],
        "hansen" => ["Hansen J", "Hansen J", "Hansen J"],
        "mean" => ["Gjennomsnitt", "Gjennomsnitt", "Mean"],
        "estimate" => ["Estimat", "Estimat", "Estimate"],
        "icc" => ["Intraklassekorrelasjon", "Intraklassekorrelasjon", "Intraclass correlation"],
        "r" => ["Korrelasjon", "Korrelasjon", "Correlation"],
        "cov" => ["Kovarians", "Kovarians", "Covariance"],
        "ss" => ["Kvadratsum", "Kvadratsum", "Sum of squares"],
        "df" => FREEDOM,
        "ms" => ["Middelkvadrat", "Middelkvadrat", "Mean square"],
        "statistic" => STATISTIC,
        "diff" | "difference" => ["Differanse", "Differanse", "Difference"],
        "se" => STANDARD_ERROR,
        "lcl" => ["Nedre grense", "Nedre grense", "Lower limit"],
        "ucl" => ["Øvre grense", "Øvre grense", "Upper limit"],
        "h" => ["Båndbredde", "Bandbreidd", "Bandwidth"],
        "b_bandwidth" => ["Båndbredde, skjevhet", "Bandbreidd, skeivskap", "Bandwidth, bias"],
        "n_left" => ["n til venstre", "n til venstre", "n on the left"],
        "n_right" => ["n til høyre", "n til høgre", "n on the right"],
        "dydx" => ["dy/dx", "dy/dx", "dy/dx"],
        "effect" => ["Effekt", "Effekt", "Effect"],
        "margin" => ["Margin", "Margin", "Margin"],
        other => return other.to_owned(),
    };
    say(words, language).to_owned()
}

/// A row of a model that is no term but a part of the result, by the command that names it.
pub(crate) fn component(command: &str, name: &str) -> Option<Words> {
    Some(match (command, name) {
        ("oaxaca", "difference") => ["Forskjell", "Skilnad", "Difference"],
        ("oaxaca", "endowments") => ["Sammensetning", "Samansetjing", "Endowments"],
        ("oaxaca", "coefficients") => ["Koeffisienter", "Koeffisientar", "Coefficients"],
        ("oaxaca", "interaction") => ["Samspill", "Samspel", "Interaction"],
        ("oaxaca", "explained") => ["Forklart", "Forklart", "Explained"],
        ("oaxaca", "unexplained") => ["Uforklart", "Uforklart", "Unexplained"],
        ("rdd", "conventional") => ["Konvensjonell", "Konvensjonell", "Conventional"],
        ("rdd", "bias-corrected") => ["Rettet for skjevhet", "Retta for skeivskap", "Bias-corrected"],
        ("rdd", "robust") => ["Robust", "Robust", "Robust"],
        _ => return None,
    })
}

/// A row of a table of tests, where it is one that the commands themselves name.
pub(crate) fn row(name: &str) -> Option<Words> {
    Some(match name {
        "model" => ["Modell", "Modell", "Model"],
        "residual" => ["Residual", "Residual", "Residual"],
        "total" => ["I alt", "I alt", "Total"],
        "T_min" => ["Færrest for en enhet", "Færrast for ei eining", "Fewest of a unit"],
        "T_max" => ["Flest for en enhet", "Flest for ei eining", "Most of a unit"],
        _ => return None,
    })
}

/// A table of a result; its name itself where it has no words.
pub(crate) fn table(name: &str, language: Language) -> String {
    let words = match name {
        "margins" => ["Predikerte marginer", "Predikerte marginar", "Predicted margins"],
        "marginal_effects" => ["Marginale effekter", "Marginale effektar", "Marginal effects"],
        "vif" => ["Variansinflasjon", "Variansinflasjon", "Variance inflation"],
        "panel" => ["Tidspunkter per enhet", "Tidspunkt per eining", "Occasions per unit"],
        "heteroskedasticity" | "het" => ["Test av lik varians", "Test av lik varians", "Tests of equal variance"],
        "first_stage" => ["Første trinn", "Første trinn", "First stage"],
        "endogeneity" => ["Test av endogenitet", "Test av endogenitet", "Tests of endogeneity"],
        "overidentification" => {
            ["Test av overidentifikasjon", "Test av overidentifikasjon", "Tests of overidentification"]
        }
        "variances" => ["Varianskomponenter", "Varianskomponentar", "Variance components"],
        "key_figures" => ["Nøkkeltall", "Nøkkeltal", "Key figures"],
        "curves" => ["Overlevelseskurve", "Overlevingskurve", "Survival curve"],
        "posthoc" => [
            "Tukeys test av parvise forskjeller",
            "Tukeys test av parvise skilnader",
            "Tukey's test of pairwise differences",
        ],
        "anova" => ["Variansanalyse", "Variansanalyse", "Analysis of variance"],
        "normaltest" => ["Test av normalfordeling", "Test av normalfordeling", "Tests of normality"],
        "groups" => ["Grupper", "Grupper", "Groups"],
        "means" => ["Gjennomsnitt i gruppene", "Gjennomsnitt i gruppene", "Means of the groups"],
        "hausman" => ["Fast mot tilfeldig effekt", "Fast mot tilfeldig effekt", "Fixed against random effects"],
        "explained" => ["Forklart, per ledd", "Forklart, per ledd", "Explained, by term"],
        "unexplained" => ["Uforklart, per ledd", "Uforklart, per ledd", "Unexplained, by term"],
        "endowments" => ["Sammensetning, per ledd", "Samansetjing, per ledd", "Endowments, by term"],
        "coefficients" => ["Koeffisienter, per ledd", "Koeffisientar, per ledd", "Coefficients, by term"],
        "interaction" => ["Samspill, per ledd", "Samspel, per ledd", "Interaction, by term"],
        "components" => ["Komponenter", "Komponentar", "Components"],
        "details" => ["Per ledd", "Per ledd", "By term"],
        other => return other.replace('_', " "),
    };
    say(words, language).to_owned()
}
