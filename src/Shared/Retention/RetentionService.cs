using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Retention;

/// <summary>
/// Applies <c>FinanceIngest__Retention__Days</c> at most once a day in each process that scores, and only after a batch was written, so that it never wakes a
/// paused serverless database.
/// </summary>
internal sealed partial class RetentionService(RetentionPurge purge, Settings settings, TimeProvider time, ILogger<RetentionService> logger) : BackgroundService
{
    /// <summary>The least time between the starts of two purges, whether they succeed or fail.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromDays(1);

    private readonly WakeSignal _wake = new();
    private long? _startedAt;

    private bool IsDue => _startedAt is not { } at || time.GetElapsedTime(at) >= Interval;

    /// <summary>Starts a purge if one is due; called when a batch was written, and so the database is awake.</summary>
    public void OnWritten()
    {
        if (IsDue)
        {
            _wake.Set();
        }
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await _wake.WaitAsync(Timeout.InfiniteTimeSpan, time, stoppingToken);
                if (!IsDue)
                {
                    // A second batch set the signal before the purge had begun.
                    continue;
                }

                _startedAt = time.GetTimestamp();
                PurgeOutcome outcome = await purge.PurgeAsync(settings.RetentionDays!.Value, stoppingToken);
                if (outcome.Rows.OthersAreAtIt)
                {
                    Log.Skipped(logger);
                }
                else
                {
                    Log.Purged(logger, outcome.Rows.Transactions, outcome.Poison.Done.Count, settings.RetentionDays.Value);
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e) when (e is StoreUnavailableException or QueueUnavailableException)
            {
                Log.Failed(logger, FailureText.Reason(e));
            }
            catch (Exception e)
            {
                Log.Unexpected(logger, FailureText.Of(e));
                Log.UnexpectedInFull(logger, e);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "Retention: {Rows} rows and {Messages} poison messages older than {Days} days removed.")]
        public static partial void Purged(ILogger logger, long rows, int messages, int days);

        [LoggerMessage(LogLevel.Information, "Retention: another process is removing old rows at this moment; this one leaves it to that.")]
        public static partial void Skipped(ILogger logger);

        [LoggerMessage(
            LogLevel.Warning,
            "Retention was not fully applied and is tried again in a day: {Problem} "
                + "(On SQL Server it needs the role finance_ingest_retention; \"finance-ingest purge\" does the same by hand.)")]
        public static partial void Failed(ILogger logger, string problem);

        [LoggerMessage(LogLevel.Error, "Retention failed unexpectedly and is tried again in a day: {Failure}")]
        public static partial void Unexpected(ILogger logger, string failure);

        [LoggerMessage(LogLevel.Debug, "Retention failed unexpectedly; this entry adds the messages of the exception.")]
        public static partial void UnexpectedInFull(ILogger logger, Exception exception);
    }
}
