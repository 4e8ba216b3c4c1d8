-- What commands leave. Each target keeps the place of the last command that it obeyed (accepted_at, command_key): one that does not come after it changes
-- nothing, so that commands may be delivered in any order and any number of times. BINARY(16) is compared as the text of the id is.

-- What was said of transactions. A verdict waits while its transaction has no score; the index over those that wait is small, and is looked through for each
-- new row. A verdict that was taken back is null.
CREATE TABLE feedback (
    transaction_key BINARY(16) NOT NULL CONSTRAINT feedback_pk PRIMARY KEY,
    verdict VARCHAR(16) NULL,
    is_waiting BIT NOT NULL,
    accepted_at DATETIME2(6) NOT NULL,
    command_key BINARY(16) NOT NULL
);

CREATE UNIQUE INDEX feedback_waiting ON feedback (transaction_key) WHERE is_waiting = 1;

-- How often alerts are wanted. 0 stands for all users, and for all categories; a setting that was removed has no level. A snooze stands beside the lasting
-- setting of its key, and goes with the next lasting one.
CREATE TABLE sensitivity (
    user_id BIGINT NOT NULL,
    category_id BIGINT NOT NULL,
    is_snooze BIT NOT NULL,
    level VARCHAR(16) NULL,
    minimum_amount DECIMAL(19, 4) NULL,
    until DATETIME2(6) NULL,
    accepted_at DATETIME2(6) NOT NULL,
    command_key BINARY(16) NOT NULL,
    CONSTRAINT sensitivity_pk PRIMARY KEY (user_id, category_id, is_snooze)
);

-- Users who were erased. What was accepted up to then and is scored later gets a tombstone and no row.
CREATE TABLE erased_users (
    user_id BIGINT NOT NULL CONSTRAINT erased_users_pk PRIMARY KEY,
    accepted_at DATETIME2(6) NOT NULL,
    command_key BINARY(16) NOT NULL,
    completed_at DATETIME2(6) NULL
);

-- verdict: what was said of the transaction. suppressed_by: why an anomaly led to no alert. has_alert: there is an alert of a row that is no anomaly, because
-- its user wants more of them.
ALTER TABLE anomaly_transactions ADD verdict VARCHAR(16) NULL;
ALTER TABLE anomaly_transactions ADD suppressed_by VARCHAR(16) NULL;
ALTER TABLE anomaly_transactions ADD has_alert BIT NOT NULL CONSTRAINT anomaly_transactions_no_alert DEFAULT 0;
GO

ALTER TABLE feedback SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE sensitivity SET (LOCK_ESCALATION = DISABLE);
ALTER TABLE erased_users SET (LOCK_ESCALATION = DISABLE);
GO

-- Commands, one at most for each target: the program leaves out those that others of the same batch overtake.
CREATE TYPE finance_commands AS TABLE (
    ordinal INT NOT NULL PRIMARY KEY,
    kind VARCHAR(16) NOT NULL,
    transaction_key BINARY(16) NULL,
    user_id BIGINT NULL,
    category_id BIGINT NULL,
    is_snooze BIT NULL,
    word VARCHAR(16) NULL,
    amount DECIMAL(19, 4) NULL,
    until DATETIME2(6) NULL,
    accepted_at DATETIME2(6) NOT NULL,
    command_key BINARY(16) NOT NULL
);
GO

-- What is said of some results of a batch: what preferences decided about those that are anomalies or have an alert, and what others replace.
CREATE TYPE finance_marks AS TABLE (
    transaction_key BINARY(16) NOT NULL PRIMARY KEY,
    suppressed_by VARCHAR(16) NULL,
    has_alert BIT NOT NULL,
    replaces BINARY(16) NULL
);
GO

-- The procedures do for a worker what its role may not do: they take rows away. Each runs in the transaction of its caller.

