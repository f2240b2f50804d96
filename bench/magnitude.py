"""Measures the cost of the magnitude over SQLite: analyses of x, y and z, and analyses of x, y, z and the magnitude,
in turn. Needs NumPy and a release build:

    cargo build --release --bin device-stats --bin device-stats-bench
    cd bench && python3 magnitude.py --kinds sensor noise real
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import time
from http.client import HTTPConnection
from pathlib import Path
from statistics import median

import numpy as np

from service import Service
from shapes import SHAPES

RELEASE = Path(__file__).resolve().parents[1] / "target" / "release"
DEVICE = "device-0"


def write_device(folder: Path, kind: str, readings: int, seed: int) -> np.ndarray:
    """Writes the readings of a device and a manifest for `device-stats-bench load`. Returns the times."""
    device = SHAPES[kind](np.random.default_rng(seed), 0, readings)
    for name in ("x", "y", "z", "times"):
        getattr(device, name).tofile(folder / f"{name}.bin")
    rows = {"device_id": DEVICE, "owned": True, "times": str(folder / "times.bin"), "first": 0, "readings": readings}
    manifest = {axis: str(folder / f"{axis}.bin") for axis in "xyz"} | {"devices": [rows]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return device.times


class Client:
    """Sends analyses over one connection, and measures each."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.connection = HTTPConnection(service.address, timeout=3_600)

    def analyze(self, window: tuple[int, int] | None, magnitude: bool) -> tuple[float, float, dict]:
        """Returns the seconds of a response, the processor seconds of the service, and the response."""
        body: dict[str, object] = {"magnitude": True} if magnitude else {}
        if window:
            body |= {"start_time": moment(window[0]), "end_time": moment(window[1])}
        cpu, start = self.service.cpu_seconds(), time.perf_counter()
        self.connection.request(
            "POST", f"/api/v1/stats/devices/{DEVICE}/analyze", json.dumps(body), {"Content-Type": "application/json"}
        )
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        seconds = time.perf_counter() - start
        assert response.status == 200, answer
        return seconds, self.service.cpu_seconds() - cpu, answer


def moment(micros: int) -> str:
    return f"{np.datetime64(int(micros), 'us')}Z"


def windows(times: np.ndarray, count: int, seed: int) -> list[tuple[int, int]]:
    """Returns windows with random ends in the first and in the last 5 % of the time."""
    random = np.random.default_rng(seed)
    first, last = int(times[0]), int(times[-1])
    margin = (last - first) // 20
    return [(first + int(random.integers(margin)), last - int(random.integers(margin))) for _ in range(count)]


def size(database: Path) -> int:
    return sum(file.stat().st_size for file in database.parent.glob(f"{database.name}*"))


def measure(kind: str, options: argparse.Namespace) -> dict[str, object]:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder)
        times = write_device(path, kind, options.readings, options.seed)
        database = path / "readings.db"
        url = f"sqlite:{database}"
        load = [options.programs / "device-stats-bench", "load", "--database", url, "--manifest", path / "manifest.json"]
        subprocess.run(load, check=True, stdout=subprocess.DEVNULL)
        with Service(options.programs / "device-stats", url, path / "log") as service:
            service.settle()
            client = Client(service)
            client.analyze(None, False)
            bytes_before = size(database)
            first_seconds, first_cpu, answer = client.analyze(None, True)
            check(path, answer["magnitude"])
            found = {False: [], True: []}
            cpu = {False: 0.0, True: 0.0}
            requests = windows(times, options.requests, options.seed)
            for number, window in enumerate(requests):
                # The first half only warms the cache.
                for magnitude in (False, True):
                    seconds, used, _ = client.analyze(window, magnitude)
                    if number >= options.requests // 2:
                        found[magnitude].append(seconds)
                        cpu[magnitude] += used
            wall = {magnitude: median(seconds) for magnitude, seconds in found.items()}
            count = len(found[True])
            return {
                "kind": kind,
                "first_s": round(first_seconds, 2),
                "first_cpu_s": round(first_cpu, 2),
                "xyz_ms": round(1e3 * wall[False], 2),
                "with_magnitude_ms": round(1e3 * wall[True], 2),
                "xyz_cpu_ms": round(1e3 * cpu[False] / count, 2),
                "with_magnitude_cpu_ms": round(1e3 * cpu[True] / count, 2),
                "axes_wall": round(3 * (wall[True] / wall[False] - 1), 2),
                "axes_cpu": round(3 * (cpu[True] / cpu[False] - 1), 2),
                "database_mb": round(bytes_before / 1e6, 1),
                "magnitudes_mb": round((size(database) - bytes_before) / 1e6, 1),
                "load_average": os.getloadavg()[0],
            }


def check(folder: Path, found: dict) -> None:
    """Compares an answer with NumPy, whose magnitudes may differ in the last digit."""
    x, y, z = (np.fromfile(folder / f"{axis}.bin") for axis in "xyz")
    magnitudes = np.sqrt(x * x + y * y + z * z)
    expected = {"min_value": magnitudes.min(), "max_value": magnitudes.max(), "median": np.median(magnitudes)}
    for name, value in (expected | {"sum": magnitudes.sum(), "count": len(x)}).items():
        assert abs(found[name] - value) <= 1e-9 * abs(value), (name, found[name], value)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--kinds", nargs="+", default=["sensor"], choices=sorted(SHAPES))
    options.add_argument("--readings", type=int, default=10_000_000)
    options.add_argument("--requests", type=int, default=200)
    options.add_argument("--seed", type=int, default=20261123)
    options.add_argument("--folder", type=Path, default=None)
    options.add_argument("--programs", type=Path, default=RELEASE)
    options = options.parse_args()
    for kind in options.kinds:
        print(json.dumps(measure(kind, options)), flush=True)


if __name__ == "__main__":
    main()
