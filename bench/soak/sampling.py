"""Samples of a process and its store, and the comparison of the second quarter of a run with the last one."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import median

from traffic import Figures

MEBIBYTE = 1 << 20
GROWTH_MAX = {"memory_mib": 1.2, "database_mib": 1.2, "log_mib": 1.5, "files": 1.2, "post_p99_ms": 2.0}
"""How much larger a median may be in the last quarter than in the second one."""
FLOOR = {"memory_mib": 0.0, "database_mib": 0.0, "log_mib": 320.0, "files": 20.0, "post_p99_ms": 50.0}
"""Up to this, a median counts as flat: a log is emptied now and then, and connections come and go."""


@dataclass
class Sample:
    """The state at one moment, and the figures of the clients since the sample before."""

    hours: float
    memory_mib: float
    database_mib: float
    log_mib: float
    """Write-ahead log."""
    files: int
    """Open files, including connections."""
    post_p99_ms: float
    analysis_p99_ms: float
    readings: int
    """Acknowledged readings."""
    checks: int
    """Analyses that were compared with the acknowledged readings."""
    events: int
    """Events of live streams."""
    refusals: int


def take_sample(hours: float, process: int, database_bytes: int, log_bytes: int, figures: Figures) -> Sample:
    status = Path(f"/proc/{process}/status").read_text().splitlines()
    resident = next(line for line in status if line.startswith("VmRSS:"))
    posts = figures.seconds.get("single", []) + figures.seconds.get("batch", [])
    return Sample(
        hours=round(hours, 4),
        memory_mib=round(int(resident.split()[1]) / 1024, 1),
        database_mib=round(database_bytes / MEBIBYTE, 1),
        log_mib=round(log_bytes / MEBIBYTE, 1),
        files=len(os.listdir(f"/proc/{process}/fd")),
        post_p99_ms=p99_ms(posts),
        analysis_p99_ms=p99_ms(figures.seconds.get("analysis", [])),
        readings=figures.readings,
        checks=figures.checks,
        events=figures.events,
        refusals=sum(figures.refusals.values()),
    )


def p99_ms(seconds: Sequence[float]) -> float:
    """Returns the 99th percentile (nearest rank) in milliseconds, or 0 without requests."""
    if not seconds:
        return 0.0
    ordered = sorted(seconds)
    return round(1e3 * ordered[-(len(ordered) // 100) - 1], 2)


def write_csv(file: Path, samples: Sequence[Sample]) -> None:
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, [each.name for each in fields(Sample)])
        writer.writeheader()
        writer.writerows(asdict(sample) for sample in samples)


def growths(samples: Sequence[Sample]) -> list[tuple[str, float, float, bool]]:
    """Compares the medians of the second quarter and of the last quarter.

    Returns for each figure its name, the two medians, and whether it is flat.
    """
    quarter = len(samples) // 4
    second, last = samples[quarter : 2 * quarter], samples[-quarter:]
    found = []
    for name, most in GROWTH_MAX.items():
        before, after = (median(getattr(sample, name) for sample in part) for part in (second, last))
        found.append((name, before, after, after <= max(FLOOR[name], most * before)))
    return found
