//! The operations, each with a valid request, and the rules for their callers.

use device_stats_domain::Scope;

use super::Object;
use super::callers::{Caller, Party};

/// An operation, with a request for an object. The request has the places `{user}`, `{device}`, `{token}` and
/// `{n}` (a new name).
pub(super) struct Operation {
    /// Name in the table: the id of the operation, and a mark if the table has several of its requests.
    pub(super) name: &'static str,
    /// Id of the operation in the OpenAPI document.
    pub(super) id: &'static str,
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) body: &'static str,
    needs: Needs,
    /// Status of a successful request.
    succeeds: u16,
    /// Status of a request for a missing object.
    misses: u16,
    /// Whether a successful request changes users, devices or tokens.
    pub(super) changes: bool,
    /// Whether a successful response does not end.
    pub(super) is_endless: bool,
}

/// The right that an operation needs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Nothing,
    Token,
    /// A scope of any caller.
    Scope(Scope),
    /// A scope of an administrator or a user.
    NoDevice(Scope),
    Administrator,
    /// A scope of an administrator.
    AdministratorWith(Scope),
}

use Needs::{Administrator, NoDevice, Nothing, Token};

const READ: Needs = Needs::Scope(Scope::Read);
const INGEST: Needs = Needs::Scope(Scope::Ingest);
const MANAGE: Needs = NoDevice(Scope::Manage);
const DEMONSTRATE: Needs = Needs::AdministratorWith(Scope::Manage);

const fn get(id: &'static str, path: &'static str, needs: Needs) -> Operation {
    Operation {
        name: id,
        id,
        method: "GET",
        path,
        body: "",
        needs,
        succeeds: 200,
        misses: 404,
        changes: false,
        is_endless: false,
    }
}

const fn post(id: &'static str, path: &'static str, body: &'static str, needs: Needs) -> Operation {
    Operation { method: "POST", body, succeeds: 201, ..get(id, path, needs) }
}

/// The write of points: at its documented path, or at another path for clients of InfluxDB.
const fn points(name: &'static str, path: &'static str) -> Operation {
    Operation { name, succeeds: 204, misses: 422, ..post("append_points", path, LINE, INGEST) }
}

const ONE_READING: &str = r#"{"x":1,"y":2,"z":3,"timestamp":"2026-11-23T10:00:00Z"}"#;
const ONE_ROW: &str = r#"[{"x":1,"y":2,"z":3,"timestamp":"2026-11-23T10:00:01Z"}]"#;
const MIXED_ROW: &str = r#"[{"device_id":"{device}","x":1,"y":2,"z":3,"timestamp":"2026-11-23T10:00:02Z"}]"#;
const LINE: &str = "sensors,device={device} x=1,y=2,z=3 1795428003000000000";