-- Withdraws transactions: their rows and what belongs to these go, tombstones stay. The tombstone comes first: a row that another worker is just writing is
-- then found by the deletion, or finds the tombstone itself. A row that taught something stays until the program has removed it with what it taught
-- (finance_erase_rows), which it does before it deletes the message.
CREATE PROCEDURE finance_withdraw @ids finance_ids READONLY, @now DATETIME2(6) AS
BEGIN
    SET NOCOUNT ON;
    INSERT INTO purged_transactions (transaction_key, purged_at)
    SELECT i.id_key, @now FROM @ids i
    WHERE NOT EXISTS (SELECT 1 FROM purged_transactions p WHERE p.transaction_key = i.id_key)
    ORDER BY i.id_key
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    DELETE t FROM @ids i JOIN anomaly_transactions t ON t.transaction_key = i.id_key
    WHERE t.contribution IS NULL
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    DELETE c FROM @ids i JOIN repeat_conflicts c ON c.transaction_key = i.id_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    DELETE o FROM @ids i JOIN alert_outbox o ON o.transaction_key = i.id_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    DELETE f FROM @ids i JOIN feedback f ON f.transaction_key = i.id_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
END;
GO

-- What becomes of rows that a batch has just written: those whose transaction was withdrawn, or whose user was erased after it was accepted, are taken away
-- again; verdicts that waited hold; transactions that were replaced are withdrawn. The row is written before the other table is read, and the reader waits
-- for whoever writes there (READCOMMITTEDLOCK): of two transactions that meet, at least one sees the other. An erasure that begins meanwhile waits for the
-- batch (HOLDLOCK), so that it finds the rows.
CREATE PROCEDURE finance_after_scoring @written finance_ids READONLY, @marks finance_marks READONLY, @batch_id BIGINT, @now DATETIME2(6),
    @removed INT OUTPUT, @verdicts INT OUTPUT AS
BEGIN
    SET NOCOUNT ON;
    DECLARE @gone finance_ids;
    INSERT INTO @gone (id_key)
    SELECT i.id_key
    FROM @written i JOIN anomaly_transactions t ON t.transaction_key = i.id_key
    WHERE t.batch_id = @batch_id
        AND (EXISTS (SELECT 1 FROM purged_transactions p WITH (READCOMMITTEDLOCK) WHERE p.transaction_key = i.id_key)
            OR EXISTS (SELECT 1 FROM erased_users e WITH (HOLDLOCK) WHERE e.user_id = t.user_id AND e.accepted_at >= t.accepted_at))
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    SET @removed = @@ROWCOUNT;
    IF EXISTS (SELECT 1 FROM @gone g JOIN anomaly_transactions t ON t.transaction_key = g.id_key WHERE t.contribution IS NOT NULL)
        -- States would keep what the rows taught: the batch is undone and scored again, which then knows of the tombstones.
        THROW 51000, 'A row of this batch was written or buried by somebody else.', 1;
    UPDATE t SET suppressed_by = m.suppressed_by, has_alert = m.has_alert
    FROM @marks m JOIN anomaly_transactions t ON t.transaction_key = m.transaction_key
    WHERE t.batch_id = @batch_id AND t.status = 'scored'
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    INSERT INTO @gone (id_key)
    SELECT DISTINCT m.replaces
    FROM @marks m JOIN anomaly_transactions t ON t.transaction_key = m.transaction_key
    WHERE m.replaces IS NOT NULL AND t.batch_id = @batch_id AND t.status = 'scored'
        AND NOT EXISTS (SELECT 1 FROM @gone g WHERE g.id_key = m.transaction_key OR g.id_key = m.replaces);
    IF EXISTS (SELECT 1 FROM @gone)
        EXEC finance_withdraw @gone, @now;

    UPDATE t SET verdict = f.verdict
    FROM @written i JOIN feedback f WITH (READCOMMITTEDLOCK) ON f.transaction_key = i.id_key AND f.is_waiting = 1
    JOIN anomaly_transactions t ON t.transaction_key = i.id_key
    WHERE t.batch_id = @batch_id AND t.status = 'scored'
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    SET @verdicts = @@ROWCOUNT;
    IF @verdicts > 0
        UPDATE f SET is_waiting = 0
        FROM @written i JOIN feedback f ON f.transaction_key = i.id_key
        JOIN anomaly_transactions t ON t.transaction_key = i.id_key
        WHERE f.is_waiting = 1 AND t.batch_id = @batch_id AND t.status = 'scored'
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
END;
GO

