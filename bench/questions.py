"""Questions to every system: analyses over random windows, different for each request. The windows begin and
end inside the readings, so that they cut the first and the last segment of every device."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from columns import DEVICE_IDS, LONG, Columns

EDGE = 0.05
"""Most windows begin in the first and end in the last 5 % of the time, so they contain at least nine tenths
of the readings."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """A window of time, in microseconds since 1970 UTC. Both ends belong to it."""

    start_us: int
    end_us: int

    def body(self) -> dict[str, str]:
        """Returns the window as members of a request."""
        return {"start_time": format_time(self.start_us), "end_time": format_time(self.end_us)}


def format_time(time_us: int) -> str:
    return (EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Question:
    """An analysis of a device, or of the user if the device is None."""

    device: str | None
    window: Window


class Questions:
    """Questions about the readings of one kind. The same seed and purpose give the same questions."""

    def __init__(self, columns: Columns, seed: int) -> None:
        self.columns = columns
        self.seed = seed

    def devices(self, purpose: str, count: int) -> list[Question]:
        """Returns questions about almost all readings of a device, for the devices of the user in turn."""
        rounds = -(-count // len(DEVICE_IDS))
        windows = {each: self.windows(f"{each} {purpose}", self.span(each), rounds) for each in DEVICE_IDS}
        return [Question(each, windows[each][turn]) for turn in range(rounds) for each in DEVICE_IDS][:count]

    def devices_anywhere(self, purpose: str, count: int) -> list[Question]:
        """Returns questions from a random reading to a later one, for the devices of the user in turn."""
        random = np.random.default_rng([self.seed, zlib.crc32(f"anywhere {purpose}".encode())])
        questions = []
        for turn in range(count):
            device = DEVICE_IDS[turn % len(DEVICE_IDS)]
            times = self.columns.times_of(device)
            start, end = sorted(random.choice(len(times), 2, replace=False))
            questions.append(Question(device, Window(int(times[start]), int(times[end]))))
        return questions

    def user(self, purpose: str, count: int) -> list[Question]:
        """Returns questions about almost all readings of the user."""
        spans = [self.span(device) for device in DEVICE_IDS]
        span = max(first_us for first_us, _ in spans), min(last_us for _, last_us in spans)
        return [Question(None, window) for window in self.windows(f"user {purpose}", span, count)]

    def long(self, purpose: str, count: int) -> list[Question]:
        """Returns questions about almost all readings of the long device."""
        windows = self.windows(f"long {purpose}", self.span(LONG), count)
        return [Question(LONG, window) for window in windows]

    def windows(self, purpose: str, span: tuple[int, int], count: int) -> list[Window]:
        """Returns windows that begin in the first and end in the last 5 % of a span."""
        random = np.random.default_rng([self.seed, zlib.crc32(purpose.encode())])
        fractions = np.array([0, 1]) + np.array([1, -1]) * EDGE * random.random((count, 2))
        first_us, last_us = span
        ends = first_us + np.rint(fractions * (last_us - first_us)).astype(np.int64)
        return [Window(int(start_us), int(end_us)) for start_us, end_us in ends]

    def span(self, device: str) -> tuple[int, int]:
        times = self.columns.times_of(device)
        return int(times[0]), int(times[-1])
