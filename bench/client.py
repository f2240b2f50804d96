"""Requests to the service. `device-stats-bench` sends them, because Python would be the bottleneck."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from answers import Answer, Statistics
from columns import AXES
from questions import Question

SECONDS_MAX = 60
"""Time after which no further request of a list is sent."""
LIVE = {"path": "/health/live", "body": None}


@dataclass
class Responses:
    """The responses to a list of requests."""

    seconds: list[float]
    """Time of each response."""
    all_seconds: float
    """Time from the first request to the last response."""
    bodies: list[str]


def analysis_request(question: Question, user_id: int) -> dict[str, object]:
    owner = f"users/{user_id}" if question.device is None else f"devices/{question.device}"
    return {"path": f"/api/v1/stats/{owner}/analyze", "body": question.window.body()}


def send(program: Path, folder: Path, address: str, requests: list[dict[str, object]], clients: int = 1) -> Responses:
    """Sends the requests of a list until the time is up. A status other than 200 is an error."""
    requests_file, answers_file = folder / "requests.jsonl", folder / "answers.jsonl"
    requests_file.write_text("".join(json.dumps(request) + "\n" for request in requests))
    command = [program, "requests", f"--address={address}", f"--clients={clients}", f"--seconds-max={SECONDS_MAX}"]
    command += [f"--requests={requests_file}", f"--answers={answers_file}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    answers = [json.loads(line) for line in answers_file.read_text().splitlines()]
    for answer in answers:
        if answer["status"] != 200:
            raise RuntimeError(f"{requests[answer['request']]} is answered with {answer['status']}: {answer['body']}")
    return Responses(
        seconds=[answer["seconds"] for answer in answers],
        all_seconds=json.loads(done.stdout)["seconds"],
        bodies=[answer["body"] for answer in answers],
    )


def read_body(body: str) -> Answer:
    """Parses the body of an analysis."""
    members = json.loads(body)
    if "aggregate_stats" not in members:
        return {None: read_analysis(members)}
    devices = {each["device_id"]: read_analysis(each["stats"]) for each in members["device_stats"]}
    return {None: read_analysis(members["aggregate_stats"])} | devices


def read_analysis(members: dict) -> dict[str, Statistics]:
    def axis(name: str) -> Statistics:
        numbers = members[name]
        smallest, greatest, total, middle = (
            float(numbers[member]) for member in ("min_value", "max_value", "sum", "median")
        )
        return Statistics(smallest, greatest, numbers["count"], total, middle)

    return {name: axis(name) for name in AXES}
