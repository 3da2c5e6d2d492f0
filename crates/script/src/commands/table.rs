//! The rows of the command table, in the order of the specification.

use super::options::*;
use super::{CommandSpec, OptionSpec, Part, Shape};
use Part::{Dataset, List, NewDataset, NewVariable, Prefix, Variable};

const MANY: usize = usize::MAX;

const fn command(word: &'static str, shape: Shape, about: [&'static str; 3]) -> CommandSpec {
    CommandSpec {
        word,
        shape,
        condition: false,
        options: &[],
        exclusive: &[],
        required: &[],
        available: false,
        extension: false,
        about,
    }
}

const fn names(parts: &'static [Part], least: usize, most: usize) -> Shape {
    Shape::Names { parts, least, most }
}

const fn model(least: usize, by: usize) -> Shape {
    Shape::Model { least, by }
}

impl CommandSpec {
    /// `if` may follow.
    const fn filtered(mut self) -> Self {
        self.condition = true;
        self
    }
    const fn options(mut self, options: &'static [OptionSpec]) -> Self {
        self.options = options;
        self
    }
    const fn one_of(mut self, exclusive: &'static [&'static [&'static str]]) -> Self {
        self.exclusive = exclusive;
        self
    }
    const fn needs(mut self, required: &'static [&'static str]) -> Self {
        self.required = required;
        self
    }
    /// Executable now.
    const fn ready(mut self) -> Self {
        self.available = true;
        self
    }
    const fn own(mut self) -> Self {
        self.extension = true;
        self
    }
}

const ROBUST_OR_CLUSTER: &[&[&str]] = &[&["robust", "cluster"]];
const PANEL_KINDS: &[&[&str]] = &[&["fe", "re", "be", "pooled"], &["robust", "cluster"]];
const ESTIMATORS: &[&[&str]] = &[&["tsls", "liml", "gmm"], &["robust", "cluster"], &["endog", "liml", "gmm"]];

