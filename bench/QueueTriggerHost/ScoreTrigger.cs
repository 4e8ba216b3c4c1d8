using System.Text.Json;
using FinanceIngest.Bench.Plain;
using Microsoft.Azure.WebJobs;

namespace FinanceIngest.Bench.QueueTriggerHost;

/// <summary>
/// Receives the service's packed messages, scores each transaction, stores the rows of a message in one database transaction, and sends alerts.
/// </summary>
public sealed class ScoreTrigger(PlainDatabase database)
{
    /// <summary>Runs for each message.</summary>
    public async Task RunAsync([QueueTrigger("%inbound%")] string message, [Queue("%alerts%")] IAsyncCollector<string> alerts)
    {
        PlainEnvelope envelope = JsonSerializer.Deserialize(message, PlainJson.Default.PlainEnvelope)!;
        List<string> anomalies = await database.InTransactionAsync(() => Write(envelope));
        await Task.WhenAll(anomalies.Select(alert => alerts.AddAsync(alert)));
    }

    private List<string> Write(PlainEnvelope envelope)
    {
        var anomalies = new List<string>();
        foreach (PlainTransaction transaction in envelope.Transactions)
        {
            PlainScore score = database.Score(transaction);
            database.Insert(transaction, score);
            if (score.IsAnomaly)
            {
                anomalies.Add(JsonSerializer.Serialize(transaction, PlainJson.Default.PlainTransaction));
            }
        }

        return anomalies;
    }
}
