namespace FinanceIngest.Storage.SqlServer;

/// <summary>The statements of <see cref="SqlServerDeliveryStore"/>.</summary>
/// <remarks>
/// Many rows come as JSON (see <see cref="DeliveryParameters"/>), in which keys are offsets in <c>@keys</c>: the bytes of all keys, one after another.
/// </remarks>
internal static class SqlServerDeliveryStatements
{
    /// <summary>Adds deliveries that are not there yet, and returns how many were added.</summary>
    // The constraint decides about a row that another process writes at the same moment: the statement is then undone and repeated, as it is after a deadlock
    // of two processes that got the same alerts. Rows are inserted in the order of the alerts, since their ids say in which order a message tells of them.
    internal const string AddSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @added INT;
        INSERT INTO notification_deliveries (
            alert_key, channel, destination_key, user_id, message_key, payload, state, hold, due_at, give_up_at, made_at, created_at, finished_at)
        SELECT n.alert_key, n.channel, n.destination_key, n.user_id, CASE WHEN n.state = 'waiting' THEN n.alert_key END, a.payload, n.state, n.hold,
            n.due_at, n.give_up_at, CASE WHEN n.state = 'waiting' THEN n.created_at END, n.created_at,
            CASE WHEN n.state = 'skipped' THEN n.created_at END
        FROM (
            SELECT j.ordinal, CAST(SUBSTRING(@keys, j.alert_at, 16) AS BINARY(16)) AS alert_key, j.channel,
                CAST(SUBSTRING(@keys, j.destination_at, 16) AS BINARY(16)) AS destination_key, j.user_id, j.state, j.hold, j.due_at, j.give_up_at,
                j.created_at
            FROM OPENJSON(@rows) WITH (
                ordinal INT, alert_at INT, channel NVARCHAR(40), destination_at INT, user_id BIGINT, state VARCHAR(16), hold VARCHAR(16),
                due_at DATETIME2(6), give_up_at DATETIME2(6), created_at DATETIME2(6)) j) n
        JOIN @alerts a ON a.alert_key = n.alert_key
        WHERE NOT EXISTS (
            SELECT 1 FROM notification_deliveries d
            WHERE d.alert_key = n.alert_key AND d.channel = n.channel COLLATE Latin1_General_BIN2 AND d.destination_key = n.destination_key)
        ORDER BY n.ordinal
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SET @added = @@ROWCOUNT;
        SELECT @added;
        """;

    /// <summary>Claims a channel for an owner, and returns the channel's circuit; no row where another process has it.</summary>
    internal const string ClaimSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        BEGIN TRANSACTION;
        IF NOT EXISTS (SELECT 1 FROM notification_channels WITH (UPDLOCK, HOLDLOCK) WHERE channel = @channel)
            INSERT INTO notification_channels (channel, updated_at) VALUES (@channel, @now);
        UPDATE notification_channels SET owner = @owner, claimed_until = @until, updated_at = @now
        OUTPUT inserted.failures, inserted.open_until
        WHERE channel = @channel AND (owner IS NULL OR owner = @owner OR claimed_until <= @now);
        COMMIT TRANSACTION;
        """;

    /// <summary>Ends an owner's claim of a channel.</summary>
    internal const string ReleaseSql =
        """
        UPDATE notification_channels
        SET owner = NULL, claimed_until = NULL, failures = @failures, open_until = @openUntil,
            error = CASE WHEN @failures > 0 THEN COALESCE(@error, error) END, updated_at = @now
        WHERE channel = @channel AND owner = @owner
        """;

    /// <summary>Finds addresses for which a held alert is due.</summary>
    internal const string HeldAddressesSql =
        """
        SELECT DISTINCT TOP (@addresses) destination_key FROM notification_deliveries
        WHERE channel = @channel AND state = 'held' AND due_at <= @now AND due_at IS NOT NULL
        """;

