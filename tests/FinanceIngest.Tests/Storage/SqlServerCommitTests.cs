using Dapper;
using FinanceIngest.Ground;
using FinanceIngest.Overview;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Scoring;
using FinanceIngest.Storage.SqlServer;
using FinanceIngest.Tests.Support;
using Microsoft.Data.SqlClient;

namespace FinanceIngest.Tests.Storage;

/// <summary>The guarantees that only a database with several concurrent writers can break.</summary>
[Needs(Outside.SqlServer)]
public sealed class SqlServerCommitTests(SqlServerFixture fixture) : StoreContract(fixture), IClassFixture<SqlServerFixture>
{
    private readonly SqlServerFixture _server = fixture;

    [Fact]
    public async Task A_reader_never_passes_a_writer_that_has_its_place_but_has_not_committed()
    {
        FeedCursor cursor = await WriteOneAsync();
        TransactionResult late = Sample.Scored();
        TransactionResult next = Sample.Scored();

        // Writer A has done everything except commit.
        await using SqlConnection a = await _server.ConnectAsync();
        await a.ExecuteAsync("BEGIN TRANSACTION");
        using SqlServerDatabase database = _server.OpenDatabase();
        await new SqlServerScoringStore(database, Time).WriteAsync(a, Sample.Batch(late), BatchId.Next(Time), Token);

        // Writer B comes second, waits for nobody, and is committed first.
        Assert.Equal(1, (await Fixture.Open().Scoring.WriteAsync(Sample.Batch(next), Token).WaitAsync(TimeSpan.FromSeconds(20), Token)).Written);
        FeedPage before = await ReadSnapshotAsync(cursor);
        Assert.Empty(before.Results);
        Assert.Equal(cursor, before.Next);

        await a.ExecuteAsync("COMMIT TRANSACTION");
        FeedPage after = await ReadFeedAsync(before.Next);

        Assert.Equal([late, next], after.Results);
    }

    [Fact]
    public async Task A_writer_that_has_its_place_and_gives_up_holds_nobody_up_any_more()
    {
        FeedCursor cursor = await WriteOneAsync();
        TransactionResult next = Sample.Scored();
        await using SqlConnection a = await _server.ConnectAsync();
        await a.ExecuteAsync("BEGIN TRANSACTION");
        using SqlServerDatabase database = _server.OpenDatabase();
        await new SqlServerScoringStore(database, Time).WriteAsync(a, Sample.Batch(Sample.Scored()), BatchId.Next(Time), Token);
        await WriteAsync(next);
        Assert.Empty((await ReadSnapshotAsync(cursor)).Results);

        await a.ExecuteAsync("ROLLBACK TRANSACTION");

        Assert.Equal([next], (await ReadFeedAsync(cursor)).Results);
    }

    [Fact]
    public async Task Fifty_writers_of_single_rows_wait_for_nobody_and_their_reader_misses_none()
    {
        const int writers = 50;
        const int each = 20;
        FeedCursor cursor = await WriteOneAsync();
        TransactionResult[] results = [.. Enumerable.Range(0, writers * each).Select(_ => Sample.Scored())];
        using var writing = new CancellationTokenSource();
        Task<List<Guid>> reader = FollowAsync(cursor, writing.Token);

        await Task.WhenAll(results.Chunk(each).Select(async share =>
        {
            foreach (TransactionResult result in share)
            {
                Assert.Equal(1, (await Stores.Scoring.WriteAsync(Sample.Batch(result), Token)).Written);
            }
        }));
        await writing.CancelAsync();

        List<Guid> seen = await reader;
        Assert.Equal(results.Length, seen.Count);
        Assert.Equal(results.Select(result => result.Id).ToHashSet(), [.. seen]);
    }

    [Fact]
    public async Task A_writer_that_has_rows_but_no_place_yet_is_not_missed()
    {
        FeedCursor cursor = await WriteOneAsync();
        TransactionResult slow = Sample.Scored();
        TransactionResult quick = Sample.Scored();

        // Writer A waits for its process' row, and has written everything else; writer B is committed meanwhile.
        await using SqlConnection holder = await HoldProcessAsync();
        Task<WriteCounts> a = Fixture.Open().Scoring.WriteAsync(Sample.Batch(slow) with { Process = s_process }, Token);
        await UntilBlockedAsync(a);
        await WriteAsync(quick);
        FeedPage before = await ReadSnapshotAsync(cursor);

        await holder.ExecuteAsync("ROLLBACK TRANSACTION");
        await a;
        FeedPage after = await ReadFeedAsync(before.Next);

        Assert.Equal([slow, quick], [.. before.Results, .. after.Results], new AnyOrder());
        Assert.Equal(2, before.Results.Count + after.Results.Count);
    }

