//! The message in which applications travel between access bodies of the Union (ACC-028): sections, and in each the
//! fields that the common form knows, with their value; the country stands with the population, which is asked for each.

use serde_json::{Value, json};

use crate::content::Content;

/// Section of the common form that is repeated for each country.
const REPEATED: &str = "CAF 6";

/// The message of an application as handed in. Norwegian additions stay at home.
pub fn eu_message(content: &Content) -> Value {
    let sections = content.form().sections.iter().filter_map(|section| {
        let field = |field: &super::Field| {
            let eu_ref = field.eu_ref.as_deref()?;
            let value = match field.id.as_str() {
                "cart.items" => json!(content.items.iter().map(|item| &item.order.variable).collect::<Vec<_>>()),
                id => content.fields.get(id)?.clone(),
            };
            let mut told = json!({"id": field.id, "ref": eu_ref, "value": value});
            if eu_ref.contains(REPEATED) {
                told["country"] = json!("NO");
            }
            Some(told)
        };
        let fields: Vec<Value> = section.fields.iter().filter_map(field).collect();
        (!fields.is_empty()).then(|| json!({"section": section.id, "fields": fields}))
    });
    json!({
        "form": content.form, "version": content.form_version, "sections": sections.collect::<Vec<_>>(),
    })
}
