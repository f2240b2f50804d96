"""Checks the answers of all systems against the truth, and the answers of this service over one store against
its answers over the other. A wrong answer ends the run without figures."""

from __future__ import annotations

from answers import EXACT_SUM, PLAIN_SUM, Answer, TrueAnswer, require_equal, require_true
from client import read_body
from columns import Columns
from competitors import CompetitorResult, competitor_class
from measuring import ServiceResult
from questions import Question
from truth import true_answers, true_counts

CHECKED = {"device": 10, "user": 3, "long": 2, "anywhere": 10}
"""Number of answers of this service that are compared with the truth in full, by list. A comparison takes
much longer than an answer."""


def midpoint(low: float, high: float) -> float:
    """The midpoint of two middle values as this service computes it, except beyond the range of doubles."""
    return (low + high) / 2


class Checker:
    """Checks the answers about one kind of readings. Computes each true answer once."""

    def __init__(self, columns: Columns, lists: dict[str, list[Question]]) -> None:
        self.columns = columns
        self.lists = lists
        self.known: dict[tuple[str, int], TrueAnswer] = {}

    def truths(self, name: str, positions: list[int]) -> list[TrueAnswer]:
        unknown = [position for position in positions if (name, position) not in self.known]
        found = true_answers(self.columns, [self.lists[name][position] for position in unknown])
        self.known |= {(name, position): truth for position, truth in zip(unknown, found, strict=True)}
        return [self.known[name, position] for position in positions]

    def check_competitor(self, name: str, result: CompetitorResult) -> int:
        """Raises `WrongAnswer` for a wrong answer of another system. Returns the number of checked
        answers."""
        competitor_midpoint = competitor_class(name).midpoint
        checked = 0
        for each, measured in result.measured.items():
            truths = self.truths(each, list(measured.answers))
            for answer, truth in zip(measured.answers.values(), truths, strict=True):
                require_true(name, answer, truth, competitor_midpoint, PLAIN_SUM)
                checked += 1
        return checked

    def check_service(self, system: str, result: ServiceResult) -> int:
        """Raises `WrongAnswer` for a wrong answer of this service. Checks the counts of all answers, and all
        statistics of some answers. Returns the number of answers that it has checked in full."""
        checked = 0
        for name, questions in self.lists.items():
            answers = [read_body(body) for body in result.responses[name].bodies]
            for question, answer in zip(questions, answers, strict=False):
                require_counts(f"{name}, {system}", answer, true_counts(self.columns, question))
            positions = list(range(min(CHECKED.get(name, 0), len(answers))))
            for position, truth in zip(positions, self.truths(name, positions), strict=True):
                require_true(system, answers[position], truth, midpoint, EXACT_SUM)
                checked += 1
        return checked


def require_counts(subject: str, answer: Answer, counts: dict[str | None, int]) -> None:
    for device, analysis in answer.items():
        for axis, statistics in analysis.items():
            require_equal(f"count of {axis} of {device or 'all'} of {subject}", statistics.count, counts[device])


def check_stores(results: dict[str, ServiceResult]) -> int:
    """Raises `WrongAnswer` if stores give different answers to a question. Returns the number of compared
    answers."""
    compared = 0
    first, *others = results.values()
    for other in others:
        for name, responses in first.responses.items():
            for one, another in zip(responses.bodies, other.responses[name].bodies, strict=False):
                require_equal(f"{name}, over another store", another, one)
                compared += 1
    return compared
