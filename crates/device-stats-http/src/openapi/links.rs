//! Links: the operations on a user or device that follow its creation. With them, a tool finds values for the
//! parameters of these operations.

use utoipa::openapi::link::Link;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{OpenApi, RefOr};

/// Adds links to the responses to the creation of a user and of a device.
pub(super) fn add(document: &mut OpenApi) {
    add_to(document, "/api/v1/users", "user_id", "$response.body#/id");
    add_to(document, "/api/v1/devices", "device_id", "$response.body#/device_id");
}

/// Adds a link to every operation with this parameter in its path. `expression` is the value of the
/// parameter.
fn add_to(document: &mut OpenApi, path: &str, parameter: &str, expression: &str) {
    let targets = operation_ids(document, parameter);
    let created = document.paths.paths.get_mut(path).and_then(|item| item.post.as_mut());
    let responses = created.map(|operation| &mut operation.responses.responses);
    let Some(RefOr::T(response)) = responses.and_then(|responses| responses.get_mut("201")) else { return };
    for id in targets {
        let link = Link::builder().operation_id(id.clone()).parameter(parameter, expression).build();
        response.links.insert(id, link.into());
    }
}

/// Returns the ids of the operations with this parameter in their path.
fn operation_ids(document: &OpenApi, parameter: &str) -> Vec<String> {
    let items = document.paths.paths.values();
    let operations =
        items.flat_map(|item| [&item.get, &item.post, &item.put, &item.delete].into_iter().flatten());
    let is_meant = |other: &RefOr<Parameter>| {
        matches!(other, RefOr::T(other) if other.name == parameter
            && matches!(other.parameter_in, ParameterIn::Path))
    };
    let targets =
        operations.filter(|operation: &&Operation| operation.parameters.iter().flatten().any(is_meant));
    targets.filter_map(|operation| operation.operation_id.clone()).collect()
}
