"""Measures the service and the other systems with the same readings, and prints the results. Started by `make
bench`; see docs/performance.md."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from answers import WrongAnswer
from checking import Checker, check_stores
from columns import write_columns
from competitors import CompetitorResult, run_competitor
from deleting import run_deletions
from goals import Goals, Row
from ingesting import run_clickhouse, run_ingest
from machine import describe_machine
from measuring import ServiceResult, question_lists, run_service
from overload import run_overload
from plan import DELETION, DEVICES, INGEST, OVERLOAD, ZOOM, BadPlan, Plan, read_plan
from questions import Questions
from report import table, write_json
from sealing import measure_csv, measure_rates
from zooming import run_zoom

BYTES_PER_READING = 200
"""Disk space for each reading of the user: the columns, and the files of this service, which contain each
reading twice."""


def main() -> int:
    try:
        plan = read_plan()
    except (BadPlan, FileNotFoundError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    # Exits through the context managers, which stop processes and remove files.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    room, need = shutil.disk_usage(plan.folder).free, BYTES_PER_READING * DEVICES * plan.readings
    if room < need:
        print(
            f"error: {plan.folder} has {room / 1e9:.0f} GB free, and {need / 1e9:.0f} GB are needed. Set BENCH_DIR.",
            file=sys.stderr,
        )
        return 2
    machine = describe_machine(plan)
    say(f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average'][0]:.2f}")
    found: dict[str, object] = {"plan": vars(plan)}
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="device-stats-bench-", dir=plan.folder) as folder:
        # PostgreSQL cannot run as root, and its user must reach the database inside this folder.
        Path(folder).chmod(0o755)
        try:
            for kind in plan.kinds:
                found[kind] = MEASURES.get(kind, measure_kind)(plan, Path(folder), kind, rows)
            if plan.csv is not None and plan.services:
                say(f"Sealing {plan.csv.name}")
                found["csv"] = measure_csv(plan, Path(folder), plan.csv)
                rows += Goals.csv_rows(plan.csv.name, found["csv"])
        except WrongAnswer as error:
            print(f"WRONG ANSWER: {error}", file=sys.stderr)
            return 1
    print(table(rows))
    say(f"All results are in {write_json(plan.results, machine, found, rows)}")
    return 0


def measure_kind(plan: Plan, folder: Path, kind: str, rows: list[Row]) -> dict[str, object]:
    """Measures all systems with the readings of one kind. Removes the files of the readings at the end."""
    say(f"{kind}: writing {DEVICES} x {plan.readings:,} readings")
    columns = write_columns(folder / kind, kind, plan.readings, plan.seed)
    questions = Questions(columns, plan.seed)
    lists = question_lists(questions)
    checker, goals = Checker(columns, lists), Goals(plan)
    competitors: dict[str, CompetitorResult] = {}
    warm_up = questions.devices("warm-up", DEVICES) + questions.user("warm-up", 1)
    for name in plan.competitors:
        say(f"{kind}: {name}")
        common = {each: lists[each] for each in ("device", "user")}
        competitors[name] = run_competitor(name, columns, folder / name, common, warm_up)
        shutil.rmtree(folder / name, ignore_errors=True)
        say(f"{kind}: {name}: {checker.check_competitor(name, competitors[name])} answers are correct")
        rows += goals.competitor_rows(kind, competitors[name])
    services: dict[str, ServiceResult] = {}
    for system in plan.services:
        say(f"{kind}: {system}")
        services[system] = run_service(plan, system, columns, folder, questions)
        say(f"{kind}: {system}: {checker.check_service(system, services[system])} answers are correct to the bit")
        rows += goals.service_rows(kind, system, services[system], competitors)
    found: dict[str, object] = {**competitors, **services}
    if services:
        if len(services) > 1:
            say(f"{kind}: {check_stores(services)} answers are the same over both stores")
        found["rates"] = measure_rates(plan, columns)
        rows += goals.rates_rows(kind, found["rates"])
    shutil.rmtree(columns.folder)
    return found


def measure_ingest(plan: Plan, folder: Path, kind: str, rows: list[Row]) -> dict[str, object]:
    """Measures ingest throughput."""
    found: dict[str, object] = {}
    if "clickhouse" in plan.competitors:
        say(f"{kind}: clickhouse")
        found["clickhouse"] = run_clickhouse(folder / "clickhouse-ingest")
    for system in plan.services:
        say(f"{kind}: {system}")
        found[system] = run_ingest(plan, system, folder)
        rows += Goals.ingest_rows(system, found[system], found.get("clickhouse"))
    return found


def measure_overload(plan: Plan, folder: Path, kind: str, rows: list[Row]) -> dict[str, object]:
    """Measures the service under more load than it can take."""
    found: dict[str, object] = {}
    for system in plan.services:
        say(f"{kind}: {system}")
        found[system] = run_overload(plan, system, folder)
        rows += Goals.overload_rows(system, found[system])
    return found


def measure_deletion(plan: Plan, folder: Path, kind: str, rows: list[Row]) -> dict[str, object]:
    """Measures deletions while clients post."""
    say(f"{kind}: writing {DEVICES} x {plan.readings:,} readings")
    columns = write_columns(folder / kind, "sensor", plan.readings, plan.seed)
    found: dict[str, object] = {}
    for system in plan.services:
        say(f"{kind}: {system}")
        found[system] = run_deletions(plan, system, columns, folder)
        rows += Goals.deletion_rows(system, found[system])
    shutil.rmtree(columns.folder)
    return found


def measure_zoom(plan: Plan, folder: Path, kind: str, rows: list[Row]) -> dict[str, object]:
    """Measures the steps of a zoom into a large device."""
    say(f"{kind}: writing {DEVICES} x {plan.readings:,} readings")
    columns = write_columns(folder / kind, "sensor", plan.readings, plan.seed)
    found: dict[str, object] = {}
    for system in plan.services:
        say(f"{kind}: {system}")
        found[system] = run_zoom(plan, system, columns, folder)
        rows += Goals.zoom_rows(system, found[system])
    shutil.rmtree(columns.folder)
    return found


MEASURES = {INGEST: measure_ingest, OVERLOAD: measure_overload, DELETION: measure_deletion, ZOOM: measure_zoom}
"""Measurements other than questions about readings."""


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
