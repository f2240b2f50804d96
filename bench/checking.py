"""No figure without the right answers: those of all systems to the same questions are compared with the truth, and
those of this service over its stores with each other."""

from __future__ import annotations

from answers import EXACT_SUM, PLAIN_SUM, Answer, TrueAnswer, require_equal, require_true
from client import read_body
from columns import Columns
from competitors import CompetitorResult, competitor_class
from measuring import ServiceResult
from questions import Question
from truth import true_answers, true_counts

CHECKED = {"device": 10, "user": 3, "long": 2, "anywhere": 10}
"""How many answers of this service are compared with the truth in full, which takes many times as long as to answer."""


def half_of_sum(low: float, high: float) -> float:
    """How this service takes the middle of two middle values, but where the sum is beyond a double."""
    return (low + high) / 2


class Checker:
    """Knows what was asked of one kind of readings, and computes each true answer once."""

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
        """Refuses a wrong answer of another system. Returns how many were looked at."""
        middle_of = competitor_class(name).middle_of
        looked_at = 0
        for each, asked in result.asked.items():
            for answer, truth in zip(asked.answers.values(), self.truths(each, list(asked.answers)), strict=True):
                require_true(name, answer, truth, middle_of, PLAIN_SUM)
                looked_at += 1
        return looked_at

    def check_service(self, system: str, result: ServiceResult) -> int:
        """Refuses a wrong answer of this service: some looked at in full, all by their counts."""
        looked_at = 0
        for name, questions in self.lists.items():
            answers = [read_body(body) for body in result.asked[name].bodies]
            for question, answer in zip(questions, answers, strict=False):
                require_counts(f"{name}, {system}", answer, true_counts(self.columns, question))
            positions = list(range(min(CHECKED.get(name, 0), len(answers))))
            for position, truth in zip(positions, self.truths(name, positions), strict=True):
                require_true(system, answers[position], truth, half_of_sum, EXACT_SUM)
                looked_at += 1
        return looked_at


def require_counts(what: str, answer: Answer, counts: dict[str | None, int]) -> None:
    for device, analysis in answer.items():
        for axis, statistics in analysis.items():
            require_equal(f"count of {axis} of {device or 'all'} of {what}", statistics.count, counts[device])


def check_stores(results: dict[str, ServiceResult]) -> int:
    """Refuses stores that answer the same question differently. Returns how many answers were compared."""
    compared = 0
    first, *others = results.values()
    for other in others:
        for name, sent in first.asked.items():
            for one, another in zip(sent.bodies, other.asked[name].bodies, strict=False):
                require_equal(f"{name}, over another store", another, one)
                compared += 1
    return compared