-- Carries commands out. A row whose verdict changes takes a new place in the feed, that of the batch.
CREATE PROCEDURE finance_carry_out @commands finance_commands READONLY, @batch_id BIGINT, @now DATETIME2(6), @moved INT OUTPUT AS
BEGIN
    SET NOCOUNT ON;
    SET @moved = 0;

    -- Verdicts. The verdict is written before its row is looked for, as a row is written before its verdict is looked for.
    UPDATE f SET verdict = c.word, is_waiting = 1, accepted_at = c.accepted_at, command_key = c.command_key
    FROM @commands c JOIN feedback f ON f.transaction_key = c.transaction_key
    WHERE c.kind = 'feedback' AND (f.accepted_at < c.accepted_at OR (f.accepted_at = c.accepted_at AND f.command_key < c.command_key))
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    INSERT INTO feedback (transaction_key, verdict, is_waiting, accepted_at, command_key)
    SELECT c.transaction_key, c.word, 1, c.accepted_at, c.command_key
    FROM @commands c
    WHERE c.kind = 'feedback'
        AND NOT EXISTS (SELECT 1 FROM feedback f WHERE f.transaction_key = c.transaction_key)
        AND NOT EXISTS (SELECT 1 FROM purged_transactions p WHERE p.transaction_key = c.transaction_key)
    ORDER BY c.transaction_key
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    UPDATE t SET verdict = f.verdict, batch_id = @batch_id
    FROM @commands c JOIN feedback f ON f.transaction_key = c.transaction_key AND f.command_key = c.command_key
    JOIN anomaly_transactions t WITH (READCOMMITTEDLOCK) ON t.transaction_key = c.transaction_key
    WHERE c.kind = 'feedback' AND f.is_waiting = 1 AND t.status = 'scored'
        AND (t.verdict <> f.verdict OR (t.verdict IS NULL AND f.verdict IS NOT NULL) OR (t.verdict IS NOT NULL AND f.verdict IS NULL))
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    SET @moved = @@ROWCOUNT;
    UPDATE f SET is_waiting = 0
    FROM @commands c JOIN feedback f ON f.transaction_key = c.transaction_key AND f.command_key = c.command_key
    JOIN anomaly_transactions t ON t.transaction_key = c.transaction_key
    WHERE c.kind = 'feedback' AND f.is_waiting = 1 AND t.status = 'scored'
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

    -- Withdrawals.
    DECLARE @withdrawn finance_ids;
    INSERT INTO @withdrawn (id_key) SELECT c.transaction_key FROM @commands c WHERE c.kind = 'withdraw';
    IF EXISTS (SELECT 1 FROM @withdrawn)
        EXEC finance_withdraw @withdrawn, @now;

    -- Erasures: the marker keeps rows of what was accepted before from being written; the rows that are there are deleted after the commit, in pieces.
    UPDATE e SET accepted_at = c.accepted_at, command_key = c.command_key, completed_at = NULL
    FROM @commands c JOIN erased_users e ON e.user_id = c.user_id
    WHERE c.kind = 'erase_user' AND (e.accepted_at < c.accepted_at OR (e.accepted_at = c.accepted_at AND e.command_key < c.command_key))
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    INSERT INTO erased_users (user_id, accepted_at, command_key)
    SELECT c.user_id, c.accepted_at, c.command_key
    FROM @commands c
    WHERE c.kind = 'erase_user' AND NOT EXISTS (SELECT 1 FROM erased_users e WHERE e.user_id = c.user_id)
    ORDER BY c.user_id
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

    -- Settings of how often alerts are wanted: first the lasting ones, then the snoozes that none of them has ended.
    DECLARE @is_snooze BIT = 0;
    WHILE @is_snooze IS NOT NULL
    BEGIN
        UPDATE s SET level = c.word, minimum_amount = c.amount, until = c.until, accepted_at = c.accepted_at, command_key = c.command_key
        FROM @commands c JOIN sensitivity s ON s.user_id = c.user_id AND s.category_id = c.category_id AND s.is_snooze = c.is_snooze
        WHERE c.kind = 'sensitivity' AND c.is_snooze = @is_snooze
            AND (s.accepted_at < c.accepted_at OR (s.accepted_at = c.accepted_at AND s.command_key < c.command_key))
            AND NOT EXISTS (SELECT 1 FROM erased_users e WITH (HOLDLOCK) WHERE e.user_id = c.user_id AND e.accepted_at >= c.accepted_at)
            AND NOT EXISTS (SELECT 1 FROM sensitivity l WITH (UPDLOCK, HOLDLOCK)
                WHERE l.user_id = c.user_id AND l.category_id = c.category_id AND l.is_snooze = 0 AND c.is_snooze = 1
                    AND (l.accepted_at > c.accepted_at OR (l.accepted_at = c.accepted_at AND l.command_key > c.command_key)))
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        INSERT INTO sensitivity (user_id, category_id, is_snooze, level, minimum_amount, until, accepted_at, command_key)
        SELECT c.user_id, c.category_id, c.is_snooze, c.word, c.amount, c.until, c.accepted_at, c.command_key
        FROM @commands c
        WHERE c.kind = 'sensitivity' AND c.is_snooze = @is_snooze
            AND NOT EXISTS (SELECT 1 FROM sensitivity s WHERE s.user_id = c.user_id AND s.category_id = c.category_id AND s.is_snooze = c.is_snooze)
            AND NOT EXISTS (SELECT 1 FROM erased_users e WITH (HOLDLOCK) WHERE e.user_id = c.user_id AND e.accepted_at >= c.accepted_at)
            AND NOT EXISTS (SELECT 1 FROM sensitivity l WITH (UPDLOCK, HOLDLOCK)
                WHERE l.user_id = c.user_id AND l.category_id = c.category_id AND l.is_snooze = 0 AND c.is_snooze = 1
                    AND (l.accepted_at > c.accepted_at OR (l.accepted_at = c.accepted_at AND l.command_key > c.command_key)))
        ORDER BY c.user_id, c.category_id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SET @is_snooze = CASE WHEN @is_snooze = 0 THEN 1 END;
    END;
    DELETE z
    FROM @commands c JOIN sensitivity z ON z.user_id = c.user_id AND z.category_id = c.category_id AND z.is_snooze = 1
    WHERE c.kind = 'sensitivity'
        AND EXISTS (SELECT 1 FROM sensitivity l
            WHERE l.user_id = c.user_id AND l.category_id = c.category_id AND l.is_snooze = 0
                AND (z.accepted_at < l.accepted_at OR (z.accepted_at = l.accepted_at AND z.command_key < l.command_key)))
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
END;
GO

