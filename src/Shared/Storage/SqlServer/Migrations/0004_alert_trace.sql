-- The W3C trace context that an alert continues, so that a dispatcher need not read the payload for it. Rows of older programs have none.
ALTER TABLE alert_outbox ADD traceparent NVARCHAR(MAX) NULL;
GO

-- A type can't be altered: finance_alerts stays for the older programs that run beside this schema, and newer ones use this type instead.
CREATE TYPE finance_traced_alerts AS TABLE (
    alert_id UNIQUEIDENTIFIER NOT NULL PRIMARY KEY,
    transaction_id UNIQUEIDENTIFIER NOT NULL,
    payload NVARCHAR(MAX) NOT NULL,
    traceparent NVARCHAR(MAX) NULL,
    created_at DATETIME2(6) NOT NULL
);
GO
