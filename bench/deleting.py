"""Measures the deletion of a large device while clients post single readings of other devices."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

from columns import LONG, Columns
from measuring import run_program
from plan import Plan
from service import Service
from stores import STORES, PostgresStore, SqliteFolder

POSTERS = 64
"""Number of connections that post without a pause."""
SECONDS = 20
"""Duration of the posts before, during and after the deletion. "During" begins just before it."""
LEAD_SECONDS = 2
"""Time between the start of the posts and the deletion."""
FREED_SECONDS_MAX = 600
"""Time limit for the background work of the deletion, and for the vacuum of PostgreSQL."""
POLL_SECONDS = 0.5
DELETIONS = {"device": f"/api/v1/devices/{LONG}", "all readings": f"/api/v1/stats/devices/{LONG}?all=true"}
"""Path of each deletion."""

DEAD_ROWS = """
SELECT coalesce(sum(n_dead_tup), 0)::bigint FROM pg_stat_all_tables WHERE relid IN (
    SELECT unnest(ARRAY[oid, reltoastrelid]) FROM pg_class WHERE relname IN ('segment', 'segment_block'))
"""
"""Deleted rows that PostgreSQL has not vacuumed, with those of the tables that hold large values (TOAST)."""
DEAD_ROWS_MAX = 1_000
"""The deletion leaves more than a hundred times as many."""


@dataclass
class DeletionResult:
    """The result of one deletion. All times are in seconds."""

    readings: int
    before: dict
    """Result of `device-stats-bench open-loop` before the deletion."""
    during: dict
    after: dict
    """The same when the space is free."""
    answer_seconds: float
    """Time to the response to the deletion."""
    freed_seconds: float
    """Time until no segment of the device is stored and its space can be used again."""
    bytes_before: int
    bytes_after: int
    """Size of the files of the database when the space can be used again."""


def run_deletions(plan: Plan, system: str, columns: Columns, folder: Path) -> dict[str, DeletionResult]:
    """Makes each deletion in a store of its own."""
    return {name: run_deletion(plan, system, columns, folder, path) for name, path in DELETIONS.items()}


def run_deletion(plan: Plan, system: str, columns: Columns, folder: Path, path: str) -> DeletionResult:
    with STORES[system](folder / f"{system}-deletion") as store:
        run_program(plan, "load", f"--database={store.url}", f"--manifest={columns.manifest}")
        with Service(plan.programs / "device-stats", store.url, folder / f"{system}-deletion.log") as service:
            service.settle()
        # The pages of the device are read from the disk, as after months.
        store.go_cold()
        with Service(plan.programs / "device-stats", store.url, folder / f"{system}-deletion.log") as service:
            before = post(plan, service, "before").wait_for_result()
            bytes_before = store.bytes_stored()
            device = store.query_number(f"SELECT id FROM devices WHERE device_id = '{LONG}'")
            posts = post(plan, service, "during")
            time.sleep(LEAD_SECONDS)
            begun = time.perf_counter()
            delete(service, path)
            answer_seconds = time.perf_counter() - begun
            during = posts.wait_for_result()
            while not is_freed(store, device):
                if time.perf_counter() - begun > FREED_SECONDS_MAX:
                    raise RuntimeError(f"the space of the device is not free after {FREED_SECONDS_MAX} s")
                time.sleep(POLL_SECONDS)
            freed_seconds = time.perf_counter() - begun
            readings = columns.slice_of(LONG).stop
            sizes = (bytes_before, store.bytes_stored())
            after = post(plan, service, "after").wait_for_result()
            return DeletionResult(readings, before, during, after, answer_seconds, freed_seconds, *sizes)


class Posts:
    """Clients that post single readings as fast as they are answered."""

    def __init__(self, command: list[object]) -> None:
        self.process = subprocess.Popen([str(each) for each in command], stdout=subprocess.PIPE)

    def wait_for_result(self) -> dict:
        output, _ = self.process.communicate()
        if self.process.returncode:
            raise RuntimeError(f"the posts failed with exit code {self.process.returncode}")
        return json.loads(output)["phases"][0]


def post(plan: Plan, service: Service, devices: str) -> Posts:
    """Begins posts of new devices."""
    load = ["--batches=0", "--analyses=0", f"--connections={POSTERS}", f"--phase=0:{SECONDS}", f"--prefix={devices}"]
    return Posts([plan.programs / "device-stats-bench", "open-loop", f"--address={service.address}", *load])


def delete(service: Service, path: str) -> None:
    connection = HTTPConnection(service.address, timeout=FREED_SECONDS_MAX)
    connection.request("DELETE", path)
    response = connection.getresponse()
    if response.status not in (200, 204):
        raise RuntimeError(f"the deletion is answered with {response.status}: {response.read()!r}")
    connection.close()


def is_freed(store: SqliteFolder | PostgresStore, device: int) -> bool:
    """Returns whether no segment of the device is stored, and its space can be used again."""
    if store.query_number(f"SELECT count(*) FROM segment WHERE device = {device}"):
        return False
    if isinstance(store, SqliteFolder):
        # The service returns free pages to the file system, until they are a quarter of the used ones.
        free, pages = (store.query_number(f"PRAGMA {name}") for name in ("freelist_count", "page_count"))
        return free <= (pages - free) / 4
    return store.query_number(DEAD_ROWS) < DEAD_ROWS_MAX