    [Fact]
    public async Task A_writer_of_a_new_id_that_another_is_writing_ends_up_as_its_repeat()
    {
        TransactionResult anomaly = Sample.Anomaly();
        await using SqlConnection a = await _server.ConnectAsync();
        await a.ExecuteAsync("BEGIN TRANSACTION");
        using SqlServerDatabase database = _server.OpenDatabase();
        await new SqlServerScoringStore(database, Time).WriteAsync(a, Sample.Batch(anomaly), BatchId.Next(Time), Token);

        Task<WriteCounts> b = Fixture.Open().Scoring.WriteAsync(Sample.Batch(anomaly, Sample.Scored()), Token);
        await UntilBlockedAsync(b);
        await a.ExecuteAsync("COMMIT TRANSACTION");

        Assert.Equal(new WriteCounts(Written: 1, Repeats: 1, Conflicts: 0, Alerts: 0), await b);
        Assert.Equal(2, await Fixture.CountRowsAsync("anomaly_transactions"));
        Assert.Equal(1, await Fixture.CountRowsAsync("alert_outbox"));
    }

    [Fact]
    public async Task A_writer_of_a_new_id_whose_first_writer_gives_up_writes_it()
    {
        TransactionResult anomaly = Sample.Anomaly();
        await using SqlConnection a = await _server.ConnectAsync();
        await a.ExecuteAsync("BEGIN TRANSACTION");
        using SqlServerDatabase database = _server.OpenDatabase();
        await new SqlServerScoringStore(database, Time).WriteAsync(a, Sample.Batch(anomaly), BatchId.Next(Time), Token);

        Task<WriteCounts> b = Fixture.Open().Scoring.WriteAsync(Sample.Batch(anomaly), Token);
        await UntilBlockedAsync(b);
        await a.ExecuteAsync("ROLLBACK TRANSACTION");

        Assert.Equal(new WriteCounts(Written: 1, Repeats: 0, Conflicts: 0, Alerts: 1), await b);
        Assert.Equal([anomaly], (await ReadFeedAsync(FeedCursor.Start)).Results);
    }

    [Fact]
    public async Task A_deadlock_is_repeated_and_nobody_sees_it()
    {
        TransactionResult failed = Sample.Failed();
        await WriteAsync(failed);

        // The session takes its locks in the wrong order: it holds the row of the process and wants that of the transaction; the writer has the latter.
        await using SqlConnection other = await HoldProcessAsync("SET DEADLOCK_PRIORITY HIGH; ");
        Task<WriteCounts> writer = Stores.Scoring.WriteAsync(Sample.Batch(Sample.Scored(failed.Id)) with { Process = s_process }, Token);
        await UntilBlockedAsync(writer);
        try
        {
            await other.ExecuteAsync(
                "UPDATE anomaly_transactions SET error = error WHERE transaction_key = @key", new { key = SqlServerTables.Key(failed.Id) });
            await other.ExecuteAsync("COMMIT TRANSACTION");
        }
        catch (SqlException e) when (e.Number == 1205)
        {
            // A server without deadlock priorities may choose this session as the victim; the writer then goes on undisturbed.
        }

        Assert.Equal(1, (await writer).Written);
        Assert.Equal(TransactionStatus.Scored, (await GetAsync(failed.Id)).Status);
    }

    [Fact]
    public async Task A_cancelled_write_leaves_nothing()
    {
        await using SqlConnection holder = await HoldProcessAsync();
        using var cancel = new CancellationTokenSource();
        TransactionResult anomaly = Sample.Anomaly();
        Task<WriteCounts> write = Stores.Scoring.WriteAsync(Sample.Batch(anomaly) with { Process = s_process }, cancel.Token);
        await UntilBlockedAsync(write);

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write);
        await holder.ExecuteAsync("ROLLBACK TRANSACTION");

