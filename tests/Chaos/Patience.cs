namespace FinanceIngest.Chaos;

/// <summary>Waits for events in other processes by testing a condition repeatedly until a deadline.</summary>
internal static class Patience
{
    /// <summary>The time that a program may take to start on a busy machine.</summary>
    public static readonly TimeSpan Start = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(50);

    /// <summary>Waits until the condition is true.</summary>
    /// <returns>Whether the condition became true in time.</returns>
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

    /// <summary>Waits until the condition is true.</summary>
    /// <exception cref="TimeoutException">The condition did not become true in time.</exception>
    public static async Task ForAsync(string what, Func<Task<bool>> condition, TimeSpan patience, CancellationToken cancellationToken)
    {
        if (!await UntilAsync(condition, patience, cancellationToken))
        {
            throw new TimeoutException($"Waited {patience.TotalSeconds:F0} s in vain until {what}.");
        }
    }
}
