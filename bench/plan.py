"""What is to be measured: read once from the environment, see docs/performance.md."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

DEVICES = 10
"""Devices of the user."""
GOAL_READINGS = 10_000_000
"""Readings a device for which the goals are stated."""
POSTGRES_READINGS_MAX = 10_000_000
"""Readings that PostgreSQL keeps as rows: each takes about 150 bytes."""
INGEST = "ingest"
"""Not a kind of readings: how fast they are taken in over HTTP."""
KINDS = ("noise", "sensor", "real", INGEST)
SERVICES = ("service-sqlite", "service-postgres")
COMPETITORS = ("clickhouse", "duckdb", "postgres")


class BadPlan(Exception):
    """An environment variable makes no sense."""


@dataclass(frozen=True)
class Plan:
    """The settings of a run."""

    readings: int
    """Of one device; a user has ten such devices, and one more device has as many as these together."""
    kinds: tuple[str, ...]
    systems: tuple[str, ...]
    csv: Path | None
    """Readings to seal for their size: device_id,timestamp,x,y,z."""
    seed: int
    folder: Path
    """Where the files lie, in a folder of this run's own."""
    programs: Path
    """Where `device-stats` and `device-stats-bench` are, built for release."""
    results: Path
    """Where the results are written as JSON."""

    @property
    def at_goal(self) -> bool:
        """Whether the goals are stated for this size."""
        return self.readings == GOAL_READINGS

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(system for system in self.systems if system in SERVICES)

    @property
    def competitors(self) -> tuple[str, ...]:
        return tuple(system for system in self.systems if system in COMPETITORS)


def read_plan() -> Plan:
    """The plan that the environment asks for."""
    csv = os.environ.get("CSV")
    return Plan(
        readings=read_number("READINGS", GOAL_READINGS, at_least=10_000),
        kinds=read_names("KINDS", KINDS),
        systems=read_names("SYSTEMS", COMPETITORS + SERVICES),
        csv=Path(csv).resolve(strict=True) if csv else None,
        seed=read_number("SEED", 20261123, at_least=0),
        folder=Path(os.environ.get("BENCH_DIR") or tempfile.gettempdir()).resolve(strict=True),
        programs=Path(os.environ["BENCH_PROGRAMS"]),
        results=Path(__file__).parent / "results",
    )


def read_number(name: str, default: int, *, at_least: int) -> int:
    text = os.environ.get(name) or str(default)
    try:
        number = int(text.replace("_", ""))
    except ValueError:
        number = -1
    if number < at_least:
        raise BadPlan(f"{name} is {text!r}; it has to be a number, {at_least} or more")
    return number


def read_names(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple((os.environ.get(name) or " ".join(known)).replace(",", " ").split())
    for unknown in set(names) - set(known):
        raise BadPlan(f"{name} has {unknown!r}; known are: {' '.join(known)}")
    return tuple(each for each in known if each in names)
