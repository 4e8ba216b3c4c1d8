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
        Task<TransactionResult?> first = WaitAsync(Guid.NewGuid());
        HeldStore.Query held = await NextQueryAsync();
        Task<TransactionResult?>[] waits = [.. ids.Select(id => WaitAsync(id))];

        // At most one query is under way at any time.
        Assert.False(_store.HasMore);
        held.Answer([]);

        var asked = new List<Guid>();
        for (int i = 0; i < 3; i++)
        {
            HeldStore.Query query = await NextQueryAsync();
            Assert.InRange(query.Ids.Count, 1, 1000);
            Assert.False(_store.HasMore);
            asked.AddRange(query.Ids.Where(ids.Contains));
            query.Answer(query.Ids.Where(ids.Contains));
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
        Task<TransactionResult?> wait = WaitAsync(Guid.NewGuid(), TimeSpan.FromSeconds(200));
        (await NextQueryAsync()).Answer([]);
        using ResultWaiter.Expectation expected = _waiter.Expect(Guid.NewGuid());
        _waiter.Close();
        Assert.Null(await wait);
        Assert.Null(await expected.WaitAsync(s_long, Token));
        Assert.Null(await WaitAsync(Guid.NewGuid(), TimeSpan.FromSeconds(200)));
    }

    [Fact]
    public async Task After_a_query_there_is_a_rest_four_times_as_long()
    {
        Task<TransactionResult?> wait = WaitAsync(Guid.NewGuid());
        HeldStore.Query query = await NextQueryAsync();
        DateTimeOffset begun = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromMilliseconds(100));
        _waiter.OnWritten(null);
        query.Answer([]);

        // A write that was announced during the query does not shorten the pause after it.
        HeldStore.Query last = await NextQueryAsync();
        Assert.True(_time.GetUtcNow() - begun >= TimeSpan.FromMilliseconds(500));
        last.Answer(last.Ids);
        Assert.NotNull(await wait);
    }

    [Fact]
    public async Task A_write_of_which_nobody_knows_the_rows_is_followed_by_a_look_without_a_pause()
    {
        Task<TransactionResult?> wait = WaitAsync(Guid.NewGuid());
        (await NextQueryAsync()).Answer([]);
        DateTimeOffset before = _time.GetUtcNow();

        _waiter.OnWritten(null);
        HeldStore.Query query = await _store.NextAsync();
        query.Answer(query.Ids);

        Assert.NotNull(await wait);
        Assert.Equal(before, _time.GetUtcNow());
    }

    [Fact]
    public async Task Rows_that_this_process_wrote_answer_every_request_that_waits_for_them_without_a_query()
    {
        Guid[] ids = [Guid.NewGuid(), Guid.NewGuid()];
        Task<TransactionResult?>[] waits = [WaitAsync(ids[0]), WaitAsync(ids[0]), WaitAsync(ids[1])];

        _waiter.OnWritten([Row(Guid.NewGuid()), Row(ids[1]), Row(ids[0])]);

        Assert.Equal([ids[0], ids[0], ids[1]], (await Task.WhenAll(waits)).Select(result => result!.Id));
        await RequireNoQueryAsync();
    }

    [Fact]
    public async Task A_row_that_is_written_before_its_request_waits_is_not_missed()
    {
        var id = Guid.NewGuid();
        using ResultWaiter.Expectation expected = _waiter.Expect(id);

        _waiter.OnWritten([Row(id)]);

        Assert.Equal(id, (await expected.WaitAsync(s_long, Token))!.Id);
        await RequireNoQueryAsync();
    }

    [Fact]
    public async Task A_write_of_unknown_rows_before_the_request_waits_is_not_missed()
    {
        using ResultWaiter.Expectation expected = _waiter.Expect(Guid.NewGuid());
        _waiter.OnWritten(null);
        DateTimeOffset before = _time.GetUtcNow();

        Task<TransactionResult?> wait = expected.WaitAsync(s_long, Token);
        HeldStore.Query query = await _store.NextAsync();
        query.Answer(query.Ids);

        Assert.NotNull(await wait);
        Assert.Equal(before, _time.GetUtcNow());
    }

    [Fact]
    public async Task One_of_two_requests_for_a_transaction_that_goes_away_leaves_the_other_waiting()
    {
        var id = Guid.NewGuid();
        using var away = new CancellationTokenSource();
        Task<TransactionResult?> gone = WaitAsync(id, s_long, away.Token);
        Task<TransactionResult?> stays = WaitAsync(id);
        await away.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);

        _waiter.OnWritten([Row(id)]);

        Assert.Equal(id, (await stays)!.Id);
    }

    [Fact]
    public async Task A_request_that_goes_away_is_not_looked_up_any_more()
    {
        using var away = new CancellationTokenSource();
        Task<TransactionResult?> gone = WaitAsync(Guid.NewGuid(), s_long, away.Token);
        HeldStore.Query query = await NextQueryAsync();
        await away.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        query.Answer([]);

        var id = Guid.NewGuid();
        Task<TransactionResult?> other = WaitAsync(id);
        query = await NextQueryAsync();
        Assert.Equal([id], query.Ids);
        query.Answer([id]);
        Assert.NotNull(await other);
    }

    [Fact]
    public async Task A_request_that_has_not_begun_to_wait_is_not_looked_up()
    {
        using ResultWaiter.Expectation expected = _waiter.Expect(Guid.NewGuid());
        _waiter.OnWritten(null);
        await RequireNoQueryAsync();
    }

    [Fact]
    public async Task A_wait_that_passes_ends_without_a_result()
    {
        Task<TransactionResult?> wait = WaitAsync(Guid.NewGuid(), TimeSpan.FromSeconds(1));
        (await NextQueryAsync()).Answer([]);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Null(await wait);
    }

    private static TransactionResult Row(Guid id) => new() { Id = id, Status = TransactionStatus.Scored };

    private async Task<TransactionResult?> WaitAsync(Guid id, TimeSpan? atMost = null, CancellationToken? token = null)
    {
        using ResultWaiter.Expectation expected = _waiter.Expect(id);
        return await expected.WaitAsync(atMost ?? s_long, token ?? Token);
    }

    private async Task<HeldStore.Query> NextQueryAsync()
    {
        Task<HeldStore.Query> next = _store.NextAsync();
        await AdvanceUntilAsync(next, TimeSpan.FromMilliseconds(1));
        return await next;
    }

    // No loop of the waiter is left that could still ask: another request's query is the next one, and asks for nothing else.
    private async Task RequireNoQueryAsync()
    {
        var other = Guid.NewGuid();
        Task<TransactionResult?> wait = WaitAsync(other);
        HeldStore.Query query = await NextQueryAsync();
        Assert.Equal([other], query.Ids);
        query.Answer([other]);
        Assert.NotNull(await wait);
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
