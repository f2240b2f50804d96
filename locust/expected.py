"""What a client knows of its own devices, and what the service must therefore answer. Knows nothing of HTTP."""

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
    """The service answered something else than it had to. The text names what is wrong and holds no id and no number,
    so that Locust can count equal faults together."""


def require_equal(what: str, answered: object, expected: object) -> None:
    """Refuses an answer that differs, be it in one bit."""
    if answered != expected:
        raise WrongAnswer(f"wrong {what}") from ValueError(f"answered {answered!r}, expected {expected!r}")


def parse_time(text: str) -> int:
    """Microseconds since 1970 UTC of a time that the service has answered."""
    if not text.endswith("Z"):
        raise WrongAnswer("time without Z")
    return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND


@dataclass
class Device:
    """A device and every reading of it that the service has acknowledged."""

    device_id: str
    name: str | None
    key: int
    """The integer `id` that the service gave it."""
    readings: dict[int, Values] = field(default_factory=dict)
    """By time, in microseconds since 1970 UTC."""
    decimals: int | None = field(default_factory=lambda: random.choice([1, 3, None]))
    """A coarse sensor repeats its values often, a fine one never."""
    clock_us: int = field(default_factory=lambda: time.time_ns() // 1000 - DAY_US)
    """Time of the next reading it takes itself. It has been offline for a day and catches up: whatever the service
    stamps is newer."""

    def answer(self, user_id: int) -> dict[str, object]:
        """The device as the service shows it."""
        return {"device_id": self.device_id, "name": self.name, "user_id": user_id, "id": self.key}

    def measure(self) -> Values:
        """The next values of an accelerometer at rest, more or less."""
        x, y, z = random.gauss(0.0, 0.5), random.gauss(0.0, 0.5), random.gauss(9.81, 0.1)
        return (x, y, z) if self.decimals is None else (round(x, self.decimals), round(y, self.decimals), round(z, 2))

    def tick(self) -> int:
        """The time of its next own reading, at most a second after the last."""
        self.clock_us += random.choice([1, 999, 10_000, 100_000, SECOND_US])
        return self.clock_us

    def keep(self, time_us: int, values: Values) -> bool:
        """Notes an acknowledged reading. False: a repeat, and what was there first stays."""
        if time_us in self.readings:
            return False
        self.readings[time_us] = values
        return True

    def within(self, window: Window) -> list[Values]:
        """Its readings in the window, both ends of which belong to it."""
        return [self.readings[time_us] for time_us in self.times(window)]

    def times(self, window: Window) -> list[int]:
        """Their times, newest first."""
        start, end = window
        return sorted(
            (t for t in self.readings if (start is None or start <= t) and (end is None or t <= end)), reverse=True
        )


def choose_window(times: Collection[int]) -> Window:
    """Open ends, ends exactly on a reading and ends a microsecond beside one: where mistakes are made."""
    if not times:
        return (None, None)
    edges = sorted(random.choices(list(times), k=2))
    start, end = (random.choice([None, edge, edge - 1, edge + 1]) for edge in edges)
    return (start, end)


def require_page(device: Device, window: Window, skip: int, limit: int, page: list[dict]) -> None:
    """Refuses a page of readings that is not exactly that part of the list, newest first."""
    expected = [(t, *device.readings[t], device.key) for t in device.times(window)[skip : skip + limit]]
    answered = [(parse_time(r["timestamp"]), r["x"], r["y"], r["z"], r["device_id"]) for r in page]
    require_equal("readings", answered, expected)


def require_analysis(what: str, analysis: dict, values: Iterable[Values], window: Window) -> None:
    """Refuses an analysis of which not every bit is right."""
    for axis, column in zip(AXES, zip(*values, strict=True), strict=True):
        expected = {
            "min_value": min(column),
            "max_value": max(column),
            "count": len(column),
            "sum": math.fsum(column),
            "median": statistics.median(column),
        }
        for member, value in expected.items():
            require_equal(f"{member} of {what}", analysis[axis][member], value)
        require_equal(f"members of {what}", set(analysis[axis]), set(expected))
    for end, expected_us in zip(("period_start", "period_end"), window, strict=True):
        answered_us = None if analysis[end] is None else parse_time(analysis[end])
        require_equal(f"{end} of {what}", answered_us, expected_us)
