using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

public abstract class ScoringStoreContract(StoreFixture fixture) : StoreContract(fixture)
{
    [Fact]
    public async Task Nothing_is_written_when_the_leases_are_lost()
    {
        ScoredBatch batch = new([Sample.Anomaly()], [], [Sample.Poison("a")]);

        await Assert.ThrowsAsync<FinanceIngest.Queueing.LeaseLostException>(() => Stores.Scoring.WriteAsync(batch with { MayCommit = () => false }, Token));
        Assert.Equal(0, await Fixture.CountRowsAsync("anomaly_transactions"));
        Assert.Equal(0, await Fixture.CountRowsAsync("poison_messages"));

        Assert.Equal(1, (await Stores.Scoring.WriteAsync(batch with { MayCommit = () => true }, Token)).Written);
    }

    [Fact]
    public async Task A_row_comes_back_as_it_was_written()
    {
        TransactionResult written = Sample.Anomaly();

        WriteCounts counts = await WriteAsync(written);

        Assert.Equal(new WriteCounts(Written: 1, Repeats: 0, Conflicts: 0, Alerts: 1), counts);
        Assert.Equal(written, await GetAsync(written.Id));
    }

    [Fact]
    public async Task Writing_a_batch_again_adds_nothing()
    {
        ScoredBatch batch = new(
            [Sample.Scored(), Sample.Anomaly(), Sample.Failed()], [], [Sample.Poison("m1")]);
        batch = batch with { Alerts = [Sample.Alert(batch.Results[1])] };
        await Stores.Scoring.WriteAsync(batch, Token);
        FeedPage before = await ReadFeedAsync(FeedCursor.Start);

        WriteCounts again = await Stores.Scoring.WriteAsync(batch, Token);

        Assert.Equal(new WriteCounts(Written: 0, Repeats: 3, Conflicts: 0, Alerts: 0), again);
        Assert.Equal(3, await Fixture.CountRowsAsync("anomaly_transactions"));
        Assert.Equal(1, await Fixture.CountRowsAsync("alert_outbox"));
        Assert.Equal(1, await Fixture.CountRowsAsync("poison_messages"));
        FeedPage after = await ReadFeedAsync(FeedCursor.Start);
        Assert.Equal(before.Results, after.Results);
        Assert.Equal(before.Next, after.Next);
    }

    [Fact]
    public async Task A_redelivered_anomaly_whose_alert_was_sent_and_removed_gets_no_second_one()
    {
        TransactionResult anomaly = Sample.Anomaly();
        await WriteAsync(anomaly);
        var owner = Guid.NewGuid();
        await Stores.Outbox.ClaimAsync(owner, 10, TimeSpan.FromMinutes(1), Token);
        await Stores.Outbox.MarkSentAsync(owner, [Sample.AlertId(anomaly.Id)], Token);
        await Stores.Outbox.RemoveSentAsync(Time.UtcNowMicroseconds().AddSeconds(1), Token);

        WriteCounts again = await WriteAsync(anomaly);

        Assert.Equal(0, again.Alerts);
        Assert.Equal(0, await Fixture.CountRowsAsync("alert_outbox"));
    }

    [Fact]
    public async Task Of_one_id_twice_in_a_batch_the_first_stays()
    {
        TransactionResult first = Sample.Scored();
        TransactionResult second = first with { Amount = new Money(1), AcceptedAt = Sample.Noon.AddSeconds(9) };

        WriteCounts counts = await WriteAsync(first, second, first);

        Assert.Equal(new WriteCounts(Written: 1, Repeats: 2, Conflicts: 1, Alerts: 0), counts);
        Assert.Equal(first, await GetAsync(first.Id));
    }

    [Fact]
    public async Task A_repeat_that_would_be_an_anomaly_raises_no_alert_for_a_row_that_is_none()
    {
        TransactionResult normal = Sample.Scored();

        WriteCounts counts = await WriteAsync(normal, Sample.Anomaly(normal.Id));

        Assert.Equal(new WriteCounts(Written: 1, Repeats: 1, Conflicts: 1, Alerts: 0), counts);
        Assert.Equal(0, await Stores.Outbox.CountUnsentAsync(Token));
    }

