namespace FinanceIngest.Chaos.Faults;

/// <summary>An outage, which ends when it is disposed.</summary>
internal sealed class Outage(Action end) : IAsyncDisposable
{
    public ValueTask DisposeAsync()
    {
        end();
        return ValueTask.CompletedTask;
    }
}
