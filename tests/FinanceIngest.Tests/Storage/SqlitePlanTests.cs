using FinanceIngest.Baselines;
using FinanceIngest.Ground;
using FinanceIngest.Overview;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Replay;
using FinanceIngest.Results;
using FinanceIngest.Sqlite;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Storage;

/// <summary>
/// Asks SQLite how it carries out every statement that the stores prepare. A statement that looks through a whole table, or sorts what it finds, gets slower
/// with every row; those that may are named below with the reason.
/// </summary>
public sealed class SqlitePlanTests : IDisposable
{
    // An index that holds only what is asked for, which is read from its beginning up to the statement's LIMIT or counted as a whole.
    private static readonly string[] s_wholeIndexes = ["alert_outbox_unsent", "anomaly_transactions_anomalies", "poison_messages_by_time",
        "anomaly_transactions_failed", "feedback_waiting"];

    private static readonly (string Statement, string Reason)[] s_mayScan =
    [
        ("sqlite_master", "the schema has some dozens of rows"),
        ("schema_migrations", "a row for each step of the schema"),
        ("WITH RECURSIVE blocks", "a block for each 4,096 rows, and the rows of one user are sorted"),
        ("WHERE t.id IN (SELECT k.id FROM anomaly_transactions k INDEXED BY anomaly_transactions_failed", "the rows of one page are sorted"),
        ("FROM processes", "a row for each process of the last day"),
        ("DELETE FROM processes", "a row for each process of the last day"),
        ("SELECT count(*) FROM detection_users", "asked by doctor; a row for each user"),
        ("instr(last_error, ?1)", "erasure alone; a row for each message that failed in the last two weeks"),
        ("SELECT coalesce(sum(transactions), 0) FROM messages", "asked for the status; a row for each message, not for each transaction"),
        ("SELECT count(*), (SELECT inserted_at FROM messages", "asked for the status; a row for each message, not for each transaction"),
    ];

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_statement_of_the_stores_looks_through_a_table_that_grows()
    {
        using var database = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"));
        await UseAsync(database);

        List<string> statements = [.. await database.WriteAsync(session => session.Statements.ToList(), Token)];
        statements.AddRange(await database.ReadAsync(session => session.Statements.ToList(), Token));
        Assert.True(statements.Count > 40, $"Only {statements.Count} statements were prepared.");
        Assert.Empty(await database.ReadAsync(session => Scans(session, statements), Token));
    }

    [Fact]
    public async Task No_statement_of_the_queue_looks_through_it()
    {
        using var queue = new EmbeddedQueue(_folder.Path, "transactions-inbound", TimeProvider.System, new DependencyStatus("queue"));
        await queue.SendAsync("text", TimeSpan.Zero, Token);
        await queue.PeekAsync(1, Token);
        await queue.GetDepthAsync(Token);
        await queue.CountTransactionsAsync(Token);
        await queue.ProbeAsync(Token);
        await queue.RewriteAsync((_, _) => new MessageRewrite(["another"]), Token);
        LeasedMessage message = Assert.Single(await queue.ReceiveAsync(1, TimeSpan.FromMinutes(1), Token));
        Assert.True(await message.TryExtendAsync(TimeSpan.FromMinutes(1), Token));
        Assert.True(await message.TryDeleteAsync(Token));

        List<string> statements = [.. await queue.File.WriteAsync(session => session.Statements.ToList(), Token)];
        statements.AddRange(await queue.File.ReadAsync(session => session.Statements.ToList(), Token));
        Assert.True(statements.Count > 12, $"Only {statements.Count} statements were prepared.");
        Assert.Empty(await queue.File.ReadAsync(session => Scans(session, statements), Token));
    }

    [Fact]
    public async Task A_baseline_is_read_from_an_index_alone()
    {
        using var database = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"));

        List<string> plan = await database.ReadAsync(
            session => session.Query($"EXPLAIN QUERY PLAN {SqliteScoringStore.BaselineSql}", row => row.GetString(3), 1L, 1L), Token);

        Assert.Equal(["SEARCH anomaly_stats USING COVERING INDEX anomaly_stats_values (user_id=? AND category_id=?)"], plan);
    }

    [Fact]
    public async Task A_scan_and_a_sort_are_found()
    {
        using var database = new SqliteDatabase(_folder.Path, TimeProvider.System, new DependencyStatus("database"));
        string[] bad =
        [
            "SELECT id FROM anomaly_transactions WHERE user_id = ?1",
            "SELECT id FROM anomaly_transactions WHERE id > ?1 ORDER BY created_at",
            "DELETE FROM repeat_conflicts WHERE recorded_at < ?1",
        ];

        Assert.Equal(bad.Length, (await database.ReadAsync(session => Scans(session, bad), Token)).Count);
    }

    public void Dispose() => _folder.Dispose();

    private static List<string> Scans(SqliteSession session, IEnumerable<string> statements)
    {
        var found = new List<string>();
        foreach (string statement in statements.Where(IsPlanned).Distinct())
        {
            var plan = new SqliteStatement(session.Handle, $"EXPLAIN QUERY PLAN {statement}");
            using (plan)
            {
                // A plan does not depend on the values.
                SqliteValue[] values = new SqliteValue[plan.Parameters];
                found.AddRange(plan.Query(row => row.GetString(3), values).Where(IsScan).Select(step => $"{step}: {statement}"));
            }
        }

        return found;
    }

