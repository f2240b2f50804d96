"""One of the systems this service is compared with: loaded, asked, and gone, in a process of its own, so that its
memory is free again for the next."""

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
"""Of a list that a system is asked, a warm-up not counted."""
SECONDS_MAX = 60.0
"""After which a system is asked no more of a list, but for the third question."""
QUESTIONS_MIN = 3


class Competitor(Protocol):
    """What there is to a system. Constructed with the path of a folder, which it makes; used as a context."""

    version: str

    @staticmethod
    def middle_of(low: float, high: float) -> float:
        """How it takes the middle of the two middle values."""

    def load(self, columns: Columns) -> int:
        """Takes in the readings, and returns how many."""

    def bytes_stored(self) -> int: ...

    def can_answer(self, question: Question) -> bool: ...

    def answer(self, question: Question) -> Answer: ...


@dataclass
class Asked:
    """What a system answered to questions of a list, and how long it took."""

    answers: dict[int, Answer]
    """By the position of the question in its list."""
    seconds: list[float]


@dataclass
class CompetitorResult:
    """What was found of a system."""

    version: str
    load_seconds: float
    readings: int
    """How many it was loaded with."""
    bytes_a_reading: float
    asked: dict[str, Asked]
    """By the name of the list of questions."""


def competitor_class(name: str) -> type:
    """Imported only where it is needed: a library of the size of ClickHouse takes its time and memory."""
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
        asked = {each: ask(system, questions) for each, questions in lists.items()}
        return CompetitorResult(system.version, load_seconds, readings, system.bytes_stored() / readings, asked)


def ask(system: Competitor, questions: list[Question]) -> Asked:
    """Asks what the system can answer, until it is enough."""
    asked = Asked({}, [])
    for position, question in enumerate(questions):
        enough = len(asked.seconds) >= QUESTIONS_MIN and sum(asked.seconds) > SECONDS_MAX
        if enough or len(asked.seconds) == QUESTIONS_MAX:
            break
        if system.can_answer(question):
            start = time.perf_counter()
            answer = system.answer(question)
            asked.seconds.append(time.perf_counter() - start)
            asked.answers[position] = answer
    return asked
