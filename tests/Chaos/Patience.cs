namespace FinanceIngest.Chaos;

/// <summary>Waits for what happens in other processes: a condition is asked again and again until a deadline.</summary>
internal static class Patience
{
    /// <summary>How long a program may take to start, on a busy machine.</summary>
    public static readonly TimeSpan Start = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    /// <returns>Whether it became true in time.</returns>
    public static async Task<bool> UntilAsync(Func<Task<bool>> condition, TimeSpan patience, CancellationToken cancellationToken)
    {
        long deadline = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        while (!await condition())
        {
            if (Environment.TickCount64 > deadline)
            {
                return false;
            }

            await Task.Delay(s_poll, cancellationToken);
        }

        return true;
    }

    /// <exception cref="TimeoutException">It did not become true in time.</exception>
    public static async Task ForAsync(string what, Func<Task<bool>> condition, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (!await UntilAsync(condition, patience, cancellationToken))
        {
            throw new TimeoutException($"Waited {patience.TotalSeconds:F0} s for this, in vain: {what}.");
        }
    }
}
