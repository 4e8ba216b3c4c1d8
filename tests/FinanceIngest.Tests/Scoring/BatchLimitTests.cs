using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Scoring;

public sealed class BatchLimitTests : IDisposable
{
    private static readonly TimeSpan s_slow = BatchLimit.Quick + TimeSpan.FromTicks(1);

    private readonly ScoringHarness _harness = new();

    public void Dispose() => _harness.Dispose();

    [Fact]
    public void A_write_that_took_too_long_is_halved_down_to_one_and_grows_again_when_writes_are_quick()
    {
        var limit = new BatchLimit();
        Assert.Equal(int.MaxValue, limit.Most);

        limit.TookTooLong(5000);
        Assert.Equal(2500, limit.Most);
        limit.TookTooLong(2500);
        limit.TookTooLong(1250);
        Assert.Equal(625, limit.Most);

        limit.Written(625, s_slow);
        limit.Written(312, BatchLimit.Quick);
        Assert.Equal(625, limit.Most);
        limit.Written(625, BatchLimit.Quick);
        Assert.Equal(1250, limit.Most);
        for (int size = 1250; limit.Most != int.MaxValue; size *= 2)
        {
            Assert.InRange(size, 1250, 16_384);
            limit.Written(size, TimeSpan.Zero);
        }

        limit.TookTooLong(1);
        Assert.Equal(1, limit.Most);
        limit.TookTooLong(0);
        Assert.Equal(1, limit.Most);
        limit.Written(1, TimeSpan.Zero);
        Assert.Equal(2, limit.Most);
    }

    [Fact]
    public void Batches_beside_each_other_halve_and_double_the_limit_once()
    {
        var limit = new BatchLimit();
        for (int batch = 0; batch < 4; batch++)
        {
            limit.TookTooLong(4000);
        }

        Assert.Equal(2000, limit.Most);
        for (int batch = 0; batch < 4; batch++)
        {
            limit.Written(2000, TimeSpan.Zero);
        }

        Assert.Equal(4000, limit.Most);
    }

    [Theory]
    [InlineData(int.MaxValue, new[] { 8 })]
    [InlineData(20, new[] { 4, 4 })]
    [InlineData(14, new[] { 2, 2, 2, 2 })]
    [InlineData(5, new[] { 1, 1, 1, 1, 1, 1, 1, 1 })]
    [InlineData(1, new[] { 1, 1, 1, 1, 1, 1, 1, 1 })]
    public async Task Messages_are_divided_by_their_transactions_and_none_is_lost(int most, int[] expected)
    {
        var limit = new BatchLimit();
        if (most != int.MaxValue)
        {
            limit.TookTooLong(2 * most);
        }

        List<Delivery> batch = [];
        for (int i = 0; i < 8; i++)
        {
            var delivery = new Delivery(await _harness.SendAsync(_harness.Transaction(2500)));
            delivery.Transactions.AddRange(Enumerable.Range(0, 5).Select(_ => _harness.Transaction(2500)));
            batch.Add(delivery);
        }

        List<List<Delivery>> parts = [.. limit.Divide(batch)];

        Assert.Equal(expected, parts.Select(part => part.Count));
        Assert.Equal(batch, parts.SelectMany(part => part));
    }

    [Fact]
    public async Task A_database_too_slow_for_a_batch_gets_it_in_smaller_ones_and_nothing_is_counted_against_the_messages()
    {
        const int bearable = 10;
        await _harness.AddBaselineAsync();
        Transaction[] all = [.. Enumerable.Range(0, 80).Select(_ => _harness.Transaction(6000))];
        foreach (Transaction[] message in all.Chunk(20))
        {
            await _harness.SendAsync(message);
        }

        var tried = new List<int>();
        _harness.Store.BeforeWrite = batch =>
        {
            tried.Add(batch.Results.Count);
            return batch.Results.Count > bearable ? new StoreUnavailableException(new TimeoutException("execution timeout expired"), wasTooMuch: true) : null;
        };

        // Each time-out is an outage like others: the worker waits, and then receives the same messages.
        foreach (int expected in new[] { 40, 20, 10 })
        {
            StoreUnavailableException e = await Assert.ThrowsAsync<StoreUnavailableException>(_harness.ProcessAsync);
            Assert.True(e.WasTooMuch);
            Assert.Equal(expected, _harness.Scorer.Limit.Most);
        }

        // With this clock every write is quick, so that the limit grows after each, and the next message is tried whole. Each round settles one at least.
        for (int rounds = 0, left = 4; left > 0; rounds++)
        {
            Assert.True(rounds < 4);
            try
            {
                left = await _harness.ProcessAsync() == left ? 0 : left;
            }
            catch (StoreUnavailableException)
            {
                left--;
            }
        }

        Assert.Equal([80, 40, 20], tried[..3]);
        Assert.All(tried[3..], size => Assert.InRange(size, 1, 20));
        foreach (Transaction transaction in all)
        {
            Assert.Equal(TransactionStatus.Scored, (await _harness.ResultAsync(transaction.Id))!.Status);
        }

        Assert.Equal(0, await _harness.ProcessAsync());
        Assert.Empty(await ScoringHarness.TextsAsync(_harness.Poison));
        Assert.Empty(await _harness.PoisonStore.ListAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task An_outage_that_is_no_time_out_changes_no_size()
    {
        await _harness.SendAsync([.. Enumerable.Range(0, 20).Select(_ => _harness.Transaction(2500))]);
        _harness.Store.BeforeWrite = _ => FaultingScoringStore.Outage;

        await Assert.ThrowsAsync<StoreUnavailableException>(_harness.ProcessAsync);

        Assert.Equal(int.MaxValue, _harness.Scorer.Limit.Most);
    }
}
