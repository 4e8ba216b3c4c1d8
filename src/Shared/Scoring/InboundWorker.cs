using System.Threading.Channels;
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
/// Drains the inbound queue: receive, score, settle, for as long as the process runs. Several batches are in hand at once, so that one is received while others
/// load, score, write and settle. A batch grows with the backlog and is one message when there is none.
/// </summary>
internal sealed partial class InboundWorker(
    Queues queues,
    BatchProcessor processor,
    SigningKeyCheck signingKey,
    Settings settings,
    ProgramEnd end,
    Telemetry telemetry,
    TimeProvider time,
    ILogger<InboundWorker> logger) : BackgroundService
{
    private readonly WakeSignal _wake = new();

    // Batches in hand at once: with BatchReceiver.MaximumCharacters this bounds the memory, however long the queue is.
    private readonly SemaphoreSlim _free = new(settings.BatchesInHand, settings.BatchesInHand);
    private readonly RetryBackoff _retry = new(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(15));

    // Failures of batches, for the loop to wait out: the latest one is enough.
    private readonly Channel<Exception> _failures = Channel.CreateBounded<Exception>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });

    // Whether the database has answered since its last outage. Only the loop reads and writes it.
    private bool _isDatabaseUp;

    /// <summary>Ends the pause of a loop that found the queue empty: there is a message on it.</summary>
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
        // Two tokens: "take no more work" stops the loop; "abandon what is in hand" comes later, and settling
        // has a token of its own, which ends some seconds after that.
        using var abandon = new CancellationTokenSource();
        await using CancellationTokenRegistration stop = stoppingToken.Register(() => abandon.CancelAfter(Deadlines.FinishInHand));
        var receiver = new BatchReceiver(queues.Inbound, Deadlines.Lease);
        var idle = new PollingBackoff(settings.MaximumPollInterval);
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await WaitForDatabaseAsync(stoppingToken);
                await _free.WaitAsync(stoppingToken);
                if (_failures.Reader.TryRead(out Exception? failure))
                {
                    _free.Release();
                    await WaitOutAsync(failure, stoppingToken);
                }
                else if (await StartBatchAsync(receiver, abandon.Token))
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
            catch (Exception e)
            {
                await WaitOutAsync(e, stoppingToken);
            }
        }

        // What is in hand is finished, or given back.
        for (int batch = 0; batch < settings.BatchesInHand; batch++)
        {
            await _free.WaitAsync(CancellationToken.None);
        }
    }

    /// <summary>
    /// Receives nothing until the database answers and has confirmed the signing key, without which issued ids can't be told from forged ones. Messages wait
    /// out an outage on the queue instead of being received over and over.
    /// </summary>
    /// <exception cref="SettingsException">The database remembers another signing key.</exception>
    /// <exception cref="SigningKeyLostException">The file of the signing key is gone, or holds another key.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    private async Task WaitForDatabaseAsync(CancellationToken stoppingToken)
    {
        signingKey.RequireFile();
        if (!_isDatabaseUp)
        {
            await signingKey.VerifyAsync(stoppingToken);
            _isDatabaseUp = true;
        }
    }

    /// <summary>
    /// Receives a batch and lets it run by itself; false: the queue has none. The caller has taken a place for it, which is free again when the batch is
    /// settled, or at once where there is none.
    /// </summary>
    /// <exception cref="QueueUnavailableException">The queue can't be reached.</exception>
    private async Task<bool> StartBatchAsync(BatchReceiver receiver, CancellationToken abandon)
    {
        IReadOnlyList<LeasedMessage> messages = [];
        long askedAt = time.GetTimestamp();
        try
        {
            // A stop does not cut the call off: messages whose answer nobody reads would stay invisible for a whole lease.
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

    // Never throws: the loop reads the failure before it receives again.
    private async Task ProcessAsync(IReadOnlyList<LeasedMessage> messages, long askedAt, CancellationToken abandon)
    {
        try
        {
            await processor.ProcessAsync(messages, askedAt, abandon);
            _retry.Reset();
        }
        catch (OperationCanceledException) when (abandon.IsCancellationRequested)
        {
            // The messages were given back.
        }
        catch (Exception e)
        {
            _failures.Writer.TryWrite(e);
            _wake.Set();
        }
        finally
        {
            _free.Release();
        }
    }

    private async Task WaitOutAsync(Exception failure, CancellationToken stoppingToken)
    {
        string reason = failure is SigningKeyLostException ? failure.Message : FailureText.Reason(failure);
        if (failure is QueueUnavailableException or StoreUnavailableException or SigningKeyLostException)
        {
            // An outage is no fault of the messages: they were given back, and wait for as long as it lasts.
            _isDatabaseUp &= failure is not StoreUnavailableException;
        }
        else
        {
            Log.Unexpected(logger, FailureText.Of(failure));
            Log.UnexpectedInFull(logger, failure);
        }

        TimeSpan pause = _retry.Next();
        telemetry.Retried("scoring");
        Log.Outage(logger, reason, pause.TotalSeconds);
        await Task.Delay(pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Scoring waits: {Reason} The next attempt is in {Seconds:F1} s.")]
        public static partial void Outage(ILogger logger, string reason, double seconds);

        [LoggerMessage(LogLevel.Error, "The scoring loop failed unexpectedly and goes on: {Failure}")]
        public static partial void Unexpected(ILogger logger, string failure);

        [LoggerMessage(LogLevel.Debug, "The unexpected failure of the scoring loop, with the messages of its exceptions.")]
        public static partial void UnexpectedInFull(ILogger logger, Exception exception);
    }
}
