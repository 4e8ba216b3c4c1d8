using FinanceIngest.Queueing;

namespace FinanceIngest.Tests.Support;

/// <summary>A message of no queue: its lease holds, and it can be deleted.</summary>
internal sealed class AnyMessage : LeasedMessage
{
    public override Task<bool> TryDeleteAsync(CancellationToken cancellationToken) => Task.FromResult(true);

    public override Task<bool> TryExtendAsync(TimeSpan lease, CancellationToken cancellationToken) => Task.FromResult(true);
}
