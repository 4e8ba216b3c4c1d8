using System.Text;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Poison;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Transactions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Page;

/// <summary>Leaves messages behind as a worker does that gave them up, in an installation on embedded storage.</summary>
internal static class GivenUp
{
    public const string Unreadable = "the message is not JSON: ',' is invalid after a single JSON value, at byte 61";
    public const string Unwritable = "scoring failed five times: the row could not be written";

    /// <summary>Records a message that can't be read, and one that can be put back.</summary>
    public static async Task LeaveAsync(string dataDirectory, CancellationToken cancellationToken)
    {
        var settings = new Settings { DataDirectory = dataDirectory, Roles = Roles.None };
        await using ServiceProvider services = new ServiceCollection().AddLogging(logging =>
            logging.ClearProviders()).AddFinanceIngest(settings).BuildServiceProvider();
        DateTime now = Timestamp.Truncate(DateTime.UtcNow);
        var transaction = new Transaction(services.GetRequiredService<IdCertifier>().NewId(), 400, 1010, new Money(482_500), now.AddHours(-3),
            now.AddHours(-3));
        var envelope = new EnvelopeBuilder(null);
        Assert.True(envelope.TryAdd(transaction));
        string broken = Convert.ToBase64String(Encoding.UTF8.GetBytes("""{"v": 1, "transactions": [{"user_id": 400, "amount": 12.5}]},"""));
        PoisonMessage[] messages =
        [
            new("message-0417", Unreadable, "System.Text.Json.JsonException: ',' is invalid after a single JSON value.", 1, null, broken, now.AddHours(-5),
                now.AddHours(-5).AddSeconds(1)),
            new("message-0532", Unwritable, "Microsoft.Data.Sqlite.SqliteException (0x80004005): SQLite Error 19.", 5, null, envelope.ToBody().Text,
                now.AddHours(-3), now.AddHours(-3).AddMinutes(2)),
        ];
        var failed = new TransactionResult
        {
            Id = transaction.Id,
            Status = TransactionStatus.Failed,
            UserId = 400,
            CategoryId = 1010,
            Amount = transaction.Amount,
            Error = Unwritable,
            OccurredAt = transaction.OccurredAt,
            AcceptedAt = transaction.AcceptedAt,
            ScoredAt = now.AddHours(-3).AddMinutes(2),
        };
        await services.GetRequiredService<IScoringStore>().WriteAsync(new ScoredBatch([failed], [], messages), cancellationToken);
        foreach (PoisonMessage message in messages)
        {
            await services.GetRequiredService<Queues>().Poison.SendAsync(message.Body, TimeSpan.Zero, cancellationToken);
        }
    }
}
