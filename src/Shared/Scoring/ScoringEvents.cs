namespace FinanceIngest.Scoring;

/// <summary>Tells other parts of the process what the scorer has done: requests that wait for a result, the alert dispatcher, the purge of old rows.</summary>
internal sealed class ScoringEvents
{
    /// <summary>Results were committed.</summary>
    public event Action? Written;

    /// <summary>Alerts may be unsent.</summary>
    public event Action? AlertsPending;

    /// <summary>Raises <see cref="Written"/>, and <see cref="AlertsPending"/> where alerts may be unsent.</summary>
    public void OnScored(bool mayHaveUnsentAlerts)
    {
        Written?.Invoke();
        if (mayHaveUnsentAlerts)
        {
            AlertsPending?.Invoke();
        }
    }
}
