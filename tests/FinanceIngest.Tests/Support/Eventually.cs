namespace FinanceIngest.Tests.Support;

/// <summary>Waits for what happens in another process or on the network, where no clock of ours rules.</summary>
internal static class Eventually
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    public static Task TrueAsync(Func<bool> condition, CancellationToken cancellationToken) =>
        TrueAsync(() => Task.FromResult(condition()), cancellationToken);

    /// <exception cref="TimeoutException">It did not become true within a minute.</exception>
    public static async Task TrueAsync(Func<Task<bool>> condition, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        while (!await condition())
        {
            try
            {
                await Task.Delay(50, patience.Token);
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException("What was waited for did not happen.");
            }
        }
    }
}
