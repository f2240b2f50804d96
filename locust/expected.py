"""The readings that a client has sent, and the answers that the service must give. No HTTP."""

from __future__ import annotations

import math
import random
import statistics
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

AXES = ("x", "y", "z")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US

Values = tuple[float, float, float]
Window = tuple[int | None, int | None]


class WrongAnswer(Exception):
    """The service gave a wrong answer. The text names the fault without ids and numbers, so that Locust can
    count equal faults together."""


def require_equal(subject: str, answered: object, expected: object) -> None:
    """Raises `WrongAnswer` if an answer differs from the expected one, even in one bit."""
    if answered != expected:
        raise WrongAnswer(f"wrong {subject}") from ValueError(f"answered {answered!r}, expected {expected!r}")


def parse_time(text: str) -> int:
    """Parses a time of an answer. Returns microseconds since 1970 UTC."""
    if not text.endswith("Z"):
        raise WrongAnswer("time without Z")
    return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND


@dataclass
class Device:
    """A device and its acknowledged readings."""

    device_id: str
    name: str | None
    key: int
    """The integer `id` that the service assigned."""
    readings: dict[int, Values] = field(default_factory=dict)
    """Values by time, in microseconds since 1970 UTC."""
    decimals: int | None = field(default_factory=lambda: random.choice([1, 3, None]))
    """Decimals of its values: a coarse sensor often repeats values, and a fine one (`None`) never."""
    clock_us: int = field(default_factory=lambda: time.time_ns() // 1000 - DAY_US)
    """Time of its last reading. The device was offline for a day and catches up, so times from the service
    are later."""

    def answer(self, user_id: int) -> dict[str, object]:
        """Returns the device as in an answer of the service."""
        return {"device_id": self.device_id, "name": self.name, "user_id": user_id, "id": self.key}

    def measure(self) -> Values:
        """Returns values of an accelerometer that is nearly at rest."""
        x, y, z = random.gauss(0.0, 0.5), random.gauss(0.0, 0.5), random.gauss(9.81, 0.1)
        return (x, y, z) if self.decimals is None else (round(x, self.decimals), round(y, self.decimals), round(z, 2))

    def tick(self) -> int:
        """Advances its clock by up to a second and returns the time."""
        self.clock_us += random.choice([1, 999, 10_000, 100_000, SECOND_US])
        return self.clock_us

    def keep(self, time_us: int, values: Values) -> bool:
        """Records an acknowledged reading. Returns false for a repeat, which leaves the first reading
        unchanged."""
        if time_us in self.readings:
            return False
        self.readings[time_us] = values
        return True

    def within(self, window: Window) -> list[Values]:
        """Returns the values of its readings in a window; both ends belong to the window."""
        return [self.readings[time_us] for time_us in self.times(window)]

    def times(self, window: Window) -> list[int]:
        """Returns the times of its readings in a window, newest first."""
        start, end = window
        return sorted(
            (t for t in self.readings if (start is None or start <= t) and (end is None or t <= end)), reverse=True
        )


def choose_window(times: Collection[int]) -> Window:
    """Returns a window whose ends are error-prone: open, exactly at a reading, or a microsecond next to
    a reading."""
    if not times:
        return (None, None)
    edges = sorted(random.choices(list(times), k=2))
    start, end = (random.choice([None, edge, edge - 1, edge + 1]) for edge in edges)
    return (start, end)


def require_page(device: Device, window: Window, skip: int, limit: int, page: list[dict]) -> None:
    """Raises `WrongAnswer` unless a page has exactly the expected readings, newest first."""
    expected = [(t, *device.readings[t], device.key) for t in device.times(window)[skip : skip + limit]]
    answered = [(parse_time(r["timestamp"]), r["x"], r["y"], r["z"], r["device_id"]) for r in page]
    require_equal("readings", answered, expected)


def require_analysis(subject: str, analysis: dict, values: Iterable[Values], window: Window) -> None:
    """Raises `WrongAnswer` unless every bit of an analysis is right."""
    for axis, column in zip(AXES, zip(*values, strict=True), strict=True):
        expected = {
            "min_value": min(column),
            "max_value": max(column),
            "count": len(column),
            "sum": math.fsum(column),
            "median": statistics.median(column),
        }
        for member, value in expected.items():
            require_equal(f"{member} of {subject}", analysis[axis][member], value)
        require_equal(f"members of {subject}", set(analysis[axis]), set(expected))
    for end, expected_us in zip(("period_start", "period_end"), window, strict=True):
        answered_us = None if analysis[end] is None else parse_time(analysis[end])
        require_equal(f"{end} of {subject}", answered_us, expected_us)
