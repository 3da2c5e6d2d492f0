//! What the fields of forms are called, and what codes in them mean, in the reader's language: for the error page, which
//! shows again what somebody wrote and has nothing but names and values to go by.
//!
//! A name is one of the application's field ids (`pub.title`, parts after dots: `proc.persons.0.email`), or it says before
//! its first dot what is asked and behind it about what: `part.npr`, `reason.N-3`, `question.pub.title`.

use access::form::{self, Field};
use access::rules::{PROFILE_EHDS, PROFILE_NO, criteria};
use kernel::Language;

use crate::texts::{known, text, text_with};

/// The forms that cases are written in, the one with most fields first.
const FORMS: [&str; 4] = [form::PERSON_LEVEL, form::STATISTICS, form::CHANGE, form::APPEAL];

/// Names fields in one language.
pub(crate) struct Naming<'a> {
    pub(crate) language: Language,
    /// What people call the source, collection or variable with this id.
    pub(crate) called: &'a dyn Fn(&str) -> Option<String>,
}

impl Naming<'_> {
    /// What a field is called on the page it came from; its name as it is where it has no other.
    pub(crate) fn field(&self, name: &str) -> String {
        if let Some(label) = self.of_form(name) {
            return label;
        }
        let (asked, about) = name.split_once('.').unwrap_or((name, ""));
        let whole = |key: &str| text_with(self.language, key, &[("source", &self.about(about))]);
        let key = match (asked, about) {
            ("hearing", "on") => "input-heard-on",
            ("hearing", "statement" | "why") => "input-heard-what",
            ("reason" | "source-reason", _) => "case-reason",
            ("question", _) => "case-question",
            ("phrase", _) => "ask-phrase",
            ("answer", _) => "apply-your-answer",
            ("part" | "outcome" | "source-outcome", _) => "case-outcome",
            ("removed", _) => "case-remove",
            ("variable", _) => "case-deliverable",
            ("why", _) => "case-deliverable-why",
            ("case_hours", _) => "case-hours-case",
            ("preparation_hours", _) => "case-hours-preparation",
            ("hours", "") => "case-task-hours",
            ("hours", _) => return whole("case-hours-source"),
            ("without", _) => return whole("case-without-statement"),
            ("delivery_days", _) => "case-task-days",
            ("quality", _) => "case-quality",
            ("statement", _) => "case-statement",
            ("max_persons", _) => "case-most-persons",
            ("valid_from" | "valid_to" | "delete_by", _) => &key("case-day", asked),
            _ => &key("input", asked),
        };
        let Some(label) = known(self.language, key) else { return name.to_owned() };
        if about.is_empty() { label } else { format!("{}: {label}", self.about(about)) }
    }

    /// What a value means that was chosen and not written; none for what was written.
    pub(crate) fn choice(&self, name: &str, value: &str) -> Option<String> {
        let (asked, _) = name.split_once('.').unwrap_or((name, ""));
        let option =
            |field: &Field| field.options.iter().find(|(code, _)| code == value).map(|(_, words)| words.clone());
        if let Some(words) = field_of(name).and_then(option) {
            return Some(words.text(self.language).to_owned());
        }
        match asked {
            "removed" | "source" | "sources" | "on_behalf_of" => (self.called)(value),
            "outcome" | "source-outcome" => known(self.language, &key("criterion", value))
                .or_else(|| known(self.language, &key("appeal-outcome", value))),
            "part" => known(self.language, &key("outcome", value)),
            "variable" => known(self.language, &key("deliverable", value)),
            _ => known(self.language, &key(&key("choice", asked), value)),
        }
    }

    /// A field of the application, or a part of one.
    fn of_form(&self, name: &str) -> Option<String> {
        let own = |field: &Field| field.label.text(self.language).to_owned();
        if let Some(field) = field_of(name) {
            return Some(own(field));
        }
        // `cart.items.npr.somatikk.innDato.role`
        if let Some((variable, part)) = name.strip_prefix("cart.items.").and_then(|rest| rest.rsplit_once('.')) {
            let field = field_of(&format!("cart.items[].{part}"))?;
            return Some(format!("{}: {}", self.about(variable), own(field)));
        }
        if let Some(part) = name.strip_prefix("bulk.") {
            return field_of(&format!("cart.items[].{part}")).map(own);
        }
        let dots = name.char_indices().rev().filter(|(_, c)| *c == '.');
        dots.map(|(at, _)| (&name[..at], &name[at + 1..]))
            .find_map(|(whole, inside)| Some(format!("{}: {}", own(field_of(whole)?), self.inside(whole, inside))))
    }

    /// The place inside a field: `0.email`, `from`, `npr.somatikk.to`.
    fn inside(&self, whole: &str, inside: &str) -> String {
        let (before, last) = inside.rsplit_once('.').unwrap_or(("", inside));
        let part = field_of(whole).and_then(|field| field.parts.iter().find(|part| part.id == last));
        let word = match last {
            "from" | "to" => Some(text(self.language, last)),
            _ => part.map(|part| part.label.text(self.language).to_owned()),
        };
        let Some(word) = word.or_else(|| known(self.language, &key("part", last))) else { return self.about(inside) };
        match before.parse::<u32>() {
            _ if before.is_empty() => word,
            Ok(row) => format!("{} {word}", row.saturating_add(1)),
            Err(_) => format!("{} {word}", self.about(before)),
        }
    }

    /// What a question is about: a source, a variable, a field, a criterion, a source under a criterion.
    fn about(&self, id: &str) -> String {
        if let Some(name) = (self.called)(id).or_else(|| self.of_form(id)).or_else(|| self.criterion(id)) {
            return name;
        }
        let both = id.split_once('.').and_then(|(criterion, source)| Some((self.criterion(criterion)?, source)));
        both.map_or_else(|| id.to_owned(), |(criterion, source)| format!("{criterion}, {}", self.about(source)))
    }

    fn criterion(&self, id: &str) -> Option<String> {
        let all = [PROFILE_NO, PROFILE_EHDS].into_iter().flat_map(criteria);
        let title = all.into_iter().find(|criterion| criterion.id == id)?.title.text(self.language);
        Some(format!("{id} {title}"))
    }
}

