using FinanceIngest.Configuration;
using FinanceIngest.Hosting;
using FinanceIngest.Queueing;
using FinanceIngest.Storage;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Scoring;

/// <summary>Drains the inbound queue: receive, score, settle, for as long as the process runs.</summary>
public sealed partial class InboundWorker(
    Queues queues, BatchProcessor processor, SigningKeyCheck signingKey, Settings settings, ProgramEnd end, TimeProvider time, ILogger<InboundWorker> logger) : BackgroundService
{
    /// <summary>Lease of a received message: after a crash it is taken up again within this time and one poll.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(25);

    private const int ReceiveSize = 32;
    private static readonly TimeSpan s_finish = TimeSpan.FromSeconds(20);

    private readonly WakeSignal _wake = new();

    /// <summary>There is something on the queue.</summary>
    public void Wake() => _wake.Set();

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Two tokens: "take no more work" stops the loop; "abandon what is in hand" comes later, and settling obeys neither.
        using var abandon = new CancellationTokenSource();
        await using CancellationTokenRegistration stop = stoppingToken.Register(() => abandon.CancelAfter(s_finish));
        var idle = new PollingBackoff(settings.MaximumPollInterval);
        var retry = new RetryBackoff(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(15));
        bool isDatabaseUp = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                // No message is taken before the database answers, and before it is sure that ids can be told from forged ones: messages
                // that wait out an outage on the queue are not received over and over.
                if (!isDatabaseUp)
                {
                    await signingKey.VerifyAsync(stoppingToken);
                    isDatabaseUp = true;
                }

                IReadOnlyList<LeasedMessage> messages = await queues.Inbound.ReceiveAsync(ReceiveSize, Lease, stoppingToken);
                if (messages.Count == 0)
                {
                    await _wake.WaitAsync(idle.Next(), time, stoppingToken);
                    continue;
                }

                idle.Reset();
                await processor.ProcessAsync(messages, abandon.Token);
                retry.Reset();
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (SettingsException e)
            {
                end.Because(e);
                return;
            }
            catch (Exception e) when (e is QueueUnavailableException or StoreUnavailableException)
            {
                // An outage is no fault of the messages: they were given back, and wait as long as it lasts.
                isDatabaseUp &= e is not StoreUnavailableException;
                await PauseAsync(retry.Next(), e.Message, stoppingToken);
            }
            catch (Exception e)
            {
                Log.Unexpected(logger, e);
                await PauseAsync(retry.Next(), e.Message, stoppingToken);
            }
        }
    }

    private async Task PauseAsync(TimeSpan pause, string reason, CancellationToken stoppingToken)
    {
        Log.Outage(logger, reason, pause.TotalSeconds);
        await Task.Delay(pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Scoring waits: {Reason} Next try in {Seconds:F1} s.")]
        public static partial void Outage(ILogger logger, string reason, double seconds);

        [LoggerMessage(LogLevel.Error, "The scoring loop failed unexpectedly and goes on.")]
        public static partial void Unexpected(ILogger logger, Exception exception);
    }
}
