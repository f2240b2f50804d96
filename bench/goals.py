"""From what was measured to rows of a table, and whether the goals are met."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median

from competitors import CompetitorResult
from ingesting import IngestResult
from measuring import CLIENTS, ServiceResult
from plan import DEVICES, Plan

MEBIBYTE = 2**20
NDJSON_OF_ONE = "NDJSON, one device each"
INGEST_GOALS = {
    "service-sqlite": {NDJSON_OF_ONE: 1.5, "Arrow, one device each": 4, "NDJSON, 1,000 devices": 0.4},
    "service-postgres": {NDJSON_OF_ONE: 0.8, "NDJSON, 1,000 devices": 0.3},
}
"""Millions of readings a second."""


@dataclass
class Row:
    """One figure."""

    of: str
    """The kind of readings and the system."""
    what: str
    figure: str
    p99: str = ""
    goal: str = ""
    met: bool | None = None
    """None where there is no goal, or none for this size."""
    ratios: dict[str, float] = field(default_factory=dict)
    """How many times as long the others take."""


def p99(seconds: Iterable[float]) -> float:
    """The time within which 99 of 100 are answered."""
    ordered = sorted(seconds)
    return ordered[math.ceil(0.99 * len(ordered)) - 1]


def milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.{2 if seconds < 0.01 else 1 if seconds < 0.1 else 0}f} ms"


def amount(readings: int) -> str:
    return f"{readings / 1e6:g} M" if readings >= 1_000_000 else f"{readings:,}"


class Goals:
    """Makes the rows of one run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.one, self.all = amount(plan.readings), amount(DEVICES * plan.readings)

    def judge(self, *conditions: bool) -> bool | None:
        """Whether a goal is met; goals are for one size only."""
        return all(conditions) if self.plan.at_goal else None

    def of_service(
        self, kind: str, system: str, result: ServiceResult, competitors: dict[str, CompetitorResult]
    ) -> Iterator[Row]:
        of = f"{kind}, {system}"
        yield from self.of_answers(of, result, competitors)
        yield from self.of_many_clients(of, result)
        yield from self.of_restarts(of, result)
        yield from self.of_bytes(of, result)

    def of_answers(self, of: str, result: ServiceResult, competitors: dict[str, CompetitorResult]) -> Iterator[Row]:
        for name, what, goal_ms, goal_ratio in (
            ("device", f"one device of {self.one}", 3, 100),
            ("user", f"user of {DEVICES} devices, {self.all}", 20, 300),
        ):
            seconds = result.asked[name].seconds
            others = {each: other.asked[name].seconds for each, other in competitors.items()}
            ratios = {each: median(other) / median(seconds) for each, other in others.items() if other}
            goal, conditions = f"{goal_ms} ms", [median(seconds) <= goal_ms / 1e3]
            if "clickhouse" in ratios:
                goal += f", {goal_ratio} x ClickHouse"
                conditions.append(ratios["clickhouse"] >= goal_ratio)
            met = self.judge(*conditions)
            yield Row(of, what, milliseconds(median(seconds)), milliseconds(p99(seconds)), goal, met, ratios)
        seconds, growth = result.asked["long"].seconds, self.growth(result)
        yield Row(of, f"one device of {self.all}", milliseconds(median(seconds)), milliseconds(p99(seconds)))
        yield Row(of, f"from {self.one} to {self.all}", f"{growth:.2f} x the time", "", "4 x", self.judge(growth <= 4))
        for name, what in (("anywhere", "one device, any window"), ("live", "/health/live, for the floor")):
            seconds = result.asked[name].seconds
            yield Row(of, what, milliseconds(median(seconds)), milliseconds(p99(seconds)))

    @staticmethod
    def growth(result: ServiceResult) -> float:
        return median(result.asked["long"].seconds) / median(result.asked["device"].seconds)

    def of_many_clients(self, of: str, result: ServiceResult) -> Iterator[Row]:
        for name in ("device", "user"):
            one, many = result.asked[name], result.asked[f"{name} at once"]
            throughput = (len(many.seconds) / many.all_seconds) / (len(one.seconds) / one.all_seconds)
            slowest = p99(many.seconds) / median(one.seconds)
            figure = f"{throughput:.1f} x the throughput, {len(many.seconds) / many.all_seconds:,.0f}/s"
            met = self.judge(throughput >= 3, slowest <= 10)
            yield Row(of, f"{CLIENTS} clients, {name}", figure, f"{slowest:.1f} x median of one", "3 x, p99 10 x", met)

    def of_restarts(self, of: str, result: ServiceResult) -> Iterator[Row]:
        for name, what in (("user", f"user of {self.all}"), ("long", f"one device of {self.all}")):
            seconds = median(result.restarts[name])
            met = self.judge(seconds <= 0.5)
            yield Row(of, f"first answer after a restart, {what}", milliseconds(seconds), "", "500 ms", met)
        yield Row(of, "start until it answers at all", milliseconds(median(result.restarts["start"])))

    def of_bytes(self, of: str, result: ServiceResult) -> Iterator[Row]:
        peak = result.memory_bytes / MEBIBYTE
        yield Row(of, "memory of the process, at most", f"{peak:,.0f} MiB", "", "1,024 MiB", self.judge(peak <= 1_024))
        sizes = result.sizes
        segment_bytes = (sizes["head_bytes"] + sizes["block_bytes"]) / sizes["readings"]
        stored_bytes = result.stored_bytes / sizes["readings"]
        yield Row(of, "bytes a reading: segments, and all files", f"{segment_bytes:.2f}, {stored_bytes:.2f}")
        rate = result.loaded["readings"] / result.loaded["seconds"] / 1e6
        yield Row(of, "loading, all cores", f"{rate:.2f} M readings/s")
        segments = f"{result.loaded['segments']} segments, then {sizes['segments']}"
        yield Row(of, "merging by itself after that", f"{result.settle_seconds:.0f} s, {segments}")

    def of_competitor(self, kind: str, result: CompetitorResult) -> Iterator[Row]:
        of = f"{kind}, {result.version}"
        for name, what in (("device", f"one device of {self.one}"), ("user", f"user of {DEVICES} devices, {self.all}")):
            if seconds := result.asked[name].seconds:
                yield Row(of, what, milliseconds(median(seconds)), milliseconds(p99(seconds)))
        rate = result.readings / result.load_seconds / 1e6
        yield Row(of, "bytes a reading", f"{result.bytes_a_reading:.2f}")
        yield Row(of, "loading", f"{rate:.2f} M readings/s")

    @staticmethod
    def of_rates(kind: str, rates: dict[str, float]) -> Iterator[Row]:
        for name, what in (("sealed_a_second", "sealing"), ("merged_a_second", "merging")):
            rate = rates[name] / 1e6
            yield Row(kind, f"{what}, one core", f"{rate:.2f} M readings/s", "", "2 M readings/s", rate >= 2)
        yield Row(kind, "bytes a reading, merged segments", f"{rates['merged_bytes_a_reading']:.2f}")

    @staticmethod
    def of_ingest(system: str, result: IngestResult, clickhouse: float | None) -> Iterator[Row]:
        """`clickhouse` are the readings a second that it inserts."""
        of, on_sqlite = f"ingest, {system}", system == "service-sqlite"
        live = result.requests_a_second("live")
        yield Row(of, "/health/live, 64 connections", f"{live:,.0f}/s")
        single, part = result.requests_a_second("single"), 0.5 if on_sqlite else 0.25
        figure, met = f"{single:,.0f}/s, {single / live:.2f} x /health/live", single >= part * live
        yield Row(of, "single readings, 64 connections", figure, result.p99("single"), f"{part} x", met)
        goals = INGEST_GOALS[system]
        for name in result.batches():
            rate, goal = result.readings_a_second(name) / 1e6, goals.get(name)
            ratio, conditions = {}, [] if goal is None else [rate >= goal]
            words = "" if goal is None else f"{goal} M readings/s"
            if clickhouse is not None and on_sqlite and name == NDJSON_OF_ONE:
                ratio, words = {"clickhouse": 1e6 * rate / clickhouse}, f"{words}, 1 x ClickHouse"
                conditions.append(1e6 * rate >= clickhouse)
            what, met = f"batches of 10,000 readings, {name}", all(conditions) if conditions else None
            yield Row(of, what, f"{rate:.2f} M readings/s", result.p99(name), words, met, ratio)
        idle = median(result.analyses["idle"])
        yield Row(of, "analysis of 10 M readings, alone", milliseconds(idle), milliseconds(p99(result.analyses["idle"])))
        for name, seconds in result.analyses.items():
            if name != "idle":
                middle = median(seconds)
                figure, met = f"{milliseconds(middle)}, {middle / idle:.1f} x alone", middle <= 5 * idle
                yield Row(of, f"the same during {name}", figure, milliseconds(p99(seconds)), "5 x", met)
        peak = result.memory_bytes / MEBIBYTE
        yield Row(of, "memory of the process, at most", f"{peak:,.0f} MiB", "", "512 MiB", peak <= 512)

    @staticmethod
    def of_csv(name: str, sizes: dict[str, float]) -> Iterator[Row]:
        segments, stored = sizes["segment_bytes_a_reading"], sizes["stored_bytes_a_reading"]
        what = f"bytes a reading of {sizes['readings']:,.0f}: segments, and all files"
        yield Row(name, what, f"{segments:.2f}, {stored:.2f}", "", "13 for the segments", segments <= 13)
