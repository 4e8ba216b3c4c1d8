"""The exceptions of this package."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional

if TYPE_CHECKING:
    from .batches import BatchReport
    from .results import Result

ABOUT_BLANK = "about:blank"
"""The type of a problem without further meaning than its HTTP status (RFC 9457, section 4.2.1)."""


@dataclass(frozen=True)
class Problem:
    """A problem as the service describes it (RFC 9457). Distinguish problems by ``type``, which is stable."""

    type: str
    title: str
    status: int
    detail: Optional[str] = None
    errors: Dict[str, List[str]] = field(default_factory=dict)
    rejected: List[Mapping[str, Any]] = field(default_factory=list)
    rejected_count: Optional[int] = None
    """How many items were rejected, where ``rejected`` has not all of them; else None."""

    @classmethod
    def from_json(cls, value: Mapping[str, Any], status: int) -> "Problem":
        """Reads a problem object; ``status`` is used when it has none."""
        return cls(
            type=str(value.get("type") or ABOUT_BLANK),
            title=str(value.get("title") or ""),
            status=int(value.get("status") or status),
            detail=value.get("detail"),
            errors=dict(value.get("errors") or {}),
            rejected=list(value.get("rejected") or []),
            rejected_count=value.get("rejected_count"),
        )

    def __str__(self) -> str:
        return self.detail or self.title or self.type


class FinanceIngestError(Exception):
    """The base of all exceptions of this package."""


class ConfigurationError(FinanceIngestError, ValueError):
    """The address, the key or another option is wrong."""


class InvalidTransaction(FinanceIngestError, ValueError):
    """A transaction can't be sent. ``errors`` has messages by field, as in the service's validation."""

    def __init__(self, errors: Mapping[str, List[str]]) -> None:
        super().__init__(describe_errors(errors))
        self.errors = dict(errors)


class ServiceUnavailable(FinanceIngestError):
    """The service could not be reached or could not answer; the same call may succeed later."""


class ConnectionFailed(ServiceUnavailable):
    """There was no answer: the connection was refused, timed out or was cut. Whether the request arrived is unknown; repeating it is safe."""


class UnexpectedAnswer(FinanceIngestError):
    """The answer is not one of FinanceIngest. Check the address, and proxies on the way."""


class ApiError(FinanceIngestError):
    """The service answered with an error, which ``problem`` describes."""

    def __init__(self, problem: Problem, request: str, retry_after: Optional[float] = None) -> None:
        super().__init__(f"{request}: {problem.status} {problem}")
        self.problem = problem
        self.status = problem.status
        self.retry_after = retry_after


class ValidationFailed(ApiError):
    """400: a field, parameter or header is wrong; ``problem.errors`` has messages by field."""


class AccessRefused(ApiError):
    """401 or 403: the key is missing, unknown, or lacks the scope."""


class NotFound(ApiError):
    """404: this installation never issued that id, or there is no such route at the address."""


class Gone(ApiError):
    """410: the transaction's row was removed; or the cursor is from before a restore, and reading has to start without a cursor."""


class TooLarge(ApiError):
    """413: the request has too many bytes or items for the service, or for a proxy before it."""


class TryLater(ApiError, ServiceUnavailable):
    """408, 429 or 5xx, and the retries are used up. ``retry_after`` is the pause for which the service asked, in seconds."""


class StillPending(FinanceIngestError, TimeoutError):
    """The transaction was not scored within the given time. It is durable; ask again later."""

    def __init__(self, result: "Result", seconds: float) -> None:
        super().__init__(f"Transaction {result.id} is still pending after {seconds:g} seconds.")
        self.result = result


class IncompleteSubmission(FinanceIngestError):
    """
    ``submit_many`` had to stop because of ``cause``. ``report`` has the transactions that are known to be accepted.
    Call it again with the same transactions and ``idempotency_prefix``: accepted transactions are recognised.
    """

    def __init__(self, report: "BatchReport", cause: FinanceIngestError, idempotency_prefix: str) -> None:
        super().__init__(
            f"{cause} Before that {len(report.accepted)} transactions were accepted. To go on, submit the same transactions "
            f"again with idempotency_prefix={idempotency_prefix!r}: accepted transactions are recognised."
        )
        self.report = report
        self.cause = cause
        self.idempotency_prefix = idempotency_prefix


def describe_errors(errors: Mapping[str, List[str]]) -> str:
    """Returns the ``errors`` of a validation in one sentence."""
    return "; ".join(
        f"{'the transaction' if name == '$' else name} {', '.join(messages)}" for name, messages in errors.items()
    )


_BY_STATUS = {400: ValidationFailed, 401: AccessRefused, 403: AccessRefused, 404: NotFound, 408: TryLater, 410: Gone, 413: TooLarge, 429: TryLater}


def api_error(problem: Problem, request: str, retry_after: Optional[float] = None) -> ApiError:
    """Returns the exception for a problem."""
    kind = TryLater if problem.status >= 500 else _BY_STATUS.get(problem.status, ApiError)
    return kind(problem, request, retry_after)
