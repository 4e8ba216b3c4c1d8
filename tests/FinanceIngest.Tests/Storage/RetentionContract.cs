using FinanceIngest.Baselines;
using FinanceIngest.Ground;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

public abstract class RetentionContract(StoreFixture fixture) : StoreContract(fixture)
{
    [Fact]
    public async Task Old_rows_become_tombstones_and_younger_ones_stay()
    {
        TransactionResult old = await WriteNowAsync(Sample.Scored());
        TransactionResult failed = await WriteNowAsync(Sample.Failed());
        TransactionResult young = await WriteNowAsync(Sample.Scored());

        RemovedRows removed = await Stores.Retention.PurgeAsync(young.ScoredAt!.Value, Token);

        Assert.Equal(new RemovedRows(Transactions: 2), removed);
        Assert.Equal(new TransactionResult { Id = old.Id, Status = TransactionStatus.Purged }, await GetAsync(old.Id));
        Assert.Equal(TransactionStatus.Purged, (await GetAsync(failed.Id)).Status);
        Assert.Equal(young, await GetAsync(young.Id));
        Assert.Equal(default, await Stores.Retention.PurgeAsync(young.ScoredAt.Value, Token));
    }

    [Fact]
    public async Task A_repeat_of_what_was_purged_stays_a_repeat()
    {
        TransactionResult anomaly = await WriteNowAsync(Sample.Anomaly());
        await SendAlertsAsync();
        await Stores.Retention.PurgeAsync(Now(), Token);

        WriteCounts again = await WriteAsync(anomaly);

        Assert.Equal(new WriteCounts(Written: 0, Repeats: 1, Conflicts: 0, Alerts: 0), again);
        Assert.Equal(TransactionStatus.Purged, (await GetAsync(anomaly.Id)).Status);
    }

    [Fact]
    public async Task Alerts_and_recorded_repeats_go_with_their_row()
    {
        TransactionResult anomaly = await WriteNowAsync(Sample.Anomaly());
        await WriteAsync(anomaly with { Amount = new Money(1) });
        await SendAlertsAsync();

        Assert.Equal(new RemovedRows(Transactions: 1, RepeatConflicts: 1, Alerts: 1), await Stores.Retention.PurgeAsync(Now(), Token));

        Assert.Equal(0, await Fixture.CountRowsAsync("alert_outbox"));
        Assert.Equal(0, await Fixture.CountRowsAsync("repeat_conflicts"));
    }

    [Fact]
    public async Task A_row_whose_alert_is_unsent_waits_for_it()
    {
        TransactionResult anomaly = await WriteNowAsync(Sample.Anomaly());
        TransactionResult other = await WriteNowAsync(Sample.Scored());

        Assert.Equal(1, (await Stores.Retention.PurgeAsync(Now(), Token)).Transactions);
        Assert.Equal(TransactionStatus.Purged, (await GetAsync(other.Id)).Status);
        Assert.Equal(anomaly, await GetAsync(anomaly.Id));
        await SendAlertsAsync();
        Assert.Equal(1, (await Stores.Retention.PurgeAsync(Now(), Token)).Transactions);
    }

    [Fact]
    public async Task A_failed_row_that_was_scored_since_is_young()
    {
        TransactionResult failed = await WriteNowAsync(Sample.Failed());
        DateTime between = Now();
        TransactionResult scored = await WriteNowAsync(Sample.Scored(failed.Id));

        Assert.Equal(0, (await Stores.Retention.PurgeAsync(between, Token)).Transactions);
        Assert.Equal(scored, await GetAsync(failed.Id));
    }

    [Fact]
    public async Task Many_rows_go_in_chunks_and_the_feed_goes_on()
    {
        const int count = (2 * IRetentionStore.ChunkSize) + 17;
        Time.Advance(TimeSpan.FromSeconds(1));
        await WriteAsync([.. Enumerable.Range(0, count / 2).Select(_ => Sample.Scored() with { ScoredAt = Now() })]);
        FeedPage before = await ReadFeedAsync(FeedCursor.Start, limit: 100);
        await WriteAsync([.. Enumerable.Range(0, count - (count / 2)).Select(_ => Sample.Scored() with { ScoredAt = Now() })]);
        TransactionResult young = await WriteNowAsync(Sample.Scored());

        Assert.Equal(count, (await Stores.Retention.PurgeAsync(young.ScoredAt!.Value, Token)).Transactions);

        Assert.Equal(count, await Fixture.CountRowsAsync("purged_transactions"));
        Assert.Equal([young], (await ReadFeedAsync(before.Next)).Results);
        Assert.Equal([young], (await ReadFeedAsync(FeedCursor.Start)).Results);
        Assert.Empty((await Stores.Results.ReadAnomaliesAsync(new AnomalyFilter(), null, 10, Token)).Anomalies);
    }

    [Fact]
    public async Task A_purge_rests_between_two_chunks_at_least_as_long_as_the_chunk_took()
    {
        var clock = new StepClock(Time.GetUtcNow());
        await WriteAsync([.. Enumerable.Range(0, (2 * IRetentionStore.ChunkSize) + 17).Select(_ => Sample.Scored() with { ScoredAt = Now() })]);
        TransactionResult young = await WriteNowAsync(Sample.Scored());

        await Fixture.Open(clock).Retention.PurgeAsync(young.ScoredAt!.Value, Token);

        // Whether another rest follows the last chunk is the engine's business.
        Assert.InRange(clock.Rests.Count, 2, 3);
        Assert.All(clock.Rests, rest => Assert.InRange(rest, StepClock.Step, BulkPace.Longest));
    }

