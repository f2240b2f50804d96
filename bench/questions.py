"""What every system is asked: analyses over windows of time that are random, different for each request, and inside of
the readings at both ends, so that the first and the last segment of every device are cut."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from columns import DEVICE_IDS, LONG, Columns

EDGE = 0.05
"""Most windows begin in the first and end in the last 5 % of the time, and so have nine tenths of the readings and
more."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Window:
    """Both ends, microseconds since 1970 UTC, belong to it."""

    start_us: int
    end_us: int

    def body(self) -> dict[str, str]:
        """The window as a request names it."""
        return {"start_time": format_time(self.start_us), "end_time": format_time(self.end_us)}


def format_time(time_us: int) -> str:
    return (EPOCH + timedelta(microseconds=time_us)).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class Question:
    """An analysis of a device, or of the user where there is none."""

    device: str | None
    window: Window


class Questions:
    """Chooses questions about the readings of one kind. The same seed and purpose give the same ones."""

    def __init__(self, columns: Columns, seed: int) -> None:
        self.columns = columns
        self.seed = seed

    def devices(self, purpose: str, count: int) -> list[Question]:
        """Almost all readings of a device of the user, one after the other in turn."""
        return self.in_turn(f"devices {purpose}", count, EDGE)

    def devices_anywhere(self, purpose: str, count: int) -> list[Question]:
        """Windows of any length anywhere, of the devices of the user in turn."""
        return self.in_turn(f"devices anywhere {purpose}", count, None)

    def user(self, purpose: str, count: int) -> list[Question]:
        """Almost all readings of the user."""
        spans = [self.span(device) for device in DEVICE_IDS]
        span = max(first_us for first_us, _ in spans), min(last_us for _, last_us in spans)
        return [Question(None, window) for window in self.windows(f"user {purpose}", span, count, EDGE)]

    def long(self, purpose: str, count: int) -> list[Question]:
        """Almost all readings of the device that has as many as the user."""
        windows = self.windows(f"long {purpose}", self.span(LONG), count, EDGE)
        return [Question(LONG, window) for window in windows]

    def in_turn(self, purpose: str, count: int, edge: float | None) -> list[Question]:
        rounds = -(-count // len(DEVICE_IDS))
        windows = {each: self.windows(f"{each} {purpose}", self.span(each), rounds, edge) for each in DEVICE_IDS}
        return [Question(each, windows[each][turn]) for turn in range(rounds) for each in DEVICE_IDS][:count]

    def windows(self, purpose: str, span: tuple[int, int], count: int, edge: float | None) -> list[Window]:
        random = np.random.default_rng([self.seed, zlib.crc32(purpose.encode())])
        if edge is None:
            parts = np.sort(random.random((count, 2)), axis=1)
        else:
            parts = np.array([0, 1]) + np.array([1, -1]) * edge * random.random((count, 2))
        first_us, last_us = span
        ends = first_us + np.rint(parts * (last_us - first_us)).astype(np.int64)
        return [Window(int(start_us), int(end_us)) for start_us, end_us in ends]

    def span(self, device: str) -> tuple[int, int]:
        times = self.columns.times_of(device)
        return int(times[0]), int(times[-1])
