"""Measures the cost of the magnitude: analyses of x, y and z, and analyses of x, y, z and the magnitude, in turns. Needs
NumPy, a release build and, for the store `service-postgres`, the programs of PostgreSQL:

    cargo build --release --bin device-stats --bin device-stats-bench
    cd bench && python3 magnitude.py --kinds sensor noise real --store service-sqlite
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
from stores import STORES, PostgresStore, SqliteFolder

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

    def analyze(self, window: tuple[int, int] | None, magnitude: bool) -> tuple[float, dict]:
        """Returns the seconds of a response, and the response."""
        body: dict[str, object] = {"magnitude": True} if magnitude else {}
        if window:
            body |= {"start_time": moment(window[0]), "end_time": moment(window[1])}
        start = time.perf_counter()
        self.connection.request(
            "POST", f"/api/v1/stats/devices/{DEVICE}/analyze", json.dumps(body), {"Content-Type": "application/json"}
        )
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        seconds = time.perf_counter() - start
        assert response.status == 200, answer
        return seconds, answer

    def analyze_each(self, requests: list[tuple[int, int]], magnitude: bool) -> tuple[list[float], float]:
        """Returns the seconds of each response, and the processor seconds of the service."""
        cpu = self.service.cpu_seconds()
        seconds = [self.analyze(window, magnitude)[0] for window in requests]
        return seconds, self.service.cpu_seconds() - cpu


def moment(micros: int) -> str:
    return f"{np.datetime64(int(micros), 'us')}Z"


def windows(times: np.ndarray, count: int, seed: int) -> list[tuple[int, int]]:
    """Returns windows with random ends in the first and in the last 5 % of the time."""
    random = np.random.default_rng(seed)
    first, last = int(times[0]), int(times[-1])
    margin = (last - first) // 20
    return [(first + int(random.integers(margin)), last - int(random.integers(margin))) for _ in range(count)]


def stored_bytes(store: SqliteFolder | PostgresStore, table: str) -> int:
    """Returns the bytes of the heads and the blocks of segments (`segment`) or of derived ones (`derived`)."""
    heads = {"segment": "segment", "derived": "derived_segment"}[table]
    sums = f"SELECT (SELECT sum(length(head)) FROM {heads}) + (SELECT sum(length(bytes)) FROM {table}_block)"
    return store.query_number(sums)


def measure(kind: str, options: argparse.Namespace) -> dict[str, object]:
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        path = Path(folder)
        times = write_device(path, kind, options.readings, options.seed)
        # PostgreSQL runs as another user, which must reach its folder.
        path.chmod(0o755)
        with STORES[options.store](path / "store") as store:
            manifest = path / "manifest.json"
            load = [options.programs / "device-stats-bench", "load", "--database", store.url, "--manifest", manifest]
            subprocess.run(load, check=True, stdout=subprocess.DEVNULL)
            return measure_requests(kind, options, path, times, store)


def measure_requests(
    kind: str, options: argparse.Namespace, path: Path, times: np.ndarray, store: SqliteFolder | PostgresStore
) -> dict[str, object]:
    """Measures analyses of a device whose readings are stored."""
    with Service(options.programs / "device-stats", store.url, path / "log") as service:
        service.settle()
        client = Client(service)
        client.analyze(None, False)
        cpu_before = service.cpu_seconds()
        first_seconds, answer = client.analyze(None, True)
        first_cpu = service.cpu_seconds() - cpu_before
        check(path, answer["magnitude"])
        wall: dict[bool, list[float]] = {False: [], True: []}
        cpu = {False: 0.0, True: 0.0}
        for turn in range(options.turns + 1):
            requests = windows(times, options.requests, options.seed + turn)
            for magnitude in (False, True):
                seconds, used = client.analyze_each(requests, magnitude)
                # The first turn only warms the cache.
                if turn > 0:
                    wall[magnitude] += seconds
                    cpu[magnitude] += used
        count = len(wall[True])
        plain, whole = median(wall[False]), median(wall[True])
        return {
            "store": options.store,
            "kind": kind,
            "requests": count,
            "first_s": round(first_seconds, 2),
            "first_cpu_s": round(first_cpu, 2),
            "xyz_ms": round(1e3 * plain, 2),
            "with_magnitude_ms": round(1e3 * whole, 2),
            "xyz_cpu_ms": round(1e3 * cpu[False] / count, 2),
            "with_magnitude_cpu_ms": round(1e3 * cpu[True] / count, 2),
            "axes_wall": round(3 * (whole / plain - 1), 2),
            "axes_cpu": round(3 * (cpu[True] / cpu[False] - 1), 2),
            "segments_mb": round(stored_bytes(store, "segment") / 1e6, 1),
            "magnitudes_mb": round(stored_bytes(store, "derived") / 1e6, 1),
            "load_average": round(os.getloadavg()[0], 1),
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
    options.add_argument("--store", default="service-sqlite", choices=sorted(STORES))
    options.add_argument("--readings", type=int, default=10_000_000)
    options.add_argument("--requests", type=int, default=200, help="requests of a turn")
    options.add_argument("--turns", type=int, default=5)
    options.add_argument("--seed", type=int, default=20261123)
    options.add_argument("--folder", type=Path, default=None)
    options.add_argument("--programs", type=Path, default=RELEASE)
    options = options.parse_args()
    for kind in options.kinds:
        print(json.dumps(measure(kind, options)), flush=True)


if __name__ == "__main__":
    main()
