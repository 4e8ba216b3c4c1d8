-- What has become of each alert on its way to each address. destination_id is the id of a user's address, and 16 zero bytes for the fixed addresses of a
-- channel. A message is all rows with the same channel, destination_id and message_id; its schedule stands in the row of its first alert, whose members
-- counts them. The other rows have no due_at.
CREATE TABLE notification_deliveries (
    id INTEGER PRIMARY KEY,
    alert_id BLOB NOT NULL CHECK (length(alert_id) = 16),
    channel TEXT NOT NULL,
    destination_id BLOB NOT NULL CHECK (length(destination_id) = 16),
    user_id INTEGER NOT NULL,
    message_id BLOB CHECK (length(message_id) = 16),
    members INTEGER NOT NULL DEFAULT 1,
    payload TEXT NOT NULL,
    state TEXT NOT NULL,
    hold TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    due_at TEXT,
    give_up_at TEXT,
    made_at TEXT,
    created_at TEXT NOT NULL,
    finished_at TEXT,
    error TEXT,
    UNIQUE (alert_id, channel, destination_id)
);

CREATE INDEX notification_deliveries_due ON notification_deliveries (channel, state, due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX notification_deliveries_held ON notification_deliveries (channel, destination_id, id) WHERE state = 'held';
CREATE INDEX notification_deliveries_of_message ON notification_deliveries (message_id) WHERE message_id IS NOT NULL;
CREATE INDEX notification_deliveries_made ON notification_deliveries (channel, destination_id, made_at) WHERE made_at IS NOT NULL;
CREATE INDEX notification_deliveries_of_user ON notification_deliveries (user_id);
CREATE INDEX notification_deliveries_finished ON notification_deliveries (finished_at) WHERE finished_at IS NOT NULL;

-- Which process has a channel, and whether the channel is believed to work.
CREATE TABLE notification_channels (
    channel TEXT PRIMARY KEY,
    owner BLOB CHECK (length(owner) = 16),
    claimed_until TEXT,
    failures INTEGER NOT NULL DEFAULT 0,
    open_until TEXT,
    error TEXT,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;

-- Addresses that users gave; the address itself is JSON. digest is the SHA-256 of what makes two addresses of a user the same.
CREATE TABLE notification_destinations (
    destination_id BLOB PRIMARY KEY CHECK (length(destination_id) = 16),
    user_id INTEGER NOT NULL,
    type TEXT NOT NULL,
    address TEXT NOT NULL,
    digest BLOB NOT NULL,
    created_at TEXT NOT NULL,
    UNIQUE (user_id, type, digest)
) WITHOUT ROWID;

CREATE VIEW notification_deliveries_text AS
SELECT id,
       lower(substr(hex(alert_id), 1, 8) || '-' || substr(hex(alert_id), 9, 4) || '-' || substr(hex(alert_id), 13, 4) || '-'
           || substr(hex(alert_id), 17, 4) || '-'
           || substr(hex(alert_id), 21)) AS alert_id,
       channel,
       lower(substr(hex(destination_id), 1, 8) || '-' || substr(hex(destination_id), 9, 4) || '-' || substr(hex(destination_id), 13, 4) || '-'
           || substr(hex(destination_id), 17, 4) || '-'
           || substr(hex(destination_id), 21)) AS destination_id,
       user_id,
       CASE WHEN message_id IS NOT NULL THEN
           lower(substr(hex(message_id), 1, 8) || '-' || substr(hex(message_id), 9, 4) || '-' || substr(hex(message_id), 13, 4) || '-'
           || substr(hex(message_id), 17, 4) || '-'
           || substr(hex(message_id), 21)) END AS message_id,
       members,
       payload,
       state,
       hold,
       attempts,
       due_at,
       give_up_at,
       made_at,
       created_at,
       finished_at,
       error
FROM notification_deliveries;

CREATE VIEW notification_channels_text AS
SELECT channel,
       CASE WHEN owner IS NOT NULL THEN
           lower(substr(hex(owner), 1, 8) || '-' || substr(hex(owner), 9, 4) || '-' || substr(hex(owner), 13, 4) || '-'
           || substr(hex(owner), 17, 4) || '-'
           || substr(hex(owner), 21)) END AS owner,
       claimed_until,
       failures,
       open_until,
       error,
       updated_at
FROM notification_channels;

CREATE VIEW notification_destinations_text AS
SELECT lower(substr(hex(destination_id), 1, 8) || '-' || substr(hex(destination_id), 9, 4) || '-' || substr(hex(destination_id), 13, 4) || '-'
           || substr(hex(destination_id), 17, 4) || '-'
           || substr(hex(destination_id), 21)) AS destination_id,
       user_id,
       type,
       address,
       lower(hex(digest)) AS digest,
       created_at
FROM notification_destinations;
