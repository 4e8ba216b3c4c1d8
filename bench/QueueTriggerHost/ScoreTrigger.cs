using System.Text.Json;
using FinanceIngest.Bench.Plain;
using Microsoft.Azure.WebJobs;

namespace FinanceIngest.Bench.QueueTriggerHost;

/// <summary>
/// Receives the service's packed messages, scores each transaction, stores the rows of a message in one database transaction, and sends alerts.
/// </summary>
public sealed class ScoreTrigger(IPlainStore store)
{
    /// <summary>Runs for each message.</summary>
    public async Task RunAsync([QueueTrigger("%inbound%")] string message, [Queue("%alerts%")] IAsyncCollector<string> alerts)
    {
        PlainEnvelope envelope = JsonSerializer.Deserialize(message, PlainJson.Default.PlainEnvelope)!;
        IReadOnlyList<PlainScore> scores = await store.WriteAsync(envelope.Transactions);
        await Task.WhenAll(envelope.Transactions
            .Zip(scores)
            .Where(scored => scored.Second.IsAnomaly)
            .Select(scored => alerts.AddAsync(JsonSerializer.Serialize(scored.First, PlainJson.Default.PlainTransaction))));
    }
}
