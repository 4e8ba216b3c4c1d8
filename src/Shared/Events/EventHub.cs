using FinanceIngest.Ground;
using FinanceIngest.Http;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Observability;
using FinanceIngest.Overview;
using FinanceIngest.Results;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Events;

/// <summary>
/// Looks at the installation for everybody who follows it, once a second, and only while somebody does: ten viewers cost the queues and the database as much as
/// one.
/// </summary>
/// <remarks>
/// The feed is read only after something was scored, as far as this process can tell: it accepted or scored transactions, messages wait, or the database is
/// awake from other work. It goes on for <see cref="s_afterwards"/>, because the last batch may still be under way. Then nothing is asked any more, so that a
/// forgotten tab lets a serverless database sleep.
/// </remarks>
internal sealed partial class EventHub(
    InstallationStatus status, IHistoryStore history, IFinishedDeliveries deliveries, Telemetry telemetry, TimeProvider time, ILogger<EventHub> logger)
    : IDisposable
{
    /// <summary>Streams that one key may have open at once.</summary>
    public const int StreamsPerKey = 10;

    // How many results are looked at in one reading of the feed, and in all readings of one second.
    private const int Reach = 5000;
    private const int MostReadings = 20;
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_afterwards = TimeSpan.FromSeconds(10);

    // While nothing happens, figures are sent this often.
    private const int IdleTicks = 5;

    private readonly DeliveryNews _deliveries = new(deliveries, time);
    private readonly Lock _gate = new();
    private readonly List<EventStream> _streams = [];
    private readonly CancellationTokenSource _closing = new();
    private FeedCursor? _end;
    private (long, long)? _done;
    private long? _busyAt;
    private bool _runs;
    private bool _isDisposed;

    /// <summary>Ends every stream, because the process is about to stop.</summary>
    public void Close()
    {
        // A start that fails disposes of its services, and says then that the process is about to stop.
        lock (_closing)
        {
            if (!_isDisposed)
            {
                _closing.Cancel();
            }
        }
    }

    /// <summary>Whether the process is about to stop.</summary>
    public CancellationToken Closing => _closing.Token;

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        lock (_closing)
        {
            _isDisposed = true;
            _closing.Dispose();
        }
    }

    /// <summary>Adds a stream; from now on it gets what happens.</summary>
    /// <exception cref="ProblemException">429: the key has <see cref="StreamsPerKey"/> streams open.</exception>
    public void Add(EventStream stream)
    {
        lock (_gate)
        {
            if (_streams.Count(other => other.Caller == stream.Caller) >= StreamsPerKey)
            {
                throw Problems.RateLimited("This key has ten streams open", 5);
            }

            _streams.Add(stream);
            stream.After ??= _end;
            if (!_runs)
            {
                _runs = true;
                _ = Task.Run(RunAsync);
            }
        }
    }

    /// <summary>Removes a stream.</summary>
    public void Remove(EventStream stream)
    {
        lock (_gate)
        {
            _streams.Remove(stream);
        }
    }

    /// <summary>Where the feed ended when it was last read; null: it was not read since somebody follows.</summary>
    private FeedCursor? End
    {
        get
        {
            lock (_gate)
            {
                return _end;
            }
        }

        set
        {
            lock (_gate)
            {
                _end = value;
            }
        }
    }

    private EventStream[] Streams()
    {
        lock (_gate)
        {
            return [.. _streams];
        }
    }

    private bool HasEnded()
    {
        lock (_gate)
        {
            // What is scored while nobody follows is nobody's news: the next stream begins at the end that the feed has then.
            bool ended = _streams.Count == 0 || _closing.IsCancellationRequested;
            _runs = !ended;
            _end = ended ? null : _end;
            if (ended)
            {
                _deliveries.Forget();
            }

            return ended;
        }
    }

    private async Task RunAsync()
    {
        CancellationToken closing = _closing.Token;
        for (long tick = 0; !HasEnded(); tick++)
        {
            try
            {
                await LookAsync(tick, closing);
            }
            catch (Exception e) when (e is StoreUnavailableException or QueueUnavailableException)
            {
                // The status says so, and the next look tries again.
            }
            catch (OperationCanceledException) when (closing.IsCancellationRequested)
            {
                // HasEnded notices.
            }
            catch (Exception e)
            {
                Log.Unexpected(logger, FailureText.Of(e));
            }

            await Task.Delay(s_pause, time, closing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Looks once, and hands what is new to the streams.</summary>
    internal async Task LookAsync(long tick, CancellationToken cancellationToken)
    {
        InstallationFigures figures = await status.ReadAsync(isFresh: false, cancellationToken);
        bool isBusy = IsBusy();
        foreach (EventStream stream in Streams())
        {
            if (isBusy || tick % IdleTicks == 0 || !stream.HasFigures)
            {
                stream.SendFigures(figures);
            }
        }

        if (isBusy)
        {
            await ReadFeedAsync(cancellationToken);
            await ReadDeliveriesAsync(cancellationToken);
        }
    }

    private async Task ReadDeliveriesAsync(CancellationToken cancellationToken)
    {
        EventStream[] streams = [.. Streams().Where(stream => stream.WantsNotifications)];
        if (streams.Length == 0)
        {
            _deliveries.Forget();
            return;
        }

        foreach (DeliveryRecord delivery in await _deliveries.ReadAsync(cancellationToken))
        {
            foreach (EventStream stream in streams)
            {
                stream.Send(delivery);
            }
        }
    }

    private bool IsBusy()
    {
        (long, long) done = telemetry.Recent.Totals;
        bool isBusy = status.IsBusy || done != (_done ?? done);
        _done = done;
        _busyAt = isBusy ? time.GetTimestamp() : _busyAt;
        return _busyAt is { } at && time.GetElapsedTime(at) < s_afterwards;
    }

    private async Task ReadFeedAsync(CancellationToken cancellationToken)
    {
        // Most streams are at the same place, the end of the feed, so that one reading serves them.
        foreach (IGrouping<FeedCursor?, EventStream> group in Streams().Where(stream => stream.WantsAnomalies).GroupBy(stream => stream.After))
        {
            FeedCursor at = group.Key ?? (End ??= await history.ReadFeedEndAsync(cancellationToken));
            for (int i = 0; i < MostReadings; i++)
            {
                FeedAnomalies? part = await history.ReadFeedAnomaliesAsync(at, Reach, cancellationToken);
                Send(group, part);
                if (part is null || part.IsEnd)
                {
                    End = part?.Next ?? End;
                    break;
                }

                at = part.Next;
            }
        }
    }

    // No part: the place is none of the feed any more.
    private static void Send(IEnumerable<EventStream> streams, FeedAnomalies? part)
    {
        AnomalyNews[] anomalies = [.. (part?.Anomalies ?? []).Select(anomaly => new AnomalyNews(anomaly.Result, anomaly.Cursor))];
        foreach (EventStream stream in streams)
        {
            if (part is null)
            {
                stream.SendRestored();
            }
            else
            {
                stream.Send(anomalies, part.Next);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "Looking at the installation for streams of events failed unexpectedly: {Failure}")]
        public static partial void Unexpected(ILogger logger, string failure);
    }
}
