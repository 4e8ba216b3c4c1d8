-- The W3C trace context that an alert continues, so that a dispatcher need not read the payload for it. Rows of older programs have none.
ALTER TABLE alert_outbox ADD COLUMN traceparent TEXT;
