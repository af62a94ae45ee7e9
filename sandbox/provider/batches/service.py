"""All routes about batches: who is let in, and which vendor answers under a path."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, unquote, urlsplit

from sandbox.provider.accounts import Accounts
from sandbox.provider.batches.anthropic import AnthropicRoutes
from sandbox.provider.batches.gemini import GeminiRoutes
from sandbox.provider.batches.jobs import Jobs
from sandbox.provider.batches.openai import OpenAiRoutes
from sandbox.provider.batches.visits import Found, Route, Visit
from sandbox.provider.billing import Billing
from sandbox.provider.connection import Exchange
from sandbox.provider.dialects.dialect import Address, Keys
from sandbox.provider.options import ProviderOptions
from sandbox.provider.outcome import Problem, ProblemKind


class BatchService:
    """All routes of all vendors."""

    def __init__(self, options: ProviderOptions, billing: Billing) -> None:
        self.jobs = Jobs(options, billing)
        self._keys = Keys(options.api_key, options.aws_secret)
        self._accounts = Accounts(options.accounts, options.time_scale)
        self._routes: Sequence[Route] = (
            *OpenAiRoutes(self.jobs).routes(),
            *AnthropicRoutes(self.jobs).routes(),
            *GeminiRoutes(self.jobs).routes(),
        )

    def handle(self, exchange: Exchange) -> bool:
        """Answer the request if it is one about batches, and say whether it was."""
        request = exchange.request
        target = urlsplit(request.target.decode("latin-1"))
        for one in self._routes:
            match = one.path.fullmatch(target.path) if one.method == request.method else None
            if match is not None:
                found = {name: unquote(value) for name, value in match.groupdict().items()}
                self._admit(exchange, one, {**dict(parse_qsl(target.query)), **found})
                return True
        return False

    def _admit(self, exchange: Exchange, one: Route, found: Found) -> None:
        visit = Visit(exchange, one.dialect, None, found)
        if one.is_open:
            one.handle(visit)
            return
        problem = one.dialect.refuse(exchange.request, Address("", found), self._keys)
        account = self._accounts.of(exchange.request.headers) if self._accounts else None
        if problem is None and self._accounts and account is None:
            problem = Problem(ProblemKind.UNAUTHORIZED)
        if problem is not None:
            visit.fail(problem)
            return
        one.handle(Visit(exchange, one.dialect, None if account is None else account.name, found))
