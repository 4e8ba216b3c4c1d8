-- What has become of each alert on its way to each address. destination_key is the key of a user's address, and 16 zero bytes for the fixed addresses of a
-- channel. A message is all rows with the same channel, destination_key and message_key; its schedule stands in the row of its first alert, whose members
-- counts them. The other rows have no due_at.
CREATE TABLE notification_deliveries (
    id BIGINT IDENTITY NOT NULL CONSTRAINT notification_deliveries_pk PRIMARY KEY,
    alert_key BINARY(16) NOT NULL,
    alert_id AS CAST(SUBSTRING(alert_key, 4, 1) + SUBSTRING(alert_key, 3, 1) + SUBSTRING(alert_key, 2, 1) + SUBSTRING(alert_key, 1, 1)
        + SUBSTRING(alert_key, 6, 1) + SUBSTRING(alert_key, 5, 1) + SUBSTRING(alert_key, 8, 1) + SUBSTRING(alert_key, 7, 1)
        + SUBSTRING(alert_key, 9, 8) AS UNIQUEIDENTIFIER),
    channel NVARCHAR(40) COLLATE Latin1_General_BIN2 NOT NULL,
    destination_key BINARY(16) NOT NULL,
    user_id BIGINT NOT NULL,
    message_key BINARY(16) NULL,
    members INT NOT NULL CONSTRAINT notification_deliveries_one_member DEFAULT 1,
    payload NVARCHAR(MAX) NOT NULL,
    state VARCHAR(16) NOT NULL,
    hold VARCHAR(16) NULL,
    attempts INT NOT NULL CONSTRAINT notification_deliveries_no_attempts DEFAULT 0,
    due_at DATETIME2(6) NULL,
    give_up_at DATETIME2(6) NULL,
    made_at DATETIME2(6) NULL,
    created_at DATETIME2(6) NOT NULL,
    finished_at DATETIME2(6) NULL,
    error NVARCHAR(1000) NULL,
    CONSTRAINT notification_deliveries_once UNIQUE (alert_key, channel, destination_key)
);

CREATE INDEX notification_deliveries_due ON notification_deliveries (channel, state, due_at, id) INCLUDE (destination_key) WHERE due_at IS NOT NULL;
CREATE INDEX notification_deliveries_held ON notification_deliveries (channel, destination_key, id) INCLUDE (alert_key, hold) WHERE state = 'held';
CREATE INDEX notification_deliveries_of_message ON notification_deliveries (message_key) WHERE message_key IS NOT NULL;
CREATE INDEX notification_deliveries_made ON notification_deliveries (channel, destination_key, made_at) INCLUDE (members) WHERE made_at IS NOT NULL;
CREATE INDEX notification_deliveries_of_user ON notification_deliveries (user_id);
CREATE INDEX notification_deliveries_finished ON notification_deliveries (finished_at) WHERE finished_at IS NOT NULL;

-- Which process has a channel, and whether the channel is believed to work.
CREATE TABLE notification_channels (
    channel NVARCHAR(40) COLLATE Latin1_General_BIN2 NOT NULL CONSTRAINT notification_channels_pk PRIMARY KEY,
    owner UNIQUEIDENTIFIER NULL,
    claimed_until DATETIME2(6) NULL,
    failures INT NOT NULL CONSTRAINT notification_channels_no_failures DEFAULT 0,
    open_until DATETIME2(6) NULL,
    error NVARCHAR(1000) NULL,
    updated_at DATETIME2(6) NOT NULL
);

-- Addresses that users gave; the address itself is JSON. digest is the SHA-256 of what makes two addresses of a user the same.
CREATE TABLE notification_destinations (
    destination_key BINARY(16) NOT NULL CONSTRAINT notification_destinations_pk PRIMARY KEY,
    user_id BIGINT NOT NULL,
    type VARCHAR(16) NOT NULL,
    address NVARCHAR(MAX) NOT NULL,
    digest BINARY(32) NOT NULL,
    created_at DATETIME2(6) NOT NULL,
    CONSTRAINT notification_destinations_once UNIQUE (user_id, type, digest)
);
GO

ALTER TABLE notification_deliveries SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE notification_channels SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE notification_destinations SET (LOCK_ESCALATION = DISABLE);
GO
