"""A client of FinanceIngest: submits financial transactions and reads which of them are anomalies."""

from .aio import AsyncClient
from .batches import Accepted, BatchReport, Rejected
from .client import EVERY, Client
from .commands import EXPECTED, UNEXPECTED, Sensitivity
from .errors import (
    AccessRefused,
    ApiError,
    ConfigurationError,
    ConnectionFailed,
    FinanceIngestError,
    Gone,
    IncompleteSubmission,
    InvalidTransaction,
    NotFound,
    Problem,
    ServiceUnavailable,
    StillPending,
    TooLarge,
    TryLater,
    UnexpectedAnswer,
    UntrustedCertificate,
    ValidationFailed,
)
from .keys import new_key, uuid7
from .results import Baseline, Factor, Page, Result, ShadowVerdict, StatsReport, Usual
from .sentences import sentence
from .transactions import Transaction
from .version import __version__

__all__ = [
    "Accepted",
    "AccessRefused",
    "ApiError",
    "AsyncClient",
    "Baseline",
    "BatchReport",
    "Client",
    "ConfigurationError",
    "ConnectionFailed",
    "EVERY",
    "EXPECTED",
    "Factor",
    "FinanceIngestError",
    "Gone",
    "IncompleteSubmission",
    "InvalidTransaction",
    "NotFound",
    "Page",
    "Problem",
    "Rejected",
    "Result",
    "Sensitivity",
    "ServiceUnavailable",
    "ShadowVerdict",
    "StatsReport",
    "StillPending",
    "TooLarge",
    "Transaction",
    "TryLater",
    "UNEXPECTED",
    "UnexpectedAnswer",
    "UntrustedCertificate",
    "Usual",
    "ValidationFailed",
    "__version__",
    "new_key",
    "sentence",
    "uuid7",
]
