using FinanceIngest.Configuration;
using FinanceIngest.Learning;
using FinanceIngest.Queueing;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Storage;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Support;

/// <summary>A history that the programs' own scorer wrote.</summary>
internal static class LearnedHistory
{
    private static readonly IdCertifier s_ids = new("a signing key of the tests, long enough", TimeProvider.System);

    /// <summary>Scores rows in one batch, in which they come in any order.</summary>
    public static async Task ScoreAsync(
        IScoringStore scoring, ILearningStore learning, Settings settings, IReadOnlyList<Transaction> rows, CancellationToken cancellationToken)
    {
        var scorer = new BatchScorer(
            scoring, s_ids, settings, TestTelemetry.Create(TimeProvider.System), TimeProvider.System, new ScoringEvents(),
            new CurrentModel(learning, settings));
        var delivery = new Delivery(new AnyMessage { Id = "m", Body = new MessageBody("{}"), InsertedAt = Sample.Noon, DequeueCount = 1 });
        delivery.Transactions.AddRange(rows);
        await scorer.ScoreAsync([delivery], new FakeLeases(), cancellationToken);
    }

    /// <summary>Makes ordinary amounts of some users in two categories, and now and then one that is a hundred times as large.</summary>
    /// <param name="users">Users, from 1 on.</param>
    /// <param name="rows">Rows, in the order in which they occurred.</param>
    /// <param name="apart">The time between two rows.</param>
    public static Transaction[] Spending(int users, int rows, TimeSpan apart)
    {
        var random = new Random(11);
        var clock = new FakeTimeProvider(new DateTimeOffset(Sample.Noon));
        var ids = new IdCertifier("a signing key of the tests, long enough", clock);
        return
        [
            .. Enumerable.Range(0, rows).Select(i =>
            {
                double amount = Math.Exp(3 + (0.5 * random.NextDouble())) * (i % 53 == 52 ? 100 : 1);
                DateTime at = Sample.Noon + (i * apart);

                // Ids ascend with the rows.
                clock.Advance(TimeSpan.FromMilliseconds(1));
                return new Transaction(
                    ids.NewId(), 1 + (i % users), 1 + (i / users % 2), Money.FromDecimal(Math.Round((decimal)amount, 2)), at, at.AddSeconds(1));
            }),
        ];
    }
}
