//! Operations on the readings of a device that also exist for all devices of a user: one handler with two
//! paths. The handler describes the operation for a device; this file derives the description for a user.

use utoipa::IntoParams;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{Content, Ref, RefOr};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::extract::UserIdParam;

const DEVICE_PATH: &str = "/devices/{device_id}";
const USER_PATH: &str = "/users/{user_id}";

/// The parts of the description for a user that differ from the description for a device.
pub(crate) struct UserOperation {
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    /// Schema of the 200 response, if it differs.
    pub(crate) schema: Option<&'static str>,
}

/// Adds the path of users to an operation with the path of devices.
pub(crate) fn with_user_path<S>(
    (schemas, mut paths, handler): UtoipaMethodRouter<S>,
    user_operation: &UserOperation,
) -> UtoipaMethodRouter<S> {
    let mut user_paths = paths.clone();
    for (path, mut item) in std::mem::take(&mut user_paths.paths) {
        for operation in [&mut item.get, &mut item.post].into_iter().flatten() {
            user_operation.describe(operation);
        }
        paths.paths.insert(path.replace(DEVICE_PATH, USER_PATH), item);
    }
    (schemas, paths, handler)
}

impl UserOperation {
    /// Turns the description for a device into the description for a user.
    fn describe(&self, operation: &mut Operation) {
        operation.operation_id = Some(self.id.to_owned());
        operation.summary = Some(self.summary.to_owned());
        operation.description = Some(self.description.to_owned());
        let parameters = operation.parameters.get_or_insert_default();
        parameters.retain(|parameter| !is_in_path(parameter));
        let user_id = UserIdParam::into_params(|| Some(ParameterIn::Path));
        parameters.splice(0..0, user_id.into_iter().map(RefOr::T));
        for (status, response) in &mut operation.responses.responses {
            let RefOr::T(response) = response else { continue };
            response.description = response.description.replace("Device not found", "User not found");
            if let (Some(schema), "200") = (self.schema, status.as_str()) {
                for content in response.content.values_mut() {
                    *content = RefOr::T(Content::new(Some(RefOr::Ref(Ref::from_schema_name(schema)))));
                }
            }
        }
    }
}

fn is_in_path(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if matches!(parameter.parameter_in, ParameterIn::Path))
}