    /// <summary>Reads an address's held alerts, when its last messages were made, and the address if it is a user's.</summary>
    internal const string HeldSql =
        """
        SELECT TOP (@alerts) id, alert_key, hold FROM notification_deliveries
        WHERE channel = @channel AND destination_key = @destination AND state = 'held' ORDER BY id;

        SELECT TOP (@recent) made_at FROM notification_deliveries
        WHERE channel = @channel AND destination_key = @destination AND made_at IS NOT NULL AND made_at > @after AND members > 0 ORDER BY made_at DESC;

        SELECT destination_key, user_id, address, created_at FROM notification_destinations WHERE destination_key = @destination;
        """;

    /// <summary>Makes messages of held alerts, and puts off others; returns 0 when the claim has ended.</summary>
    // The claim is looked at under a lock that another process's claim would have to wait for. A message is made only if each of its alerts is still held.
    internal const string AssembleSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        BEGIN TRANSACTION;
        IF NOT EXISTS (
            SELECT 1 FROM notification_channels WITH (UPDLOCK) WHERE channel = @channel AND owner = @owner AND claimed_until > @now)
        BEGIN
            COMMIT TRANSACTION;
            SELECT 0;
            RETURN;
        END;

        DECLARE @made TABLE (
            id BIGINT NOT NULL PRIMARY KEY, message_key BINARY(16) NOT NULL, first_id BIGINT NOT NULL, members INT NOT NULL,
            give_up_at DATETIME2(6) NOT NULL);
        INSERT INTO @made (id, message_key, first_id, members, give_up_at)
        SELECT m.id, CAST(SUBSTRING(@keys, m.message_at, 16) AS BINARY(16)), m.first_id, m.members, m.give_up_at
        FROM OPENJSON(@messages) WITH (id BIGINT, message_at INT, first_id BIGINT, members INT, give_up_at DATETIME2(6)) m;

        DELETE r FROM @made r
        WHERE EXISTS (
            SELECT 1 FROM @made o LEFT JOIN notification_deliveries d ON d.id = o.id AND d.state = 'held'
            WHERE o.first_id = r.first_id AND d.id IS NULL);