        Assert.Equal(0, await Fixture.CountRowsAsync("anomaly_transactions"));
        Assert.Equal(new WriteCounts(Written: 1, Repeats: 0, Conflicts: 0, Alerts: 1), await WriteAsync(anomaly));
    }

    [Fact]
    public async Task A_batch_is_written_in_one_round_trip()
    {
        await using SqlConnection connection = await _server.ConnectAsync();
        using SqlServerDatabase database = _server.OpenDatabase();
        ScoredBatch batch = Sample.Batch([.. Enumerable.Range(0, 500).Select(_ => Sample.Anomaly())]);

        connection.StatisticsEnabled = true;
        await new SqlServerScoringStore(database, Time).WriteAsync(connection, batch with { Poison = [Sample.Poison("a")] }, BatchId.Next(Time), Token);

        Assert.Equal(1L, connection.RetrieveStatistics()["ServerRoundtrips"]);
    }

    [Fact]
    public async Task A_row_that_no_column_can_hold_is_refused_with_its_whole_batch_and_is_no_outage()
    {
        var batch = new ScoredBatch([Sample.Anomaly()], [], [Sample.Poison(new string('m', 201))]);

        // The sessions are this test's own, because Babelfish leaves one that can't begin another transaction (its log: "transaction left non-empty SPI
        // stack").
        using SqlServerDatabase database = SqlServerFixture.OpenDatabase(
            new SqlConnectionStringBuilder(_server.ConnectionString) { ApplicationName = "refused row" }.ConnectionString, Time);
        await Assert.ThrowsAsync<SqlException>(() => new SqlServerScoringStore(database, Time).WriteAsync(batch, Token));

        Assert.Equal(0, await Fixture.CountRowsAsync("anomaly_transactions"));
        Assert.Equal(0, await Fixture.CountRowsAsync("feed_batches"));
    }

    [Theory]
    [InlineData("Initial Catalog", "no_such_database")]
    [InlineData("Password", "wrong")]
    public async Task A_database_that_does_not_let_us_in_is_an_outage(string keyword, string value)
    {
        var builder = new SqlConnectionStringBuilder(_server.ConnectionString) { [keyword] = value };
        var status = new DependencyStatus("database");
        using var database = new SqlServerDatabase(builder.ConnectionString, Time, status);

        await Assert.ThrowsAsync<StoreUnavailableException>(() => new SqlServerAlertOutbox(database, Time).CountUnsentAsync(Token));

        Assert.False(status.IsOk);
    }

    [Fact]
    public async Task A_write_that_takes_too_long_is_an_outage_that_asks_for_less_and_leaves_nothing()
    {
        await using SqlConnection holder = await HoldProcessAsync();
        string impatient = new SqlConnectionStringBuilder(_server.ConnectionString) { CommandTimeout = 1 }.ConnectionString;
        using SqlServerDatabase database = SqlServerFixture.OpenDatabase(impatient, Time);
        TransactionResult anomaly = Sample.Anomaly();

        StoreUnavailableException e = await Assert.ThrowsAsync<StoreUnavailableException>(
            () => new SqlServerScoringStore(database, Time).WriteAsync(Sample.Batch(anomaly) with { Process = s_process }, Token));
        await holder.ExecuteAsync("ROLLBACK TRANSACTION");

        Assert.True(e.WasTooMuch);
        Assert.Equal(0, await Fixture.CountRowsAsync("anomaly_transactions"));
        Assert.Equal(1, (await WriteAsync(anomaly)).Written);
    }

    [Fact]
    public async Task One_process_purges_at_a_time_and_the_others_leave_it_to_that()
    {
        TransactionResult old = Sample.Scored() with { ScoredAt = Time.GetUtcNow().UtcDateTime };
        await WriteAsync(old);
        Time.Advance(TimeSpan.FromDays(1));
        DateTime before = Time.GetUtcNow().UtcDateTime;
        using SqlServerDatabase first = _server.OpenDatabase();

        RemovedRows others = await first.RunAloneAsync(
            "finance-ingest purge", () => Fixture.Open().Retention.PurgeAsync(before, Token), default(RemovedRows), Token);
        Assert.True(others.OthersAreAtIt);
        Assert.Equal(TransactionStatus.Scored, (await GetAsync(old.Id)).Status);

        // The lock has ended with the work, also where the work fails.
        await Assert.ThrowsAsync<FormatException>(
            () => first.RunAloneAsync<int>("finance-ingest purge", () => throw new FormatException(), 0, Token));
        Assert.Equal(new RemovedRows(Transactions: 1), await Stores.Retention.PurgeAsync(before, Token));
    }

    [Fact]
    public async Task A_row_is_found_by_its_readable_id()
    {
        TransactionResult anomaly = Sample.Anomaly();
        await WriteAsync(anomaly);
        await using SqlConnection connection = await _server.ConnectAsync();

        (Guid Id, byte[] Key, Guid AlertId) row = await connection.QuerySingleAsync<(Guid, byte[], Guid)>(
            """
            SELECT t.transaction_id, t.transaction_key, o.alert_id
            FROM finance_key(@id) k
            JOIN anomaly_transactions t ON t.transaction_key = k.id_key
            JOIN alert_outbox o ON o.transaction_key = t.transaction_key
            """,
            new { id = anomaly.Id });

        Assert.Equal(anomaly.Id, row.Id);
        Assert.Equal(SqlServerTables.Key(anomaly.Id), row.Key);
        Assert.Equal(Sample.Alert(anomaly).AlertId, row.AlertId);
    }

    private static readonly ProcessSeen s_process = new(
        new ThisProcess("held", "ScoringWorker", "1", "scorer", new DateTime(2026, 1, 2, 0, 0, 0, DateTimeKind.Utc)),
        new DateTime(2026, 1, 2, 0, 0, 0, DateTimeKind.Utc), 1, 1);

    /// <summary>
    /// Begins a transaction that holds the row of a process, for which a write of that process then waits, with all else written but its place.
    /// </summary>
    private async Task<SqlConnection> HoldProcessAsync(string settings = "")
    {
        await Stores.Scoring.WriteAsync(new ScoredBatch([], [], [Sample.Poison("of the process")]) { Process = s_process }, Token);
        SqlConnection holder = await _server.ConnectAsync();
        await holder.ExecuteAsync($"{settings}BEGIN TRANSACTION; UPDATE processes SET batches = batches WHERE instance = 'held'");
        return holder;
    }

    private async Task<List<Guid>> FollowAsync(FeedCursor cursor, CancellationToken writing)
    {
        IResultsStore store = Fixture.Open().Results;
        var seen = new List<Guid>();
        while (true)
        {
            bool last = writing.IsCancellationRequested;
            FeedPage page = (await store.ReadFeedAsync(cursor, last ? 1000 : 7, Token))!;
            seen.AddRange(page.Results.Select(result => result.Id));
            cursor = page.Next;
            if (last && page.Results.Count < 1000)
            {
                return seen;
            }
        }
    }

    private async Task<FeedCursor> WriteOneAsync()
    {
        await WriteAsync(Sample.Scored());
        return (await ReadFeedAsync(FeedCursor.Start)).Next;
    }

    /// <summary>
    /// Reads the feed beside open transactions. With row versions the read returns at once. Without them it would wait for the other commits: the test then
    /// gives the read up and has nothing to show.
    /// </summary>
    private async Task<FeedPage> ReadSnapshotAsync(FeedCursor cursor)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromSeconds(2));
        try
        {
            return (await Stores.Results.ReadFeedAsync(cursor, 100, patience.Token))!;
        }
        catch (OperationCanceledException) when (!Token.IsCancellationRequested)
        {
            return new FeedPage([], cursor);
        }
    }

    /// <summary>Waits until all of the work is blocked by locks of other sessions.</summary>
    private static async Task UntilBlockedAsync(params Task[] work)
    {
        await Assert.ThrowsAsync<TimeoutException>(() => Task.WhenAny(work).WaitAsync(TimeSpan.FromSeconds(0.5), Token));
        Assert.All(work, task => Assert.False(task.IsCompleted));
    }

    private sealed class AnyOrder : IEqualityComparer<IEnumerable<TransactionResult>>
    {
        public bool Equals(IEnumerable<TransactionResult>? x, IEnumerable<TransactionResult>? y) => x!.ToHashSet().SetEquals(y!);

        public int GetHashCode(IEnumerable<TransactionResult> obj) => 0;
    }
}
