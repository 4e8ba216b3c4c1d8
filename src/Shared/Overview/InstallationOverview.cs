using System.Globalization;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;

namespace FinanceIngest.Overview;

/// <summary>Asks the queues and the database how the installation is. Each is asked by itself, so that one that is down hides nothing of the others.</summary>
public sealed class InstallationOverview(Queues queues, IOverviewStore store, TimeProvider time)
{
    /// <summary>How long each part is waited for unless the caller says otherwise.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Asks everything. Nothing is created, and no outage makes it throw: what could not be asked is null.</summary>
    /// <param name="patience">How long each part is waited for.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    public async Task<InstallationFigures> ReadAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        Task<InstallationFigures> database = ReadDatabaseAsync(patience, cancellationToken);
        InstallationFigures waiting = await ReadQueuesAsync(patience, cancellationToken);
        InstallationFigures known = await database;
        return waiting with { Database = known.Database, Problems = [.. waiting.Problems, .. known.Problems] };
    }

    /// <summary>Asks the database only.</summary>
    /// <inheritdoc cref="ReadAsync"/>
    internal async Task<InstallationFigures> ReadDatabaseAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        DatabaseFigures? database = await TryAsync("The database", store.ReadAsync, patience, problems, cancellationToken);
        return new InstallationFigures { Database = database, Problems = problems };
    }

    /// <summary>Asks the queues only, so that no database is woken.</summary>
    /// <inheritdoc cref="ReadAsync"/>
    internal async Task<InstallationFigures> ReadQueuesAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        var problems = new List<string>();
        Task<InboundFigures?> inbound = TryAsync(queues.Inbound.Name, ReadInboundAsync, patience, problems, cancellationToken);
        Task<QueueFigures?> poison = TryAsync(queues.Poison.Name, token => ReadQueueAsync(queues.Poison, token), patience, problems, cancellationToken);
        Task<QueueFigures?> alerts = TryAsync(queues.Alerts.Name, token => ReadQueueAsync(queues.Alerts, token), patience, problems, cancellationToken);
        return new InstallationFigures { Inbound = await inbound, Poison = await poison, Alerts = await alerts, Problems = problems };
    }

    private async Task<InboundFigures> ReadInboundAsync(CancellationToken cancellationToken)
    {
        QueueFigures figures = await ReadQueueAsync(queues.Inbound, cancellationToken);
        TransactionCount? transactions = figures.Length == 0 ? default(TransactionCount) : await queues.Inbound.CountTransactionsAsync(cancellationToken);
        return new InboundFigures(figures.Length, figures.OldestSeconds, transactions?.Count, transactions?.IsEstimate ?? false);
    }

    private async Task<QueueFigures> ReadQueueAsync(IMessageQueue queue, CancellationToken cancellationToken)
    {
        QueueDepth depth = await queue.GetDepthAsync(cancellationToken);

        // The clocks of two machines differ, so that the age may come out negative.
        double age = depth is { Length: > 0, Oldest: { } oldest } ? Math.Max(0, (time.GetUtcNow().UtcDateTime - oldest).TotalSeconds) : 0;
        return new QueueFigures(depth.Length, age);
    }

    private async Task<T?> TryAsync<T>(
        string what, Func<CancellationToken, Task<T>> read, TimeSpan patience, List<string> problems, CancellationToken cancellationToken)
        where T : class
    {
        using var limit = new CancellationTokenSource(patience, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        string problem;
        try
        {
            // A call that can't be cancelled is left to end by itself.
            return await read(either.Token).WaitAsync(either.Token);
        }
        catch (Exception e) when (e is QueueUnavailableException or StoreUnavailableException)
        {
            problem = FailureText.Reason(e);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            problem = string.Create(CultureInfo.InvariantCulture, $"{what} did not answer within {patience.TotalSeconds} s.");
        }

        lock (problems)
        {
            problems.Add(problem);
        }

        return null;
    }
}
