namespace FinanceIngest.Tests.Support;

/// <summary>Waits for what happens in another process or on the network, where no clock of ours rules.</summary>
internal static class Eventually
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public static Task TrueAsync(Func<bool> condition, CancellationToken cancellationToken) =>
        TrueAsync(() => Task.FromResult(condition()), cancellationToken);

    /// <param name="condition">Asked again and again.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="patience">A minute, unless the work is long.</param>
    /// <exception cref="TimeoutException">It did not become true in time.</exception>
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
