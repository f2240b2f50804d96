"""Measurement of the other systems. Each is loaded and queried in a process of its own, which frees its
memory at the end."""

from __future__ import annotations

import importlib
import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from answers import Answer
from columns import Columns
from questions import Question

CLASSES = {"clickhouse": "ClickHouse", "duckdb": "DuckDb", "postgres": "Postgres"}
QUESTIONS_MAX = 10
"""Maximum number of measured questions of a list."""
SECONDS_MAX = 60.0
"""Time after which a system gets no further question of a list, once it has answered `QUESTIONS_MIN`."""
QUESTIONS_MIN = 3


class Competitor(Protocol):
    """Another system, used as a context manager. The constructor gets the path of a folder, which it
    creates."""

    version: str

    @staticmethod
    def midpoint(low: float, high: float) -> float:
        """The midpoint of the two middle values as the system computes it."""

    def load(self, columns: Columns) -> int:
        """Loads the readings and returns their number."""

    def bytes_stored(self) -> int: ...

    def can_answer(self, question: Question) -> bool: ...

    def answer(self, question: Question) -> Answer: ...


@dataclass
class Measured:
    """The answers of a system to the questions of a list, and their times."""

    answers: dict[int, Answer]
    """Answers by the position of the question in its list."""
    seconds: list[float]


@dataclass
class CompetitorResult:
    """The results of a system."""

    version: str
    load_seconds: float
    readings: int
    """Number of loaded readings."""
    bytes_per_reading: float
    measured: dict[str, Measured]
    """By the name of the list of questions."""


def competitor_class(name: str) -> type:
    """Imports the class of a system when it is needed, because a library like ClickHouse needs time and
    memory."""
    return getattr(importlib.import_module(f"systems.{name}"), CLASSES[name])


def run_competitor(
    name: str, columns: Columns, folder: Path, lists: dict[str, list[Question]], warm_up: list[Question]
) -> CompetitorResult:
    """Measures a system in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=1, mp_context=spawn) as pool:
        return pool.submit(measure, name, columns, folder, lists, warm_up).result()


def measure(
    name: str, columns: Columns, folder: Path, lists: dict[str, list[Question]], warm_up: list[Question]
) -> CompetitorResult:
    with competitor_class(name)(folder) as system:
        start = time.perf_counter()
        readings = system.load(columns)
        load_seconds = time.perf_counter() - start
        for question in filter(system.can_answer, warm_up):
            system.answer(question)
        measured = {each: measure_list(system, questions) for each, questions in lists.items()}
        return CompetitorResult(system.version, load_seconds, readings, system.bytes_stored() / readings, measured)


def measure_list(system: Competitor, questions: list[Question]) -> Measured:
    """Asks the questions that the system can answer, up to the limits of number and time."""
    measured = Measured({}, [])
    for position, question in enumerate(questions):
        enough = len(measured.seconds) >= QUESTIONS_MIN and sum(measured.seconds) > SECONDS_MAX
        if enough or len(measured.seconds) == QUESTIONS_MAX:
            break
        if system.can_answer(question):
            start = time.perf_counter()
            answer = system.answer(question)
            measured.seconds.append(time.perf_counter() - start)
            measured.answers[position] = answer
    return measured
