"""Description of the machine that runs the benchmark."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from plan import Plan


def describe_machine(plan: Plan) -> dict[str, object]:
    """Returns the properties of the machine and of the programs that affect the figures, at the start of a
    run."""
    return {
        "begun": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": read_field("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory_gib": round(int(read_field("/proc/meminfo", "MemTotal").split()[0]) / 2**20, 1),
        "system": platform.platform(),
        "load_average": os.getloadavg(),
        "python": platform.python_version(),
        "rust": program_output("rustc", "--version"),
        "device_stats": program_output(str(plan.programs / "device-stats"), "--version"),
        "commit": program_output("git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"),
    }


def read_field(file: str, name: str) -> str:
    """Returns the first value of a name in a file of Linux with lines `name: value`; `0` without one."""
    for line in Path(file).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "0"


def program_output(*command: str) -> str | None:
    """Returns the output of a program; None if it is missing or fails."""
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None
