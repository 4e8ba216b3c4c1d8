using FinanceIngest.Alerts;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

public abstract class AlertOutboxContract(StoreFixture fixture) : StoreContract(fixture)
{
    private static readonly TimeSpan s_lease = TimeSpan.FromMinutes(1);
    private readonly Guid _owner = Guid.NewGuid();
    private readonly Guid _other = Guid.NewGuid();

    [Fact]
    public async Task The_oldest_are_claimed_first_and_nobody_else_gets_them()
    {
        Guid[] alerts = await AddAsync(5);

        IReadOnlyList<ClaimedAlert> first = await ClaimAsync(_owner, 2);
        IReadOnlyList<ClaimedAlert> second = await ClaimAsync(_other, 10);

        Assert.Equal(alerts[..2], first.Select(alert => alert.AlertId));
        Assert.Equal(alerts[2..], second.Select(alert => alert.AlertId));
        Assert.All(first, alert => Assert.Equal(1, alert.Attempts));
        Assert.Empty(await ClaimAsync(_owner, 10));
        Assert.Equal(5, await Stores.Outbox.CountUnsentAsync(Token));
    }

    [Theory]
    [InlineData(Sample.TraceParent)]
    [InlineData(null)]
    public async Task A_claimed_alert_carries_its_payload_and_its_trace(string? traceParent)
    {
        TransactionResult anomaly = Sample.Anomaly();
        NewAlert alert = Sample.Alert(anomaly) with { Payload = "{\"user_id\":399,\"note\":\"ключ 💸\"}", TraceParent = traceParent };
        await Stores.Scoring.WriteAsync(new ScoredBatch([anomaly], [alert], []), Token);

        ClaimedAlert claimed = Assert.Single(await ClaimAsync(_owner, 1));

        Assert.Equal(new ClaimedAlert(Sample.AlertId(anomaly.Id), alert.Payload, traceParent, 1), claimed);
    }

    [Fact]
    public async Task A_claim_runs_out_with_its_lease()
    {
        Guid[] alerts = await AddAsync(1);
        await ClaimAsync(_owner, 1);

        Time.Advance(s_lease - TimeSpan.FromMicroseconds(1));
        Assert.Empty(await ClaimAsync(_other, 1));
        Time.Advance(TimeSpan.FromMicroseconds(1));
        ClaimedAlert again = Assert.Single(await ClaimAsync(_other, 1));

        Assert.Equal(2, again.Attempts);
        Assert.Equal(0, await Stores.Outbox.MarkSentAsync(_owner, alerts, Token));
        Assert.Equal(1, await Stores.Outbox.MarkSentAsync(_other, alerts, Token));
    }

    [Fact]
    public async Task An_alert_that_was_sent_late_but_not_claimed_again_counts_as_sent()
    {
        Guid[] alerts = await AddAsync(1);
        await ClaimAsync(_owner, 1);
        Time.Advance(s_lease * 2);

        Assert.Equal(1, await Stores.Outbox.MarkSentAsync(_owner, alerts, Token));
        Assert.Empty(await ClaimAsync(_other, 1));
    }

    [Fact]
    public async Task Only_the_owner_marks_as_sent_and_only_once()
    {
        Guid[] alerts = await AddAsync(3);
        await ClaimAsync(_owner, 2);

        Assert.Equal(0, await Stores.Outbox.MarkSentAsync(_other, alerts, Token));
        Assert.Equal(2, await Stores.Outbox.MarkSentAsync(_owner, [.. alerts, Guid.NewGuid()], Token));
        Assert.Equal(0, await Stores.Outbox.MarkSentAsync(_owner, alerts, Token));
        Assert.Equal(0, await Stores.Outbox.MarkSentAsync(_owner, [], Token));
        Assert.Equal(1, await Stores.Outbox.CountUnsentAsync(Token));
    }

    [Fact]
    public async Task A_sent_alert_never_comes_back()
    {
        Guid[] alerts = await AddAsync(1);
        await ClaimAsync(_owner, 1);
        await Stores.Outbox.MarkSentAsync(_owner, alerts, Token);

        await Stores.Outbox.ReleaseAsync(_owner, alerts, Token);
        Time.Advance(TimeSpan.FromDays(1));

        Assert.Empty(await ClaimAsync(_other, 10));
        Assert.Equal(0, await Stores.Outbox.CountUnsentAsync(Token));
    }