-- Deletes rows of a user that were accepted up to an instant, or, without a user, rows of transactions that have a tombstone; and what belongs to them. Returns
-- the numbers of rows, repeats, alerts and unsent alerts.
-- What they taught goes with them: the states without them are written where nobody changed the users meanwhile (the version is the expected one); rows of
-- others stay for now, and the last number says of how many users.
CREATE PROCEDURE finance_erase_rows @ids finance_ids READONLY, @taken finance_ids READONLY, @users finance_user_states READONLY,
    @states finance_states READONLY, @user_id BIGINT, @until DATETIME2(6), @now DATETIME2(6) AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @gone finance_ids;
    DECLARE @held TABLE (user_id BIGINT NOT NULL PRIMARY KEY);
    DECLARE @lost TABLE (user_id BIGINT NOT NULL PRIMARY KEY);
    DECLARE @conflicts INT, @alerts INT, @unsent INT;
    BEGIN TRANSACTION;
    UPDATE u SET version = s.version, state = s.state, carried = s.carried
    FROM @users s JOIN detection_users u ON u.user_id = s.user_id
    WHERE u.version = s.expected
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    INSERT INTO @held (user_id)
    SELECT s.user_id FROM @users s JOIN detection_users u ON u.user_id = s.user_id WHERE u.version = s.version
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    INSERT INTO @lost (user_id)
    SELECT s.user_id FROM @users s WHERE NOT EXISTS (SELECT 1 FROM @held h WHERE h.user_id = s.user_id)
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    UPDATE k SET state = s.state, carried = s.carried
    FROM @states s JOIN @held h ON h.user_id = s.user_id
    JOIN detection_states k ON k.user_id = s.user_id AND k.category_id = s.category_id AND k.is_refund = s.is_refund
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

    DELETE t OUTPUT deleted.transaction_key INTO @gone (id_key)
    FROM @ids i JOIN anomaly_transactions t ON t.transaction_key = i.id_key
    WHERE ((@user_id IS NOT NULL AND (t.user_id = @user_id OR t.user_id IS NULL))
            OR (@user_id IS NULL AND EXISTS (SELECT 1 FROM purged_transactions p WHERE p.transaction_key = t.transaction_key)))
        AND (t.accepted_at IS NULL OR t.accepted_at <= @until)
        AND (t.contribution IS NULL OR EXISTS (SELECT 1 FROM @taken k WHERE k.id_key = t.transaction_key))
        AND NOT EXISTS (SELECT 1 FROM @lost l WHERE l.user_id = t.user_id)
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

    INSERT INTO purged_transactions (transaction_key, purged_at)
    SELECT g.id_key, @now FROM @gone g
    WHERE NOT EXISTS (SELECT 1 FROM purged_transactions p WHERE p.transaction_key = g.id_key)
    ORDER BY g.id_key
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

    DELETE c FROM @gone g JOIN repeat_conflicts c ON c.transaction_key = g.id_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    SET @conflicts = @@ROWCOUNT;
    SELECT @unsent = COUNT(*) FROM @gone g JOIN alert_outbox o ON o.transaction_key = g.id_key WHERE o.sent_at IS NULL
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    DELETE o FROM @gone g JOIN alert_outbox o ON o.transaction_key = g.id_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    SET @alerts = @@ROWCOUNT;
    DELETE f FROM @gone g JOIN feedback f ON f.transaction_key = g.id_key OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    COMMIT TRANSACTION;
    SELECT (SELECT COUNT(*) FROM @gone), @conflicts, @alerts, @unsent, (SELECT COUNT(*) FROM @lost);
