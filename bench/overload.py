"""Measures the service under up to five times the load that it can take, with requests at times that are fixed in
advance."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from measuring import run_program
from plan import Plan
from service import Service
from stores import STORES

READINGS = 1_000
"""Readings of a batch. A batch costs the service several times the time of the generator, so one core can
generate five times the load of another one."""
CLOSED_CONNECTIONS = 16
"""Number of connections that measure the capacity: enough to use the service fully, and too few for it to refuse
requests."""
CLOSED_SECONDS = 20
CONNECTIONS = 2_000
"""Number of connections. With fewer, requests wait for a free one, and the load is no longer independent of the
answers."""
FACTORS = (0.5, 1.0, 2.0, 5.0)
SECONDS = 60
RECOVERY_SECONDS = 20
"""Time with half of the capacity after each load."""
NORMAL_SECONDS = 0.05
"""Latency that counts as normal, whatever it is at half of the capacity."""


@dataclass
class OverloadResult:
    """The results over one store."""

    capacity: float = 0.0
    """Requests per second that the service answers if each connection waits for the answers."""
    capacity_readings: float = 0.0
    """Readings per second of these requests."""
    loads: dict[float, dict] = field(default_factory=dict)
    """Result of `device-stats-bench open-loop` by the multiple of the capacity."""
    recovery_seconds: dict[float, float] = field(default_factory=dict)
    """Time after the load until no request is refused, and the latency is normal."""
    memory_bytes: dict[float, int] = field(default_factory=dict)
    """Peak memory of the process."""
    pinned: bool = False
    """Whether the generator has a core of its own."""

    @property
    def peak(self) -> float:
        """Returns the highest rate of stored readings."""
        return max(self.capacity_readings, *(stored_readings(load) for load in self.loads.values()))


def run_overload(plan: Plan, system: str, folder: Path) -> OverloadResult:
    """Runs each load over a store of its own."""
    result = OverloadResult()
    cores = sorted(os.sched_getaffinity(0))
    result.pinned = len(cores) > 1
    generator, servers = cores[:1], cores[1:] or cores
    with service_on(servers, plan, system, folder) as service, on_cores(generator):
        closed = send(plan, service, [(0, CLOSED_SECONDS)], CLOSED_CONNECTIONS)[0]
    result.capacity = sum(kind["accepted"] for kind in closed["kinds"]) / CLOSED_SECONDS
    result.capacity_readings = stored_readings(closed)
    for factor in FACTORS:
        with service_on(servers, plan, system, folder) as service, on_cores(generator):
            phases = [(factor * result.capacity, SECONDS), (0.5 * result.capacity, RECOVERY_SECONDS)]
            load, after = send(plan, service, phases, CONNECTIONS)
            service.note_memory()
        result.loads[factor] = load
        result.memory_bytes[factor] = service.memory_bytes
        normal = max(NORMAL_SECONDS, 2 * result.loads[FACTORS[0]]["accepted_p99"])
        result.recovery_seconds[factor] = recovery_seconds(after, normal)
    return result


def stored_readings(load: dict) -> float:
    """Returns the stored readings per second."""
    accepted = {kind["kind"]: kind["accepted"] for kind in load["kinds"]}
    return (READINGS * accepted["batch"] + accepted["single"]) / load["seconds"]


def recovery_seconds(after: dict, normal: float) -> float:
    """Returns the end of the last second whose latency is not normal, or the time of the last refusal."""
    slow = [second + 1 for second, (_, _, p99) in enumerate(after["windows"]) if p99 > normal]
    return max(after["last_refused"], *slow, 0.0)


def send(plan: Plan, service: Service, phases: list[tuple[float, float]], connections: int) -> list[dict]:
    arguments = [f"--phase={rate}:{seconds}" for rate, seconds in phases]
    sizes = [f"--connections={connections}", f"--readings={READINGS}"]
    return run_program(plan, "open-loop", f"--address={service.address}", *sizes, *arguments)["phases"]


@contextmanager
def service_on(cores: list[int], plan: Plan, system: str, folder: Path) -> Iterator[Service]:
    """Starts a service and its database on these cores."""
    with ExitStack() as starting, on_cores(cores):
        store = starting.enter_context(STORES[system](folder / f"{system}-overload"))
        log = folder / f"{system}-overload.log"
        flags = ["--connections-per-address=0"]
        service = Service(plan.programs / "device-stats", store.url, log, *flags)
        starting.enter_context(service)
        running = starting.pop_all()
    with running:
        yield service


@contextmanager
def on_cores(cores: list[int]) -> Iterator[None]:
    """Lets programs that start in a `with` block run on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
