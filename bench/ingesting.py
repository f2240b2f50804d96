"""Measures the durable ingest throughput of this service over HTTP, and the throughput of ClickHouse with the
same lines."""

from __future__ import annotations

import multiprocessing
import subprocess
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

from client import analysis_request, send
from measuring import run_program
from plan import Plan
from questions import Question, Window
from service import Service
from stores import STORES

SECONDS = 10
"""Duration of each load."""
SINGLES = 64
"""Number of connections that post single readings."""
BATCHES = 8
"""Number of connections that post batches."""
BATCH_READINGS = 10_000
LOADS: dict[str, list[str]] = {
    "live": ["--shape=live", f"--clients={SINGLES}"],
    "single": ["--shape=single", f"--clients={SINGLES}"],
    "NDJSON, one device each": ["--shape=one-device", "--format=ndjson", f"--clients={BATCHES}"],
    "CSV, one device each": ["--shape=one-device", "--format=csv", f"--clients={BATCHES}"],
    "Arrow, one device each": ["--shape=one-device", "--format=arrow", f"--clients={BATCHES}"],
    "NDJSON, 1,000 devices": ["--shape=many-devices", "--format=ndjson", f"--clients={BATCHES}"],
    "Arrow, 1,000 devices": ["--shape=many-devices", "--format=arrow", f"--clients={BATCHES}"],
}
"""Arguments of `device-stats-bench ingest` by the name of the load."""

TOKEN_PAIRS = 12
"""Number of pairs of loads, one with tokens and one without."""
TOKEN_SECONDS = 4
NO_RATES = ["device-requests", "user-requests", "readings", "address-requests"]
"""Rates that are turned off, so that only the check of the token is measured."""

ANALYZED_READINGS = 10_000_000
"""Number of readings of the device that is analyzed during the loads."""
ANALYZED_BATCH = 100_000
ANALYSES = 200
EPOCH_2020 = 1_577_836_800


@dataclass
class TokenPair:
    """Single readings without and with tokens, one load after the other."""

    rates: tuple[float, float]
    """Requests per second."""
    processor_seconds: tuple[float, float]
    """Processor time of the service for a request."""

    @property
    def rate_ratio(self) -> float:
        return self.rates[1] / self.rates[0]

    @property
    def processor_ratio(self) -> float:
        return self.processor_seconds[1] / self.processor_seconds[0]


@dataclass
class IngestResult:
    """The results over one store."""

    memory_bytes: int = 0
    analyses: dict[str, list[float]] = field(default_factory=dict)
    """Times of analyses of 10 M readings, in seconds, by the name of the concurrent load; `idle` without
    load."""
    loads: dict[str, dict[str, float]] = field(default_factory=dict)
    """Output of `device-stats-bench ingest` by the name of the load."""

    token_pairs: list[TokenPair] = field(default_factory=list)

    def batches(self) -> list[str]:
        """Returns the names of the loads that post batches."""
        return [name for name in self.loads if name not in {"live", "single"}]

    def requests_per_second(self, name: str) -> float:
        return self.loads[name]["requests"] / self.loads[name]["seconds"]

    def readings_per_second(self, name: str) -> float:
        return self.loads[name]["readings"] / self.loads[name]["seconds"]

    def p99(self, name: str) -> str:
        return f"{1e3 * self.loads[name]['p99_seconds']:.1f} ms"


def run_ingest(plan: Plan, system: str, folder: Path) -> IngestResult:
    """Runs each load over a store of its own, so that no load finds the unfinished work of another one."""
    result = IngestResult()
    for name, arguments in LOADS.items():
        with (
            STORES[system](folder / f"{system}-ingest") as store,
            Service(plan.programs / "device-stats", store.url, folder / f"{system}-ingest.log") as service,
        ):
            address, seconds = f"--address={service.address}", f"--seconds={SECONDS}"
            result.loads[name] = run_program(
                plan, "ingest", address, seconds, f"--readings={BATCH_READINGS}", *arguments
            )
            service.note_memory()
            result.memory_bytes = max(result.memory_bytes, service.memory_bytes)
    result.token_pairs = compare_tokens(plan, system, folder)
    analyze_under_load(plan, system, folder, result)
    return result


def compare_tokens(plan: Plan, system: str, folder: Path) -> list[TokenPair]:
    """Posts single readings with and without tokens; every other pair begins with tokens. Each load has a service
    and a store of its own, because two processes of the same program can differ by more than the check of a token
    costs."""
    pairs = []
    for pair in range(TOKEN_PAIRS):
        order = (False, True) if pair % 2 == 0 else (True, False)
        costs = {has_tokens: post_singles(plan, system, folder, has_tokens) for has_tokens in order}
        rates, processor = zip(costs[False], costs[True], strict=True)
        pairs.append(TokenPair(rates, processor))
    return pairs


