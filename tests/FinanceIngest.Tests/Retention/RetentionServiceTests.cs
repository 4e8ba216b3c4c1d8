using FinanceIngest.Configuration;
using FinanceIngest.Poison;
using FinanceIngest.Results;
using FinanceIngest.Retention;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Logging.Abstractions;

namespace FinanceIngest.Tests.Retention;

public sealed class RetentionServiceTests : IDisposable
{
    private readonly ScoringHarness _system = new();
    private readonly CountingStore _store;
    private readonly RetentionService _service;

    public RetentionServiceTests()
    {
        _store = new CountingStore(_system.Retention);
        var purge = new RetentionPurge(_store, new PoisonOperations(_system.PoisonStore, _system.Queues, _system.Ids), _system.Time);
        _service = new RetentionService(purge, new Settings { DataDirectory = "", RetentionDays = 30 }, _system.Time, NullLogger<RetentionService>.Instance);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_purges_after_a_batch_and_not_again_for_a_day_and_never_by_the_clock_alone()
    {
        Transaction transaction = _system.Transaction(13);
        await _system.SendAsync(transaction);
        await _system.ProcessAsync();
        await _service.StartAsync(Token);

        _system.Time.Advance(TimeSpan.FromDays(40));
        Assert.Equal(0, _store.Calls);

        _service.OnWritten();
        await Eventually.TrueAsync(() => _store.Calls == 1, Token);
        await Eventually.TrueAsync(async () => (await _system.ResultAsync(transaction.Id))!.Status == TransactionStatus.Purged, Token);

        _system.Time.Advance(RetentionService.Interval - TimeSpan.FromSeconds(1));
        _service.OnWritten();
        _system.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, _store.Calls);

        _service.OnWritten();
        await Eventually.TrueAsync(() => _store.Calls == 2, Token);
        await _service.StopAsync(Token);
    }

    public void Dispose()
    {
        _service.Dispose();
        _system.Dispose();
    }

    private sealed class CountingStore(IRetentionStore store) : IRetentionStore
    {
        private volatile int _calls;

        public int Calls => _calls;

        public Task<RemovedRows> PurgeAsync(DateTime before, CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _calls);
            return store.PurgeAsync(before, cancellationToken);
        }

        public Task BuryAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => store.BuryAsync(ids, cancellationToken);

        public Task RemoveBuriedAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken) => store.RemoveBuriedAsync(ids, cancellationToken);

        public Task<bool> ForgetDeletedAsync(CancellationToken cancellationToken) =>
            store.ForgetDeletedAsync(cancellationToken);

        public Task<RemovedRows> EraseUserAsync(
            long userId, IReadOnlyCollection<Guid> nameless, DateTime? acceptedUntil, CancellationToken cancellationToken) =>
            store.EraseUserAsync(userId, nameless, acceptedUntil, cancellationToken);
    }
}
