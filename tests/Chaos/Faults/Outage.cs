namespace FinanceIngest.Chaos.Faults;

/// <summary>Something is down until this is disposed.</summary>
internal sealed class Outage(Action end) : IAsyncDisposable
{
    public ValueTask DisposeAsync()
    {
        end();
        return ValueTask.CompletedTask;
    }
}