def post_singles(plan: Plan, system: str, folder: Path, has_tokens: bool) -> tuple[float, float]:
    """Posts single readings to a new service. Returns the requests per second, and the seconds of processor time
    per request."""
    program, mode = plan.programs / "device-stats", "token" if has_tokens else "open"
    with STORES[system](folder / f"{system}-{mode}") as store:
        flags, load = [f"--auth={mode}"], [f"--seconds={TOKEN_SECONDS}", *LOADS["single"]]
        if has_tokens:
            create = [program, "token", "create", "--admin", f"--database-url={store.url}"]
            subprocess.run([program, "migrate", f"--database-url={store.url}"], check=True, capture_output=True)
            token = subprocess.run(create, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
            flags += [f"--{name}-per-second=0" for name in NO_RATES]
            load.append(f"--admin-token={token}")
        with Service(program, store.url, folder / f"{system}-{mode}.log", *flags) as service:
            before = service.cpu_seconds()
            posted = run_program(plan, "ingest", f"--address={service.address}", *load)
            processor = service.cpu_seconds() - before
    return posted["requests"] / posted["seconds"], processor / posted["requests"]


def analyze_under_load(plan: Plan, system: str, folder: Path, result: IngestResult) -> None:
    """Measures analyses of one large device, first without load, then during each load."""
    with (
        STORES[system](folder / f"{system}-ingest") as store,
        Service(plan.programs / "device-stats", store.url, folder / f"{system}-ingest.log") as service,
    ):
        address, batches = f"--address={service.address}", ANALYZED_READINGS // ANALYZED_BATCH
        one_client = ["--shape=one-device", "--format=arrow", "--clients=1", "--seconds=600", "--prefix=analyzed"]
        run_program(
            plan, "ingest", address, *one_client, f"--requests-max={batches}", f"--readings={ANALYZED_BATCH}"
        )
        service.settle()
        program = plan.programs / "device-stats-bench"
        # Each load is measured with the same windows. They cover nearly all readings and need pages that are
        # in the cache.
        windows = [
            Window((EPOCH_2020 + turn % 5) * 1_000_000 + turn, (EPOCH_2020 + batches - turn % 5) * 1_000_000)
            for turn in range(ANALYSES)
        ]
        requests = [analysis_request(Question("analyzed-0", window), 0) for window in windows]
        send(program, folder, service.address, requests)
        result.analyses["idle"] = send(program, folder, service.address, requests).seconds
        for name, arguments in LOADS.items():
            if name != "live":
                load = [program, "ingest", address, f"--seconds={SECONDS}", f"--readings={BATCH_READINGS}", *arguments]
                with subprocess.Popen(load, stdout=subprocess.DEVNULL) as running:
                    result.analyses[name] = send(program, folder, service.address, requests).seconds
                if running.returncode:
                    raise RuntimeError(f"the load {name!r} failed with exit code {running.returncode}")
        service.note_memory()
        result.memory_bytes = max(result.memory_bytes, service.memory_bytes)


def run_clickhouse(folder: Path) -> float:
    """Returns the readings per second that ClickHouse inserts in a process of its own. It gets the same
    batches, for one device."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(insert_lines, (folder,))


def insert_lines(folder: Path) -> float:
    """Inserts one batch per INSERT. ClickHouse does not sync them."""
    from chdb.session import Session  # noqa: PLC0415, imported only in the process that needs it

    session = Session(str(folder))
    session.query("CREATE DATABASE bench")
    session.query("USE bench")
    session.query(
        "CREATE TABLE reading (timestamp DateTime64(6, 'UTC'), x Float64, y Float64, z Float64)"
        " ENGINE = MergeTree ORDER BY timestamp"
    )
    factors = (7_919, 104_729, 1_299_709)
    numbers = [[row * factor % 65_536 / 2_048 - 16 for factor in factors] for row in range(BATCH_READINGS)]
    first = datetime(2020, 1, 1, tzinfo=UTC)
    inserted, start = 0, time.perf_counter()
    preparing = 0.0
    while time.perf_counter() - start < SECONDS:
        begun = time.perf_counter()
        second = (first + timedelta(seconds=inserted // BATCH_READINGS)).strftime("%Y-%m-%dT%H:%M:%S")
        lines = "".join(
            f'{{"timestamp":"{second}.{row:06}Z","x":{x},"y":{y},"z":{z}}}\n' for row, (x, y, z) in enumerate(numbers)
        )
        preparing += time.perf_counter() - begun
        session.query(
            "INSERT INTO reading SETTINGS date_time_input_format = 'best_effort'"
            f" FORMAT JSONEachRow\n{lines}"
        )
        inserted += BATCH_READINGS
    return inserted / (time.perf_counter() - start - preparing)
