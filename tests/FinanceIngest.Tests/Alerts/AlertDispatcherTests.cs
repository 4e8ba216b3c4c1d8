using System.Text.Json;
using FinanceIngest.Alerts;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Alerts;

public sealed class AlertDispatcherTests : IDisposable
{
    private readonly ScoringHarness _system = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_anomalys_alert_says_what_the_older_system_said_and_more()
    {
        Transaction anomaly = await ScoreAnomalyAsync();

        Assert.True(await _system.Dispatcher.DrainAsync(default));

        using JsonDocument alert = JsonDocument.Parse(Assert.Single(await _system.AlertsSentAsync()));
        string text = alert.RootElement.GetRawText();
        Assert.StartsWith("""{"user_id":399,"category_id":2310,"amount":6000,"z_score":8.0,"alert_id":""", text, StringComparison.Ordinal);
        Assert.Contains("\"mean\":2000,\"std_dev\":500,", text, StringComparison.Ordinal);
        Assert.Equal(anomaly.Id, alert.RootElement.GetProperty("transaction_id").GetGuid());
        Assert.Equal("2026-01-31T12:00:00.000000Z", alert.RootElement.GetProperty("occurred_at").GetString());
        Assert.Equal(0, await _system.Outbox.CountUnsentAsync(default));
    }

    [Fact]
    public async Task While_the_alert_queue_is_down_scoring_goes_on_and_alerts_follow_later()
    {
        _system.Alerts.IsDown = true;
        await ScoreAnomalyAsync();
        await Assert.ThrowsAsync<QueueUnavailableException>(() => _system.Dispatcher.DrainAsync(default));
        await ScoreAnomalyAsync();
        Assert.Equal(2, await _system.Outbox.CountUnsentAsync(default));
        _system.Alerts.IsDown = false;

        Assert.True(await _system.Dispatcher.DrainAsync(default));

        Assert.Equal(2, (await _system.AlertsSentAsync()).Count);
    }

    [Fact]
    public async Task A_crash_between_send_and_mark_sends_again_under_the_same_alert_id()
    {
        await ScoreAnomalyAsync();
        var crash = new InvalidOperationException("the process ends before the database has the mark");
        var outbox = new FaultingOutbox(_system.Outbox) { MarkFailure = crash };
        using AlertDispatcher crashed = _system.NewDispatcher(outbox);
        using AlertDispatcher next = _system.NewDispatcher(_system.Outbox);
        Assert.Same(crash, await Assert.ThrowsAsync<InvalidOperationException>(() => crashed.DrainAsync(default)));
        Assert.Single(await _system.AlertsSentAsync());

        // The next dispatcher sends nothing while the crashed one's claim holds. A claim ends within the 30 s of guarantee 7.
        Assert.False(await next.DrainAsync(default));
        Assert.Single(await _system.AlertsSentAsync());
        _system.Time.Advance(TimeSpan.FromSeconds(25));
        Assert.True(await next.DrainAsync(default));

        IReadOnlyList<string> sent = await _system.AlertsSentAsync();
        Assert.Equal(2, sent.Count);
        Assert.Single(sent.Select(alert => JsonDocument.Parse(alert).RootElement.GetProperty("alert_id").GetGuid()).Distinct());
        Assert.Equal(0, await _system.Outbox.CountUnsentAsync(default));
    }

    [Fact]
    public async Task A_starting_dispatcher_sends_what_an_earlier_process_left_and_takes_the_marker_away()
    {
        await ScoreAnomalyAsync();
        using AlertDispatcher dispatcher = _system.NewDispatcher(_system.DispatchersOutbox);

        await dispatcher.StartAsync(Token);
        await Eventually.TrueAsync(async () => (await _system.Inbound.GetDepthAsync(Token)).Length == 0, Token);
        await dispatcher.StopAsync(Token);

        Assert.Single(await _system.AlertsSentAsync());
    }

    [Fact]
    public async Task Without_a_scorer_the_dispatcher_asks_the_database_only_while_the_inbound_queue_is_not_empty()
    {
        using AlertDispatcher dispatcher = _system.NewDispatcher(_system.DispatchersOutbox);
        await dispatcher.StartAsync(Token);

        // The dispatcher has acted on the first two answers once it asks for the queue's length a third time.
        await AdvanceUntilAsync(() => _system.Inbound.DepthLooks >= 3);
        Assert.Equal(1, _system.DispatchersOutbox.Claims);
        await _system.SendAsync(_system.Transaction(2500));
        await AdvanceUntilAsync(() => _system.DispatchersOutbox.Claims > 1);

        await dispatcher.StopAsync(Token);
    }

