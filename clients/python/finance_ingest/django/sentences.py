"""``sentence(result)``: why a result is as it is, in the language of the request."""

from __future__ import annotations

from typing import Optional

from django.conf import settings as project_settings
from django.utils.translation import get_language

from .. import sentences
from ..errors import ConfigurationError
from ..results import Result


def sentence(result: Result, *, category: Optional[str] = None, currency: str = "") -> Optional[str]:
    """
    Returns the sentence of ``finance_ingest.sentence`` in the language that is active, or in LANGUAGE_CODE, or in English: in the first of them that has a
    catalogue. A receiver of ``result_received`` or ``anomaly_found`` has the result.
    """
    for language in (get_language(), project_settings.LANGUAGE_CODE):
        try:
            if language:
                return sentences.sentence(result, language, category=category, currency=currency)
        except ConfigurationError:
            continue
    return sentences.sentence(result, category=category, currency=currency)
