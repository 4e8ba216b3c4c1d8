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
/// Sends alerts from the outbox to the alert queue: it claims them in a short statement, sends them outside of any transaction, and then
/// marks them as sent. After a crash between send and mark an alert is sent again, under the same <c>alert_id</c>. The dispatcher asks the
/// database only when it has a reason to, so that an idle database can sleep.
/// </summary>
internal sealed partial class AlertDispatcher(
    IAlertOutbox outbox, Queues queues, AlertMarker marker, Settings settings, Telemetry telemetry, TimeProvider time, ILogger<AlertDispatcher> logger)
    : BackgroundService
{
    private const int BatchSize = 200;
    private const int ConcurrentSends = 16;

    private static readonly TimeSpan s_keepSent = TimeSpan.FromDays(30);
    private static readonly TimeSpan s_removeEvery = TimeSpan.FromHours(6);

    private readonly Guid _owner = Guid.NewGuid();
    private readonly WakeSignal _wake = new();
    private readonly DispatchSchedule _schedule = new();

    // Alerts that were sent and are not yet marked. While the database cannot be reached they stay here, and this process does not send them again.
    private readonly List<Guid> _unmarked = [];
    private long? _removedAt;

    /// <summary>Is raised when alerts were sent, and are on their queue.</summary>
    public event Action? Sent;

    /// <summary>Tells the dispatcher that alerts are, or may be, unsent: an anomaly was written, or a marker was received.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Sends every alert that is unsent and not claimed by another process.</summary>
    /// <returns>True if no alert remains unsent, whoever sent them; false if other processes have claimed some that are not yet marked as sent.</returns>
    /// <exception cref="QueueUnavailableException">The alert queue can't be reached; nothing is lost.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached; nothing is lost.</exception>
    public async Task<bool> DrainAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            // The last batch is marked while the next one is claimed: a database may commit these two short statements together.
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
        NextLook next = DispatchSchedule.First;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                bool isWoken = await _wake.WaitAsync(next.Wait, time, stoppingToken);
                if (isWoken || next.IsDue || await MayAlertsBeUnsentAsync(stoppingToken))
                {
                    next = await DispatchAsync(stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                next = _schedule.AfterFailure();
                telemetry.Retried("alerts");
                Log.Failed(logger, FailureText.Reason(e), next.Wait.TotalSeconds);
            }
        }
    }

    // A scorer in this process wakes the dispatcher. Where there is none, the inbound queue is asked, which costs no session of a database that may be asleep:
    // a marker is on that queue while alerts are unsent, so an empty queue says that none is.
    private async Task<bool> MayAlertsBeUnsentAsync(CancellationToken cancellationToken) =>
        !settings.Roles.HasFlag(Roles.Scorer) && (await queues.Inbound.GetDepthAsync(cancellationToken)).Length > 0;

    /// <summary>Drains the outbox, and leaves a marker on the inbound queue for as long as alerts are unsent.</summary>
    private async Task<NextLook> DispatchAsync(CancellationToken cancellationToken)
    {
        long raised = marker.Raised;
        bool isAnyUnsent = !await DrainOrRaiseMarkerAsync(cancellationToken);
        NextLook next = _schedule.AfterDrain(isAnyUnsent);
        if (isAnyUnsent)
        {
            await marker.RaiseAsync(cancellationToken);
            return next;
        }

        await marker.ClearAsync(raised, cancellationToken);
        await RemoveOldAsync(cancellationToken);
        return next;
    }

    private async Task<bool> DrainOrRaiseMarkerAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await DrainAsync(cancellationToken);
        }
        catch (QueueUnavailableException)
        {
            await marker.RaiseAsync(cancellationToken);
            await CountUnsentAsync(cancellationToken);
            throw;
        }
    }

    private async Task<long> CountUnsentAsync(CancellationToken cancellationToken)
    {
        long unsent = await outbox.CountUnsentAsync(cancellationToken);
        telemetry.UnsentAlerts(unsent);
        return unsent;
    }

    /// <summary>
    /// Sends claimed alerts. When it returns, either all of them were sent and wait in <see cref="_unmarked"/>, or the time for sending was over: then the
    /// alerts that were sent are marked, and the others are free.
    /// </summary>
    /// <exception cref="QueueUnavailableException">A send failed. The alerts that were sent are marked, the others are free.</exception>
    /// <exception cref="OperationCanceledException">The process stops. The alerts that were sent are marked, the others are free.</exception>
    private async Task SendAsync(IReadOnlyList<ClaimedAlert> claimed, CancellationToken cancellationToken)
    {
        long startedAt = time.GetTimestamp();
        using var timeout = new CancellationTokenSource(Deadlines.AlertSend, time);
        var unsent = new ConcurrentQueue<ClaimedAlert>(claimed);
        var sent = new ConcurrentBag<Guid>();
        Exception? failure = null;
        await Task.WhenAll(Enumerable.Range(0, ConcurrentSends).Select(_ => SendOneAfterAnotherAsync()));

        _unmarked.AddRange(sent);
        if (!sent.IsEmpty)
        {
            Sent?.Invoke();
        }

        if (sent.Count < claimed.Count)
        {
            // Marking and releasing ignore the stop: an alert that was sent must be marked, and one that was not must be free for another process.
            await MarkAsync();
            await outbox.ReleaseAsync(_owner, [.. claimed.Select(alert => alert.AlertId).Except(sent)], CancellationToken.None);
            cancellationToken.ThrowIfCancellationRequested();
            if (failure is not null)
            {
                throw failure as QueueUnavailableException ?? new QueueUnavailableException(queues.Alerts.Name, $"{FailureText.Kind(failure)}.", failure);
            }
        }

        async Task SendOneAfterAnotherAsync()
        {
            // A stop takes effect between sends and never cuts one off, because nobody would know whether that alert had arrived.
            while (failure is null
                && !cancellationToken.IsCancellationRequested
                && time.GetElapsedTime(startedAt) < Deadlines.AlertSending
                && unsent.TryDequeue(out ClaimedAlert? alert))
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

    private async Task MarkAsync()
    {
        if (_unmarked.Count > 0)
        {
            int marked = await outbox.MarkSentAsync(_owner, _unmarked, CancellationToken.None);
            _unmarked.Clear();
            Log.Sent(logger, marked);
        }
    }

    /// <returns>The failure of the send; null if the alert was sent.</returns>
    private async Task<Exception?> TrySendAsync(ClaimedAlert alert, CancellationToken cancellationToken)
    {
        long startedAt = telemetry.Now;
        using Activity? span = telemetry.StartAlert(queues.Alerts.Name, alert.TraceParent);
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
        if (_removedAt is { } at && time.GetElapsedTime(at) < s_removeEvery)
        {
            return;
        }

        await outbox.RemoveSentAsync(time.GetUtcNow().UtcDateTime - s_keepSent, cancellationToken);
        _removedAt = time.GetTimestamp();
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "{Count} alerts were sent and marked as sent.")]
        public static partial void Sent(ILogger logger, int count);

        [LoggerMessage(LogLevel.Warning, "Alerts wait: {Problem} The next attempt is in {Seconds:F1} s.")]
        public static partial void Failed(ILogger logger, string problem, double seconds);
    }
}
