"""Requests with a check of the answer, counted by route. The routes themselves are in `locustfile.py`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from logging import getLogger
from os import environ
from typing import Any
from urllib.parse import quote, urlencode

from locust import FastHttpUser
from locust.exception import RescheduleTask

from expected import WrongAnswer, require_equal

API = "/api/v1"

Members = Mapping[str, object]
"""Values for the braces of a route, or for a query."""

log = getLogger(__name__)


class CheckingUser(FastHttpUser):
    """A Locust user whose requests state the expected answer."""

    abstract = True
    network_timeout = 30.0
    connection_timeout = 10.0

    def on_start(self) -> None:
        """Sends the access token of the environment, if there is one, with each request."""
        token = environ.get("DEVICE_STATS_TOKEN")
        if token:
            self.client.auth_header = f"Bearer {token}"

    def forget(self) -> None:
        """Forgets the registered user after a failure, because the state of its data in the service is
        unknown."""
        raise NotImplementedError

    @contextmanager
    def exchange(
        self,
        method: str,
        route: str,
        status: int,
        ids: Members | None = None,
        query: Members | None = None,
        **options: Any,
    ) -> Iterator[Any]:
        """Yields the decoded answer to the block, which raises `WrongAnswer` if the answer is wrong. The
        request then counts as failed, and the task ends."""
        path = API + route.format(**{name: quote(str(value), safe="") for name, value in (ids or {}).items()})
        url = f"{path}?{urlencode(query)}" if query else path
        # Refusals are fast. Counted with the other requests, they would improve the times of the route.
        name = API + route if status < 400 else f"{API}{route} -> {status}"
        with self.client.request(method, url, name=name, catch_response=True, **options) as response:
            try:
                if response.status_code != status:
                    # Without a response, the status is 0, and there is an error instead of a text.
                    answered = ValueError(getattr(response, "error", response.text))
                    raise WrongAnswer(f"status {response.status_code}, not {status}") from answered
                yield response.json() if response.content else None
            except (WrongAnswer, AttributeError, LookupError, TypeError, ValueError) as fault:
                log.warning("%s %s: %r: %s", method, url, fault, str(fault.__cause__)[:500])
                response.failure(fault)
            else:
                response.success()
                return
        self.forget()
        raise RescheduleTask

    def expect_refusal(self, method: str, route: str, status: int, detail: str, *ids: Members, **options: Any) -> None:
        """Sends a request that must be refused with this message."""
        with self.exchange(method, route, status, *ids, **options) as answer:
            require_equal("message of a refusal", answer["detail"], detail)

    def expect_faults(self, method: str, route: str, locations: list[tuple], *ids: Members, **options: Any) -> None:
        """Sends a request that must be refused with 422 and faults at exactly these locations."""
        with self.exchange(method, route, 422, *ids, **options) as answer:
            answered = sorted(tuple(fault["loc"]) for fault in answer["detail"])
            require_equal("locations of faults", answered, sorted(locations))
