"""Bookings are in a database of their own."""


class Router:
    """The app finance_ingest is in both databases, because each row commits together with its outbox entry."""

    def db_for_read(self, model, **hints):
        return "second" if model._meta.app_label == "shop" and "booking" in model._meta.model_name else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, model_name=None, **hints):
        if app_label == "finance_ingest":
            return True
        is_booking = app_label == "shop" and "booking" in (model_name or "")
        return is_booking == (db == "second")
