"""Measures the steps of a person who zooms into the plot of a large device, with the requests of the dashboard."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from answers import WrongAnswer
from client import send
from columns import AXES, LONG, Columns
from measuring import run_program
from plan import Plan
from service import Service
from stores import STORES

POINTS = 1_000
"""Maximum number of buckets of a request: a plot is about as many pixels wide."""
PATHS = 20
"""Number of times that somebody zooms from the whole device down to single readings."""
FACTOR = 8
"""Each step shows an eighth of the window before."""
RAW_READINGS = 2_000
"""Number of readings from which the single readings are shown."""
CHECKED = 40
"""Number of buckets of each response whose statistics are compared with those of NumPy."""
SERIES = f"/api/v1/stats/devices/{LONG}/series?points={POINTS}&stats=min,max,median,count"
READINGS = f"/api/v1/stats/devices/{LONG}/path?points={2 * RAW_READINGS}"
EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass
class ZoomResult:
    """The times of the steps. All times are in seconds."""

    readings: int
    first: float
    """The time of the very first picture after the start of the service, which shows the whole device. Nearly
    all pages are read and decoded for it, so it is no step of a zoom."""
    by_step: list[list[float]]
    """The times of each step: the first step shows the whole device, the last one single readings."""
    spans: list[int]
    """Number of readings in the window of each step, on average."""


def run_zoom(plan: Plan, system: str, columns: Columns, folder: Path) -> ZoomResult:
    with STORES[system](folder / f"{system}-zoom") as store:
        run_program(plan, "load", f"--database={store.url}", f"--manifest={columns.manifest}")
        with Service(plan.programs / "device-stats", store.url, folder / f"{system}-zoom.log") as service:
            service.settle()
            return zoom(plan, columns, folder, service.address)


def zoom(plan: Plan, columns: Columns, folder: Path, address: str) -> ZoomResult:
    random = np.random.default_rng(plan.seed)
    paths = [windows(columns, random) for _ in range(PATHS)]
    requests = [{"path": path_of(columns, window), "body": None} for path in paths for window in path]
    responses = send(plan.programs / "device-stats-bench", folder, address, requests)
    by_step: list[list[float]] = [[] for _ in paths[0]]
    spans: list[list[int]] = [[] for _ in paths[0]]
    sent = [(step, window) for path in paths for step, window in enumerate(path)]
    for (step, window), seconds, body in zip(sent, responses.seconds, responses.bodies, strict=False):
        by_step[step].append(seconds)
        spans[step].append(window.stop - window.start)
        check(columns, window, json.loads(body))
    if len(responses.seconds) <= len(by_step):
        raise RuntimeError("the time was up before the first zoom was complete")
    first = by_step[0].pop(0)
    return ZoomResult(columns.slice_of(LONG).stop, first, by_step, [round(float(np.mean(each))) for each in spans])


def windows(columns: Columns, random: np.random.Generator) -> list[slice]:
    """Returns the readings of each step, from the whole device to single readings."""
    whole = columns.slice_of(LONG)
    steps = [whole]
    while (shown := steps[-1].stop - steps[-1].start) > RAW_READINGS:
        length = max(shown // FACTOR, RAW_READINGS)
        first = steps[-1].start + int(random.integers(0, shown - length + 1))
        steps.append(slice(first, first + length))
    return steps


def path_of(columns: Columns, window: slice) -> str:
    """Returns the request of the dashboard for a window."""
    times = columns.times_of(LONG)
    start, end = (time_text(int(times[row])) for row in (window.start, window.stop - 1))
    base = READINGS if window.stop - window.start <= RAW_READINGS else SERIES
    return f"{base}&start_time={start}&end_time={end}"


def time_text(micros: int) -> str:
    return (EPOCH + timedelta(microseconds=micros)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def micros_of(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(microseconds=1)


def check(columns: Columns, window: slice, body: dict) -> None:
    """Compares a response with the columns, to the bit."""
    if "buckets" not in body:
        for axis in AXES:
            expect(body[axis], columns.axis(axis)[window].tolist(), f"single readings of {axis}")
        return
    count = sum(bucket["stats"]["x"]["count"] for bucket in body["buckets"] if bucket["stats"])
    expect(count, window.stop - window.start, "count of all buckets")
    times = columns.times_of(LONG)[window]
    buckets = [bucket for bucket in body["buckets"] if bucket["stats"]]
    for bucket in buckets[:: max(1, len(buckets) // CHECKED)]:
        first, last = (np.searchsorted(times, micros_of(bucket[end]), "left") for end in ("start", "end"))
        for axis in AXES:
            values = columns.axis(axis)[window.start + int(first) : window.start + int(last)]
            found = bucket["stats"][axis]
            true = [float(values.min()), float(values.max()), float(np.median(values)), len(values)]
            expect([found[name] for name in ("min_value", "max_value", "median", "count")], true, f"{axis} of a bucket")


def expect(found: object, true: object, name: str) -> None:
    if found != true:
        raise WrongAnswer(f"zoom: {name}: {str(found)[:200]} instead of {str(true)[:200]}")


