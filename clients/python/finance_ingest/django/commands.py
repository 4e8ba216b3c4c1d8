"""Commands about rows of your own models: what somebody says of them, and their withdrawal. The key of the project needs the scope manage."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional, Union

from ..commands import Sensitivity
from ..results import Result
from ..transactions import Id
from .models import AnomalyFields
from .settings import request_client


def give_feedback(row: AnomalyFields, verdict: Optional[str], *, wait: float = 0) -> Optional[Result]:
    """
    Says whether a row's transaction is the user's own: ``expected`` or ``unexpected``; None takes that back. The answer is that of ``Client.feedback``.

    Raises ValueError for a row that the service has not accepted yet: its id is not known.
    """
    return request_client().feedback(_id_of(row), verdict, wait=wait)


def withdraw(row: AnomalyFields, *, wait: float = 0) -> bool:
    """
    Withdraws a row's transaction at the service, for instance before the row is deleted. The answer is that of ``Client.withdraw``.

    Raises ValueError for a row that the service has not accepted yet: its id is not known.
    """
    return request_client().withdraw(_id_of(row), wait=wait)


def set_sensitivity(settings: Iterable[Union[Sensitivity, Mapping[str, Any]]], *, wait: float = 0) -> bool:
    """Sets how often alerts are wanted, as ``Client.set_sensitivity`` does."""
    return request_client().set_sensitivity(settings, wait=wait)


def erase_user(user_id: Id, *, wait: float = 0) -> bool:
    """Erases a person at the service, as ``Client.erase_user`` does, which needs the scope admin. Rows of your own database stay."""
    return request_client().erase_user(user_id, wait=wait)


def _id_of(row: AnomalyFields) -> str:
    if row.ingest_id is None:
        raise ValueError(f"{row._meta.label} {row.pk} has no id at the service yet: it was not accepted, or not saved since.")
    return str(row.ingest_id)
