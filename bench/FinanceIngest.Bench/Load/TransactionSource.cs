using System.Globalization;
using System.Text;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;

namespace FinanceIngest.Bench.Load;

/// <summary>
/// Makes transactions over a fixed set of baselines, of which one in a hundred is an anomaly. The sequence is the same in every run.
/// </summary>
/// <param name="baselines">The number of baselines; each user has ten categories.</param>
/// <param name="ids">Certifies the ids of transactions that are put on a queue directly.</param>
/// <param name="anomalyEvery">One transaction in this many is an anomaly; 0 for none.</param>
internal sealed class TransactionSource(int baselines, IdCertifier ids, int anomalyEvery = 100)
{
    private const int CategoriesPerUser = 10;
    private readonly Random _random = new(20260131);
    private int _made;

    /// <summary>What the ids of transactions that are put on a queue directly derive from.</summary>
    public KeyKind Keys { get; init; }

    /// <summary>Returns the baseline with a number.</summary>
    public static (long UserId, long CategoryId, double Mean, double StdDev) Baseline(int number) =>
        ((number / CategoriesPerUser) + 1, (number % CategoriesPerUser) + 1, 100 + (number % 1000), 10 + (number % 20));

    /// <summary>Returns the next transactions, as the intake would accept them now.</summary>
    public IEnumerable<Transaction> Next(int count)
    {
        DateTime now = Timestamp.Truncate(DateTime.UtcNow);
        for (int i = 0; i < count; i++)
        {
            (long userId, long categoryId, decimal amount) = NextFields();
            Guid id = Keys switch
            {
                KeyKind.Version7 => ids.ForIdempotencyKey(userId, Guid.CreateVersion7().ToString("D")),
                KeyKind.Random => ids.ForIdempotencyKey(userId, Guid.NewGuid().ToString("D")),
                _ => ids.NewId(),
            };
            yield return new Transaction(id, userId, categoryId, Money.FromDecimal(amount), now, now);
        }
    }

    /// <summary>Returns the next transactions in as few messages of the inbound queue as possible.</summary>
    public IReadOnlyList<MessageBody> NextPacked(int count)
    {
        var messages = new List<MessageBody>();
        var envelope = new EnvelopeBuilder(traceParent: null);
        foreach (Transaction transaction in Next(count))
        {
            if (!envelope.TryAdd(transaction))
            {
                messages.Add(envelope.ToBody());
                envelope = new EnvelopeBuilder(traceParent: null);
                envelope.TryAdd(transaction);
            }
        }

        messages.Add(envelope.ToBody());
        return messages;
    }

    /// <summary>Returns the next transactions, one per message.</summary>
    public IReadOnlyList<MessageBody> NextSingle(int count)
    {
        var messages = new List<MessageBody>(count);
        foreach (Transaction transaction in Next(count))
        {
            var envelope = new EnvelopeBuilder(traceParent: null);
            envelope.TryAdd(transaction);
            messages.Add(envelope.ToBody());
        }

        return messages;
    }

    /// <summary>Returns the next transactions as bodies of <c>POST /api/transactions</c>.</summary>
    public IReadOnlyList<byte[]> NextBodies(int count) => [.. Enumerable.Range(0, count).Select(_ => Encoding.ASCII.GetBytes(NextJson()))];

    /// <summary>Returns the next transactions as bodies of <c>POST /api/transactions/batch</c>.</summary>
    public IReadOnlyList<byte[]> NextBatchBodies(int count, int perRequest) =>
        [
            .. Enumerable.Range(0, count / perRequest).Select(
                _ => Encoding.ASCII.GetBytes($"[{string.Join(',', Enumerable.Range(0, perRequest).Select(_ => NextJson()))}]")),
        ];

    private string NextJson()
    {
        (long userId, long categoryId, decimal amount) = NextFields();
        return string.Create(CultureInfo.InvariantCulture,
            $$"""{"user_id": {{userId}}, "category_id": {{categoryId}}, "amount": {{amount:F2}}, "occurred_at": "2026-01-31T12:00:00.000Z"}""");
    }

    private (long UserId, long CategoryId, decimal Amount) NextFields()
    {
        (long userId, long categoryId, double mean, double stdDev) = Baseline(_random.Next(baselines));
        bool anomaly = anomalyEvery > 0 && ++_made % anomalyEvery == 0;
        double deviations = anomaly ? 10 : (_random.NextDouble() * 4) - 2;
        return (userId, categoryId, decimal.Round((decimal)(mean + (deviations * stdDev)), 2));
    }
}
