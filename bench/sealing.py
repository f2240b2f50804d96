"""What takes no questions: the rate at which one core seals and merges, and what a file of readings weighs sealed."""

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
"""Of the kind `real` each is another sensor."""


def measure_rates(plan: Plan, columns: Columns) -> dict[str, float]:
    """Readings a second, on one thread."""
    of_devices = [
        run_program(plan, "rates", f"--manifest={columns.manifest}", f"--device-id={device}")
        for device in SEALED_DEVICES
    ]
    readings, seal_seconds, merge_seconds, segment_bytes = (
        sum(each[name] for each in of_devices)
        for name in ("readings", "seal_seconds", "merge_seconds", "segment_bytes")
    )
    return {
        "readings": readings,
        "sealed_a_second": readings / seal_seconds,
        "merged_a_second": readings / merge_seconds,
        "merged_bytes_a_reading": segment_bytes / readings,
    }


def measure_csv(plan: Plan, folder: Path, csv: Path) -> dict[str, float]:
    """What a file of readings weighs, brought in as its owner would: imported, and then sealed."""
    program = plan.programs / "device-stats"
    with SqliteFolder(folder / "csv") as store:
        with Service(program, store.url, folder / "csv.log") as service:
            url = f"http://{service.address}"
            subprocess.run([program, "import", str(csv), "--url", url], check=True, stdout=subprocess.DEVNULL)
        environment = os.environ | {"DATABASE_URL": store.url, "RUST_LOG": "warn"}
        subprocess.run([program, "seal", "--all"], check=True, env=environment, stdout=subprocess.DEVNULL)
        sizes = run_program(plan, "sizes", f"--database={store.url}")
        if sizes["hot_readings"]:
            raise RuntimeError(f"{sizes['hot_readings']} readings are not sealed")
        segment_bytes = sizes["head_bytes"] + sizes["block_bytes"]
        return {
            "readings": sizes["readings"],
            "segments": sizes["segments"],
            "segment_bytes_a_reading": segment_bytes / sizes["readings"],
            "stored_bytes_a_reading": store.bytes_stored() / sizes["readings"],
        }
