"""Request bodies: times in several notations, batches as JSON and CSV, compressed or not."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from datetime import timedelta, timezone
from typing import Any

from expected import AXES, EPOCH, MICROSECOND, Device, Values, Window

Line = tuple[Device, int | None, Values]
"""A reading in a batch: device, time in microseconds since 1970 UTC, values. Without a time, the server gives
one."""


def format_time(time_us: int) -> str:
    """Writes a time in UTC, in local time, or without an offset (which means UTC)."""
    time = EPOCH + time_us * MICROSECOND
    match random.randrange(3):
        case 0:
            return time.isoformat().replace("+00:00", "Z")
        case 1:
            return time.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
        case _:
            return time.replace(tzinfo=None).isoformat()


def window_members(window: Window) -> dict[str, object]:
    """Returns the members of a request for the ends of a window; an open end has none."""
    ends = zip(("start_time", "end_time"), window, strict=True)
    return {name: format_time(end_us) for name, end_us in ends if end_us is not None}


def reading_body(time_us: int | None, values: Values) -> dict[str, object]:
    """Returns a reading as a JSON object."""
    timestamp = {} if time_us is None else {"timestamp": format_time(time_us)}
    return timestamp | dict(zip(AXES, values, strict=True))


def batch_body(lines: list[Line], *, with_device: bool) -> dict[str, Any]:
    """Returns the body and the headers of a batch: JSON or CSV, compressed or not, at random."""
    rows = [
        ({"device_id": device.device_id} if with_device else {}) | reading_body(time_us, values)
        for device, time_us, values in lines
    ]
    text = io.StringIO()
    if random.random() < 0.5:
        headers = {"Content-Type": "application/json"}
        json.dump(rows, text)
    else:
        headers = {"Content-Type": "text/csv"}
        writer = csv.DictWriter(text, fieldnames=rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    body = text.getvalue().encode()
    if random.random() < 0.25:
        return {"data": gzip.compress(body, compresslevel=1), "headers": headers | {"Content-Encoding": "gzip"}}
    return {"data": body, "headers": headers}