fn field_of(id: &str) -> Option<&'static Field> {
    FORMS.into_iter().find_map(|form| form::latest(form).field(id))
}

fn key(group: &str, value: &str) -> String {
    format!("{group}-{}", value.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn called(id: &str) -> Option<String> {
        match id {
            "npr" => Some("Norsk pasientregister".to_owned()),
            "npr.somatikk" => Some("Norsk pasientregister: Somatikk".to_owned()),
            "npr.somatikk.innDato" => Some("Innleggelsesdato".to_owned()),
            _ => None,
        }
    }

    /// ACC-006, ACC-029: what somebody wrote comes back under the words of the page it was written on.
    #[test]
    fn fields_are_called_as_on_their_page() {
        let nb = Naming { language: Language::Nb, called: &called };
        let title = criteria(PROFILE_NO)[0].title.text(Language::Nb);
        let first = &criteria(PROFILE_NO)[0].id;
        for (name, words) in [
            ("reason", "Begrunnelse".to_owned()),
            ("part.npr", "Norsk pasientregister: Utfall".to_owned()),
            ("reason.npr", "Norsk pasientregister: Begrunnelse".to_owned()),
            ("removed.npr", "Norsk pasientregister: Ta ut".to_owned()),
            ("hours.npr", "Timer hos Norsk pasientregister".to_owned()),
            ("without.npr", "Norsk pasientregister har ikke svart. Hvorfor gå videre uten svar?".to_owned()),
            ("variable.npr.somatikk.innDato", "Innleggelsesdato: Kan den utleveres?".to_owned()),
            (&format!("reason.{first}"), format!("{first} {title}: Begrunnelse")),
            (&format!("source-reason.{first}.npr"), format!("{first} {title}, Norsk pasientregister: Begrunnelse")),
            ("pub.title", "Prosjektets tittel".to_owned()),
            ("question.pub.title", "Prosjektets tittel: Spørsmål til søker".to_owned()),
            ("cart.items.npr.somatikk.innDato.role", "Innleggelsesdato: Rolle i prosjektet".to_owned()),
            (
                "cart.periods.npr.somatikk.to",
                "Tidsperiode per datasamling: Norsk pasientregister: Somatikk Til".to_owned(),
            ),
            ("app.address.street", "Postadresse: Gateadresse".to_owned()),
            ("what.nobody.knows", "what.nobody.knows".to_owned()),
        ] {
            assert_eq!(nb.field(name), words, "{name}");
        }
        for language in Language::ALL {
            let naming = Naming { language, called: &called };
            for form in FORMS {
                for field in form::latest(form).fields().filter(|field| !field.id.contains("[]")) {
                    assert_ne!(naming.field(&field.id), field.id, "{language}");
                }
            }
        }
    }

    #[test]
    fn choices_are_told_in_words() {
        let nn = Naming { language: Language::Nn, called: &called };
        for (name, value) in [
            ("part.npr", "granted_in_part"),
            ("outcome.N-1", "met"),
            ("removed.npr", "npr.somatikk.innDato"),
            ("track", "trusted_holder"),
            ("pub.purposes", "e"),
            ("variable.npr.somatikk.innDato", "not_collected"),
        ] {
            let words = nn.choice(name, value);
            assert!(words.as_ref().is_some_and(|words| words != value), "{name}: {words:?}");
        }
        assert_eq!(nn.choice("reason.npr", "for mange"), None);
    }
}