    [Fact]
    public async Task Of_two_alerts_with_one_id_the_first_is_sent()
    {
        TransactionResult anomaly = Sample.Anomaly();
        NewAlert alert = Sample.Alert(anomaly);

        WriteCounts counts = await Stores.Scoring.WriteAsync(new ScoredBatch([anomaly, anomaly], [alert, alert with { Payload = "{}" }], []), Token);

        Assert.Equal(1, counts.Alerts);
        ClaimedAlert claimed = Assert.Single(await Stores.Outbox.ClaimAsync(Guid.NewGuid(), 10, TimeSpan.FromMinutes(1), Token));
        Assert.Equal(alert.Payload, claimed.Payload);
    }

    [Fact]
    public async Task A_failed_row_becomes_scored_and_its_anomaly_alerts()
    {
        TransactionResult failed = Sample.Failed() with { UserId = 1 };
        TransactionResult scored = Sample.Anomaly(failed.Id);
        await WriteAsync(failed);

        WriteCounts counts = await WriteAsync(scored);

        Assert.Equal(new WriteCounts(Written: 1, Repeats: 0, Conflicts: 0, Alerts: 1), counts);
        Assert.Equal(scored, await GetAsync(failed.Id));
        Assert.Equal(1, await Fixture.CountRowsAsync("anomaly_transactions"));
    }

    [Fact]
    public async Task A_failed_result_before_the_scored_one_in_a_batch_gives_way()
    {
        TransactionResult failed = Sample.Failed();
        TransactionResult scored = Sample.Anomaly(failed.Id);

        WriteCounts counts = await WriteAsync(failed, scored);

        Assert.Equal(1, counts.Alerts);
        Assert.Equal(scored, await GetAsync(failed.Id));
    }

    [Fact]
    public async Task A_scored_row_is_never_replaced()
    {
        TransactionResult scored = Sample.Scored();
        await WriteAsync(scored);

        WriteCounts failed = await WriteAsync(Sample.Failed(scored.Id));
        WriteCounts other = await WriteAsync(Sample.Anomaly(scored.Id));

        Assert.Equal(new WriteCounts(Written: 0, Repeats: 1, Conflicts: 0, Alerts: 0), failed);
        Assert.Equal(new WriteCounts(Written: 0, Repeats: 1, Conflicts: 1, Alerts: 0), other);
        Assert.Equal(scored, await GetAsync(scored.Id));
    }

    [Fact]
    public async Task A_second_failure_leaves_the_first_in_place()
    {
        TransactionResult first = Sample.Failed();
        await WriteAsync(first);

        WriteCounts again = await WriteAsync(first with { Error = "another" });

        Assert.Equal(new WriteCounts(Written: 0, Repeats: 1, Conflicts: 0, Alerts: 0), again);
        Assert.Equal(first, await GetAsync(first.Id));
    }

    [Fact]
    public async Task A_purged_id_stays_a_repeat()
    {
        TransactionResult anomaly = Sample.Anomaly();
        await WriteAsync(anomaly);
        await Fixture.PurgeAsync(anomaly.Id);

        WriteCounts again = await WriteAsync(anomaly, Sample.Scored());

        Assert.Equal(new WriteCounts(Written: 1, Repeats: 1, Conflicts: 0, Alerts: 0), again);
        Assert.Equal(new TransactionResult { Id = anomaly.Id, Status = TransactionStatus.Purged }, await GetAsync(anomaly.Id));
    }

    [Fact]
    public async Task An_empty_batch_writes_nothing()
    {
        Assert.Equal(default, await WriteAsync());
        Assert.Equal(0, await Fixture.CountRowsAsync("feed_batches"));
    }

    [Fact]
    public async Task Poison_alone_is_written_and_takes_no_place_in_the_feed()
    {
        WriteCounts counts = await Stores.Scoring.WriteAsync(new ScoredBatch([], [], [Sample.Poison("a"), Sample.Poison("b"), Sample.Poison("a")]), Token);

        Assert.Equal(default, counts);
        Assert.Equal(["a", "b"], (await Stores.Poison.ListAsync(Token)).Select(message => message.MessageId));
        Assert.Equal(0, await Fixture.CountRowsAsync("feed_batches"));
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(-long.MaxValue)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(-1)]
    [InlineData(9_007_199_254_740_993)] // no double holds 2^53 + 1
    public async Task Amounts_are_exact(long units)
    {
        TransactionResult result = Sample.Scored() with { Amount = new Money(units), UserId = long.MaxValue, CategoryId = 1 };

        await WriteAsync(result);

        Assert.Equal(result, await GetAsync(result.Id));
    }

