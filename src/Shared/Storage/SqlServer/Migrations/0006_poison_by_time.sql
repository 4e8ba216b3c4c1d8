-- Poison messages are read in pages by the time at which they were given up; without the index each page would read every text.
CREATE INDEX poison_messages_by_time ON poison_messages (failed_at, message_id);
GO
