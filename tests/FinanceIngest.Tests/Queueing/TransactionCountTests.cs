using FinanceIngest.Alerts;
using FinanceIngest.Ground;
using FinanceIngest.Queueing;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Queueing;

/// <summary>An operator sees how many transactions wait, not only how many messages.</summary>
public sealed class TransactionCountTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
    private readonly IdCertifier _ids;
    private readonly EmbeddedQueue _queue;

    public TransactionCountTests()
    {
        _ids = new IdCertifier("a signing key", _time);
        _queue = new EmbeddedQueue(_folder.Path, "transactions-inbound", _time, new DependencyStatus("queue"));
    }

    [Theory]
    [InlineData("""{"v": 1, "transactions": [{"user_id": 1}, {"user_id": 2}], "note": [1, 2, 3]}""", 2)]
    [InlineData("""{"user_id": 1, "category_id": 2, "amount": 3}""", 1)]
    [InlineData("""[{"user_id": 1}, {"user_id": 2}, 7]""", 3)]
    [InlineData("[]", 0)]
    [InlineData("""{"v": 1, "transactions": {}}""", 0)]
    [InlineData("""{"v": 1, "transactions": [{"user_id": 1""", 0)]
    [InlineData("no transaction at all", 0)]
    public void Every_form_of_a_message_is_counted(string text, int expected)
    {
        Assert.Equal(expected, TransactionCount.In(text));
        Assert.Equal(expected, TransactionCount.In(MessageText.Encode(text)));
    }

    [Fact]
    public async Task The_embedded_queue_counts_exactly_what_is_visible_leased_and_delayed()
    {
        Assert.Equal(new TransactionCount(0, false), await _queue.CountTransactionsAsync(default));
        await SendAsync(200);
        await SendAsync(3);
        await _queue.SendAsync("""{"user_id": 1, "category_id": 2, "amount": 3}""", TimeSpan.FromMinutes(1), default);
        await _queue.SendAsync(AlertMarker.Text, TimeSpan.Zero, default);
        LeasedMessage first = Assert.Single(await _queue.ReceiveAsync(1, TimeSpan.FromMinutes(1), default));

        Assert.Equal(new TransactionCount(204, false), await _queue.CountTransactionsAsync(default));
        Assert.Equal(4, (await _queue.GetDepthAsync(default)).Length);

        Assert.True(await first.TryDeleteAsync(default));
        Assert.Equal(new TransactionCount(4, false), await _queue.CountTransactionsAsync(default));
    }

    [Fact]
    public void The_average_of_a_sample_stands_for_the_messages_that_were_not_seen()
    {
        string two = Envelope(2).ToBody().Text;
        string four = Envelope(4).ToBody().Text;

        Assert.Equal(new TransactionCount(0, false), TransactionCount.Of(0, []));
        Assert.Equal(new TransactionCount(6, false), TransactionCount.Of(2, [two, four]));
        Assert.Equal(new TransactionCount(300, true), TransactionCount.Of(100, [two, four]));
        Assert.Null(TransactionCount.Of(3, []));
    }

    public void Dispose()
    {
        _queue.Dispose();
        _folder.Dispose();
    }

    private Task<LeasedMessage> SendAsync(int transactions) => _queue.SendAsync(Envelope(transactions).ToBody(), TimeSpan.Zero, default);

    private EnvelopeBuilder Envelope(int transactions)
    {
        var envelope = new EnvelopeBuilder(null);
        for (int i = 0; i < transactions; i++)
        {
            Assert.True(envelope.TryAdd(new Transaction(_ids.NewId(), 399, 2310, new Money(1), _time.UtcNowMicroseconds(), _time.UtcNowMicroseconds())));
        }

        return envelope;
    }
}
