namespace FinanceIngest.Tests.Support;

/// <summary>Waits for events in another process or on the network, which a fake clock can't advance.</summary>
internal static class Eventually
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public static Task TrueAsync(Func<bool> condition, CancellationToken cancellationToken) =>
        TrueAsync(() => Task.FromResult(condition()), cancellationToken);

    /// <param name="condition">The condition, which is checked every 50 ms until it is true.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <param name="patience">The time to wait: a minute, unless the work takes longer.</param>
    /// <exception cref="TimeoutException">The condition did not become true in time.</exception>
    public static async Task TrueAsync(Func<Task<bool>> condition, CancellationToken cancellationToken, TimeSpan? patience = null)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(patience ?? s_patience);
        while (!await condition())
        {
            try
            {
                await Task.Delay(50, timeout.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException("What was waited for did not happen.");
            }
        }
    }
}
