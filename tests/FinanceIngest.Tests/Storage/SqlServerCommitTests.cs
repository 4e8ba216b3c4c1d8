using Dapper;
using FinanceIngest.Ground;
using FinanceIngest.Results;
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

        // Writer B comes second and must wait for A.
        Task<WriteCounts> b = Fixture.Open().Scoring.WriteAsync(Sample.Batch(next), Token);
        await UntilBlockedAsync(b);
        FeedPage before = await ReadSnapshotAsync(cursor);
        Assert.Empty(before.Results);

        await a.ExecuteAsync("COMMIT TRANSACTION");
        await b;
        FeedPage after = await ReadFeedAsync(before.Next);

        Assert.Equal([late, next], after.Results);
    }

    [Fact]
    public async Task A_writer_that_has_rows_but_no_place_yet_comes_behind_whoever_is_faster()
    {
        FeedCursor cursor = await WriteOneAsync();
        TransactionResult first = Sample.Scored();
        TransactionResult second = Sample.Scored();

        // A third session holds the feed's head and then rolls back. Until then both writers wait at their last statement, with their rows written.
        await using SqlConnection holder = await _server.ConnectAsync();
        await holder.ExecuteAsync("BEGIN TRANSACTION; UPDATE feed_head SET position = position + 1 WHERE id = 1");
        Task<WriteCounts> a = Fixture.Open().Scoring.WriteAsync(Sample.Batch(first), Token);
        Task<WriteCounts> b = Fixture.Open().Scoring.WriteAsync(Sample.Batch(second), Token);
        await UntilBlockedAsync(a, b);
        FeedPage before = await ReadSnapshotAsync(cursor);
        Assert.Empty(before.Results);

        await holder.ExecuteAsync("ROLLBACK TRANSACTION");
        await Task.WhenAll(a, b);
        FeedPage one = await ReadFeedAsync(before.Next, limit: 1);
        FeedPage two = await ReadFeedAsync(one.Next, limit: 1);

        Assert.Equal([first, second], [.. one.Results, .. two.Results], new AnyOrder());
        Assert.Equal([cursor.Position + 1, cursor.Position + 2], [one.Next.Position, two.Next.Position]);
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

        // The session takes its locks in the wrong order: it holds the feed's head and wants the row, and the writer holds the row and wants the head.
        await using SqlConnection other = await _server.ConnectAsync();
        await other.ExecuteAsync("SET DEADLOCK_PRIORITY HIGH; BEGIN TRANSACTION; UPDATE feed_head SET position = position WHERE id = 1");
        Task<WriteCounts> writer = WriteAsync(Sample.Scored(failed.Id));
        await UntilBlockedAsync(writer);
        try
        {
            await other.ExecuteAsync("UPDATE anomaly_transactions SET error = error WHERE transaction_id = @id", new { id = failed.Id });
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
        await using SqlConnection holder = await _server.ConnectAsync();
        await holder.ExecuteAsync("BEGIN TRANSACTION; UPDATE feed_head SET position = position WHERE id = 1");
        using var cancel = new CancellationTokenSource();
        TransactionResult anomaly = Sample.Anomaly();
        Task<WriteCounts> write = Stores.Scoring.WriteAsync(Sample.Batch(anomaly), cancel.Token);
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
