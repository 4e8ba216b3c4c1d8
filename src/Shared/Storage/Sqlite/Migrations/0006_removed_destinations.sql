-- Addresses of users that are gone: the command that adds one of them changes nothing, whether it is late or comes again. digest is that of the address, as in
-- notification_destinations, where the command that adds it was seen; accepted_at is then that command's time, and the removal's otherwise. Of commands that
-- add the same address, those before the last one that was seen change nothing either.
CREATE TABLE removed_destinations (
    user_id INTEGER NOT NULL,
    destination_id BLOB NOT NULL CHECK (length(destination_id) = 16),
    digest BLOB,
    accepted_at TEXT NOT NULL,
    PRIMARY KEY (user_id, destination_id)
) WITHOUT ROWID;
