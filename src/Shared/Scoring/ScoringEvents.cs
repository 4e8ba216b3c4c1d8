using FinanceIngest.Results;

namespace FinanceIngest.Scoring;

/// <summary>Tells other parts of the process what the scorer has done: requests that wait for a result, the alert dispatcher, the purge of old rows.</summary>
internal sealed class ScoringEvents
{
    /// <summary>
    /// Results were committed. The argument has them where each became a row as it is; it is null where some may not have, because there was a row already, or
    /// where a child process wrote them.
    /// </summary>
    public event Action<IReadOnlyList<TransactionResult>?>? Written;

    /// <summary>Alerts may be unsent.</summary>
    public event Action? AlertsPending;

    /// <summary>Raises <see cref="Written"/>, right after the commit: whoever waits for a result waits for nothing else.</summary>
    public void OnWritten(IReadOnlyList<TransactionResult>? rows) => Written?.Invoke(rows);

    /// <summary>Raises <see cref="AlertsPending"/>, once the marker of unsent alerts is on the queue.</summary>
    public void OnAlertsPending() => AlertsPending?.Invoke();
}
