"""FinanceIngest in a Django project: add ``finance_ingest.django`` to INSTALLED_APPS."""
