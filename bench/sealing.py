"""Measurements without questions: the throughput of sealing and merging on one core, and the sealed size of a
file."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from columns import DEVICE_IDS, Columns
from measuring import run_program
from plan import Plan
from service import Service
from stores import SqliteFolder

SEALED_DEVICES = DEVICE_IDS[:3]
"""Devices whose readings are sealed. For `real`, each of them is another sensor."""


def measure_rates(plan: Plan, columns: Columns) -> dict[str, float]:
    """Measures sealing and merging on one thread, in readings per second."""
    by_device = [
        run_program(plan, "rates", f"--manifest={columns.manifest}", f"--device-id={device}")
        for device in SEALED_DEVICES
    ]
    readings, seal_seconds, merge_seconds, segment_bytes = (
        sum(each[name] for each in by_device)
        for name in ("readings", "seal_seconds", "merge_seconds", "segment_bytes")
    )
    return {
        "readings": readings,
        "sealed_per_second": readings / seal_seconds,
        "merged_per_second": readings / merge_seconds,
        "merged_bytes_per_reading": segment_bytes / readings,
    }


def measure_csv(plan: Plan, folder: Path, csv: Path) -> dict[str, float]:
    """Measures the size of a file of readings after import and sealing."""
    program = plan.programs / "device-stats"
    with SqliteFolder(folder / "csv") as store:
        with Service(program, store.url, folder / "csv.log") as service:
            url = f"http://{service.address}"
            subprocess.run([program, "import", str(csv), "--url", url], check=True, stdout=subprocess.DEVNULL)
        environment = os.environ | {"DATABASE_URL": store.url, "RUST_LOG": "warn"}
        subprocess.run([program, "seal", "--all"], check=True, env=environment, stdout=subprocess.DEVNULL)
        sizes = run_program(plan, "sizes", f"--database={store.url}")
        if sizes["hot_readings"]:
            raise RuntimeError(f"{sizes['hot_readings']} readings were not sealed")
        segment_bytes = sizes["head_bytes"] + sizes["block_bytes"]
        return {
            "readings": sizes["readings"],
            "segments": sizes["segments"],
            "segment_bytes_per_reading": segment_bytes / sizes["readings"],
            "stored_bytes_per_reading": store.bytes_stored() / sizes["readings"],
        }
