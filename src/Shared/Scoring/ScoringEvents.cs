namespace FinanceIngest.Scoring;

/// <summary>What others in the process want to know of the scorer: waiting requests, the alert dispatcher.</summary>
internal sealed class ScoringEvents
{
    /// <summary>Results were committed.</summary>
    public event Action? Written;

    /// <summary>Alerts may be unsent.</summary>
    public event Action? AlertsPending;

    /// <summary>Tells everybody.</summary>
    public void OnScored(bool mayHaveUnsentAlerts)
    {
        Written?.Invoke();
        if (mayHaveUnsentAlerts)
        {
            AlertsPending?.Invoke();
        }
    }
}
