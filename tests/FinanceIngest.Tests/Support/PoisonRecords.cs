using FinanceIngest.Poison;

namespace FinanceIngest.Tests.Support;

/// <summary>Reads all poison records at once, of which a test has few.</summary>
internal static class PoisonRecords
{
    public static async Task<IReadOnlyList<PoisonMessage>> ListAsync(this IPoisonStore store, CancellationToken cancellationToken)
    {
        List<PoisonMessage> records = [];
        await foreach (PoisonMessage record in store.MessagesAsync(cancellationToken))
        {
            records.Add(record);
        }

        return records;
    }
}