END;
GO

-- Deletes what a user has beside rows. Returns the numbers of repeats and baselines.
CREATE PROCEDURE finance_erase_rest @user_id BIGINT, @until DATETIME2(6) AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @conflicts INT, @baselines INT;
    BEGIN TRANSACTION;
    DELETE FROM repeat_conflicts WHERE user_id = @user_id AND accepted_at <= @until;
    SET @conflicts = @@ROWCOUNT;
    DELETE FROM anomaly_stats WHERE user_id = @user_id;
    SET @baselines = @@ROWCOUNT;
    DELETE FROM anomaly_stats_superseded WHERE user_id = @user_id;
    SET @baselines = @baselines + @@ROWCOUNT;
    UPDATE message_attempts SET last_error = '' WHERE CHARINDEX(CAST(@user_id AS VARCHAR(20)), last_error) > 0;
    DELETE FROM sensitivity WHERE user_id = @user_id AND accepted_at <= @until;
    DELETE FROM notification_deliveries WHERE user_id = @user_id;
    DELETE FROM notification_destinations WHERE user_id = @user_id;
    COMMIT TRANSACTION;
    SELECT @conflicts, @baselines;
END;
GO

-- Adds tombstones for transactions that have no row yet, so that none ever appears.
CREATE PROCEDURE finance_bury @ids finance_ids READONLY, @now DATETIME2(6) AS
BEGIN
    SET NOCOUNT ON;
    INSERT INTO purged_transactions (transaction_key, purged_at)
    SELECT i.id_key, @now FROM @ids i
    WHERE NOT EXISTS (SELECT 1 FROM purged_transactions p WHERE p.transaction_key = i.id_key)
    ORDER BY i.id_key
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
    DELETE f FROM @ids i JOIN feedback f ON f.transaction_key = i.id_key
    WHERE NOT EXISTS (SELECT 1 FROM anomaly_transactions t WHERE t.transaction_key = i.id_key)
    OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
END;
GO

-- A poison message that holds an erased person's transactions is deleted, or its text is replaced. Each returns whether it was there.
CREATE PROCEDURE finance_remove_poison @message_id NVARCHAR(200) AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @removed INT;
    BEGIN TRANSACTION;
    DELETE FROM message_attempts WHERE message_id = @message_id;
    DELETE FROM poison_messages WHERE message_id = @message_id;
    SET @removed = @@ROWCOUNT;
    COMMIT TRANSACTION;
    SELECT @removed;
END;
GO

CREATE PROCEDURE finance_replace_poison @message_id NVARCHAR(200), @body NVARCHAR(MAX) AS
BEGIN
    SET NOCOUNT ON;
    UPDATE poison_messages SET body = @body, exception = NULL WHERE message_id = @message_id;
    SELECT @@ROWCOUNT;
END;
GO
