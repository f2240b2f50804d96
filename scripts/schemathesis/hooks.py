"""Hooks of Schemathesis: the rules of the service that an OpenAPI document cannot state.

A rule about several parameters, or about stored data, is in the texts of the document. Valid requests are adjusted to
these rules; invalid requests are sent as they are.
"""

import itertools
import re

import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

# Texts of each format that has more rules than a schema can state.
schemathesis.openapi.format("email", st.from_regex(r"[a-z0-9]{1,20}@example\.(com|org)", fullmatch=True))
schemathesis.openapi.format("duration", st.sampled_from(["PT0.5S", "PT15M", "PT1H", "P1D", "P2W", "P1M", "P1Y6M"]))
schemathesis.openapi.format("iana-time-zone", st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
schemathesis.openapi.format("entity-tags", st.sampled_from(["*", '"a"', 'W/"b", "c"']))
schemathesis.openapi.format("idempotency-key", st.from_regex(r"[a-z0-9\-]{1,40}", fullmatch=True))
LINES = ["m,device=a x=1,y=2,z=3\n", "m,device=b x=1i,y=2.5,z=-3 1795428000000000000\n"]
schemathesis.openapi.format("line-protocol", st.sampled_from(LINES))
schemathesis.openapi.format("device-id", st.from_regex(r"[a-z0-9][a-z0-9/%_\- ]{0,20}[a-z0-9]", fullmatch=True))

# A longer query may exceed the limit of the head of a request, which is answered before the query is read.
QUERY_CHARACTERS_MAX = 2_000

# Makes names and keys unique.
COUNTER = itertools.count()

NUMBERS = ["x", "y", "z"]
BOOLEANS = ["mean", "stddev", "rms", "range", "iqr", "magnitude", "all"]
TIMES = ["start_time", "end_time", "until", "timestamp"]
MEMBERS = {"device_id", "name", "user_id", "username", "email", "percentiles", *NUMBERS, *BOOLEANS, *TIMES}
# Requests about tokens: a schema cannot state the form of a token, and which scopes its holder can have.
FIXED_BODIES = {
    "/api/v1/session": {"token": "dss_u_q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s_43da5920"},
    "/api/v1/tokens": {"for": "admin", "scopes": ["read"], "name": "schemathesis", "expires_at": "2100-01-01T00:00:00Z"},
}
# Of the parameters of a group, a request has one; the first one wins.
ALTERNATIVES = [["until", "end_time"], ["points", "interval"]]
CURSOR = ["after", "user_id", "username", "prefix", "q"]


def is_positive(case):
    return case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Removes the media types whose syntax a schema cannot state, and limits too large for the head of a request.

    Other tests send them.
    """
    for item in raw_schema["paths"].values():
        for operation in item.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] == "device_id":
                    parameter["schema"].pop("maxItems", None)
            content = operation.get("requestBody", {}).get("content", {})
            for media_type in list(content):
                if media_type != "application/json" and len(content) > 1:
                    del content[media_type]


@schemathesis.hook
def filter_case(context, case):
    """Skips requests that the text of the document allows or forbids, unlike the schemas, and heads that are too long."""
    if len(repr(case.query)) > QUERY_CHARACTERS_MAX:
        return False
    if is_positive(case):
        return True
    sent = [*(case.query or {}).items(), *(case.path_parameters or {}).items()]
    for row in case.body if isinstance(case.body, list) else [case.body]:
        if isinstance(row, dict):
            sent += row.items()
    return not any(has_other_form(name, value) for name, value in sent)


def has_other_form(name, value):
    """Returns whether the service can read a value that its schema does not allow."""
    text = str(value).strip()
    if name in TIMES:
        # Dates and numbers are times, too.
        return re.fullmatch(r"[-+\d.:eETZ ]*", text) is not None
    if name in NUMBERS:
        return isinstance(value, bool) or text.isdigit()
    return name in BOOLEANS and text.lower() in ("0", "1", "0.0", "1.0", "t", "f", "y", "n", "on", "off", "yes", "no")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Adjusts a valid request to the rules about several parameters."""
    if is_positive(case):
        case.query = case.query or {}
        choose_alternatives(case)
        choose_page(case)
        describe_rows(case)
        adjust_body(case)
        adjust_headers(case)
    elif (case.query or {}).get("on_fault") == "skip":
        # Faulty rows would be skipped.
        case.query["on_fault"] = "refuse"


def choose_alternatives(case):
    query, path = case.query, case.operation.path
    for first, other in ALTERNATIVES:
        if first in query:
            query.pop(other, None)
    if path == "/api/v1/stats/devices/{device_id}" and case.method.upper() == "DELETE":
        # Either a period that is not empty, or all readings.
        bounds = [name for name in ("start_time", "until", "end_time") if name in query]
        for name in bounds[1:]:
            query.pop(name)
        query["all"] = "false" if bounds else "true"
    if path.endswith("/series"):
        # An interval can have too many buckets for the stored readings.
        query.pop("interval", None)
        query.setdefault("points", 100)
    if path.endswith("/histogram") and "low" in query and "high" in query:
        low, high = sorted([float(query["low"]), float(query["high"])])
        query["low"], query["high"] = low, high if low < high else low + abs(low) + 1
    if path == "/api/v1/stats/analysis":
        query.pop("prefix" if "device_id" in query else "device_id", None)
        if "device_id" not in query:
            query.setdefault("prefix", "pump")


def choose_page(case):
    query, path = case.query, case.operation.path
    if path in ("/api/v1/users", "/api/v1/devices") and case.method.upper() == "GET":
        if any(name in query for name in CURSOR):
            query.pop("skip", None)
        elif "limit" in query:
            query["limit"] = min(int(query["limit"]), 100)
    if path in ("/api/v1/stats/latest", "/api/v1/stats/status") and "device_id" in query:
        for name in ("prefix", "user_id", "q", "state", "after", "limit"):
            query.pop(name, None)
    if path == "/api/v1/stats/status":
        # A span has no months and years, unlike an interval.
        if "points" not in query or re.match(r"P[^T]*[YM]", str(query.get("span", ""))):
            query.pop("span", None)


def describe_rows(case):
    if case.operation.path == "/api/v1/write":
        # The default unit fits the times of the lines.
        case.query.pop("precision", None)
    if case.operation.path in ("/api/v1/write", "/api/v1/stats/batch"):
        # Readings of missing devices are refused otherwise.
        case.query["register"] = "true"


def adjust_body(case):
    body, path = case.body, case.operation.path
    if not isinstance(body, dict):
        return
    if path in FIXED_BODIES:
        case.body = dict(FIXED_BODIES[path])
        return
    if "until" in body:
        body.pop("end_time", None)
    # An unknown member can be a synonym, such as `T` for `timestamp`, which is refused.
    for name in [name for name in body if name not in MEMBERS and re.search(r"\w", name)]:
        del body[name]
    if case.method.upper() != "POST":
        return
    # Names are unique, and most requests should create something.
    if path == "/api/v1/users":
        number = next(COUNTER)
        body["username"], body["email"] = f"{body['username'][:50]}{number}", f"user{number}@example.com"
    if path == "/api/v1/devices":
        body["device_id"] = f"{body['device_id'][:50]}{next(COUNTER)}"
        if body.get("user_id") not in range(1, 4):
            body.pop("user_id", None)


def adjust_headers(case):
    headers = case.headers if case.headers is not None else {}
    for name in ("If-Match", "If-None-Match"):
        # The text of a missing value.
        if headers.get(name) == "null":
            del headers[name]
    if case.method.upper() in ("PUT", "DELETE") and "If-Match" in headers:
        # The present state has another tag than the generated one.
        headers["If-Match"] = "*"
        headers.pop("If-None-Match", None)
    if "Idempotency-Key" in headers:
        # A key belongs to one payload.
        headers["Idempotency-Key"] = f"key-{next(COUNTER)}"
