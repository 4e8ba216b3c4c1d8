using System.Threading.Channels;
using FinanceIngest.Results;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Results;

/// <summary>How often requests that wait for results query the database, and when they are answered.</summary>
public sealed class ResultWaiterTests
{
    private static readonly TimeSpan s_long = TimeSpan.FromSeconds(30);
    private readonly FakeTimeProvider _time = new();
    private readonly HeldStore _store = new();
    private readonly ResultWaiter _waiter;

    public ResultWaiterTests() => _waiter = new ResultWaiter(_store, _time, NullLogger<ResultWaiter>.Instance);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Thousands_of_waiting_requests_are_looked_up_one_query_of_a_thousand_at_a_time()
    {
        Guid[] ids = [.. Enumerable.Range(0, 2500).Select(_ => Guid.NewGuid())];
        Task<TransactionResult?> first = _waiter.WaitAsync(Guid.NewGuid(), s_long, Token);
        HeldStore.Query held = await _store.NextAsync();
        Task<TransactionResult?>[] waits = [.. ids.Select(id => _waiter.WaitAsync(id, s_long, Token))];

        // At most one query is under way at any time.
        Assert.False(_store.HasMore);
        held.Answer([]);

        var asked = new List<Guid>();
        for (int i = 0; i < 3; i++)
        {
            HeldStore.Query query = await _store.NextAsync();
            Assert.InRange(query.Ids.Count, 1, 1000);
            Assert.False(_store.HasMore);
            asked.AddRange(query.Ids);
            query.Answer(query.Ids);
        }

        Assert.Equal(ids.Order(), asked.Order());
        Assert.Equal(ids, (await Task.WhenAll(waits)).Select(result => result!.Id));
        Assert.False(first.IsCompleted);
        _waiter.Close();
        Assert.Null(await first);
    }

    [Fact]
    public async Task A_stop_ends_the_longest_wait_that_can_be_configured_and_every_later_one_at_once()
    {
        Task<TransactionResult?> wait = _waiter.WaitAsync(Guid.NewGuid(), TimeSpan.FromSeconds(200), Token);
        (await _store.NextAsync()).Answer([]);
        _waiter.Close();
        Assert.Null(await wait);
        Assert.Null(await _waiter.WaitAsync(Guid.NewGuid(), TimeSpan.FromSeconds(200), Token));
    }

    [Fact]
    public async Task After_a_query_there_is_a_rest_four_times_as_long()
    {
        Task<TransactionResult?> wait = _waiter.WaitAsync(Guid.NewGuid(), s_long, Token);
        HeldStore.Query query = await _store.NextAsync();
        _time.Advance(TimeSpan.FromMilliseconds(100));
        _waiter.OnWritten();
        query.Answer([]);

        // A write that was announced during the query does not shorten the pause after it.
        Task<HeldStore.Query> next = _store.NextAsync();
        await AdvanceUntilAsync(next, TimeSpan.FromMilliseconds(1));
        Assert.True(_time.GetUtcNow() - _time.Start >= TimeSpan.FromMilliseconds(500));
        HeldStore.Query last = await next;
        last.Answer(last.Ids);
        Assert.NotNull(await wait);
    }

    [Fact]
    public async Task What_a_scorer_of_this_process_wrote_is_seen_without_a_pause()
    {
        Task<TransactionResult?> wait = _waiter.WaitAsync(Guid.NewGuid(), s_long, Token);
        (await _store.NextAsync()).Answer([]);

        _waiter.OnWritten();
        HeldStore.Query query = await _store.NextAsync();
        query.Answer(query.Ids);

        Assert.NotNull(await wait);
        Assert.Equal(_time.Start, _time.GetUtcNow());
    }

    [Fact]
    public async Task A_request_that_goes_away_is_not_looked_up_any_more()
    {
        using var away = new CancellationTokenSource();
        Task<TransactionResult?> gone = _waiter.WaitAsync(Guid.NewGuid(), s_long, away.Token);
        HeldStore.Query query = await _store.NextAsync();
        await away.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        query.Answer([]);

        var id = Guid.NewGuid();
        Task<TransactionResult?> other = _waiter.WaitAsync(id, s_long, Token);
        query = await _store.NextAsync();
        Assert.Equal([id], query.Ids);
        query.Answer([id]);
        Assert.NotNull(await other);
    }

    [Fact]
    public async Task A_wait_that_passes_ends_without_a_result()
    {
        Task<TransactionResult?> wait = _waiter.WaitAsync(Guid.NewGuid(), TimeSpan.FromSeconds(1), Token);
        (await _store.NextAsync()).Answer([]);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await wait);
    }

    // Other threads set the loop's timers, so the clock advances in small steps until the awaited task is done.
    private async Task AdvanceUntilAsync(Task done, TimeSpan step)
    {
        while (!done.IsCompleted)
        {
            await Task.WhenAny(done, Task.Delay(1, Token));
            if (!done.IsCompleted)
            {
                _time.Advance(step);
            }
        }
    }

    /// <summary>A store whose queries end when the test answers them.</summary>
    private sealed class HeldStore : IResultsStore
    {
        private readonly Channel<Query> _queries = Channel.CreateUnbounded<Query>();

        public bool HasMore => _queries.Reader.Count > 0;

        public async Task<Query> NextAsync()
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
            return await _queries.Reader.ReadAsync(patience.Token);
        }

        public Task<IReadOnlyList<TransactionResult>> GetAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellationToken)
        {
            var query = new Query(ids);
            _queries.Writer.TryWrite(query);
            return query.Answered;
        }

        public Task<FeedPage?> ReadFeedAsync(FeedCursor after, int limit, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<AnomalyPage> ReadAnomaliesAsync(AnomalyFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public sealed class Query(IReadOnlyCollection<Guid> ids)
        {
            private readonly TaskCompletionSource<IReadOnlyList<TransactionResult>> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

            public IReadOnlyCollection<Guid> Ids => ids;

            public Task<IReadOnlyList<TransactionResult>> Answered => _answer.Task;

            public void Answer(IEnumerable<Guid> found) => _answer.SetResult(
                [.. found.Select(id => new TransactionResult { Id = id, Status = TransactionStatus.Scored })]);
        }
    }
}
