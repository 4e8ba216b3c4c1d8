using System.Diagnostics.Metrics;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using Microsoft.Extensions.Hosting;

namespace FinanceIngest.Observability;

/// <summary>
/// Measures the length of the queues and the age of their oldest message. Every program does so, and therefore a queue is seen also while no worker runs.
/// The queues are asked only while metrics are collected, at most twice a minute; the database is not asked.
/// </summary>
internal sealed class QueueGauges(Queues queues, Telemetry telemetry, TimeProvider time) : IHostedService
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(30);
    private readonly Lock _gate = new();
    private Task _sampling = Task.CompletedTask;
    private long? _sampledAt;
    private volatile Sample[] _samples = [];

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        telemetry.Meter.CreateObservableGauge(
            "finance_ingest.queue.length", () => Observe(sample => sample.Depth.Length), "{message}",
            "Messages on a queue, including leased and delayed messages.");
        telemetry.Meter.CreateObservableGauge(
            "finance_ingest.queue.oldest.age", () => Observe(AgeOf), "s", "Age of the oldest message that can be seen; 0 when there is none.");

        // Exporters start before all other hosted services, so they listen by now.
        telemetry.Begin();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // Returns the last sample without waiting, and starts the next one when it is due.
    private IEnumerable<Measurement<T>> Observe<T>(Func<Sample, T> value)
        where T : struct
    {
        lock (_gate)
        {
            if (_sampling.IsCompleted && (_sampledAt is not { } at || time.GetElapsedTime(at) >= s_interval))
            {
                _sampledAt = time.GetTimestamp();
                _sampling = Task.Run(SampleAsync);
            }
        }

        return _samples.Select(sample => new Measurement<T>(value(sample), new KeyValuePair<string, object?>("messaging.destination.name", sample.Queue)));
    }

    private double AgeOf(Sample sample) =>
        sample.Depth.Oldest is { } oldest ? Math.Max(0, (time.GetUtcNow().UtcDateTime - oldest).TotalSeconds) : 0;

    private async Task SampleAsync()
    {
        try
        {
            var samples = new List<Sample>(4);
            foreach (IMessageQueue queue in queues.All)
            {
                samples.Add(new Sample(queue.Name, await queue.GetDepthAsync(CancellationToken.None)));
            }

            _samples = [.. samples];
        }
        catch (QueueUnavailableException)
        {
            // While a queue can't be reached, its length is unknown, so no value is reported instead of zero.
            _samples = [];
        }
    }

    private sealed record Sample(string Queue, QueueDepth Depth);
}
