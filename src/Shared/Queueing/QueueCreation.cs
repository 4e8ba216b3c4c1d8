using FinanceIngest.Ground;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Queueing;

/// <summary>Creates the queues when the process starts, and keeps trying while that fails; the process starts all the same.</summary>
internal sealed partial class QueueCreation(Queues queues, TimeProvider time, ILogger<QueueCreation> logger) : BackgroundService
{
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var retry = new RetryBackoff(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        while (true)
        {
            try
            {
                await queues.EnsureExistAsync(stoppingToken);
                return;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                TimeSpan pause = retry.Next();
                Log.NotYet(logger, FailureText.Reason(e), pause.TotalSeconds);
                await Task.Delay(pause, time, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "The queues could not be created or checked: {Problem} The next attempt is in {Seconds:F1} s.")]
        public static partial void NotYet(ILogger logger, string problem, double seconds);
    }
}
