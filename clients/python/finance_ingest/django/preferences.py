"""
The form with which people say of what they want to be told, and by which channels. It keeps nothing: what it shows is read from the service, and what is
saved is written there, with a key of the scopes ``read`` and ``manage``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Dict, List, Optional, Tuple

from django import forms
from django.utils.timezone import get_current_timezone_name
from django.utils.translation import gettext as _, gettext_lazy

from ..client import Client
from ..commands import NEVER, NORMAL, OFTEN, RARELY, Sensitivity
from ..errors import FinanceIngestError, ValidationFailed
from .settings import request_client

_LEVELS: List[Tuple[str, Any]] = [
    (NEVER, gettext_lazy("never")), (RARELY, gettext_lazy("rarely")), (NORMAL, gettext_lazy("normally")), (OFTEN, gettext_lazy("often")),
]

# The service carries a command out within a moment; the page that follows then shows it.
_SECONDS_TO_WAIT = 1


class PreferencesForm(forms.Form):
    """
    What a user is told of, and by which of his own addresses. Make it with ``PreferencesForm(user_id, mail, data)``, where ``mail`` is the address of the
    account, the only one to which mails may go: with any other a user could have strangers sent mails.
    """

    level = forms.ChoiceField(label=gettext_lazy("Tell me"), choices=_LEVELS)
    minimum_amount = forms.DecimalField(
        label=gettext_lazy("Not of amounts below"), min_value=0, max_digits=19, decimal_places=4, required=False, localize=True
    )
    by_mail = forms.BooleanField(label=gettext_lazy("Also by mail"), required=False)
    quiet_from = forms.TimeField(label=gettext_lazy("No mails from"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    quiet_until = forms.TimeField(label=gettext_lazy("until"), required=False, widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"))
    forget = forms.MultipleChoiceField(label=gettext_lazy("Browsers to tell no more"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, user_id: int, mail: str, data: Any = None, client: Optional[Client] = None) -> None:
        self._user_id = user_id
        self._mail = mail
        self._client = client or request_client()
        self._destinations = self._client.destinations(user_id)
        super().__init__(data, initial=self._read())
        if mail:
            self.fields["by_mail"].help_text = mail
        else:
            for name in ("by_mail", "quiet_from", "quiet_until"):
                del self.fields[name]
        browsers = [(value["id"], value["endpoint"]) for value in self._destinations if value["type"] == "webpush"]
        if browsers:
            forget: Any = self.fields["forget"]
            forget.choices = browsers
        else:
            del self.fields["forget"]

    def clean(self) -> Dict[str, Any]:
        values: Dict[str, Any] = super().clean() or {}
        begin, end = values.get("quiet_from"), values.get("quiet_until")
        if (begin is None) != (end is None):
            self.add_error("quiet_until", _("Give both times, or none."))
        elif begin is not None and begin == end:
            self.add_error("quiet_until", _("Both times are the same: it would always be quiet."))
        return values

    def save(self) -> bool:
        """Writes to the service what was chosen; False, with the form's errors, when the service does not take it. It may be repeated."""
        values = self.cleaned_data
        try:
            self._client.set_sensitivity(
                [Sensitivity(values["level"], user_id=self._user_id, minimum_amount=values["minimum_amount"])], wait=_SECONDS_TO_WAIT
            )
            gone = list(values.get("forget") or [])
            if "by_mail" in self.fields:
                kept = self._add_mail(values) if values["by_mail"] else None
                gone += [value["id"] for value in self._destinations if value["type"] == "smtp" and value["id"] != kept]
            for destination in gone:
                self._client.remove_destination(self._user_id, destination, wait=_SECONDS_TO_WAIT)
        except ValidationFailed as error:
            self.add_error(None, str(error))
        except FinanceIngestError:
            self.add_error(None, _("This can't be saved at the moment. Try again later."))
        return not self.errors

    def _read(self) -> Dict[str, Any]:
        settings = [value for value in self._client.sensitivity(user_id=self._user_id) if "category_id" not in value and "until" not in value]
        mails = [value for value in self._destinations if value["type"] == "smtp"]
        quiet: Dict[str, Any] = (mails[-1].get("quiet_hours") or {}) if mails else {}
        chosen: Dict[str, Any] = settings[0] if settings else {}
        least = chosen.get("minimum_amount")
        return {
            "level": chosen.get("level", NORMAL), "minimum_amount": None if least is None else Decimal(format(Decimal(str(least)).normalize(), "f")),
            "by_mail": bool(mails), "quiet_from": quiet.get("from"), "quiet_until": quiet.get("until"),
        }

    def _add_mail(self, values: Dict[str, Any]) -> str:
        destination: Dict[str, Any] = {"type": "smtp", "address": self._mail}
        if values.get("quiet_from") is not None:
            destination["quiet_hours"] = {
                "from": f"{values['quiet_from']:%H:%M}", "until": f"{values['quiet_until']:%H:%M}", "time_zone": get_current_timezone_name(),
            }
        return self._client.add_destination(self._user_id, destination, wait=_SECONDS_TO_WAIT)
