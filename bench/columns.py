"""The readings as one file of 64-bit numbers per column. Every system is loaded from them, and the truth is
computed from them."""

from __future__ import annotations

import json
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from plan import DEVICES
from shapes import PERIOD_US, SHAPES

AXES = ("x", "y", "z")
LONG = "long"
"""The device that has the readings of all other devices, one device after the other."""


@dataclass(frozen=True)
class Columns:
    """The readings of one kind. Each file has the readings of the first device, then the readings of
    the second, and so on."""

    folder: Path
    readings: int
    """Number of readings of each device of the user."""

    @property
    def manifest(self) -> Path:
        """The manifest, from which `device-stats-bench` knows the readings of each device."""
        return self.folder / "manifest.json"

    def file(self, name: str) -> Path:
        return self.folder / f"{name}.bin"

    def axis(self, axis: str) -> NDArray[np.float64]:
        return np.memmap(self.file(axis), np.float64, "r")

    def times(self, name: str = "times") -> NDArray[np.int64]:
        """Returns the times of the devices of the user (`times`) or of the long device (`long_times`)."""
        return np.memmap(self.file(name), np.int64, "r")

    def slice_of(self, device: str) -> slice:
        """Returns the range of a device in the files."""
        if device == LONG:
            return slice(0, DEVICES * self.readings)
        first = DEVICE_IDS.index(device) * self.readings
        return slice(first, first + self.readings)

    def times_of(self, device: str) -> NDArray[np.int64]:
        return self.times("long_times") if device == LONG else self.times()[self.slice_of(device)]

    def within(self, device: str, start_us: int, end_us: int) -> slice:
        """Returns the range of a device and a window in the files. Both ends belong to the window."""
        times, first = self.times_of(device), self.slice_of(device).start
        return slice(
            first + int(np.searchsorted(times, start_us, "left")), first + int(np.searchsorted(times, end_us, "right"))
        )


DEVICE_IDS = tuple(f"device-{number}" for number in range(DEVICES))


def write_columns(folder: Path, kind: str, readings: int, seed: int) -> Columns:
    """Generates the readings of a kind. The same seed gives the same bytes."""
    folder.mkdir()
    columns = Columns(folder, readings)
    for name in (*AXES, "times", "long_times"):
        with columns.file(name).open("wb") as file:
            file.truncate(8 * DEVICES * readings)
    with ProcessPoolExecutor() as pool:
        for written in [pool.submit(write_device, columns, kind, seed, number) for number in range(DEVICES)]:
            written.result()
    write_long_times(columns)
    write_manifest(columns)
    return columns


def write_device(columns: Columns, kind: str, seed: int, number: int) -> None:
    random = np.random.default_rng([seed, zlib.crc32(kind.encode()), number])
    readings = SHAPES[kind](random, number, columns.readings)
    rows = columns.slice_of(DEVICE_IDS[number])
    for name in (*AXES, "times"):
        column = getattr(readings, name)
        file = np.memmap(columns.file(name), column.dtype, "r+")
        file[rows] = column
        file.flush()


def write_long_times(columns: Columns) -> None:
    """Shifts the times of each device, so that they follow the times of the previous device."""
    times = columns.times().reshape(DEVICES, columns.readings)
    long_times = np.memmap(columns.file("long_times"), np.int64, "r+", shape=times.shape)
    last_us = int(times[0][0]) - PERIOD_US
    for own, moved in zip(times, long_times, strict=True):
        moved[:] = own + (last_us + PERIOD_US - int(own[0]))
        last_us = int(moved[-1])
    long_times.flush()


def write_manifest(columns: Columns) -> None:
    def device(device_id: str, times: str) -> dict[str, object]:
        rows = columns.slice_of(device_id)
        return {
            "device_id": device_id,
            "owned": device_id != LONG,
            "times": str(columns.file(times)),
            "first": rows.start,
            "readings": rows.stop - rows.start,
        }

    manifest = {axis: str(columns.file(axis)) for axis in AXES} | {
        "devices": [device(device_id, "times") for device_id in DEVICE_IDS] + [device(LONG, "long_times")]
    }
    columns.manifest.write_text(json.dumps(manifest, indent=2))
