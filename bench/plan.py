"""Settings of a run, read once from the environment; see docs/performance.md."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

DEVICES = 10
"""Number of devices of the user."""
GOAL_READINGS = 10_000_000
"""Number of readings per device to which the goals apply."""
POSTGRES_READINGS_MAX = 10_000_000
"""Maximum number of readings that PostgreSQL stores as rows. Each row takes about 150 bytes."""
INGEST = "ingest"
"""Name of the measurement of ingest throughput over HTTP. Its readings belong to none of the other kinds."""
OVERLOAD = "overload"
"""Name of the measurement of overload over HTTP."""
DELETION = "deletion"
"""Name of the measurement of the deletion of a large device. Its readings are those of `sensor`."""
ZOOM = "zoom"
"""Name of the measurement of the steps of a zoom. Its readings are those of `sensor`."""
KINDS = ("noise", "sensor", "real", INGEST, OVERLOAD, DELETION, ZOOM)
SERVICES = ("service-sqlite", "service-postgres")
COMPETITORS = ("clickhouse", "duckdb", "postgres")


class BadPlan(Exception):
    """An environment variable has an invalid value."""


@dataclass(frozen=True)
class Plan:
    """The settings of a run."""

    readings: int
    """Readings per device. The user has ten devices. One more device has as many readings as all of them
    together."""
    kinds: tuple[str, ...]
    systems: tuple[str, ...]
    csv: Path | None
    """A file of readings whose sealed size is measured: device_id,timestamp,x,y,z."""
    seed: int
    folder: Path
    """Folder in which the run creates a folder for its files."""
    programs: Path
    """Folder with release builds of `device-stats` and `device-stats-bench`."""
    results: Path
    """Folder of the results in JSON."""

    @property
    def at_goal(self) -> bool:
        """Whether the goals apply to this size."""
        return self.readings == GOAL_READINGS

    @property
    def services(self) -> tuple[str, ...]:
        return tuple(system for system in self.systems if system in SERVICES)

    @property
    def competitors(self) -> tuple[str, ...]:
        return tuple(system for system in self.systems if system in COMPETITORS)


def read_plan() -> Plan:
    """Reads the settings from the environment."""
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
        raise BadPlan(f"{name} is {text!r}; it must be a number of at least {at_least}")
    return number


def read_names(name: str, known: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple((os.environ.get(name) or " ".join(known)).replace(",", " ").split())
    for unknown in set(names) - set(known):
        raise BadPlan(f"{name} contains {unknown!r}; the known names are: {' '.join(known)}")
    return tuple(each for each in known if each in names)
