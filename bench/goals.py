"""Rows of the result table, and the goals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from statistics import median

from competitors import CompetitorResult
from deleting import POSTERS, DeletionResult
from ingesting import IngestResult
from measuring import CLIENTS, ServiceResult
from overload import OverloadResult, stored_readings
from plan import DEVICES, Plan
from zooming import ZoomResult

MEBIBYTE = 2**20
NDJSON_ONE_DEVICE = "NDJSON, one device each"
INGEST_GOALS = {
    "service-sqlite": {NDJSON_ONE_DEVICE: 1.5, "Arrow, one device each": 4, "NDJSON, 1,000 devices": 0.4},
    "service-postgres": {NDJSON_ONE_DEVICE: 0.8, "NDJSON, 1,000 devices": 0.3},
}
"""Goals in millions of readings per second."""
ZOOM_SECONDS_MAX = 0.3
"""Maximum time of a step of a zoom into 100 million readings."""


@dataclass
class Row:
    """One measurement in the table."""

    group: str
    """The kind of readings and the system."""
    measurement: str
    figure: str
    p99: str = ""
    goal: str = ""
    met: bool | None = None
    """Whether the goal is met. None if there is no goal for this measurement or for this size."""
    ratios: dict[str, float] = field(default_factory=dict)
    """Times of the other systems, relative to this service."""


def p99(seconds: Iterable[float]) -> float:
    """Returns the time within which 99 of 100 requests are answered."""
    ordered = sorted(seconds)
    return ordered[math.ceil(0.99 * len(ordered)) - 1]


def milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.{2 if seconds < 0.01 else 1 if seconds < 0.1 else 0}f} ms"


def amount(readings: int) -> str:
    return f"{readings / 1e6:g} M" if readings >= 1_000_000 else f"{readings:,}"


class Goals:
    """Builds the rows of one run."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.one, self.all = amount(plan.readings), amount(DEVICES * plan.readings)

    def judge(self, *conditions: bool) -> bool | None:
        """Returns whether a goal is met, or None if the goals do not apply to the size of this run."""
        return all(conditions) if self.plan.at_goal else None

    def service_rows(
        self, kind: str, system: str, result: ServiceResult, competitors: dict[str, CompetitorResult]
    ) -> Iterator[Row]:
        group = f"{kind}, {system}"
        yield from self.answers_rows(group, result, competitors)
        yield from self.many_clients_rows(group, result)
        yield from self.restarts_rows(group, result)
        yield from self.bytes_rows(group, result)

    def answers_rows(
        self, group: str, result: ServiceResult, competitors: dict[str, CompetitorResult]
    ) -> Iterator[Row]:
        for name, measurement, goal_ms, goal_ratio in (
            ("device", f"one device of {self.one}", 3, 100),
            ("user", f"user of {DEVICES} devices, {self.all}", 20, 300),
        ):
            seconds = result.responses[name].seconds
            others = {each: other.measured[name].seconds for each, other in competitors.items()}
            ratios = {each: median(other) / median(seconds) for each, other in others.items() if other}
            goal, conditions = f"{goal_ms} ms", [median(seconds) <= goal_ms / 1e3]
            if "clickhouse" in ratios:
                goal += f", {goal_ratio} x ClickHouse"
                conditions.append(ratios["clickhouse"] >= goal_ratio)
            met = self.judge(*conditions)
            yield Row(group, measurement, milliseconds(median(seconds)), milliseconds(p99(seconds)), goal, met, ratios)
        seconds, growth = result.responses["long"].seconds, self.growth(result)
        yield Row(group, f"one device of {self.all}", milliseconds(median(seconds)), milliseconds(p99(seconds)))
        met = self.judge(growth <= 4)
        yield Row(group, f"from {self.one} to {self.all}", f"{growth:.2f} x the time", "", "4 x", met)
        for name, measurement in (("anywhere", "one device, any window"), ("live", "/health/live, the lower bound")):
            seconds = result.responses[name].seconds
            yield Row(group, measurement, milliseconds(median(seconds)), milliseconds(p99(seconds)))

    @staticmethod
    def growth(result: ServiceResult) -> float:
        return median(result.responses["long"].seconds) / median(result.responses["device"].seconds)

    def many_clients_rows(self, group: str, result: ServiceResult) -> Iterator[Row]:
        for name in ("device", "user"):
            one, many = result.responses[name], result.responses[f"{name} at once"]
            throughput = (len(many.seconds) / many.all_seconds) / (len(one.seconds) / one.all_seconds)
            slowest = p99(many.seconds) / median(one.seconds)
            figure = f"{throughput:.1f} x the throughput, {len(many.seconds) / many.all_seconds:,.0f}/s"
            met = self.judge(throughput >= 3, slowest <= 10)
            relative_p99 = f"{slowest:.1f} x median of one"
            yield Row(group, f"{CLIENTS} clients, {name}", figure, relative_p99, "3 x, p99 10 x", met)

    def restarts_rows(self, group: str, result: ServiceResult) -> Iterator[Row]:
        for name, measurement in (("user", f"user of {self.all}"), ("long", f"one device of {self.all}")):
            seconds = median(result.restarts[name])
            met = self.judge(seconds <= 0.5)
            yield Row(group, f"first answer after a restart, {measurement}", milliseconds(seconds), "", "500 ms", met)
        yield Row(group, "time to the first response after a start", milliseconds(median(result.restarts["start"])))

    def bytes_rows(self, group: str, result: ServiceResult) -> Iterator[Row]:
        peak = result.memory_bytes / MEBIBYTE
        yield Row(group, "peak memory of the process", f"{peak:,.0f} MiB", "", "1,024 MiB", self.judge(peak <= 1_024))
        sizes = result.sizes
        segment_bytes = (sizes["head_bytes"] + sizes["block_bytes"]) / sizes["readings"]
        stored_bytes = result.stored_bytes / sizes["readings"]
        yield Row(group, "bytes per reading: segments, and all files", f"{segment_bytes:.2f}, {stored_bytes:.2f}")
        rate = result.loaded["readings"] / result.loaded["seconds"] / 1e6
        yield Row(group, "loading, all cores", f"{rate:.2f} M readings/s")
        segments = f"{result.loaded['segments']} segments, then {sizes['segments']}"
        yield Row(group, "background merging after loading", f"{result.settle_seconds:.0f} s, {segments}")

    def competitor_rows(self, kind: str, result: CompetitorResult) -> Iterator[Row]:
        group = f"{kind}, {result.version}"
        for name, measurement in (
            ("device", f"one device of {self.one}"),
            ("user", f"user of {DEVICES} devices, {self.all}"),
        ):
            if seconds := result.measured[name].seconds:
                yield Row(group, measurement, milliseconds(median(seconds)), milliseconds(p99(seconds)))
        rate = result.readings / result.load_seconds / 1e6
        yield Row(group, "bytes per reading", f"{result.bytes_per_reading:.2f}")
        yield Row(group, "loading", f"{rate:.2f} M readings/s")

    @staticmethod
    def rates_rows(kind: str, rates: dict[str, float]) -> Iterator[Row]:
        for name, measurement in (("sealed_per_second", "sealing"), ("merged_per_second", "merging")):
            rate = rates[name] / 1e6
            yield Row(kind, f"{measurement}, one core", f"{rate:.2f} M readings/s", "", "2 M readings/s", rate >= 2)
        yield Row(kind, "bytes per reading, merged segments", f"{rates['merged_bytes_per_reading']:.2f}")

    @staticmethod
    def ingest_rows(system: str, result: IngestResult, clickhouse: float | None) -> Iterator[Row]:
        """Builds the rows of ingest. `clickhouse` is its throughput in readings per second."""
        group, on_sqlite = f"ingest, {system}", system == "service-sqlite"
        live = result.requests_per_second("live")
        yield Row(group, "/health/live, 64 connections", f"{live:,.0f}/s")
        single, share = result.requests_per_second("single"), 0.5 if on_sqlite else 0.25
        figure, met = f"{single:,.0f}/s, {single / live:.2f} x /health/live", single >= share * live
        yield Row(group, "single readings, 64 connections", figure, result.p99("single"), f"{share} x", met)
        goals = INGEST_GOALS[system]
        for name in result.batches():
            rate, goal = result.readings_per_second(name) / 1e6, goals.get(name)
            ratio, conditions = {}, [] if goal is None else [rate >= goal]
            words = "" if goal is None else f"{goal} M readings/s"
            if clickhouse is not None and on_sqlite and name == NDJSON_ONE_DEVICE:
                ratio, words = {"clickhouse": 1e6 * rate / clickhouse}, f"{words}, 1 x ClickHouse"
                conditions.append(1e6 * rate >= clickhouse)
            measurement, met = f"batches of 10,000 readings, {name}", all(conditions) if conditions else None
            yield Row(group, measurement, f"{rate:.2f} M readings/s", result.p99(name), words, met, ratio)
        pairs = result.token_pairs
        cost, processor = 1 - median(each.rate_ratio for each in pairs), median(each.processor_ratio for each in pairs)
        figure = f"{100 * cost:.1f} % of the rate, {100 * (processor - 1):.1f} % more processor time"
        yield Row(group, f"cost of tokens, single readings, {len(pairs)} pairs", figure, "", "5 %", cost <= 0.05)
        idle = median(result.analyses["idle"])
        idle_p99 = milliseconds(p99(result.analyses["idle"]))
        yield Row(group, "analysis of 10 M readings without load", milliseconds(idle), idle_p99)
        for name, seconds in result.analyses.items():
            if name != "idle":
                middle = median(seconds)
                figure, met = f"{milliseconds(middle)}, {middle / idle:.1f} x without load", middle <= 5 * idle
                yield Row(group, f"the same during {name}", figure, milliseconds(p99(seconds)), "5 x", met)
        peak = result.memory_bytes / MEBIBYTE
        yield Row(group, "peak memory of the process", f"{peak:,.0f} MiB", "", "512 MiB", peak <= 512)

    @staticmethod
    def overload_rows(system: str, result: OverloadResult) -> Iterator[Row]:
        """Builds the rows of overload."""
        group = f"overload, {system}"
        capacity = f"{result.capacity:,.0f} requests/s, {result.capacity_readings / 1e6:.3f} M readings/s"
        yield Row(group, "capacity", capacity)
        for factor, load in result.loads.items():
            name, is_most = f"{factor:g} x the capacity", factor == max(result.loads)
            goodput = stored_readings(load) / result.peak
            figure = f"{stored_readings(load) / 1e6:.3f} M readings/s, {goodput:.2f} x the peak"
            goal, met = ("0.9 x", goodput >= 0.9) if is_most else ("", None)
            yield Row(group, f"{name}: stored", figure, "", goal, met)
            for kind in load["kinds"]:
                sent = kind["accepted"] + kind["refused"]
                figure = f"{kind['accepted'] / max(sent, 1):.1%} accepted, median {milliseconds(kind['accepted_median'])}"
                yield Row(group, f"{name}: {kind['kind']}", figure, milliseconds(kind["accepted_p99"]))
            slowest = load["accepted_p99"]
            goal, met = ("500 ms", slowest <= 0.5) if is_most else ("", None)
            yield Row(group, f"{name}: accepted", milliseconds(load["accepted_median"]), milliseconds(slowest), goal, met)
            slowest, late = load["refused_p99"], milliseconds(load["refused_late_p99"])
            median_and = f"median {milliseconds(load['refused_median'])}; p99: sent {late} late"
            times = f"{median_and}, body sent after {milliseconds(load['refused_ended_p99'])}"
            goal, met = ("10 ms", slowest <= 0.01) if is_most else ("", None)
            yield Row(group, f"{name}: refused", times, milliseconds(slowest), goal, met)
            recovery = result.recovery_seconds[factor]
            goal, met = ("5 s", recovery <= 5) if is_most else ("", None)
            yield Row(group, f"{name}: back to normal", f"after {recovery:.1f} s", "", goal, met)
            yield Row(group, f"{name}: peak memory", f"{result.memory_bytes[factor] / MEBIBYTE:,.0f} MiB")

    @staticmethod
    def deletion_rows(system: str, results: dict[str, DeletionResult]) -> Iterator[Row]:
        """Builds the rows of deletions."""
        for name, result in results.items():
            group = f"deletion of {name}, {amount(result.readings)} readings, {system}"
            before, during, after = result.before, result.during, result.after
            yield Row(group, f"posts before it, {POSTERS} clients", *Goals.posts(before))
            is_device, most = name == "device", 2 * before["accepted_p99"]
            goal, met = ("p99 2 x", during["accepted_p99"] <= most) if is_device else ("", None)
            yield Row(group, "posts during it", *Goals.posts(during), goal, met)
            yield Row(group, "posts after it", *Goals.posts(after))
            yield Row(group, "response", f"after {result.answer_seconds:.2f} s")
            sizes = f"{result.bytes_before / MEBIBYTE:,.0f} MiB, then {result.bytes_after / MEBIBYTE:,.0f} MiB"
            yield Row(group, "space free again", f"after {result.freed_seconds:.0f} s: {sizes}")

    @staticmethod
    def posts(phase: dict) -> tuple[str, str]:
        """Returns rate, refusals and longest time of posts, and their p99."""
        single = next(kind for kind in phase["kinds"] if kind["kind"] == "single")
        rate = f"{single['accepted'] / phase['seconds']:,.0f}/s, {single['refused']:,} refused"
        slowest = milliseconds(phase["accepted_slowest"])
        return f"{rate}, slowest {slowest}", milliseconds(phase["accepted_p99"])

    @staticmethod
    def zoom_rows(system: str, result: ZoomResult) -> Iterator[Row]:
        """Builds the rows of the steps of a zoom."""
        group = f"zoom into {amount(result.readings)} readings, {system}"
        yield Row(group, "first picture after a start, all readings", milliseconds(result.first))
        for readings, times in zip(result.spans, result.by_step, strict=True):
            figure = f"{milliseconds(median(times))}, slowest {milliseconds(max(times))}"
            most = p99(times)
            yield Row(group, f"{readings:,} readings", figure, milliseconds(most), "300 ms", most <= ZOOM_SECONDS_MAX)

    @staticmethod
    def csv_rows(name: str, sizes: dict[str, float]) -> Iterator[Row]:
        segments, stored = sizes["segment_bytes_per_reading"], sizes["stored_bytes_per_reading"]
        measurement = f"bytes per reading of {sizes['readings']:,.0f}: segments, and all files"
        yield Row(name, measurement, f"{segments:.2f}, {stored:.2f}", "", "13 for the segments", segments <= 13)
