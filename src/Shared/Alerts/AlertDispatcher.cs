using System.Collections.Concurrent;
using System.Diagnostics;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Alerts;

/// <summary>
/// Sends alerts from the outbox to the alert queue: claim in a short statement, send outside of it, mark as sent. A crash between
/// send and mark sends an alert again, under the same <c>alert_id</c>. Looks into the database only when there is a reason to.
/// </summary>
internal sealed partial class AlertDispatcher(
    IAlertOutbox outbox, Queues queues, AlertMarker marker, Settings settings, Telemetry telemetry, TimeProvider time, ILogger<AlertDispatcher> logger) : BackgroundService
{
    private const int BatchSize = 200;
    private const int ConcurrentSends = 16;

    private static readonly TimeSpan s_keepSent = TimeSpan.FromDays(30);
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(10);

    private readonly Guid _owner = Guid.NewGuid();
    private readonly WakeSignal _wake = new();
    private readonly RetryBackoff _retry = new(TimeSpan.FromSeconds(0.5), Deadlines.AlertPause);
    private readonly List<Guid> _unmarked = [];
    private long? _cleanedAt;

    /// <summary>There are new alerts in the outbox, or a marker says so.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Sends what is unsent and free to be claimed.</summary>
    /// <returns>Whether nothing remains unsent, by this process's or another's doing.</returns>
    /// <exception cref="QueueUnavailableException">The alert queue can't be reached; nothing is lost.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached; nothing is lost.</exception>
    public async Task<bool> DrainAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // What was just sent is marked while more is claimed: two short statements that a database may well commit together.
            Task marking = MarkAsync();
            IReadOnlyList<ClaimedAlert> claimed = [];
            try
            {
                claimed = await outbox.ClaimAsync(_owner, BatchSize, Deadlines.AlertClaim, cancellationToken);
            }
            finally
            {
                await marking;
            }

            if (claimed.Count == 0)
            {
                return await CountUnsentAsync(cancellationToken) == 0;
            }

            await SendAsync(claimed, cancellationToken);
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // What a process before this one left behind.
        TimeSpan? pause = TimeSpan.Zero;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                bool woken = await _wake.WaitAsync(pause ?? s_look, time, stoppingToken);
                pause = woken || pause is not null || await IsWorkLikelyAsync(stoppingToken) ? await RunOnceAsync(stoppingToken) : null;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                pause = _retry.Next();
                telemetry.Retried("alerts");
                Log.Failed(logger, e.Message, pause.Value.TotalSeconds);
            }
        }
    }

    // Without a scorer in this process nobody wakes it. An inbound queue that is empty, markers included, says that nothing is unsent
    // without a look into a database that may be asleep.
    private async Task<bool> IsWorkLikelyAsync(CancellationToken cancellationToken) =>
        !settings.Roles.HasFlag(Roles.Scorer) && (await queues.Inbound.GetDepthAsync(cancellationToken)).Length > 0;

    /// <returns>When to try again; null: when there is a reason to.</returns>
    private async Task<TimeSpan?> RunOnceAsync(CancellationToken cancellationToken)
    {
        long raised = marker.Raised;
        bool drained;
        try
        {
            drained = await DrainAsync(cancellationToken);
        }
        catch (QueueUnavailableException)
        {
            // Unsent alerts: the marker stays.
            await marker.RaiseAsync(cancellationToken);
            await CountUnsentAsync(cancellationToken);
            throw;
        }

        _retry.Reset();
        if (!drained)
        {
            // Another process holds them; should it die, its claims end.
            await marker.RaiseAsync(cancellationToken);
            return Deadlines.AlertClaimsOfOthers;
        }

        await marker.ClearAsync(raised, cancellationToken);
        await RemoveOldAsync(cancellationToken);
        return null;
    }

    private async Task<long> CountUnsentAsync(CancellationToken cancellationToken)
    {
        long unsent = await outbox.CountUnsentAsync(cancellationToken);
        telemetry.UnsentAlerts(unsent);
        return unsent;
    }

    private async Task SendAsync(IReadOnlyList<ClaimedAlert> claimed, CancellationToken cancellationToken)
    {
        long startedAt = time.GetTimestamp();
        using var timeout = new CancellationTokenSource(Deadlines.AlertSend, time);
        var unsent = new ConcurrentQueue<ClaimedAlert>(claimed);
        var sent = new ConcurrentBag<Guid>();
        Exception? failure = null;
        await Task.WhenAll(Enumerable.Range(0, ConcurrentSends).Select(_ => SendOneAfterAnotherAsync()));

        _unmarked.AddRange(sent);
        if (sent.Count < claimed.Count)
        {
            // Settling does not obey the stop: what was sent is marked, what was not is free.
            await MarkAsync();
            await outbox.ReleaseAsync(_owner, [.. claimed.Select(alert => alert.AlertId).Except(sent)], CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
            if (failure is not null)
            {
                throw failure as QueueUnavailableException ?? new QueueUnavailableException(queues.Alerts.Name, failure);
            }
        }

        async Task SendOneAfterAnotherAsync()
        {
            // A stop comes between sends, never into one: whether a send that is cut off has arrived, nobody knows.
            while (failure is null && !cancellationToken.IsCancellationRequested && time.GetElapsedTime(startedAt) < Deadlines.AlertSending && unsent.TryDequeue(out ClaimedAlert? alert))
            {
                if (await TrySendAsync(alert, timeout.Token) is { } problem)
                {
                    failure = problem;
                }
                else
                {
                    sent.Add(alert.AlertId);
                }
            }
        }
    }

    // What was sent while the database could not be reached stays here until it is marked: it is not sent again.
    private async Task MarkAsync()
    {
        if (_unmarked.Count > 0)
        {
            int marked = await outbox.MarkSentAsync(_owner, _unmarked, CancellationToken.None);
            _unmarked.Clear();
            Log.Sent(logger, marked);
        }
    }

    /// <returns>Why it could not be sent; null: it was.</returns>
    private async Task<Exception?> TrySendAsync(ClaimedAlert alert, CancellationToken cancellationToken)
    {
        long startedAt = telemetry.Now;
        using Activity? span = telemetry.StartAlert(queues.Alerts.Name, alert.Payload);
        try
        {
            await queues.Alerts.SendAsync(MessageText.Encode(alert.Payload), TimeSpan.Zero, cancellationToken);
            telemetry.Sent(queues.Alerts.Name, startedAt, null);
            return null;
        }
        catch (Exception e)
        {
            Telemetry.Fail(span, e);
            telemetry.Sent(queues.Alerts.Name, startedAt, e);
            return e;
        }
    }

    private async Task RemoveOldAsync(CancellationToken cancellationToken)
    {
        if (_cleanedAt is { } at && time.GetElapsedTime(at) < TimeSpan.FromHours(6))
        {
            return;
        }

        await outbox.RemoveSentAsync(time.GetUtcNow().UtcDateTime - s_keepSent, cancellationToken);
        _cleanedAt = time.GetTimestamp();
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Count} alerts sent.")]
        public static partial void Sent(ILogger logger, int count);

        [LoggerMessage(LogLevel.Warning, "Alerts wait: {Problem} Next try in {Seconds:F1} s.")]
        public static partial void Failed(ILogger logger, string problem, double seconds);
    }
}
