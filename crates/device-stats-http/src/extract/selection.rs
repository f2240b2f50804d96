//! `device_id` and `prefix`: the devices that a query chooses.

use device_stats_domain::DeviceFilter;
use device_stats_formats::{Faults, Json, Problem, values};
use device_stats_service::DeviceSelection;
use device_stats_service::limits::CHOSEN_DEVICES_MAX;
use utoipa::IntoParams;

use super::input::Input;

/// Names of the parameters that choose devices.
pub(crate) const SELECTION_NAMES: [&str; 2] = ["device_id", "prefix"];

/// `device_id` and `prefix`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `DeviceSelection`")]
pub(crate) struct SelectionParams {
    /// The client's name for a device; repeat the parameter for up to 1,000 devices.
    #[param(style = Form, explode, example = json!(["pump-7", "pump-8"]), min_items = 1, max_items = 1000)]
    device_id: Option<Vec<String>>,
    /// All devices whose `device_id` begins with this text, instead of `device_id`; compared byte by byte.
    #[param(example = "plant-1/", min_length = 1)]
    prefix: Option<String>,
}

/// Reads the chosen devices. Returns `Some(None)` if the query has no `device_id`, and `None` after reporting
/// a fault. `others` are the parameters that exclude `device_id`.
#[expect(clippy::option_option, reason = "as in `Input::query`")]
pub(crate) fn listed_devices(
    input: &Input,
    others: &[&'static str],
    faults: &mut Faults,
) -> Option<Option<DeviceSelection>> {
    let listed = input.query_values("device_id", CHOSEN_DEVICES_MAX as usize, faults, values::device_id)?;
    if listed.is_empty() {
        return Some(None);
    }
    if let Some(other) = others.iter().find(|name| input.has_query(name)) {
        let problem = Problem::new("value_error", format!("Value error, give either device_id or {other}"));
        faults.add(vec!["query".into(), (*other).into()], problem, &Json::Null);
        return None;
    }
    Some(Some(DeviceSelection::Listed(listed)))
}

/// Reads `device_id` or `prefix`. One of them is required. Returns `None` after reporting a fault.
pub(crate) fn required_selection(input: &Input, faults: &mut Faults) -> Option<DeviceSelection> {
    let listed = listed_devices(input, &["prefix"], faults);
    let prefix = input.query("prefix", faults, values::device_id_prefix);
    match (listed?, prefix?) {
        (Some(listed), _) => Some(listed),
        (None, Some(prefix)) => {
            Some(DeviceSelection::Matching(DeviceFilter { prefix: Some(prefix), ..DeviceFilter::default() }))
        }
        (None, None) => {
            let msg = "Field required: give device_id, once for each device, or prefix";
            let problem = Problem::new("missing", msg);
            faults.add(vec!["query".into(), "device_id".into()], problem, &Json::Null);
            None
        }
    }
}