pub(super) const OPERATIONS: [Operation; 65] = [
    get("check_live", "/health/live", Nothing),
    get("check_ready", "/health/ready", Nothing),
    get("show_version", "/api/v1/version", Nothing),
    get("show_me", "/api/v1/me", Token),
    // The token of the body decides.
    Operation { succeeds: 401, ..post("create_session", "/api/v1/session", r#"{"token":"none"}"#, Nothing) },
    Operation { method: "DELETE", succeeds: 204, ..get("delete_session", "/api/v1/session", Nothing) },
    post("append_reading", "/api/v1/stats/devices/{device}", ONE_READING, INGEST),
    post("append_batch", "/api/v1/stats/devices/{device}/batch", ONE_ROW, INGEST),
    Operation { misses: 422, ..post("append_mixed_batch", "/api/v1/stats/batch", MIXED_ROW, INGEST) },
    points("append_points", "/api/v1/write"),
    points("append_points:v1", "/write"),
    points("append_points:v2", "/api/v2/write"),
    points("append_points:v2_prefixed", "/api/v1/api/v2/write"),
    get("list_users", "/api/v1/users", Administrator),
    Operation { name: "list_users:after", ..get("list_users", "/api/v1/users?after=0", Administrator) },
    Operation {
        changes: true,
        ..post(
            "create_user",
            "/api/v1/users",
            r#"{"username":"{n}","email":"{n}@example.com"}"#,
            Administrator,
        )
    },
    get("find_user", "/api/v1/users/{user}", READ),
    Operation {
        method: "PUT",
        succeeds: 200,
        changes: true,
        ..post("update_user", "/api/v1/users/{user}", r#"{"username":"{n}"}"#, MANAGE)
    },
    get("list_devices", "/api/v1/devices", READ),
    Operation { name: "list_devices:owner", ..get("list_devices", "/api/v1/devices?user_id={user}", READ) },
    Operation { changes: true, ..post("create_device", "/api/v1/devices", r#"{"device_id":"{n}"}"#, MANAGE) },
    Operation {
        name: "create_device:owner",
        misses: 400,
        changes: true,
        ..post("create_device", "/api/v1/devices", r#"{"device_id":"{n}","user_id":{user}}"#, MANAGE)
    },
    get("find_device", "/api/v1/devices/{device}", READ),
    Operation {
        method: "PUT",
        succeeds: 200,
        changes: true,
        ..post("update_device", "/api/v1/devices/{device}", r#"{"name":"{n}"}"#, MANAGE)
    },
    get("list_readings", "/api/v1/stats/devices/{device}", READ),
    get("find_reading", "/api/v1/stats/devices/{device}/readings/2026-11-23T09:00:00Z", READ),
    get("find_latest", "/api/v1/stats/devices/{device}/latest", READ),
    get("list_latest", "/api/v1/stats/latest", READ),
    Operation {
        name: "list_latest:device",
        ..get("list_latest", "/api/v1/stats/latest?device_id={device}", READ)
    },
    Operation { name: "list_latest:user", ..get("list_latest", "/api/v1/stats/latest?user_id={user}", READ) },
    get("list_status", "/api/v1/stats/status", READ),
    Operation {
        name: "list_status:device",
        ..get("list_status", "/api/v1/stats/status?device_id={device}", READ)
    },
    Operation { name: "list_status:user", ..get("list_status", "/api/v1/stats/status?user_id={user}", READ) },
    get("show_fleet", "/api/v1/stats/fleet", READ),
    Operation { name: "show_fleet:user", ..get("show_fleet", "/api/v1/stats/fleet?user_id={user}", READ) },
    get("get_devices_analysis", "/api/v1/stats/analysis?device_id={device}", READ),
    get("get_device_analysis", "/api/v1/stats/devices/{device}/analysis", READ),
    get("get_user_analysis", "/api/v1/stats/users/{user}/analysis", READ),
    Operation {
        succeeds: 200,
        ..post("analyze_device", "/api/v1/stats/devices/{device}/analyze", "{}", READ)
    },
    Operation { succeeds: 200, ..post("analyze_user", "/api/v1/stats/users/{user}/analyze", "{}", READ) },
    get("list_device_series", "/api/v1/stats/devices/{device}/series?points=2", READ),
    get("list_user_series", "/api/v1/stats/users/{user}/series?points=2", READ),
    get("count_device_histogram", "/api/v1/stats/devices/{device}/histogram", READ),
    get("list_path", "/api/v1/stats/devices/{device}/path", READ),
    get("count_user_histogram", "/api/v1/stats/users/{user}/histogram", READ),
    get("export_device_readings", "/api/v1/stats/devices/{device}/export", READ),
    get("export_user_readings", "/api/v1/stats/users/{user}/export", READ),
    Operation { is_endless: true, ..get("watch_device", "/api/v1/stats/devices/{device}/live", READ) },
    Operation { is_endless: true, ..get("watch_user", "/api/v1/stats/users/{user}/live", READ) },
    get("list_audit", "/api/v1/audit", Administrator),
    get("show_service", "/api/v1/service", Administrator),
    get("show_metrics", "/metrics", Administrator),
    // Its user and its devices are none of the objects.
    post("create_demo", "/api/v1/demo", "", DEMONSTRATE),
    get("find_demo", "/api/v1/demo", DEMONSTRATE),
    Operation { method: "DELETE", succeeds: 204, ..get("delete_demo", "/api/v1/demo", DEMONSTRATE) },
    get("list_tokens", "/api/v1/tokens", MANAGE),
    Operation {
        name: "create_token:admin",
        changes: true,
        ..post("create_token", "/api/v1/tokens", r#"{"for":"admin","scopes":["admin"]}"#, Administrator)
    },
    Operation {
        name: "create_token:user",
        changes: true,
        ..post("create_token", "/api/v1/tokens", r#"{"for":{"user_id":{user}},"scopes":["manage"]}"#, MANAGE)
    },
    Operation {
        name: "create_token:device",
        changes: true,
        ..post(
            "create_token",
            "/api/v1/tokens",
            r#"{"for":{"device_id":"{device}"},"scopes":["ingest","read"]}"#,
            MANAGE,
        )
    },
    Operation {
        method: "DELETE",
        succeeds: 204,
        changes: true,
        ..get("delete_token", "/api/v1/tokens/{token}", MANAGE)
    },
    Operation {
        name: "update_device:owner",
        method: "PUT",
        succeeds: 200,
        changes: true,
        ..post("update_device", "/api/v1/devices/{device}", r#"{"user_id":null}"#, MANAGE)
    },
    Operation {
        method: "DELETE",
        changes: true,
        ..get(
            "delete_readings",
            "/api/v1/stats/devices/{device}?start_time=2026-11-23T09:00:00Z&end_time=2026-11-23T09:00:00Z",
            MANAGE,
        )
    },
    Operation {
        method: "DELETE",
        succeeds: 204,
        changes: true,
        ..get("delete_device", "/api/v1/devices/{device}", MANAGE)
    },
    Operation {
        method: "DELETE",
        succeeds: 204,
        changes: true,
        ..get("delete_user", "/api/v1/users/{user}", Administrator)
    },
    Operation {
        name: "find_user:include",
        ..get("find_user", "/api/v1/users/{user}?include=created_at", READ)
    },
];

impl Operation {
    /// Returns whether the request is for an object.
    pub(super) fn has_object(&self) -> bool {
        ["{user}", "{device}", "{token}"]
            .iter()
            .any(|place| self.path.contains(place) || self.body.contains(place))
    }

    fn is_for_user(&self) -> bool {
        [self.path, self.body].iter().any(|text| text.contains("{user}"))
    }

    /// Returns the expected status, by the table of rights.
    pub(super) fn expected(&self, caller: &Caller, object: Object) -> u16 {
        let Some((party, scopes)) = &caller.party else {
            return if self.needs == Nothing { self.succeeds } else { 401 };
        };
        let is_allowed = match self.needs {
            Nothing | Token => true,
            Needs::Scope(scope) => scopes.contains(&scope),
            NoDevice(scope) => {
                scopes.contains(&scope) && !matches!(party, Party::Device | Party::OtherDevice)
            }
            Administrator => *party == Party::Administrator && scopes.contains(&Scope::Admin),
            Needs::AdministratorWith(scope) => *party == Party::Administrator && scopes.contains(&scope),
        };
        // An administrator with the scope `admin` alone cannot manage tokens.
        let lacks_manage = self.name == "create_token:admin" && !scopes.contains(&Scope::Manage);
        if !is_allowed || lacks_manage {
            return 403;
        }
        if !self.has_object() {
            return self.succeeds;
        }
        // A device sees no user, and its lists contain only the device itself, whatever the owner in the
        // filter.
        let is_device = matches!(party, Party::Device | Party::OtherDevice);
        let filters = ["list_devices:owner", "list_latest:user", "list_status:user", "show_fleet:user"];
        if is_device && filters.contains(&self.name) {
            return self.succeeds;
        }
        let is_visible = match (party, object) {
            (_, Object::Missing) => false,
            (Party::Administrator, _) | (Party::Owner, Object::Own) => true,
            (Party::Device, Object::Own) => !self.is_for_user(),
            _ => false,
        };
        if !is_visible {
            return self.misses;
        }
        match self.name {
            "update_device:owner" if *party != Party::Administrator || !scopes.contains(&Scope::Admin) => 403,
            "create_token:device"
                if ![Scope::Ingest, Scope::Read].iter().all(|scope| scopes.contains(scope)) =>
            {
                403
            }
            _ => self.succeeds,
        }
    }
}