        UPDATE d SET state = 'waiting', hold = NULL, message_key = r.message_key, members = CASE WHEN r.id = r.first_id THEN r.members ELSE 0 END,
            due_at = CASE WHEN r.id = r.first_id THEN @now END, give_up_at = CASE WHEN r.id = r.first_id THEN r.give_up_at END, made_at = @now
        FROM @made r JOIN notification_deliveries d ON d.id = r.id
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);

        UPDATE d SET hold = p.hold, due_at = p.until
        FROM OPENJSON(@postponed) WITH (destination_at INT, hold VARCHAR(16), until DATETIME2(6)) p JOIN notification_deliveries d
            ON d.channel = @channel AND d.destination_key = CAST(SUBSTRING(@keys, p.destination_at, 16) AS BINARY(16)) AND d.state = 'held'
        WHERE d.due_at < p.until
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        COMMIT TRANSACTION;
        SELECT 1;
        """;

    /// <summary>Reads messages that are due, each with its first alert.</summary>
    internal const string DueSql =
        """
        SELECT TOP (@maximum) d.message_key, d.destination_key, d.attempts, d.give_up_at, d.members, d.alert_key, d.payload,
            o.destination_key AS own_key, o.user_id, o.address, o.created_at
        FROM notification_deliveries d LEFT JOIN notification_destinations o ON o.destination_key = d.destination_key
        WHERE d.channel = @channel AND d.state = 'waiting' AND d.due_at <= @now AND d.due_at IS NOT NULL
        ORDER BY d.due_at, d.id
        """;

    /// <summary>Reads all alerts of a message.</summary>
    internal const string MembersSql =
        """
        SELECT alert_key, payload FROM notification_deliveries
        WHERE message_key = @message AND channel = @channel AND destination_key = @destination ORDER BY id
        """;

    /// <summary>Writes how attempts ended.</summary>
    internal const string SettleSql =
        """
        UPDATE d SET state = s.state, attempts = s.attempts, due_at = CASE WHEN d.members > 0 THEN s.due_at END,
            finished_at = CASE WHEN s.state <> 'waiting' THEN @now END, error = s.error
        FROM OPENJSON(@rows) WITH (
            message_at INT, destination_at INT, state VARCHAR(16), attempts INT, due_at DATETIME2(6), error NVARCHAR(1000)) s
        JOIN notification_deliveries d
            ON d.message_key = CAST(SUBSTRING(@keys, s.message_at, 16) AS BINARY(16)) AND d.channel = @channel
                AND d.destination_key = CAST(SUBSTRING(@keys, s.destination_at, 16) AS BINARY(16))
        WHERE d.state = 'waiting'
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1)
        """;

    /// <summary>Finds when the next alert or message is due.</summary>
    internal const string NextDueSql =
        """
        SELECT MIN(at) FROM (
            SELECT MIN(due_at) AS at FROM notification_deliveries WHERE channel = @channel AND state = 'held' AND due_at IS NOT NULL
            UNION ALL SELECT MIN(due_at) FROM notification_deliveries WHERE channel = @channel AND state = 'waiting' AND due_at IS NOT NULL) next
        """;

    /// <summary>Counts open and given up deliveries of each channel.</summary>
    internal const string CountSql =
        """
        SELECT channel, SUM(CASE WHEN state = 'given_up' THEN CAST(0 AS BIGINT) ELSE 1 END), SUM(CASE WHEN state = 'given_up' THEN CAST(1 AS BIGINT) ELSE 0 END)
        FROM notification_deliveries WHERE state IN ('held', 'waiting', 'given_up') GROUP BY channel ORDER BY channel
        """;

    /// <summary>Lists deliveries, the newest first.</summary>
    internal const string ListSql =
        $"""
        SELECT TOP (@maximum) {RecordColumns}
        FROM notification_deliveries
        WHERE (@userId IS NULL OR user_id = @userId) AND (@channel IS NULL OR channel = @channel) AND (@state IS NULL OR state = @state)
            AND (@before IS NULL OR id < @before)
        ORDER BY id DESC
        OPTION (RECOMPILE)
        """;

    /// <summary>Reads deliveries that were finished after another one, by the index of what is finished.</summary>
    internal const string FinishedSql =
        $"""
        SELECT TOP (@maximum) {RecordColumns}
        FROM notification_deliveries
        WHERE finished_at IS NOT NULL AND finished_at >= @finishedAt AND (finished_at > @finishedAt OR id > @id)
        ORDER BY finished_at, id
        OPTION (MAXDOP 1)
        """;

    private const string RecordColumns =
        "id, alert_key, message_key, channel, destination_key, user_id, state, hold, attempts, due_at, created_at, finished_at, error";

    /// <summary>Has messages of these rows sent again, and returns how many messages there are.</summary>
    internal const string SendAgainSql =
        """
        SET NOCOUNT ON;
        SET XACT_ABORT ON;
        DECLARE @messages TABLE (
            message_key BINARY(16) NOT NULL, channel NVARCHAR(40) COLLATE Latin1_General_BIN2 NOT NULL, destination_key BINARY(16) NOT NULL,
            PRIMARY KEY (message_key, channel, destination_key));
        INSERT INTO @messages (message_key, channel, destination_key)
        SELECT DISTINCT d.message_key, d.channel, d.destination_key
        FROM OPENJSON(@rows) WITH (id BIGINT) r JOIN notification_deliveries d ON d.id = r.id
        WHERE d.message_key IS NOT NULL;
        DECLARE @count INT = @@ROWCOUNT;

        UPDATE d SET state = 'waiting', due_at = CASE WHEN d.members > 0 THEN @now END, give_up_at = CASE WHEN d.members > 0 THEN @giveUpAt END,
            finished_at = NULL, error = NULL
        FROM @messages m JOIN notification_deliveries d
            ON d.message_key = m.message_key AND d.channel = m.channel AND d.destination_key = m.destination_key
        OPTION (LOOP JOIN, FORCE ORDER, MAXDOP 1);
        SELECT @count;
        """;

    /// <summary>Removes a part of what was finished before an instant.</summary>
    internal const string RemoveFinishedSql = "DELETE TOP (@size) FROM notification_deliveries WHERE finished_at < @before";
}