    private static bool IsPlanned(string statement) =>
        statement is not ("BEGIN" or "BEGIN IMMEDIATE" or "COMMIT" or "ROLLBACK")
        && !statement.StartsWith("PRAGMA", StringComparison.Ordinal) && !statement.StartsWith("CREATE", StringComparison.Ordinal)
        && !Array.Exists(s_mayScan, may => statement.Contains(may.Statement, StringComparison.Ordinal));

    private static bool IsScan(string step) =>
        (step.StartsWith("SCAN ", StringComparison.Ordinal) && !step.StartsWith("SCAN CONSTANT ROW", StringComparison.Ordinal)
            && !Array.Exists(s_wholeIndexes, index => step.EndsWith($"INDEX {index}", StringComparison.Ordinal)))
        || step.Contains("TEMP B-TREE", StringComparison.Ordinal);

    // One caller at a time: all reads of the database run on one session, and all its writes on another.
    private static async Task UseAsync(SqliteDatabase database)
    {
        TimeProvider time = TimeProvider.System;
        var scoring = new SqliteScoringStore(database, time);
        var results = new SqliteResultsStore(database);
        var outbox = new SqliteAlertOutbox(database, time);
        var poison = new SqlitePoisonStore(database, time);
        var baselines = new SqliteBaselineStore(database, time);
        var retention = new SqliteRetentionStore(database, time);

        await baselines.UpsertAsync([new BaselineRow(new BaselineKey(1, 2), new Baseline(1, 1, 2))], Token);
        await scoring.LoadBaselinesAsync([new BaselineKey(1, 2)], Token);
        await foreach (BaselineRow _ in baselines.ReadAllAsync(Token))
        {
            // All of them.
        }

        Guid id = Guid.CreateVersion7();
        await scoring.WriteAsync(Sample.Batch(Sample.Failed(id), Sample.Anomaly(Guid.CreateVersion7())), Token);
        await scoring.WriteAsync(
            Sample.Batch(Sample.Scored(id)) with
            {
                Poison = [Sample.Poison("message")],
                Process = new ProcessSeen(new ThisProcess("instance", "program", "1", "scorer", Sample.Noon), Sample.Noon, 1, 1),
            },
            Token);
        for (int repeat = 0; repeat <= RepeatRule.MostKept; repeat++)
        {
            await scoring.WriteAsync(Sample.Batch(Sample.Scored(id) with { CategoryId = repeat + 1 }), Token);
        }

        await new SqliteConflictStore(database).ReadAsync(null, 10, Token);
        await results.GetAsync([id, Guid.NewGuid()], Token);
        FeedPage page = (await results.ReadFeedAsync(default, 1, Token))!;
        await results.ReadFeedAsync(page.Next, 1000, Token);
        Assert.True(DetectorFilter.TryParse("adaptive", out DetectorFilter? detector));
        foreach (AnomalyFilter filter in new AnomalyFilter[]
        {
            new(), new(UserId: 399), new(CategoryId: 2310), new(399, 2310, Sample.Noon, Sample.Noon), new(From: Sample.Noon), new(To: Sample.Noon),
            new(UserId: 399, Detector: detector), new(Verdict: new VerdictFilter(true, null)),
        })
        {
            await results.ReadAnomaliesAsync(filter, null, 10, Token);
            await results.ReadAnomaliesAsync(filter, new AnomalyCursor(Sample.Noon, 5), 10, Token);
        }

        var history = new SqliteHistoryStore(database);
        foreach (HistoryFilter filter in new HistoryFilter[] { new(399), new(399, 2310, From: Sample.Noon), new(Status: TransactionStatus.Failed) })
        {
            await history.ReadHistoryAsync(filter, null, 10, Token);
            await history.ReadHistoryAsync(filter, new AnomalyCursor(Sample.Noon, 5), 10, Token);
        }

        await history.ReadSpendingAsync(399, Sample.Noon, Token);
        await history.ReadFeedAnomaliesAsync(await history.ReadFeedEndAsync(Token), 10, Token);

        var owner = Guid.NewGuid();
        Guid alert = Assert.Single(await outbox.ClaimAsync(owner, 10, TimeSpan.FromMinutes(1), Token)).AlertId;
        await outbox.ReleaseAsync(owner, [alert], Token);
        await outbox.MarkSentAsync(owner, [alert], Token);
        await outbox.RemoveSentAsync(Sample.Noon, Token);

        await poison.CountAttemptAsync("message", "error", Token);
        await poison.ListPageAsync(null, 10, Token);
        await poison.ReadPageAsync(new PoisonPlace(Sample.Noon, "m"), 10, Token);
        await poison.FindAsync("message", Token);
        await poison.ReplaceBodyAsync("message", ["body"], Token);
        await poison.RemoveAsync("message", Token);

        await new SqliteOverviewStore(database, time).ReadAsync(Token);
        var replay = new SqliteReplayStore(database);
        await replay.FindLastAsync(Token);
        await replay.ReadLearnedAsync(Token);
        foreach (HistoryPart part in new HistoryPart[] { new(0, 100, 10), new(0, 100, 10) { UserId = 399, From = Sample.Noon, To = Sample.Noon } })
        {
            await replay.ReadRowsAsync(part, Token);
            await replay.ReadShadowedAsync(part, Token);
        }

        await new SqliteInstallationStore(database).ReadOrAddAsync("name", "value", Token);
        await retention.BuryAsync([Guid.NewGuid()], Token);
        await retention.EraseUserAsync(399, [id], null, Token);
        await scoring.WriteAsync(Sample.Batch(Sample.Scored() with { ScoredAt = Sample.Noon }), Token);
        await retention.PurgeAsync(DateTime.UtcNow.AddDays(1), Token);
    }
}
