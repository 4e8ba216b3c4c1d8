using System.Text.Json;
using FinanceIngest.Results;

namespace FinanceIngest.Cli.Submitting;

/// <summary>An anomaly, as shown in the summary.</summary>
/// <param name="Id">The transaction.</param>
/// <param name="ZScore">Its z-score.</param>
/// <param name="Result">The result object.</param>
internal sealed record Anomaly(Guid Id, double ZScore, JsonElement Result)
{
    /// <summary>A number or text of the result as it was written; empty when absent.</summary>
    public string Text(string name) =>
        !Result.TryGetProperty(name, out JsonElement value) ? ""
        : value.ValueKind == JsonValueKind.String ? value.GetString()!
        : value.GetRawText();
}

/// <summary>What came of the transactions that were waited for; an id counts once.</summary>
internal sealed class ScoreSummary
{
    /// <summary>Anomalies kept, those farthest from normal; beyond that they are only counted.</summary>
    public const int MaximumKept = 100;

    private readonly PriorityQueue<Anomaly, double> _farthest = new();

    /// <summary>Transactions that were scored.</summary>
    public long Scored { get; private set; }

    /// <summary>Anomalies among them.</summary>
    public long Anomalies { get; private set; }

    /// <summary>Transactions that could not be scored.</summary>
    public long Failed { get; private set; }

    /// <summary>Transactions that are neither scored nor failed and never will be: purged, or unknown to the server.</summary>
    public long Other { get; private set; }

    /// <summary>All of these.</summary>
    public long Count => Scored + Failed + Other;

    /// <summary>The anomalies kept, the farthest from normal first.</summary>
    public IReadOnlyList<Anomaly> Farthest =>
        [.. _farthest.UnorderedItems.Select(item => item.Element).OrderByDescending(anomaly => Math.Abs(anomaly.ZScore)).ThenBy(anomaly => anomaly.Id)];

    /// <summary>Adds a result that is not pending.</summary>
    public void Add(string? status, JsonElement result)
    {
        if (status == Names.Of(TransactionStatus.Scored))
        {
            Scored++;
            if (result.GetProperty("is_anomaly").GetBoolean())
            {
                AddAnomaly(result);
            }
        }
        else if (status == Names.Of(TransactionStatus.Failed))
        {
            Failed++;
        }
        else
        {
            Other++;
        }
    }

    private void AddAnomaly(JsonElement result)
    {
        Anomalies++;
        double z = result.GetProperty("z_score").GetDouble();
        var anomaly = new Anomaly(result.GetProperty("id").GetGuid(), z, result);
        if (_farthest.Count < MaximumKept)
        {
            _farthest.Enqueue(anomaly, Math.Abs(z));
        }
        else
        {
            _farthest.EnqueueDequeue(anomaly, Math.Abs(z));
        }
    }
}
