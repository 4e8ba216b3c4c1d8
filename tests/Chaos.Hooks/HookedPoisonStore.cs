using FinanceIngest.Poison;

namespace FinanceIngest.Chaos.Hooks;

/// <summary>The reading of a deadly message ends the process here: right after its attempt is counted, which is when a suspect is read.</summary>
internal sealed class HookedPoisonStore(IPoisonStore store, Control control) : IPoisonStore
{
    public async Task<int> CountAttemptAsync(string messageId, string error, CancellationToken cancellationToken)
    {
        int attempts = await store.CountAttemptAsync(messageId, error, cancellationToken);

        // Given up without being read: the only way to get past a message whose reading always ends the process.
        if (attempts <= Scoring.BatchProcessor.MaximumAttempts + 1 && control.IsDeadly(messageId))
        {
            control.Die("read of a deadly message by itself");
        }

        return attempts;
    }

    public Task ForgiveAttemptAsync(string messageId, CancellationToken cancellationToken) => store.ForgiveAttemptAsync(messageId, cancellationToken);

    public Task<IReadOnlyList<PoisonMessage>> ListAsync(CancellationToken cancellationToken) => store.ListAsync(cancellationToken);

    public Task<bool> RemoveAsync(string messageId, CancellationToken cancellationToken) => store.RemoveAsync(messageId, cancellationToken);

    public Task<bool> ReplaceBodyAsync(string messageId, string body, CancellationToken cancellationToken) => store.ReplaceBodyAsync(messageId, body, cancellationToken);
}
