"""Generators of three kinds of readings. Each is a pure function of a random generator, a device number and a
count.

- `noise` is the worst case for compression: every value is distinct.
- `sensor` is a typical device: a slow signal with noise, in the steps of a 16-bit converter.
- `real` is modelled on recordings of small inertial sensors (accelerometers in g, gyroscopes in degrees/s,
  magnetometers in µT) that are logged in runs while they move: about 90 readings per second at uneven
  intervals, breaks between runs, long rest with little noise, and short violent motion. The values are steps
  of the sensor, or such steps after a calibration, kept as 32-bit floats and written with eight decimals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

START_US = 1_767_225_600_000_000
"""2026-01-01 UTC, the earliest time of a reading."""
PERIOD_US = 10_000

Times = NDArray[np.int64]
Values = NDArray[np.float64]


@dataclass
class Readings:
    """The readings of a device, by ascending time."""

    times: Times
    x: Values
    y: Values
    z: Values


def noise(random: Generator, device: int, count: int) -> Readings:
    """Generates values that are uniform between 0 and 1."""
    return Readings(jittered_times(random, count), *(random.random(count) for _ in "xyz"))


def sensor(random: Generator, device: int, count: int) -> Readings:
    """Generates sums of waves of seconds to hours, with noise, in steps of 0.488 mg between -16 and 16 g."""
    times = jittered_times(random, count)
    seconds = (times - START_US) / 1e6

    def axis() -> Values:
        signal = np.full(count, random.uniform(-1, 1))
        for period, size in ((7.3, 0.2), (61.0, 0.5), (3_700.0, 1.0), (86_400.0, 2.0)):
            signal += size * np.sin(seconds * (2 * np.pi / period) + random.uniform(0, 2 * np.pi))
        signal += random.normal(0, 0.02, count)
        return to_steps(signal, 0.000488)

    return Readings(times, axis(), axis(), axis())


def real(random: Generator, device: int, count: int) -> Readings:
    """Generates readings of one of three sensors, logged in runs."""
    rest_noise, motion, step, calibrated = (
        (0.002, 2.0, 1 / 8192, device >= 5),
        (0.12, 300.0, 1 / 131.072, False),
        (0.06, 30.0, 0.15, True),
    )[device % 3]
    runs = Runs.choose(random, count)

    def axis() -> Values:
        """Generates an axis: the position at rest, turns and shocks during motion, noise."""
        values = random.uniform(-1, 1, runs.number)[runs.index]
        values *= 0.3 * motion if device % 3 != 1 else 0.001 * motion
        knots = np.arange(0, count + 40, 40)
        turning = np.interp(np.arange(count), knots, random.normal(0, 0.5, len(knots)))
        values += runs.motion * (motion * turning + 0.1 * motion * random.standard_t(3, count))
        values += rest_noise * random.standard_normal(count)
        np.clip(values, -10 * motion, 10 * motion, out=values)
        values = to_steps(values, step)
        if calibrated:
            # A gain per run and noise for the other axes: values rarely repeat.
            values *= 1 + 0.01 * random.standard_normal(runs.number)[runs.index]
            values += rest_noise * random.standard_normal(count)
        # Kept as a 32-bit float, written with eight decimals. Adding zero turns -0.0 into 0.0.
        return np.round(values.astype(np.float32).astype(np.float64), 8) + 0.0

    return Readings(runs.times, axis(), axis(), axis())


@dataclass
class Runs:
    """The runs in which a sensor was logged, and its motion."""

    number: int
    index: NDArray[np.int64]
    """The run of each reading."""
    motion: Values
    """The motion at each reading, from 0 (rest) to 1."""
    times: Times

    @staticmethod
    def choose(random: Generator, count: int) -> Runs:
        """Generates runs of about 8,000 readings: rest, launch, flight, rest, and a break of up to an
        hour."""
        lengths = random.integers(6_000, 10_000, count // 6_000 + 1)
        starts = np.concatenate(([0], np.cumsum(lengths)))
        starts = starts[starts < count]
        index = np.searchsorted(starts, np.arange(count), side="right") - 1
        within = (np.arange(count) - starts[index]) / lengths[index]
        motion = np.interp(within, (0, 0.06, 0.07, 0.12, 0.5, 0.85, 0.86, 1), (0, 0, 1, 0.3, 0.2, 0.3, 0, 0))
        # The logger polls every 1.25 ms, and the sensor has a new reading after 8 to 13 ms.
        intervals = 1_250 * random.integers(7, 11, count) + random.integers(-150, 150, count)
        intervals[starts] += random.integers(1, 3_600_000_000, len(starts))
        return Runs(len(starts), index, motion, START_US + np.cumsum(intervals))


def jittered_times(random: Generator, count: int) -> Times:
    """Generates times every 10 ms, with a jitter of up to 2 ms."""
    return START_US + PERIOD_US * np.arange(1, count + 1) + random.integers(-2_000, 2_000, count)


def to_steps(values: Values, step: float) -> Values:
    """Rounds values to the steps of a converter. Adding zero turns -0.0 into 0.0."""
    return np.rint(values / step) * step + 0.0


SHAPES: dict[str, Callable[[Generator, int, int], Readings]] = {"noise": noise, "sensor": sensor, "real": real}
