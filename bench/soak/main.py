"""The soak test: everything that clients do, for hours, over both stores at the same time.

It fails if an answer is wrong, if a service ends, or if memory, storage, open files or response times grow after the
warm-up. For each store it writes the samples (`NAME.csv`) and a chart (`NAME.svg`).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

# The stores and the process of the service are those of the benchmark.
sys.path.append(str(Path(__file__).resolve().parents[1]))

from chart import draw
from sampling import Sample, growths, take_sample, write_csv
from postgres_server import PostgresServer
from service import Service
from stores import SqliteFolder
from traffic import BATCH, Clients


class SmallPostgres(PostgresServer):
    """A PostgreSQL whose write-ahead log and memory reach their final size soon."""

    settings = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
shared_buffers = '256MB'
max_wal_size = '256MB'
"""


STORES = {"sqlite": SqliteFolder, "postgres": SmallPostgres}
TITLES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
RESULTS = Path(__file__).resolve().parents[1] / "results" / "soak"
WARM_UP = 8
"""The data reach their final size in this part of the time: one eighth."""


async def soak(name: str, options: argparse.Namespace) -> tuple[list[Sample], Counter[str]]:
    """Runs one store for the whole time. Returns its samples and the refusals."""
    samples: list[Sample] = []
    refusals: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="soak-") as folder:
        # PostgreSQL runs as another user and must be able to enter the folder.
        os.chmod(folder, 0o755)
        with (
            STORES[name](Path(folder) / "store") as store,
            Service(options.programs / "device-stats", store.url, options.out / f"{name}.log") as service,
        ):
            kept = max(20 * BATCH, round(options.hours * 3600 * BATCH / WARM_UP))
            clients = Clients(service.address, kept, options.seed)
            stopped = asyncio.Event()
            traffic = asyncio.create_task(clients.run(stopped))
            begun = time.monotonic()
            while (hours := (time.monotonic() - begun) / 3600) < options.hours and not traffic.done():
                await asyncio.wait([traffic], timeout=options.interval)
                if service.process.poll() is not None:
                    raise RuntimeError(f"the service over {TITLES[name]} ended; see {service.log}")
                figures = clients.figures.take()
                refusals += figures.refusals
                database, log = stored_bytes(store)
                samples.append(take_sample(hours, service.process.pid, database, log, figures))
                write_csv(options.out / f"{name}.csv", samples)
            stopped.set()
            await traffic
    return samples, refusals


def stored_bytes(store: object) -> tuple[int, int]:
    """Returns the bytes of the database and of its write-ahead log."""
    if isinstance(store, PostgresServer):
        return file_bytes(store.folder / "base", "**/*"), file_bytes(store.folder / "pg_wal", "*")
    log = file_bytes(store.folder, "*-wal")
    return file_bytes(store.folder, "*") - log, log


def file_bytes(folder: Path, pattern: str) -> int:
    total = 0
    for file in folder.glob(pattern):
        try:
            total += file.stat().st_size
        except FileNotFoundError:
            # The database removed it meanwhile.
            pass
    return total


def report(name: str, samples: list[Sample], refusals: Counter[str]) -> bool:
    """Prints the figures of a store. Returns whether they are flat."""
    totals = {member: sum(getattr(sample, member) for sample in samples) for member in ("readings", "checks", "events")}
    print(f"\n{TITLES[name]}: {samples[-1].hours:.2f} hours, " + ", ".join(f"{n:,} {what}" for what, n in totals.items()))
    print("refused:", ", ".join(f"{what} {n:,} times" for what, n in sorted(refusals.items())) or "nothing")
    print("\n| figure | second quarter | last quarter | |\n|---|---|---|---|")
    flat = True
    for figure, before, after, is_flat in growths(samples):
        print(f"| {figure} | {before:,.1f} | {after:,.1f} | {'flat' if is_flat else 'GROWS'} |")
        flat = flat and is_flat
    return flat


async def run_all(options: argparse.Namespace) -> bool:
    async with asyncio.TaskGroup() as group:
        runs = {name: group.create_task(soak(name, options)) for name in options.stores}
    flat = True
    for name, task in runs.items():
        samples, refusals = task.result()
        draw(options.out / f"{name}.svg", f"Soak test over {TITLES[name]}", samples)
        flat = report(name, samples, refusals) and flat
    return flat


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, default=2)
    parser.add_argument("--interval", type=float, default=10, help="seconds between two samples")
    parser.add_argument("--stores", nargs="+", default=list(STORES), choices=list(STORES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=None, help="where the databases are created")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder for samples, charts and logs")
    options = parser.parse_args()
    options.programs = Path(os.environ["BENCH_PROGRAMS"])
    options.out.mkdir(parents=True, exist_ok=True)
    sys.exit(0 if asyncio.run(run_all(options)) else 1)


if __name__ == "__main__":
    main()
