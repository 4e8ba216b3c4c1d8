using FinanceIngest.Transactions;

namespace FinanceIngest.Insights;

/// <summary>A calendar month (UTC) of a category, or of all together.</summary>
internal sealed class SpendingMonth
{
    /// <summary>The sum of the amounts.</summary>
    public decimal Total { get; private set; }

    /// <summary>Transactions.</summary>
    public long Count { get; private set; }

    /// <summary>Anomalies among them.</summary>
    public long Anomalies { get; private set; }

    /// <summary>Adds a transaction.</summary>
    public void Add(Money amount, bool isAnomaly)
    {
        Total += amount.ToDecimal();
        Count++;
        Anomalies += isAnomaly ? 1 : 0;
    }
}
