using FinanceIngest.Detection;
using FinanceIngest.Ground;
using FinanceIngest.Results;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Learning;

/// <summary>
/// Renews what is known of all users together: daily in the first fortnight and weekly from then on, by the times at which transactions occurred, so that a
/// history that is put in at once is learned as if it had come day by day; and, while there are few rows, whenever they have doubled. It runs only after a
/// batch was written, so that it never wakes a paused serverless database, and in one process at a time.
/// </summary>
internal sealed partial class RenewalService(
    ModelRenewal renewal, CurrentModel current, ILearningStore store, TimeProvider time, ILogger<RenewalService> logger) : BackgroundService
{
    /// <summary>Rows up to which a doubling makes a renewal due.</summary>
    public const long FewRows = 1_000_000;

    /// <summary>A renewal may take this part of the time, and no more.</summary>
    public const int Share = 20;

    private static readonly TimeSpan s_afterFailure = TimeSpan.FromMinutes(1);

    private readonly WakeSignal _wake = new();
    private readonly Lock _sync = new();
    private DateTime _latest;
    private long _written;
    private long _rowsAtRenewal;
    private long _restsFrom;
    private TimeSpan _rest;

    /// <summary>Takes note of rows that were written, and starts a renewal if one is due.</summary>
    /// <param name="rows">The rows; null: they are not known.</param>
    public void OnWritten(IReadOnlyList<TransactionResult>? rows)
    {
        lock (_sync)
        {
            foreach (TransactionResult row in rows ?? [])
            {
                if (row.Contribution is not null && row.OccurredAt is { } at)
                {
                    _latest = at > _latest ? at : _latest;
                    _written++;
                }
            }

            if (IsDue())
            {
                _wake.Set();
            }
        }
    }

    private bool IsDue()
    {
        if (_latest == default || (_rest > TimeSpan.Zero && time.GetElapsedTime(_restsFrom) < _rest))
        {
            return false;
        }

        DetectionModel model = current.Model;
        return model.Version == 0
            || _latest >= RenewalSchedule.After(model.Began ?? model.MadeAt, model.MadeAt)
            || (_rowsAtRenewal is > 0 and < FewRows && _written >= _rowsAtRenewal);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await _wake.WaitAsync(Timeout.InfiniteTimeSpan, time, stoppingToken);
                await RenewIfDueAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (StoreUnavailableException e)
            {
                Rest(s_afterFailure);
                Log.Failed(logger, FailureText.Reason(e));
            }
            catch (Exception e)
            {
                Rest(s_afterFailure);
                Log.Unexpected(logger, FailureText.Of(e));
                Log.UnexpectedInFull(logger, e);
            }
        }
    }

    private async Task RenewIfDueAsync(CancellationToken stoppingToken)
    {
        DateTime asOf;
        lock (_sync)
        {
            if (!IsDue())
            {
                // A second batch set the signal before the renewal had begun.
                return;
            }

            asOf = _latest;
            _written = 0;
        }

        long startedAt = time.GetTimestamp();
        await store.RunAloneAsync(
            async () =>
            {
                if (await renewal.RenewAsync(asOf, stoppingToken) is { } made)
                {
                    current.Saw(made.Model.Version);
                    lock (_sync)
                    {
                        _rowsAtRenewal = made.Rows;
                    }

                    Log.Renewed(logger, made.Model.Version, made.Model.Priors.Count, made.Rows);
                }
            },
            stoppingToken);
        await current.GetAsync(stoppingToken);
        Rest(Share * time.GetElapsedTime(startedAt));
    }

    private void Rest(TimeSpan rest)
    {
        lock (_sync)
        {
            (_restsFrom, _rest) = (time.GetTimestamp(), rest);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Information, "What is known of all users together was renewed: version {Version}, {Categories} categories, {Rows} rows.")]
        public static partial void Renewed(ILogger logger, int version, int categories, long rows);

        [LoggerMessage(LogLevel.Warning, "What is known of all users together was not renewed and is tried again after another batch: {Problem}")]
        public static partial void Failed(ILogger logger, string problem);

        [LoggerMessage(LogLevel.Error, "The renewal of what is known of all users failed unexpectedly and is tried again after another batch: {Failure}")]
        public static partial void Unexpected(ILogger logger, string failure);

        [LoggerMessage(LogLevel.Debug, "The renewal failed unexpectedly; this entry adds the messages of the exception.")]
        public static partial void UnexpectedInFull(ILogger logger, Exception exception);
    }
}
