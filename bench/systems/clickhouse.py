"""ClickHouse, embedded (chdb): a MergeTree in order of device and time."""

from __future__ import annotations

import struct
from pathlib import Path
from types import TracebackType

import chdb
import pyarrow
from chdb.session import Session

from answers import Answer
from columns import AXES, DEVICE_IDS, Columns
from questions import Question
from statistics_sql import device_query, read_answer, user_query

MEDIAN = "quantileExactInclusive(0.5)({})"
"""`medianExact` is a tenth faster, but takes the upper one of two middle values."""
ROW = struct.Struct("<?q" + "Q" + "dddd" * len(AXES))
"""A device that is not NULL in the format RowBinary: a zero, the number, the count, and four statistics an axis."""
ROW_OF_ALL = struct.Struct("<?" + "Q" + "dddd" * len(AXES))
"""A device that is NULL: a one, and then the rest."""


class ClickHouse:
    """A database in a folder of its own."""

    name = "clickhouse"
    version = f"ClickHouse {chdb.engine_version}, embedded by chdb {chdb.__version__}"

    def __init__(self, folder: Path) -> None:
        self.session = Session(str(folder))
        self.session.query("CREATE DATABASE bench")
        self.session.query("USE bench")
        self.session.query(
            "CREATE TABLE reading (device Int64, time Int64, x Float64, y Float64, z Float64)"
            " ENGINE = MergeTree ORDER BY (device, time)"
        )

    def __enter__(self) -> ClickHouse:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.session.close()

    @staticmethod
    def middle_of(low: float, high: float) -> float:
        """How it takes the middle of the two middle values."""
        return low + 0.5 * (high - low)

    def load(self, columns: Columns) -> int:
        for number, device in enumerate(DEVICE_IDS):
            place = columns.slice_of(device)
            readings = pyarrow.table(  # noqa: F841, ClickHouse looks for it by its name
                {"time": columns.times_of(device)} | {axis: columns.axis(axis)[place] for axis in AXES}
            )
            self.session.query(f"INSERT INTO reading SELECT {number}, time, x, y, z FROM Python(readings)")
        # One part, sorted, as after a while in peace.
        self.session.query("OPTIMIZE TABLE reading FINAL")
        return len(DEVICE_IDS) * columns.readings

    def bytes_stored(self) -> int:
        answer = self.session.query("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND table = 'reading'")
        return int(str(answer))

    def can_answer(self, question: Question) -> bool:
        return True

    def answer(self, question: Question) -> Answer:
        if question.device is not None:
            return self.ask(device_query(MEDIAN, question.device, question.window))
        return self.ask(user_query(MEDIAN, question.window) + " SETTINGS group_by_use_nulls = 1")

    def ask(self, query: str) -> Answer:
        answer = self.session.query(query, "RowBinary").bytes()
        rows, position = [], 0
        while position < len(answer):
            if answer[position]:
                _, *row = ROW_OF_ALL.unpack_from(answer, position)
                rows.append((None, *row))
                position += ROW_OF_ALL.size
            else:
                _, *row = ROW.unpack_from(answer, position)
                rows.append(row)
                position += ROW.size
        return read_answer(rows)
