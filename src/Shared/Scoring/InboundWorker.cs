using System.Runtime.ExceptionServices;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Hosting;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using FinanceIngest.SigningKeys;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Scoring;

/// <summary>
/// Drains the inbound queue: receive, score, settle, for as long as the process runs. Several batches are in hand at once, so that one is
/// received while others load, score, write and settle; a batch grows with the backlog and is one message when there is none.
/// </summary>
internal sealed partial class InboundWorker(
    Queues queues, BatchProcessor processor, SigningKeyCheck signingKey, Settings settings, ProgramEnd end, Telemetry telemetry, TimeProvider time, ILogger<InboundWorker> logger) : BackgroundService
{
    /// <summary>Batches in hand at once: with <see cref="BatchReceiver.MaximumCharacters"/> this bounds the memory, whatever waits.</summary>
    private const int MaximumBatches = 4;

    private readonly WakeSignal _wake = new();
    private readonly SemaphoreSlim _free = new(MaximumBatches, MaximumBatches);
    private readonly RetryBackoff _retry = new(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(15));
    private Exception? _failure;

    /// <summary>There is something on the queue.</summary>
    public void Wake() => _wake.Set();

    /// <inheritdoc/>
    public override void Dispose()
    {
        _free.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Two tokens: "take no more work" stops the loop; "abandon what is in hand" comes later, and settling obeys neither.
        using var abandon = new CancellationTokenSource();
        await using CancellationTokenRegistration stop = stoppingToken.Register(() => abandon.CancelAfter(Deadlines.FinishInHand));
        var receiver = new BatchReceiver(queues.Inbound, Deadlines.Lease);
        var idle = new PollingBackoff(settings.MaximumPollInterval);
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

                await _free.WaitAsync(stoppingToken);
                if (await ReceiveAsync(receiver, abandon.Token))
                {
                    idle.Reset();
                }
                else
                {
                    await _wake.WaitAsync(idle.Next(), time, stoppingToken);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (SettingsException e)
            {
                end.Because(e);
                break;
            }
            catch (Exception e) when (e is QueueUnavailableException or StoreUnavailableException)
            {
                // An outage is no fault of the messages: they were given back, and wait as long as it lasts.
                isDatabaseUp &= e is not StoreUnavailableException;
                await PauseAsync(_retry.Next(), e.Message, stoppingToken);
            }
            catch (Exception e)
            {
                Log.Unexpected(logger, FailureText.Of(e));
                Log.UnexpectedInFull(logger, e);
                await PauseAsync(_retry.Next(), e.Message, stoppingToken);
            }
        }

        // What is in hand is finished, or given back.
        for (int batch = 0; batch < MaximumBatches; batch++)
        {
            await _free.WaitAsync(CancellationToken.None);
        }
    }

    /// <summary>Receives a batch and lets it run by itself; false: there is nothing. The place that was taken is free again when the batch is settled.</summary>
    private async Task<bool> ReceiveAsync(BatchReceiver receiver, CancellationToken abandon)
    {
        IReadOnlyList<LeasedMessage> messages = [];
        long askedAt = time.GetTimestamp();
        try
        {
            if (Interlocked.Exchange(ref _failure, null) is { } failure)
            {
                ExceptionDispatchInfo.Throw(failure);
            }

            // Not cut off by the stop: messages whose answer nobody reads would stay invisible for a whole lease.
            messages = await receiver.ReceiveAsync(abandon);
            return messages.Count > 0;
        }
        finally
        {
            if (messages.Count == 0)
            {
                _free.Release();
            }
            else
            {
                _ = Task.Run(() => ProcessAsync(messages, askedAt, abandon), CancellationToken.None);
            }
        }
    }

    // Never throws: the loop learns of a failure when it comes by.
    private async Task ProcessAsync(IReadOnlyList<LeasedMessage> messages, long askedAt, CancellationToken abandon)
    {
        try
        {
            await processor.ProcessAsync(messages, askedAt, abandon);
            _retry.Reset();
        }
        catch (OperationCanceledException) when (abandon.IsCancellationRequested)
        {
            // Given back.
        }
        catch (Exception e)
        {
            Interlocked.Exchange(ref _failure, e);
            _wake.Set();
        }
        finally
        {
            _free.Release();
        }
    }

    private async Task PauseAsync(TimeSpan pause, string reason, CancellationToken stoppingToken)
    {
        telemetry.Retried("scoring");
        Log.Outage(logger, reason, pause.TotalSeconds);
        await Task.Delay(pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Scoring waits: {Reason} Next try in {Seconds:F1} s.")]
        public static partial void Outage(ILogger logger, string reason, double seconds);

        [LoggerMessage(LogLevel.Error, "The scoring loop failed unexpectedly and goes on: {Failure}")]
        public static partial void Unexpected(ILogger logger, string failure);

        [LoggerMessage(LogLevel.Debug, "The same, with its messages.")]
        public static partial void UnexpectedInFull(ILogger logger, Exception exception);
    }
}
