"""One request and the check of its answer, counted under its route. Knows the paths' form and no path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from logging import getLogger
from typing import Any
from urllib.parse import quote, urlencode

from locust import FastHttpUser
from locust.exception import RescheduleTask

from expected import WrongAnswer, require_equal

API = "/api/v1"

Members = Mapping[str, object]
"""What fills the braces of a route, or a query."""

log = getLogger(__name__)


class CheckingUser(FastHttpUser):
    """A Locust user of which every request says what its answer must be."""

    abstract = True
    network_timeout = 30.0
    connection_timeout = 10.0

    def forget(self) -> None:
        """Called after a failure: what the service holds of this client is not certain any more."""
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
        """Gives the decoded answer to the block, which raises `WrongAnswer` where it is wrong. The request then counts
        as failed and the task ends."""
        path = API + route.format(**{name: quote(str(value), safe="") for name, value in (ids or {}).items()})
        url = f"{path}?{urlencode(query)}" if query else path
        # Refusals are quick: counted with the rest they would flatter the times of their route.
        name = API + route if status < 400 else f"{API}{route} -> {status}"
        with self.client.request(method, url, name=name, catch_response=True, **options) as response:
            try:
                if response.status_code != status:
                    # Without an answer the status is 0, and there is an error instead of a text.
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
        """A refusal in these words."""
        with self.exchange(method, route, status, *ids, **options) as answer:
            require_equal("words of a refusal", answer["detail"], detail)

    def expect_faults(self, method: str, route: str, places: list[tuple], *ids: Members, **options: Any) -> None:
        """A 422 that names exactly these places, all at once."""
        with self.exchange(method, route, 422, *ids, **options) as answer:
            require_equal("places of faults", sorted(tuple(fault["loc"]) for fault in answer["detail"]), sorted(places))
