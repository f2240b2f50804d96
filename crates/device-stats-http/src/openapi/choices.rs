//! Parameters whose value is one of a few words, or a list of such words.

use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ArrayItems, Object, Schema};
use utoipa::openapi::{OpenApi, RefOr};

use crate::extract::{IF_EMPTY_NAME, IF_EMPTY_WORDS, INCLUDE_WORDS, ON_FAULT_WORDS, PRECISION_WORDS};
use crate::routes::{
    AUDIT_ORDER_WORDS, FORMAT_WORDS, STATE_WORDS, WEEK_START_WORDS, audit_actions, series_statistic_names,
    statistic_names,
};

/// Adds the words to the schemas of the parameters.
pub(super) fn add(document: &mut OpenApi) {
    let choices = [
        ("stats", statistic_names()),
        ("include", INCLUDE_WORDS.to_vec()),
        (IF_EMPTY_NAME, IF_EMPTY_WORDS.to_vec()),
        ("precision", PRECISION_WORDS.to_vec()),
        ("on_fault", ON_FAULT_WORDS.to_vec()),
        ("state", STATE_WORDS.to_vec()),
        ("week_start", WEEK_START_WORDS.to_vec()),
        ("format", FORMAT_WORDS.to_vec()),
        ("order", AUDIT_ORDER_WORDS.map(|(word, _)| word).to_vec()),
        ("action", audit_actions()),
    ];
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.delete];
        for operation in operations.into_iter().flatten() {
            for (parameter, words) in &choices {
                add_to(operation, parameter, words);
            }
            if operation.operation_id.as_deref().is_some_and(|id| id.ends_with("_series")) {
                add_to(operation, "stats", &series_statistic_names());
            }
        }
    }
}

fn add_to(operation: &mut Operation, parameter: &str, words: &[&str]) {
    for found in operation.parameters.iter_mut().flatten() {
        let RefOr::T(found) = found else { continue };
        match &mut found.schema {
            _ if found.name != parameter => {}
            Some(RefOr::T(Schema::Object(word))) => set_words(word, words),
            Some(RefOr::T(Schema::Array(list))) => {
                list.max_items = Some(words.len());
                if let ArrayItems::RefOrSchema(items) = &mut list.items
                    && let RefOr::T(Schema::Object(word)) = items.as_mut()
                {
                    set_words(word, words);
                }
            }
            _ => {}
        }
    }
}

fn set_words(schema: &mut Object, words: &[&str]) {
    schema.enum_values = Some(words.iter().map(|word| (*word).into()).collect());
}