    [Fact]
    public async Task After_a_failure_the_dispatcher_tries_again_by_itself()
    {
        await ScoreAnomalyAsync();
        _system.Alerts.IsDown = true;
        using AlertDispatcher dispatcher = _system.NewDispatcher(_system.DispatchersOutbox, Roles.Scorer | Roles.Dispatcher);
        await dispatcher.StartAsync(Token);
        await AdvanceUntilAsync(() => _system.Alerts.Sends >= 2);
        Assert.Equal(1, (await _system.Inbound.GetDepthAsync(Token)).Length);
        _system.Alerts.IsDown = false;

        await AdvanceUntilAsync(async () => await _system.Outbox.CountUnsentAsync(Token) == 0);

        await dispatcher.StopAsync(Token);
    }

    [Fact]
    public async Task What_was_sent_and_could_not_be_marked_is_marked_later_and_not_sent_again()
    {
        await ScoreAnomalyAsync();
        _system.DispatchersOutbox.MarkFailure = FaultingScoringStore.Outage;
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _system.Dispatcher.DrainAsync(default));
        _system.DispatchersOutbox.MarkFailure = null;
        _system.Time.Advance(TimeSpan.FromSeconds(60));

        Assert.True(await _system.Dispatcher.DrainAsync(default));

        Assert.Equal(1, _system.Alerts.Sends);
        Assert.Equal(0, await _system.Outbox.CountUnsentAsync(default));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(40)]
    public async Task A_stop_marks_what_was_sent_and_frees_the_rest(int anomalies)
    {
        await ScoreAnomaliesAsync(anomalies);
        using var stop = new CancellationTokenSource();
        _system.Alerts.OnSend = stop.Cancel;

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _system.Dispatcher.DrainAsync(stop.Token));

        Assert.Equal(anomalies - _system.Alerts.Sends, await _system.Outbox.CountUnsentAsync(default));
        Assert.Equal(anomalies - _system.Alerts.Sends, (await _system.Outbox.ClaimAsync(Guid.NewGuid(), 100, TimeSpan.FromSeconds(25), default)).Count);
    }

    [Fact]
    public async Task Alerts_that_take_long_are_marked_while_their_claim_holds_and_the_rest_is_free()
    {
        await ScoreAnomaliesAsync(100);
        _system.Alerts.OnSend = () => _system.Time.Advance(TimeSpan.FromSeconds(0.5));
        bool othersHaveThem = false;
        _system.DispatchersOutbox.OnMark = async () =>
        {
            // The database takes nine seconds to mark the alerts.
            _system.Time.Advance(TimeSpan.FromSeconds(9));
            othersHaveThem |= (await _system.Outbox.ClaimAsync(Guid.NewGuid(), 100, TimeSpan.Zero, default)).Count > 0;
        };

        Assert.True(await _system.Dispatcher.DrainAsync(default));

        Assert.False(othersHaveThem);
        Assert.Equal(100, _system.Alerts.Sends);
    }

    [Fact]
    public async Task A_claim_counts_from_when_it_is_written_however_long_it_waited_for_the_lock()
    {
        await ScoreAnomalyAsync();
        using var release = new ManualResetEventSlim();
        var isHeld = new TaskCompletionSource();
        Task<int> holder = _system.WriteAsync(() =>
        {
            isHeld.SetResult();
            release.Wait();
        });
        await isHeld.Task;
        Task<IReadOnlyList<ClaimedAlert>> claim = _system.Outbox.ClaimAsync(Guid.NewGuid(), 1, TimeSpan.FromSeconds(25), default);
        // The claim first counts the unsent alerts. Once these later counts have returned, its own has too, and the claim waits for the lock.
        for (int look = 0; look < 20; look++)
        {
            await _system.Outbox.CountUnsentAsync(default);
        }

        _system.Time.Advance(TimeSpan.FromSeconds(20));
        release.Set();
        await holder;
        Assert.Single(await claim);

        _system.Time.Advance(TimeSpan.FromSeconds(24));

        Assert.Empty(await _system.Outbox.ClaimAsync(Guid.NewGuid(), 1, TimeSpan.FromSeconds(25), default));
    }

    [Fact]
    public async Task The_marker_is_on_the_inbound_queue_before_the_message_of_an_anomaly_is_gone()
    {
        await ScoreAnomalyAsync();
        Assert.Equal(1, (await _system.Inbound.GetDepthAsync(default)).Length);

        // The worker dies with its alert unsent; another worker finds the marker when it becomes visible.
        _system.Time.Advance(TimeSpan.FromSeconds(26));
        LeasedMessage marker = Assert.Single(await _system.Inbound.ReceiveAsync(32, Deadlines.Lease, default));
        Assert.True(AlertMarker.IsMarker(marker));
    }

    [Fact]
    public async Task A_received_marker_is_kept_until_the_alerts_are_sent_and_then_removed()
    {
        await ScoreAnomalyAsync();
        _system.Time.Advance(TimeSpan.FromSeconds(26));
        await _system.ProcessAsync();
        Assert.Equal(1, (await _system.Inbound.GetDepthAsync(default)).Length);

        long raised = _system.Marker.Raised;
        Assert.True(await _system.Dispatcher.DrainAsync(default));
        await _system.Marker.ClearAsync(raised, default);

        Assert.Equal(0, (await _system.Inbound.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task A_marker_asked_for_meanwhile_is_not_cleared()
    {
        await ScoreAnomalyAsync();
        long raised = _system.Marker.Raised;
        await _system.Dispatcher.DrainAsync(default);
        await ScoreAnomalyAsync();

        await _system.Marker.ClearAsync(raised, default);

        Assert.Equal(1, (await _system.Inbound.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task While_the_inbound_queue_takes_no_marker_the_anomalys_message_is_not_deleted()
    {
        await _system.AddBaselineAsync();
        await _system.SendAsync(_system.Transaction(6000));
        IReadOnlyList<LeasedMessage> messages = await _system.Inbound.ReceiveAsync(32, Deadlines.Lease, default);
        _system.Inbound.IsDown = true;

        await Assert.ThrowsAsync<QueueUnavailableException>(() => _system.Processor.ProcessAsync(messages, _system.Time.GetTimestamp(), default));

        _system.Inbound.IsDown = false;
        Assert.Equal(1, (await _system.Inbound.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task A_redelivered_anomaly_keeps_its_unsent_alert_awake_even_when_the_baseline_has_moved()
    {
        await _system.AddBaselineAsync();
        await _system.SendAsync(_system.Transaction(6000));
        _system.Store.AfterWrite = _ => FaultingScoringStore.Outage;
        await Assert.ThrowsAsync<StoreUnavailableException>(_system.ProcessAsync);
        _system.Store.AfterWrite = _ => null;
        await _system.AddBaselineAsync(mean: 6000);

        await _system.ProcessAsync();

        Assert.Equal(1, await _system.Outbox.CountUnsentAsync(default));
        Assert.Equal(1, (await _system.Inbound.GetDepthAsync(default)).Length);
    }

    [Fact]
    public async Task A_received_marker_goes_when_another_process_has_sent_the_alerts()
    {
        await ScoreAnomalyAsync();
        Assert.True(await _system.Dispatcher.DrainAsync(default));
        _system.Time.Advance(TimeSpan.FromSeconds(26));

        await _system.ProcessAsync();

        Assert.Equal(0, (await _system.Inbound.GetDepthAsync(default)).Length);
    }

    public void Dispose() => _system.Dispose();

    // One step is not enough: the dispatcher may begin its wait only after the clock has moved.
    private Task AdvanceUntilAsync(Func<Task<bool>> condition) => Eventually.TrueAsync(
        () =>
        {
            _system.Time.Advance(TimeSpan.FromSeconds(10));
            return condition();
        },
        Token);

    private Task AdvanceUntilAsync(Func<bool> condition) => AdvanceUntilAsync(() => Task.FromResult(condition()));

    private async Task ScoreAnomaliesAsync(int count)
    {
        await _system.AddBaselineAsync();
        await _system.SendAsync([.. Enumerable.Range(0, count).Select(_ => _system.Transaction(6000))]);
        await _system.ProcessAsync();
    }

    private async Task<Transaction> ScoreAnomalyAsync()
    {
        await _system.AddBaselineAsync();
        Transaction anomaly = _system.Transaction(6000);
        await _system.SendAsync(anomaly);
        await _system.ProcessAsync();
        return anomaly;
    }
}
