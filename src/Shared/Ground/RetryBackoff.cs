namespace FinanceIngest.Ground;

/// <summary>How long to pause after failures in a row: doubling, with jitter so that many processes don't retry in step.</summary>
public sealed class RetryBackoff(TimeSpan first, TimeSpan maximum)
{
    private int _failures;

    /// <summary>The pause after another failure: between half of and the whole current step.</summary>
    public TimeSpan Next()
    {
        double step = Math.Min(first.TotalSeconds * Math.Pow(2, Math.Min(_failures++, 30)), maximum.TotalSeconds);
        return TimeSpan.FromSeconds(step * (0.5 + (Random.Shared.NextDouble() / 2)));
    }

    /// <summary>It works again.</summary>
    public void Reset() => _failures = 0;
}
