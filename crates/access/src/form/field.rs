//! What a field of a form is: its type, its texts, who sees it, and its conditions.

use kernel::LangMap;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::Expr;

/// A field, or a part of one.
#[derive(Clone, Debug, Serialize)]
pub struct Field {
    /// Stable id, e.g. `pub.title`. A part of a field has its own name only, e.g. `reference` in `no.rek`.
    pub id: String,
    /// What it holds.
    #[serde(flatten)]
    pub kind: FieldKind,
    /// Label.
    pub label: LangMap,
    /// Help.
    pub help: LangMap,
    /// Who sees it after reception.
    pub audience: Audience,
    /// Names of the choices, in order; the units of a quantity.
    pub options: Vec<(String, LangMap)>,
    /// The parts of a group, of each row of a repeat, table or list of persons.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Field>,
    /// Fewest and most rows, members or files; none: no limit of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rows: Option<(usize, usize)>,
    /// What a new draft begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Never required: a page may keep it folded until it is asked for.
    pub optional: bool,
    /// Where the question comes from: articles of Regulation (EU) 2025/327, sections of the common form (CAF), `NO`.
    pub source: String,
    /// The part of `source` that is the Union's, for its message structure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eu_ref: Option<String>,
    /// Whether the value is about persons.
    pub privacy: Privacy,
    /// The version of the form in which the field came.
    pub since: String,
    /// When it must be filled in.
    pub required: Condition,
    /// When it is shown.
    pub visible: Condition,
    /// What its value must fulfil.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation: Option<Condition>,
}

/// What a field holds (ACC-021), with the form that its value has in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "limit", rename_all = "snake_case")]
pub enum FieldKind {
    /// A line of at most so many characters.
    Text(usize),
    /// Lines of at most so many characters.
    Longtext(usize),
    /// A whole number.
    Integer,
    /// A number.
    Decimal,
    /// A number with a unit, one of the options: `{amount, unit}`.
    Quantity,
    /// Yes or no.
    Boolean,
    /// A statement to agree with.
    Confirm,
    /// Several statements to agree with.
    ConfirmList,
    /// One option.
    Choice,
    /// Several options; any texts when the field lists none.
    Multichoice,
    /// A code of a list that the installation has; any text when the field lists none.
    Code,
    /// A country, ISO 3166-1 alpha-2.
    Country,
    /// A language, ISO 639-1.
    Language,
    /// A day.
    Date,
    /// First and last day: `{from, to}`.
    DateRange,
    /// First and last day for each collection: `{collection: {from, to}}`.
    PeriodList,
    /// E-mail address.
    Email,
    /// Telephone number in international form (E.164): `+4712345678`.
    Phone,
    /// Postal address: `{street, code, town, country}`.
    Address,
    /// Organisation number.
    Orgnr,
    /// An organisation: `{name, id, country}`; `id` is the organisation number in Norway.
    Organisation,
    /// Organisations.
    OrganisationList,
    /// A person by e-mail address.
    Person,
    /// Persons: rows with the parts of the field.
    PersonList,
    /// A file: `{id, name, size}`, and `dated` where the day of the document counts.
    File,
    /// Files.
    FileList,
    /// Parts that belong together: an object.
    Group,
    /// Rows of parts: a list of objects.
    Repeat,
    /// Rows of parts that describe tables to be made: a list of objects.
    Table,
    /// The options in an order of one's own.
    OrderedList,
    /// A population expression.
    Criteria,
    /// The cart.
    VariableCart,
    /// Catalogue variables by id.
    VariableList,
    /// A permit by its id.
    PermitRef,
    /// A decision by its number.
    DecisionRef,
    /// Another row of the same field, by its number from 1.
    Reference,
    /// The signature of whoever submits; bound to the content by the submission itself.
    Signature,
    /// Follows from other fields.
    Computed,
    /// A text that asks nothing.
    Info,
}

impl FieldKind {
    /// Whether a person writes a value into it.
    pub const fn is_written(self) -> bool {
        !matches!(self, Self::VariableCart | Self::Computed | Self::Info)
    }

    /// Whether its value is a list of rows that have parts.
    pub const fn has_rows(self) -> bool {
        matches!(self, Self::Repeat | Self::Table | Self::PersonList)
    }
}

/// Who sees a field after reception.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Audience {
    /// Everybody.
    #[serde(rename = "P")]
    Public,
    /// Parties and staff of the case.
    #[serde(rename = "I")]
    Parties,
    /// Case handler, decision maker and finance.
    #[serde(rename = "R")]
    Staff,
}

/// Whether a value is about persons.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Privacy {
    /// It is not.
    None,
    /// It names a person or how to reach one.
    Personal,
}

impl Privacy {
    pub(super) const fn of(kind: FieldKind) -> Self {
        use FieldKind::{Address, Email, Person, PersonList, Phone, Signature};
        if matches!(kind, Email | Phone | Address | Person | PersonList | Signature) {
            Self::Personal
        } else {
            Self::None
        }
    }
}

/// A condition: its text and what it parses to.
#[derive(Clone, Debug)]
pub struct Condition {
    /// As written.
    pub text: String,
    pub(crate) expr: Expr,
}

impl Serialize for Condition {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}