/// All commands. One row per line: the table is read across.
#[rustfmt::skip]
pub static COMMANDS: &[CommandSpec] = &[
    // 8.1 Store and datasets
    command("require", Shape::Require, ["Kobler til en versjon av et datalager.", "Koplar til ein versjon av eit datalager.", "Connects a version of a store."]).ready(),
    command("create-dataset", names(&[NewDataset], 1, 1), ["Lager et tomt datasett og gjør det aktivt.", "Lagar eit tomt datasett og gjer det aktivt.", "Makes an empty dataset and activates it."]).ready(),
    command("delete-dataset", names(&[Dataset], 1, 1), ["Sletter et datasett.", "Slettar eit datasett.", "Removes a dataset."]).ready(),
    command("use", names(&[Dataset], 1, 1), ["Gjør et datasett aktivt.", "Gjer eit datasett aktivt.", "Activates a dataset."]).ready(),
    command("clone-dataset", names(&[Dataset, NewDataset], 2, 2), ["Kopierer et datasett.", "Kopierer eit datasett.", "Copies a dataset."]).ready(),
    command("clone-units", names(&[Dataset, NewDataset], 2, 2), ["Kopierer enhetene i et datasett, uten variabler.", "Kopierer einingane i eit datasett, utan variablar.", "Copies the units of a dataset, without variables."]).ready(),
    command("rename-dataset", names(&[Dataset, NewDataset], 2, 2), ["Gir et datasett nytt navn.", "Gir eit datasett nytt namn.", "Renames a dataset."]).ready(),
    command("reshape-to-panel", names(&[Prefix], 1, MANY), ["Gjør brede data til paneldata.", "Gjer breie data til paneldata.", "Turns wide data into panel data."]).ready(),
    command("reshape-from-panel", Shape::Empty, ["Gjør paneldata til brede data.", "Gjer paneldata til breie data.", "Turns panel data into wide data."]).ready(),
    // 8.2 Import
    command("import", Shape::Import, ["Henter en registervariabel inn i det aktive datasettet.", "Hentar ein registervariabel inn i det aktive datasettet.", "Reads a register variable into the active dataset."]).options(IMPORT).ready(),
    command("import-event", Shape::ImportEvent, ["Henter forløp i et tidsrom.", "Hentar forløp i eit tidsrom.", "Reads the spells of an interval."]).ready(),
    command("import-panel", Shape::ImportPanel, ["Henter variabler på flere tidspunkter.", "Hentar variablar på fleire tidspunkt.", "Reads variables at several times."]).options(IMPORT_PANEL).ready(),
    // 8.3 Shaping variables and units
    command("generate", Shape::Assign, ["Lager en ny variabel.", "Lagar ein ny variabel.", "Makes a new variable."]).filtered().ready(),
    command("replace", Shape::Assign, ["Gir en variabel nye verdier.", "Gir ein variabel nye verdiar.", "Gives a variable new values."]).filtered().ready(),
    command("rename", names(&[Variable, NewVariable], 2, 2), ["Gir en variabel nytt navn.", "Gir ein variabel nytt namn.", "Renames a variable."]).ready(),
    command("clone-variables", Shape::Pairs, ["Kopierer variabler.", "Kopierer variablar.", "Copies variables."]).options(CLONE_VARIABLES).ready(),
    command("drop", Shape::DropKeep, ["Fjerner variabler, eller enheter som oppfyller et vilkår.", "Fjernar variablar, eller einingar som oppfyller eit vilkår.", "Removes variables, or units that meet a condition."]).ready(),
    command("keep", Shape::DropKeep, ["Beholder bare disse variablene, eller enheter som oppfyller et vilkår.", "Beheld berre desse variablane, eller einingar som oppfyller eit vilkår.", "Keeps only these variables, or units that meet a condition."]).ready(),
    command("aggregate", Shape::Groups { arrow: true }, ["Legger gruppens verdi på hver rad.", "Legg verdien til gruppa på kvar rad.", "Adds a value of the group to every row."]).options(BY).needs(&["by"]).ready(),
    command("collapse", Shape::Groups { arrow: false }, ["Lager én rad per gruppe.", "Lagar éi rad per gruppe.", "Makes one row per group."]).options(BY).needs(&["by"]).ready(),
    command("merge", Shape::Merge, ["Kopierer variabler til et annet datasett.", "Kopierer variablar til eit anna datasett.", "Copies variables to another dataset."]).ready(),
    command("recode", Shape::Recode, ["Koder om verdier.", "Kodar om verdiar.", "Gives values new codes."]).filtered().options(RECODE).one_of(&[&["prefix", "generate"]]).ready(),
    command("destring", names(&[Variable], 1, MANY), ["Gjør tekst til tall.", "Gjer tekst til tal.", "Turns text into numbers."]).options(DESTRING).ready(),
    command("sample", Shape::Sample, ["Trekker et utvalg av enhetene.", "Trekkjer eit utval av einingane.", "Draws a sample of the units."]).ready(),
    // 8.4 Code lists
    command("define-labels", Shape::Labels, ["Lager en kodeliste.", "Lagar ei kodeliste.", "Makes a code list."]).ready(),
    command("assign-labels", names(&[Variable, List], 2, 2), ["Gir en variabel en kodeliste.", "Gir ein variabel ei kodeliste.", "Gives a variable a code list."]).ready(),
    command("drop-labels", names(&[List], 1, MANY), ["Sletter kodelister.", "Slettar kodelister.", "Removes code lists."]).ready(),
    command("list-labels", Shape::ListLabels, ["Viser en kodeliste.", "Viser ei kodeliste.", "Shows a code list."]).ready(),
    // 8.5 Bindings, blocks
    command("let", Shape::Block, ["Gir et navn til en konstant.", "Gir namn til ein konstant.", "Names a constant."]).ready(),
    command("for", Shape::Block, ["Gjentar linjene fram til end.", "Gjentek linjene fram til end.", "Repeats the lines up to end."]).ready(),
    command("end", Shape::Block, ["Slutten på for.", "Slutten på for.", "Ends a for."]).ready(),
    command("textblock", Shape::Block, ["Tekst som vises, skrevet i Markdown.", "Tekst som blir vist, skriven i Markdown.", "Text that is shown, in Markdown."]).ready(),
    command("endblock", Shape::Block, ["Slutten på textblock.", "Slutten på textblock.", "Ends a textblock."]).ready(),
    // 8.6 Descriptive statistics
    command("summarize", names(&[Variable], 0, MANY), ["Gjennomsnitt, spredning og prosentiler.", "Gjennomsnitt, spreiing og prosentilar.", "Mean, spread and percentiles."]).filtered().options(SUMMARIZE).ready(),
    command("summarize-panel", names(&[Variable], 1, MANY), ["Som summarize, per tidspunkt.", "Som summarize, per tidspunkt.", "As summarize, per occasion."]).filtered().options(SUMMARIZE).ready(),
    command("tabulate", names(&[Variable], 1, 6), ["Tabell over antall, andeler eller statistikk.", "Tabell over tal, delar eller statistikk.", "Table of counts, shares or statistics."]).filtered().options(TABULATE).ready(),
    command("tabulate-panel", names(&[Variable], 1, 5), ["Som tabulate, med tidspunkt som kolonner.", "Som tabulate, med tidspunkt som kolonnar.", "As tabulate, with occasions as columns."]).filtered().options(TABULATE_PANEL).ready(),
    command("correlate", names(&[Variable], 0, MANY), ["Korrelasjoner.", "Korrelasjonar.", "Correlations."]).filtered().options(CORRELATE).ready(),
    command("ci", names(&[Variable], 1, MANY), ["Konfidensintervall for gjennomsnitt.", "Konfidensintervall for gjennomsnitt.", "Confidence intervals of means."]).options(CI).ready(),
    command("anova", model(1, 0), ["Variansanalyse.", "Variansanalyse.", "Analysis of variance."]).filtered().options(ANOVA).ready(),
    command("normaltest", names(&[Variable], 0, MANY), ["Tester for normalfordeling.", "Testar for normalfordeling.", "Tests of normality."]).filtered().ready(),
    command("transitions-panel", names(&[Variable], 1, MANY), ["Overganger mellom tidspunkter.", "Overgangar mellom tidspunkt.", "Transitions between occasions."]).filtered().ready(),
    // 8.7 Figures
    command("barchart", Shape::Chart, ["Søylediagram.", "Søylediagram.", "Bar chart."]).filtered().options(BARCHART).ready(),
    command("boxplot", names(&[Variable], 1, MANY), ["Boksplott.", "Boksplott.", "Box plot."]).filtered().options(BOXPLOT).ready(),
    command("piechart", names(&[Variable], 1, 1), ["Kakediagram.", "Kakediagram.", "Pie chart."]).filtered().ready(),
    command("histogram", names(&[Variable], 1, 1), ["Histogram.", "Histogram.", "Histogram."]).filtered().options(HISTOGRAM).one_of(&[&["density", "freq", "fraction", "percent"], &["bin", "width", "discrete"]]).ready(),
    command("hexbin", names(&[Variable], 2, 2), ["Tetthet av to variabler.", "Tettleik av to variablar.", "Density of two variables."]).filtered().options(HEXBIN).ready(),
    command("sankey", names(&[Variable], 2, MANY), ["Strømmer mellom kategorier.", "Straumar mellom kategoriar.", "Flows between categories."]).filtered().ready(),
    command("coefplot", Shape::Plot, ["Figur av koeffisientene i en modell.", "Figur av koeffisientane i ein modell.", "Figure of the coefficients of a model."]).ready(),
    // 8.8 Regression models
    command("regress", model(1, 0), ["Lineær regresjon.", "Lineær regresjon.", "Linear regression."]).filtered().options(REGRESS).one_of(ROBUST_OR_CLUSTER).ready(),
    command("logit", model(1, 0), ["Logistisk regresjon.", "Logistisk regresjon.", "Logistic regression."]).filtered().options(LOGIT).one_of(ROBUST_OR_CLUSTER).ready(),
    command("probit", model(1, 0), ["Probitregresjon.", "Probitregresjon.", "Probit regression."]).filtered().options(PROBIT).one_of(ROBUST_OR_CLUSTER).ready(),
    command("mlogit", model(1, 0), ["Multinomisk logistisk regresjon.", "Multinomisk logistisk regresjon.", "Multinomial logistic regression."]).filtered().options(MLOGIT).one_of(ROBUST_OR_CLUSTER).ready(),
    command("poisson", model(1, 0), ["Poissonregresjon.", "Poissonregresjon.", "Poisson regression."]).filtered().options(COUNTS).one_of(ROBUST_OR_CLUSTER).ready(),
    command("negative-binomial", model(1, 0), ["Negativ binomisk regresjon.", "Negativ binomisk regresjon.", "Negative binomial regression."]).filtered().options(COUNTS).one_of(ROBUST_OR_CLUSTER).ready(),
    command("ivregress", Shape::IvModel, ["Regresjon med instrumenter.", "Regresjon med instrument.", "Regression with instruments."]).filtered().options(IVREGRESS).one_of(ESTIMATORS).ready(),
    command("regress-panel", model(1, 0), ["Panelregresjon.", "Panelregresjon.", "Panel regression."]).filtered().options(PANEL).one_of(PANEL_KINDS).ready(),
    command("regress-panel-diff", model(2, 0), ["Differanse i differanser.", "Differanse i differansar.", "Difference in differences."]).filtered().options(PANEL_DIFF).one_of(ROBUST_OR_CLUSTER).ready(),
    command("hausman", model(1, 0), ["Hausmantest av fast mot tilfeldig effekt.", "Hausmantest av fast mot tilfeldig effekt.", "Hausman test of fixed against random effects."]).filtered().options(HAUSMAN).one_of(&[&["sigmamore", "sigmaless"]]).ready(),
    command("oaxaca", model(1, 1), ["Oaxaca–Blinder-dekomponering.", "Oaxaca–Blinder-dekomponering.", "Oaxaca–Blinder decomposition."]).filtered().options(OAXACA).ready(),
    command("regress-mml", model(1, 2), ["Flernivåregresjon.", "Fleirnivåregresjon.", "Multilevel regression."]).filtered().options(MML).ready(),
    command("rdd", model(1, 0), ["Regresjonsdiskontinuitet.", "Regresjonsdiskontinuitet.", "Regression discontinuity."]).filtered().options(RDD).ready(),
    command("regress-predict", model(1, 0), ["Prediksjoner av en lineær regresjon.", "Prediksjonar av ein lineær regresjon.", "Predictions of a linear regression."]).filtered().options(REGRESS_PREDICT).ready(),
    command("logit-predict", model(1, 0), ["Prediksjoner av en logistisk regresjon.", "Prediksjonar av ein logistisk regresjon.", "Predictions of a logistic regression."]).filtered().options(LOGIT_PREDICT).ready(),
    command("probit-predict", model(1, 0), ["Prediksjoner av en probitregresjon.", "Prediksjonar av ein probitregresjon.", "Predictions of a probit regression."]).filtered().options(PROBIT_PREDICT).ready(),
    command("mlogit-predict", model(1, 0), ["Prediksjoner av en multinomisk regresjon.", "Prediksjonar av ein multinomisk regresjon.", "Predictions of a multinomial regression."]).filtered().options(PROBIT_PREDICT).ready(),
    command("poisson-predict", model(1, 0), ["Prediksjoner av en poissonregresjon.", "Prediksjonar av ein poissonregresjon.", "Predictions of a Poisson regression."]).filtered().options(COUNTS_PREDICT).ready(),
    command("negative-binomial-predict", model(1, 0), ["Prediksjoner av en negativ binomisk regresjon.", "Prediksjonar av ein negativ binomisk regresjon.", "Predictions of a negative binomial regression."]).filtered().options(COUNTS_PREDICT).ready(),
    command("ivregress-predict", Shape::IvModel, ["Prediksjoner av en regresjon med instrumenter.", "Prediksjonar av ein regresjon med instrument.", "Predictions of a regression with instruments."]).filtered().options(IV_PREDICT).one_of(&[&["tsls", "liml", "gmm"]]).ready(),
    command("regress-panel-predict", model(1, 0), ["Prediksjoner av en panelregresjon.", "Prediksjonar av ein panelregresjon.", "Predictions of a panel regression."]).filtered().options(PANEL_PREDICT).one_of(&[&["fe", "re", "be", "pooled"], &["effects", "pooled"], &["effects", "be"]]).ready(),
    command("regress-mml-predict", model(1, 2), ["Prediksjoner av en flernivåregresjon.", "Prediksjonar av ein fleirnivåregresjon.", "Predictions of a multilevel regression."]).filtered().options(MML_PREDICT).ready(),
    // 8.9 Survival
    command("kaplan-meier", names(&[Variable], 2, 2), ["Overlevelseskurver.", "Overlevingskurver.", "Survival curves."]).filtered().options(SURVIVAL).ready(),
    command("weibull", names(&[Variable], 2, 2), ["Weibullmodell for overlevelse.", "Weibullmodell for overleving.", "Weibull survival model."]).filtered().options(SURVIVAL).ready(),
    command("cox", model(2, 0), ["Coxregresjon.", "Coxregresjon.", "Cox regression."]).filtered().options(COX).ready(),
    // 8.10 Support
    command("help", Shape::Help, ["Hjelp om en kommando.", "Hjelp om ein kommando.", "Help about a command."]).ready(),
    command("help-function", Shape::Words { least: 0, most: 1 }, ["Hjelp om en funksjon.", "Hjelp om ein funksjon.", "Help about a function."]).ready(),
    command("history", Shape::Empty, ["Setningene til nå.", "Setningane til no.", "The statements so far."]).ready(),
    command("variables", Shape::Registers, ["Lister registervariabler.", "Listar registervariablar.", "Lists register variables."]).ready(),
    command("clear", Shape::Empty, ["Fjerner alt i økten.", "Fjernar alt i økta.", "Removes everything of the session."]).ready(),
    command("load", Shape::Words { least: 1, most: 1 }, ["Henter et lagret skript.", "Hentar eit lagra skript.", "Loads a saved script."]).ready(),
    command("save", Shape::Words { least: 0, most: 1 }, ["Lagrer økten som skript.", "Lagrar økta som skript.", "Saves the session as a script."]).options(SAVE).ready(),
    command("edit", Shape::Empty, ["Åpner det aktive skriptet.", "Opnar det aktive skriptet.", "Opens the active script."]).ready(),
    command("configure", Shape::Words { least: 1, most: MANY }, ["Innstillinger for økten.", "Innstillingar for økta.", "Settings of the session."]).ready(),
    // 12 Beyond microdata.no
    command("param", Shape::Block, ["En konstant som gis utenfra.", "Ein konstant som blir gitt utanfrå.", "A constant given from outside."]).own().ready(),
    command("export", Shape::Words { least: 0, most: MANY }, ["Skriver frigitte resultater til fil.", "Skriv frigitte resultat til fil.", "Writes released results to a file."]).options(EXPORT).needs(&["format"]).own().ready(),
    command("harmonise", names(&[Variable], 1, 1), ["Oversetter koder mellom tidspunkter.", "Omset kodar mellom tidspunkt.", "Translates codes between times."]).options(HARMONISE).needs(&["from", "to"]).own().ready(),
    command("assert", Shape::Assertion, ["Krever at et vilkår om metadata holder.", "Krev at eit vilkår om metadata held.", "Demands that a condition on metadata holds."]).options(ASSERT).own().ready(),
    command("link", Shape::Link, ["Henter variabler fra et annet datasett.", "Hentar variablar frå eit anna datasett.", "Brings variables from another dataset."]).own().ready(),
];