    [Fact]
    public async Task Released_alerts_can_be_claimed_at_once_and_only_the_owner_releases()
    {
        Guid[] alerts = await AddAsync(2);
        await ClaimAsync(_owner, 2);

        await Stores.Outbox.ReleaseAsync(_other, alerts, Token);
        Assert.Empty(await ClaimAsync(_other, 2));
        await Stores.Outbox.ReleaseAsync(_owner, alerts[..1], Token);
        ClaimedAlert released = Assert.Single(await ClaimAsync(_other, 2));

        Assert.Equal(alerts[0], released.AlertId);
        Assert.Equal(2, released.Attempts);
    }

    [Fact]
    public async Task Dispatchers_that_claim_at_once_share_the_alerts()
    {
        Guid[] alerts = await AddAsync(120);

        IReadOnlyList<ClaimedAlert>[] claims = await Task.WhenAll(Enumerable.Range(0, 6).Select(async _ =>
        {
            IAlertOutbox outbox = Fixture.Open().Outbox;
            var owner = Guid.NewGuid();
            var claimed = new List<ClaimedAlert>();
            for (int i = 0; i < 5; i++)
            {
                IReadOnlyList<ClaimedAlert> some = await outbox.ClaimAsync(owner, 7, s_lease, Token);
                Assert.InRange(some.Count, 0, 7);
                Assert.Equal(some.Count, await outbox.MarkSentAsync(owner, [.. some.Select(alert => alert.AlertId)], Token));
                claimed.AddRange(some);
            }

            return (IReadOnlyList<ClaimedAlert>)claimed;
        }));

        // A claim may pass over rows that another claim is taking at that moment. The next claim gets the remaining rows.
        IEnumerable<ClaimedAlert> rest = await ClaimAsync(_owner, 1000);
        List<Guid> taken = [.. claims.SelectMany(claim => claim).Concat(rest).Select(alert => alert.AlertId)];
        Assert.Equal(120, taken.Count);
        Assert.Equal(alerts.ToHashSet(), [.. taken]);
    }

    [Fact]
    public async Task Sent_alerts_are_removed_by_the_time_at_which_they_were_sent()
    {
        Guid[] alerts = await AddAsync(3);
        await ClaimAsync(_owner, 3);
        await Stores.Outbox.MarkSentAsync(_owner, alerts[..1], Token);
        Time.Advance(TimeSpan.FromSeconds(1));
        DateTime between = Time.UtcNowMicroseconds();
        await Stores.Outbox.MarkSentAsync(_owner, alerts[1..2], Token);

        Assert.Equal(1, await Stores.Outbox.RemoveSentAsync(between, Token));
        Assert.Equal(0, await Stores.Outbox.RemoveSentAsync(between, Token));
        Assert.Equal(1, await Stores.Outbox.RemoveSentAsync(between.AddTicks(10), Token));
        Assert.Equal(1, await Fixture.CountRowsAsync("alert_outbox"));
    }

    private Task<IReadOnlyList<ClaimedAlert>> ClaimAsync(Guid owner, int maximum) => Stores.Outbox.ClaimAsync(owner, maximum, s_lease, Token);

    /// <summary>Adds alerts a microsecond apart, the youngest first, and returns their ids, the oldest first.</summary>
    private async Task<Guid[]> AddAsync(int count)
    {
        TransactionResult[] anomalies =
            [.. Enumerable.Range(0, count).Select(i => Sample.Anomaly() with { ScoredAt = Sample.Noon.AddTicks(10 * i) })];
        await WriteAsync([.. anomalies.Reverse()]);
        return [.. anomalies.Select(anomaly => Sample.AlertId(anomaly.Id))];
    }
}

public sealed class SqliteAlertOutboxTests(SqliteFixture fixture) : AlertOutboxContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerAlertOutboxTests(SqlServerFixture fixture) : AlertOutboxContract(fixture), IClassFixture<SqlServerFixture>;
