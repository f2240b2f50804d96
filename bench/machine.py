"""The machine that the figures are of."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from plan import Plan


def describe_machine(plan: Plan) -> dict[str, object]:
    """What the figures depend on, at the start of a run."""
    return {
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": field_of("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_gib": round(int(field_of("/proc/meminfo", "MemTotal").split()[0]) / 2**20, 1),
        "system": platform.platform(),
        "load_average": os.getloadavg(),
        "python": platform.python_version(),
        "rust": said_by("rustc", "--version"),
        "device_stats": said_by(str(plan.programs / "device-stats"), "--version"),
        "commit": said_by("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"),
    }


def field_of(file: str, name: str) -> str:
    """The first value of that name in a file of Linux that says `name: value`."""
    for line in Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "0"


def said_by(*command: str) -> str | None:
    """What a program says of itself; None where there is no such program."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
