"""The parts of the SQL queries that are the same for every database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from answers import Answer, Statistics
from columns import AXES, DEVICE_IDS
from questions import Window


def statistics_columns(median: str) -> str:
    """Returns the expressions of all axes; `{}` in `median` stands for the axis."""
    return "count(*), " + ", ".join(f"min({axis}), max({axis}), sum({axis}), {median.format(axis)}" for axis in AXES)


def within(window: Window) -> str:
    return f"time BETWEEN {window.start_us} AND {window.end_us}"


def device_query(median: str, device: str, window: Window) -> str:
    """Returns a query of one row: NULL and the statistics of one device."""
    number = DEVICE_IDS.index(device)
    return f"SELECT NULL, {statistics_columns(median)} FROM reading WHERE device = {number} AND {within(window)}"


def user_query(median: str, window: Window) -> str:
    """Returns a query of one row per device, with its number, and one row of all devices, with NULL."""
    return device_rows_query(median, window).replace("GROUP BY device", "GROUP BY GROUPING SETS ((device), ())")


def device_rows_query(median: str, window: Window) -> str:
    """Returns a query of one row per device, with its number."""
    return f"SELECT device, {statistics_columns(median)} FROM reading WHERE {user_condition(window)} GROUP BY device"


def all_row_query(median: str, window: Window) -> str:
    """Returns a query of one row: NULL and the statistics of all devices together."""
    return f"SELECT NULL, {statistics_columns(median)} FROM reading WHERE {user_condition(window)}"


def user_condition(window: Window) -> str:
    return f"device BETWEEN 0 AND {len(DEVICE_IDS) - 1} AND {within(window)}"


def read_answer(rows: Iterable[Sequence]) -> Answer:
    """Builds the answer from the rows of one of these queries."""
    answer: Answer = {}
    for number, count, *values in rows:
        device = None if number is None else DEVICE_IDS[number]
        answer[device] = {
            axis: Statistics(low, high, count, total, median)
            for axis, (low, high, total, median) in zip(AXES, zip(*[iter(values)] * 4, strict=True), strict=True)
        }
    return answer
