using System.Text.Json;
using FinanceIngest.Results;

namespace FinanceIngest.Cli.Submitting;

/// <summary>An anomaly of the summary.</summary>
/// <param name="Id">The transaction's id.</param>
/// <param name="ZScore">The transaction's z-score.</param>
/// <param name="Result">The result object of the API.</param>
internal sealed record Anomaly(Guid Id, double ZScore, JsonElement Result)
{
    /// <summary>Returns a number or text of the result as the API wrote it; empty when it is absent.</summary>
    public string Text(string name) =>
        !Result.TryGetProperty(name, out JsonElement value) ? ""
        : value.ValueKind == JsonValueKind.String ? value.GetString()!
        : value.GetRawText();
}

/// <summary>Counts the results of the submitted transactions; each id counts once.</summary>
internal sealed class ScoreSummary
{
    /// <summary>The number of anomalies that are kept, those farthest from normal; the rest is only counted.</summary>
    public const int MaximumKept = 100;

    private readonly PriorityQueue<Anomaly, double> _farthest = new();

    /// <summary>Transactions that were scored.</summary>
    public long Scored { get; private set; }

    /// <summary>Scored transactions that are anomalies.</summary>
    public long Anomalies { get; private set; }

    /// <summary>Transactions that could not be scored.</summary>
    public long Failed { get; private set; }

    /// <summary>Transactions that will never have a result, because they were purged or are unknown to the server.</summary>
    public long Other { get; private set; }

    /// <summary>Transactions that need no more waiting.</summary>
    public long Count => Scored + Failed + Other;

    /// <summary>The kept anomalies, the farthest from normal first.</summary>
    public IReadOnlyList<Anomaly> Farthest =>
        [.. _farthest.UnorderedItems.Select(item => item.Element).OrderByDescending(anomaly => Math.Abs(anomaly.ZScore)).ThenBy(anomaly => anomaly.Id)];

    /// <summary>Adds a result whose status is not pending.</summary>
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
