using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace FinanceIngest.Observability;

/// <content>The metrics and spans of the notifier. Channels are named as the operator named them.</content>
internal sealed partial class Telemetry
{
    private readonly Lock _channelsGate = new();
    private readonly Dictionary<string, ChannelReading> _channels = [];
    private readonly NotificationInstruments _notifications;

    /// <summary>Adds zero to the counters of the notifier that alert rules watch. A process without a notifier exports none of them.</summary>
    public void BeginNotifications(IEnumerable<string> channels)
    {
        _notifications.Alerts.Add(0, Outcome("taken"));
        _notifications.Alerts.Add(0, Outcome("poison"));
        lock (_channelsGate)
        {
            foreach (string channel in channels)
            {
                _channels.TryAdd(channel, default);
                foreach (string outcome in new[] { "delivered", "failed", "given_up" })
                {
                    _notifications.Attempts.Add(0, Channel(channel), Outcome(outcome));
                }
            }
        }
    }

    /// <summary>Counts alerts that were taken from their queue, or given up as poison.</summary>
    public void AlertsTaken(int alerts, bool isPoison = false) => _notifications.Alerts.Add(alerts, Outcome(isPoison ? "poison" : "taken"));

    /// <summary>Counts an attempt at a message.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="outcome"><c>delivered</c>, <c>failed</c> or <c>given_up</c>.</param>
    /// <param name="scoredAt">When each alert of a delivered message was scored (UTC).</param>
    public void Notified(string channel, string outcome, IEnumerable<DateTime> scoredAt)
    {
        NotificationInstruments instruments = _notifications;
        instruments.Attempts.Add(1, Channel(channel), Outcome(outcome));
        if (instruments.Latency.Enabled && outcome == "delivered")
        {
            DateTime now = _time.GetUtcNow().UtcDateTime;
            foreach (DateTime scored in scoredAt)
            {
                instruments.Latency.Record(Math.Max(0, (now - scored).TotalSeconds), Channel(channel));
            }
        }
    }

    /// <summary>Sets what was last known of a channel.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="open">Alerts that are held or wait; null: as before.</param>
    /// <param name="givenUp">Alerts that were given up; null: as before.</param>
    /// <param name="isOut">Whether the channel is left alone after failures; null: as before.</param>
    public void ChannelKnown(string channel, long? open = null, long? givenUp = null, bool? isOut = null)
    {
        lock (_channelsGate)
        {
            ChannelReading last = _channels.GetValueOrDefault(channel);
            _channels[channel] = new ChannelReading(open ?? last.Open, givenUp ?? last.GivenUp, isOut ?? last.IsOut);
        }
    }

    /// <summary>Starts the span of an attempt at a message: in the trace of its only alert, or in a trace of its own with links to its alerts.</summary>
    public static Activity? StartNotification(string channel, string type, IReadOnlyCollection<string?> traceParents)
    {
        if (!s_source.HasListeners())
        {
            return null;
        }

        ActivityContext[] contexts = [.. traceParents.Select(Context).Where(context => context != default)];
        return s_source.StartActivity(
                ActivityKind.Client,
                traceParents.Count == 1 ? contexts.FirstOrDefault() : default,
                links: traceParents.Count == 1 ? null : contexts.Take(100).Select(context => new ActivityLink(context)),
                name: $"notify {channel}")?
            .SetTag("finance_ingest.channel", channel)
            .SetTag("finance_ingest.channel.type", type)
            .SetTag("messaging.batch.message_count", traceParents.Count);
    }

    /// <summary>Marks a span of a message as failed, for a reason that has no data in it.</summary>
    public static void Fail(Activity? span, string reason) => span?.SetStatus(ActivityStatusCode.Error, reason).SetTag("error.type", "notification");

    private static KeyValuePair<string, object?> Channel(string channel) => new("finance_ingest.channel", channel);

    private IEnumerable<Measurement<long>> ObserveChannels(Func<ChannelReading, long> value)
    {
        lock (_channelsGate)
        {
            return [.. _channels.Select(channel => new Measurement<long>(value(channel.Value), Channel(channel.Key)))];
        }
    }

    private readonly record struct ChannelReading(long Open, long GivenUp, bool IsOut);

    private sealed class NotificationInstruments
    {
        public NotificationInstruments(Telemetry telemetry)
        {
            Meter meter = telemetry.Meter;
            Alerts = meter.CreateCounter<long>(
                "finance_ingest.notifications.alerts", "{alert}", "Alerts that the notifier took from their queue, by finance_ingest.outcome: taken, poison.");
            Attempts = meter.CreateCounter<long>(
                "finance_ingest.notifications.attempts", "{message}",
                "Attempts at messages, by finance_ingest.channel and finance_ingest.outcome: delivered, failed (and repeated), given_up.");
            Latency = meter.CreateHistogram(
                "finance_ingest.notification.latency", "s", "Time from the scoring of an anomaly to its delivery, by finance_ingest.channel.",
                advice: s_latencies);
            meter.CreateObservableGauge(
                "finance_ingest.notifications.open", () => telemetry.ObserveChannels(channel => channel.Open), "{alert}",
                "Alerts that are held or wait for a channel, at the notifier's last count.");
            meter.CreateObservableGauge(
                "finance_ingest.notifications.given_up", () => telemetry.ObserveChannels(channel => channel.GivenUp), "{alert}",
                "Alerts that were given up and can be sent again, at the notifier's last count.");
            meter.CreateObservableGauge(
                "finance_ingest.notifications.out", () => telemetry.ObserveChannels(channel => channel.IsOut ? 1 : 0), "{channel}",
                "1 while a channel is left alone after failures, else 0.");
        }

        public Counter<long> Alerts { get; }

        public Counter<long> Attempts { get; }

        public Histogram<double> Latency { get; }
    }
}