    [Fact]
    public async Task Rows_are_purged_while_workers_write_and_repeat_them()
    {
        TransactionResult[] old = [.. Enumerable.Range(0, 400).Select(_ => Sample.Scored() with { ScoredAt = Now() })];
        await WriteAsync(old);
        Time.Advance(TimeSpan.FromDays(1));
        DateTime before = Now();
        TransactionResult[] young = [.. Enumerable.Range(0, 400).Select(_ => Sample.Scored() with { ScoredAt = Now() })];

        Task[] writers = [.. Enumerable.Range(0, 3).Select(writer => Task.Run(async () =>
        {
            IScoringStore store = Fixture.Open().Scoring;
            foreach (int i in Enumerable.Range(0, 40))
            {
                // One transaction writes repeats of rows that the purge removes, together with rows of this writer alone.
                await store.WriteAsync(Sample.Batch([.. old[(i * 10)..((i + 1) * 10)], .. young[(i * 10)..((i + 1) * 10)]]), Token);
            }
        }))];
        Task<RemovedRows>[] purges = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() => Fixture.Open().Retention.PurgeAsync(before, Token)))];
        await Task.WhenAll([.. writers, .. purges]);

        Assert.Equal(400, purges.Sum(purge => purge.Result.Transactions));
        Assert.Equal(400, await Fixture.CountRowsAsync("purged_transactions"));
        Assert.Equal(young.Select(row => row.Id).ToHashSet(), (await ReadFeedAsync(FeedCursor.Start)).Results.Select(row => row.Id).ToHashSet());
    }

    [Fact]
    public async Task A_person_is_erased_and_nobody_else()
    {
        TransactionResult normal = await WriteNowAsync(Sample.Scored());
        TransactionResult anomaly = await WriteNowAsync(Sample.Anomaly());
        TransactionResult failed = await WriteNowAsync(Sample.Failed() with { UserId = 399 });
        TransactionResult nameless = await WriteNowAsync(Sample.Failed());
        TransactionResult other = await WriteNowAsync(Sample.Anomaly() with { UserId = 400 });
        await WriteAsync(normal with { Amount = new Money(1) }, other with { UserId = 399 });
        var baseline = new Baseline(1, 1, 2);
        await Stores.Baselines.UpsertAsync([new(new(399, 1), baseline), new(new(399, 2), baseline), new(new(400, 1), baseline)], Token);

        // A message claims the second of these ids for this person, but its row belongs to another.
        RemovedRows removed = await Stores.Retention.EraseUserAsync(399, [nameless.Id, other.Id, Guid.NewGuid()], null, Token);

        Assert.Equal(new RemovedRows(Transactions: 4, RepeatConflicts: 2, Alerts: 1, UnsentAlerts: 1, Baselines: 2), removed);
        Assert.All(
            await Stores.Results.GetAsync([normal.Id, anomaly.Id, failed.Id, nameless.Id], Token),
            row => Assert.Equal(TransactionStatus.Purged, row.Status));
        Assert.Equal(other, await GetAsync(other.Id));
        Assert.Equal(0, await Fixture.CountRowsAsync("repeat_conflicts"));
        Assert.Equal(1, await Fixture.CountRowsAsync("alert_outbox"));
        Assert.Equal(1, await Fixture.CountRowsAsync("anomaly_stats"));
        Assert.Equal([other], (await ReadFeedAsync(FeedCursor.Start)).Results);
        Assert.Equal(default, await Stores.Retention.EraseUserAsync(399, [nameless.Id], null, Token));
    }

    [Fact]
    public async Task A_person_with_many_rows_is_erased_in_chunks()
    {
        const int count = IRetentionStore.ChunkSize + 3;
        await WriteAsync([.. Enumerable.Range(0, 2 * count).Select(i => Sample.Scored() with { UserId = 399 + (i % 2) })]);

        Assert.Equal(count, (await Stores.Retention.EraseUserAsync(399, [], null, Token)).Transactions);
        Assert.Equal(count, await Fixture.CountRowsAsync("anomaly_transactions"));
    }

    private DateTime Now() => Time.UtcNowMicroseconds();

    /// <summary>Writes a row as a scorer does, stamped with a time that no other row has.</summary>
    private async Task<TransactionResult> WriteNowAsync(TransactionResult row)
    {
        Time.Advance(TimeSpan.FromSeconds(1));
        TransactionResult stamped = row with { ScoredAt = Now() };
        await WriteAsync(stamped);
        Time.Advance(TimeSpan.FromSeconds(1));
        return stamped;
    }

    private async Task SendAlertsAsync()
    {
        var owner = Guid.NewGuid();
        var claimed = await Stores.Outbox.ClaimAsync(owner, 100, TimeSpan.FromMinutes(1), Token);
        await Stores.Outbox.MarkSentAsync(owner, [.. claimed.Select(alert => alert.AlertId)], Token);
    }
}

public sealed class SqliteRetentionTests(SqliteFixture fixture) : RetentionContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerRetentionTests(SqlServerFixture fixture) : RetentionContract(fixture), IClassFixture<SqlServerFixture>
{
    [Fact]
    public async Task Rows_of_the_older_system_belong_to_no_batch_and_go_too()
    {
        TransactionResult older = Sample.Scored() with { ScoredAt = Time.UtcNowMicroseconds() };
        await WriteAsync(older);
        await using Microsoft.Data.SqlClient.SqlConnection connection = await fixture.ConnectAsync();
        await Dapper.SqlMapper.ExecuteAsync(connection, "UPDATE anomaly_transactions SET batch_id = NULL");

        Assert.Equal(0, (await Stores.Retention.PurgeAsync(older.ScoredAt.Value, Token)).Transactions);
        Assert.Equal(1, (await Stores.Retention.PurgeAsync(older.ScoredAt.Value.AddSeconds(1), Token)).Transactions);
        Assert.Equal(TransactionStatus.Purged, (await GetAsync(older.Id)).Status);
    }
}
