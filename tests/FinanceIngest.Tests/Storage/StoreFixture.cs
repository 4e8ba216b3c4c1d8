using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Commands;
using FinanceIngest.Learning;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Poison;
using FinanceIngest.Preferences;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Scoring;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Storage;

/// <summary>The stores of one database, as one process has them.</summary>
internal sealed record Stores(
    IScoringStore Scoring, IResultsStore Results, IAlertOutbox Outbox, IPoisonStore Poison, IBaselineStore Baselines, IRetentionStore Retention,
    IConflictStore Conflicts, IDeliveryStore Deliveries, INotificationDestinationStore Destinations, ILearningStore Learning, IHistoryStore History,
    ICommandProgress Progress, ISensitivityStore Sensitivities);

/// <summary>A database of one engine for one test class.</summary>
public abstract class StoreFixture : IAsyncLifetime
{
    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, 901, TimeSpan.Zero));

    /// <summary>The reason why this engine can't be tested on this machine; null when it can.</summary>
    public virtual string? Unavailable => null;

    public abstract ValueTask InitializeAsync();

    public abstract ValueTask DisposeAsync();

    /// <summary>Opens stores with connections of their own, as another process would.</summary>
    internal Stores Open() => Open(Time);

    /// <summary>Opens stores on a clock of their own.</summary>
    internal abstract Stores Open(TimeProvider time);

    /// <summary>Removes all data and keeps the schema.</summary>
    public abstract Task ClearAsync();

    /// <summary>Replaces a transaction's row by a tombstone.</summary>
    public abstract Task PurgeAsync(Guid transactionId);

    public abstract Task<long> CountRowsAsync(string table);
}

/// <summary>Gives every contract test an empty database, or skips it with the reason why there is none.</summary>
public abstract class StoreContract(StoreFixture fixture) : IAsyncLifetime
{
    private Stores? _stores;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    protected StoreFixture Fixture => fixture;

    protected FakeTimeProvider Time => fixture.Time;

    private protected Stores Stores => _stores!;

    public async ValueTask InitializeAsync()
    {
        if (fixture.Unavailable is { } reason)
        {
            Assert.Skip(reason);
        }

        await fixture.ClearAsync();
        _stores = fixture.Open();
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private protected Task<WriteCounts> WriteAsync(params TransactionResult[] results) => Stores.Scoring.WriteAsync(Sample.Batch(results), Token);

    private protected async Task<TransactionResult> GetAsync(Guid id) => Assert.Single(await Stores.Results.GetAsync([id], Token));

    private protected async Task<FeedPage> ReadFeedAsync(FeedCursor after, int limit = 1000)
    {
        FeedPage? page = await Stores.Results.ReadFeedAsync(after, limit, Token);
        Assert.NotNull(page);
        return page;
    }
}
