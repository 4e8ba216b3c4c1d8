-- Retention and erasure find the alert of a row.
CREATE INDEX alert_outbox_by_transaction ON alert_outbox (transaction_id);