    [Theory]
    [InlineData(double.MaxValue, 0.1 + 0.2)]
    [InlineData(-double.MaxValue, 2.2250738585072014e-308)]
    [InlineData(8.0000000000000018, 1.0 / 3)]
    public async Task Doubles_are_exact(double z, double mean)
    {
        TransactionResult result = Sample.Anomaly() with { ZScore = z, Baseline = new Baseline(mean, mean, long.MaxValue) };

        await WriteAsync(result);

        Assert.Equal(result, await GetAsync(result.Id));
    }

    [Theory]
    [InlineData("2026-06-30T23:59:59.999999Z")]
    [InlineData("2026-01-01T00:00:00.000001Z")]
    [InlineData("0001-01-01T00:00:00.000000Z")]
    [InlineData("9999-12-31T23:59:59.999999Z")]
    public async Task Times_keep_their_microseconds(string instant)
    {
        DateTime time = Timestamp.FromText(instant);
        TransactionResult result = Sample.Scored() with { OccurredAt = time, AcceptedAt = time, ScoredAt = time };

        await WriteAsync(result);

        TransactionResult read = await GetAsync(result.Id);
        Assert.Equal(result, read);
        Assert.Equal(DateTimeKind.Utc, read.OccurredAt!.Value.Kind);
    }

    [Fact]
    public async Task A_failed_row_keeps_what_could_be_read_and_no_more()
    {
        TransactionResult nothing = Sample.Failed() with { Error = "ключ 💸 'quoted'; --" };
        TransactionResult something = Sample.Failed() with { UserId = 7, Amount = new Money(-5), AcceptedAt = Sample.Noon };

        await WriteAsync(nothing, something);

        Assert.Equal(nothing, await GetAsync(nothing.Id));
        Assert.Equal(something, await GetAsync(something.Id));
    }

    [Fact]
    public async Task Rows_without_a_z_score_keep_their_reason()
    {
        TransactionResult[] results =
        [
            Sample.Scored() with { ZScore = null, Baseline = null, Reason = ScoreReason.NoBaseline },
            Sample.Scored() with { ZScore = null, Baseline = new Baseline(1, 0, 1), Reason = ScoreReason.InsufficientSamples },
            Sample.Scored() with { ZScore = null, Baseline = new Baseline(1, 0, 9), Reason = ScoreReason.ZeroVariance },
        ];

        await WriteAsync(results);

        foreach (TransactionResult result in results)
        {
            Assert.Equal(result, await GetAsync(result.Id));
        }
    }

    [Fact]
    public async Task A_batch_of_thousands_is_written_whole()
    {
        TransactionResult[] results = [.. Enumerable.Range(0, 6000).Select(i => i % 10 == 0 ? Sample.Anomaly() : Sample.Scored())];

        WriteCounts counts = await WriteAsync(results);

        Assert.Equal(new WriteCounts(Written: 6000, Repeats: 0, Conflicts: 0, Alerts: 600), counts);
        Assert.Equal(6000, await Fixture.CountRowsAsync("anomaly_transactions"));
    }

    [Fact]
    public async Task Baselines_are_loaded_by_key()
    {
        await Stores.Baselines.UpsertAsync(
            [
                new BaselineRow(new BaselineKey(1, 2), new Baseline(0.1, 0.2, 3)),
                new BaselineRow(new BaselineKey(2, 1), new Baseline(-4, 0, 0)),
                new BaselineRow(new BaselineKey(long.MaxValue, long.MaxValue), new Baseline(1e300, 1e-300, long.MaxValue)),
            ],
            Token);

        IReadOnlyDictionary<BaselineKey, Baseline> loaded = (await Stores.Scoring.LoadBaselinesAsync(
            [new BaselineKey(1, 2), new BaselineKey(1, 1), new BaselineKey(long.MaxValue, long.MaxValue), new BaselineKey(1, 2)], Token)).Baselines;

        Assert.Equal(2, loaded.Count);
        Assert.Equal(new Baseline(0.1, 0.2, 3), loaded[new BaselineKey(1, 2)]);
        Assert.Equal(new Baseline(1e300, 1e-300, long.MaxValue), loaded[new BaselineKey(long.MaxValue, long.MaxValue)]);
        Assert.Empty((await Stores.Scoring.LoadBaselinesAsync([], Token)).Baselines);
    }

    [Fact]
    public async Task Cancelled_work_throws()
    {
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Stores.Scoring.WriteAsync(Sample.Batch(Sample.Scored()), cancelled.Token));
    }
}

public sealed class SqliteScoringStoreTests(SqliteFixture fixture) : ScoringStoreContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerScoringStoreTests(SqlServerFixture fixture) : ScoringStoreContract(fixture), IClassFixture<SqlServerFixture>;
