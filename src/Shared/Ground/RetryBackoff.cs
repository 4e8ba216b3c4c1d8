namespace FinanceIngest.Ground;

/// <summary>The pauses after consecutive failures. They double up to a maximum, with jitter, so that many processes don't retry at the same moments.</summary>
public sealed class RetryBackoff(TimeSpan first, TimeSpan maximum)
{
    private int _failures;

    /// <summary>Returns the pause after another failure: a random time between half of the current step and the whole step.</summary>
    public TimeSpan Next()
    {
        double step = Math.Min(first.TotalSeconds * Math.Pow(2, Math.Min(_failures++, 30)), maximum.TotalSeconds);
        return TimeSpan.FromSeconds(step * (0.5 + (Random.Shared.NextDouble() / 2)));
    }

    /// <summary>Starts again with the first step, after a success.</summary>
    public void Reset() => _failures = 0;
}
