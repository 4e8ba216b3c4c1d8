using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Notifications.Channels;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Notifications;

/// <summary>
/// The role <c>notifier</c>: one loop takes alerts from their queue and writes their deliveries, and one loop for each channel sends. The queue is asked ever
/// more seldom while it is empty, and the database only when there is something to write or to send, so that an idle database can sleep.
/// </summary>
internal sealed partial class Notifier : BackgroundService
{
    private static readonly TimeSpan s_keepFinished = TimeSpan.FromDays(30);
    private static readonly TimeSpan s_removeEvery = TimeSpan.FromHours(6);

    // A count asks the database. While something is open, senders do so as well, but for digests and quiet hours, which last long.
    private static readonly TimeSpan s_countEvery = TimeSpan.FromMinutes(10);

    private readonly AlertIntake _intake;
    private readonly OpenDeliveriesMarker _marker;
    private readonly IDeliveryStore _store;
    private readonly Settings _settings;
    private readonly Telemetry _telemetry;
    private readonly TimeProvider _time;
    private readonly ILogger<Notifier> _logger;
    private readonly List<(INotificationChannel Channel, ChannelSender Sender)> _channels;
    private readonly WakeSignal _wake = new();
    private long? _removedAt;

    public Notifier(
        AlertIntake intake, OpenDeliveriesMarker marker, IDeliveryStore store, INotificationDestinationStore destinations, ChannelFactory factory,
        Settings settings, Telemetry telemetry, TimeProvider time, ILogger<Notifier> logger)
    {
        _intake = intake;
        _marker = marker;
        _store = store;
        _settings = settings;
        _telemetry = telemetry;
        _time = time;
        _logger = logger;
        var links = new LinkMaker(settings.Notify.LinkTemplate);
        _channels = [.. settings.Notify.Channels.Select(channel => (channel, factory.Create(channel)))
            .Select(pair => (pair.Item2, new ChannelSender(pair.channel, pair.Item2, store, destinations, links, telemetry, time, logger)))];
    }

    /// <summary>Tells the notifier that there may be alerts on their queue.</summary>
    public void Wake() => _wake.Set();

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        foreach ((INotificationChannel channel, _) in _channels)
        {
            channel.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _telemetry.BeginNotifications(_settings.Notify.Channels.Select(channel => channel.Name));
        Log.Begins(_logger, string.Join(", ", _settings.Notify.Channels.Select(channel => $"{channel.Name} ({channel.Type.ToString().ToLowerInvariant()})")));
        await Task.WhenAll(_channels.Select(channel => channel.Sender.RunAsync(stoppingToken)).Append(TakeAsync(stoppingToken)));
    }

    private async Task TakeAsync(CancellationToken stoppingToken)
    {
        var polling = new PollingBackoff(_settings.MaximumPollInterval);
        var retry = new RetryBackoff(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(30));
        bool isAnyOpen = true;
        bool hasTaken = true;
        long countedAt = _time.GetTimestamp();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (await _intake.TakeAsync(stoppingToken) > 0)
                {
                    polling.Reset();
                    retry.Reset();
                    hasTaken = true;
                    _channels.ForEach(channel => channel.Sender.Wake());
                    continue;
                }

                if (hasTaken || (isAnyOpen && _time.GetElapsedTime(countedAt) >= s_countEvery))
                {
                    // The first count after a run of alerts comes before most of them are sent.
                    countedAt = _time.GetTimestamp();
                    isAnyOpen = await CountAsync(stoppingToken) > 0;
                    hasTaken = false;
                }

                await _wake.WaitAsync(polling.Next(), _time, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                TimeSpan pause = retry.Next();
                _telemetry.Retried("notifications");
                Log.Waits(_logger, FailureText.Reason(e), pause.TotalSeconds);
                await Task.Delay(pause, _time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<long> CountAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<ChannelCounts> counts = await _store.CountAsync(cancellationToken);
        long open = counts.Sum(count => count.Open);
        await (open > 0 ? _marker.RaiseAsync(cancellationToken) : _marker.ClearAsync(cancellationToken));
        foreach (ChannelSettings channel in _settings.Notify.Channels)
        {
            ChannelCounts count = counts.FirstOrDefault(count => count.Channel == channel.Name);
            _telemetry.ChannelKnown(channel.Name, count.Open, count.GivenUp);
        }

        if (_removedAt is not { } at || _time.GetElapsedTime(at) >= s_removeEvery)
        {
            await _store.RemoveFinishedAsync(_time.UtcNowMicroseconds() - s_keepFinished, cancellationToken);
            _removedAt = _time.GetTimestamp();
        }

        return open;
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "The notifier tells of alerts by {Channels}.")]
        public static partial void Begins(ILogger logger, string channels);

        [LoggerMessage(LogLevel.Warning, "The notifier takes no alerts: {Problem} The next attempt is in {Seconds:F1} s.")]
        public static partial void Waits(ILogger logger, string problem, double seconds);
    }
}
