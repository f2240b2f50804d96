"""Writes points to a running service with InfluxDB's own client, in every unit of time, with and without
compression, and checks the stored readings.

Usage: client.py URL
"""

import json
import sys
import urllib.request
from datetime import datetime, timedelta, timezone

from influxdb_client import InfluxDBClient, Point, WritePrecision
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

DEVICES = ("pump 7", "a,b=c")
POINTS = 500
START = datetime(2026, 11, 23, 10, tzinfo=timezone.utc)


def post(url, path, body):
    """Posts JSON and returns the answer."""
    request = urllib.request.Request(
        url + path, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def points(device, first, precision):
    """Returns points a second apart, with a double that needs its last bit, an integer, and ignored tags and
    fields."""
    return [
        Point("sensors")
        .tag("device", device)
        .tag("site", "north, 2")
        .field("x", (first + number) / 7)
        .field("y", first + number)
        .field("z", -1e-7)
        .field("note", 'a "note", x=1')
        .time(START + timedelta(seconds=first + number), precision)
        for number in range(POINTS)
    ]


def write(client, device, first, precision):
    client.write_api(write_options=SYNCHRONOUS).write(
        bucket="readings", record=points(device, first, precision), write_precision=precision
    )


def refused(client, record):
    """Writes a record that must be refused, and returns the first fault."""
    try:
        client.write_api(write_options=SYNCHRONOUS).write(bucket="readings", record=record)
    except ApiException as error:
        assert error.status == 422, error
        return json.loads(error.body)["detail"][0]
    raise AssertionError(f"{record} was accepted")


def main(url):
    for device in DEVICES:
        post(url, "/api/v1/devices", {"device_id": device})
    # With and without compression, with both forms of the address, in each unit.
    ways = [
        (url, False, WritePrecision.NS),
        (url + "/", True, WritePrecision.US),
        (url + "/api/v1", False, WritePrecision.MS),
        (url, True, WritePrecision.S),
    ]
    for way, (address, gzip, precision) in enumerate(ways):
        with InfluxDBClient(address, token="any", org="any", enable_gzip=gzip, timeout=10_000) as client:
            for device in DEVICES:
                write(client, device, way * POINTS, precision)
                # Sent again, each point is a repeat.
                write(client, device, way * POINTS, precision)
    with InfluxDBClient(url, token="any", org="any") as client:
        fault = refused(client, ["m,device=nobody x=1,y=2,z=3"])
        assert (fault["type"], fault["line"]) == ("device_not_found", 1), fault
        fault = refused(client, "m,device=a\\,b\\=c x=1,y=2,z=3 1\nm,device=a\\,b\\=c x=1,y=2 2")
        assert (fault["type"], fault["loc"], fault["line"]) == ("missing", ["body", 1, "z"], 2), fault
    written = len(ways) * POINTS
    for device in ("pump%207", "a%2Cb%3Dc"):
        answer = post(url, f"/api/v1/stats/devices/{device}/analyze", {})
        expected = {"x": (written - 1) / 7, "y": written - 1, "z": -1e-7}
        for axis, largest in expected.items():
            assert (answer[axis]["count"], answer[axis]["max_value"]) == (written, largest), answer
        assert answer["y"]["sum"] == written * (written - 1) / 2, answer
    print(f"InfluxDB's client wrote {written} points to each of {len(DEVICES)} devices, and all are stored")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
