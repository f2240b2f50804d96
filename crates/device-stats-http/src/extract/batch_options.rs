//! `on_fault` and `register`: treatment of faulty rows and missing devices.

use device_stats_formats::{Faults, OnFault, values};
use device_stats_service::MissingDevices;
use utoipa::IntoParams;

use super::input::{FromInput, Input};

/// `on_fault` and `register`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `BatchOptions`")]
pub(crate) struct BatchOptionParams {
    /// Treatment of faulty rows: with `refuse`, the whole batch is refused; with `skip`, all other rows are
    /// stored, and the response has the members `rejected` and `faults`.
    #[param(example = "skip", default = "refuse")]
    on_fault: Option<String>,
    /// Whether missing devices are registered; otherwise their rows are faulty. Devices that a user registers
    /// belong to this user, and devices that an administrator registers have no owner.
    #[param(example = true, default = false)]
    register: Option<bool>,
}

/// The values of `on_fault`.
pub(crate) const ON_FAULT_WORDS: &[&str] = &["refuse", "skip"];

/// Treatment of faulty rows and missing devices.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct BatchOptions {
    pub(crate) on_fault: OnFault,
    pub(crate) register: bool,
}

impl FromInput for BatchOptions {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let on_fault = input.query("on_fault", faults, OnFault::from_json);
        let register = input.query("register", faults, values::boolean);
        input.refuse_misnamed_queries(&["precision", "on_fault", "register"], faults);
        Some(Self { on_fault: on_fault?.unwrap_or_default(), register: register?.unwrap_or(false) })
    }
}

impl BatchOptions {
    /// Returns the treatment of readings of missing devices.
    pub(crate) fn missing_devices(self) -> MissingDevices {
        match (self.register, self.on_fault) {
            (true, _) => MissingDevices::Register,
            (false, OnFault::Skip) => MissingDevices::Skip,
            (false, OnFault::Refuse) => MissingDevices::Refuse,
        }
    }
}
