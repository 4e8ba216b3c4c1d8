using FinanceIngest.Alerts;

namespace FinanceIngest.Chaos.Hooks;

/// <summary>An outbox with the points alerts.claim.after, alerts.mark.before (alerts are sent, but not marked) and alerts.mark.after.</summary>
internal sealed class HookedOutbox(IAlertOutbox outbox, Control control) : IAlertOutbox
{
    public async Task<IReadOnlyList<ClaimedAlert>> ClaimAsync(Guid owner, int maximum, TimeSpan lease, CancellationToken cancellationToken)
    {
        IReadOnlyList<ClaimedAlert> claimed = await outbox.ClaimAsync(owner, maximum, lease, cancellationToken);
        if (claimed.Count > 0)
        {
            control.Reach("alerts.claim.after");
        }

        return claimed;
    }

    public async Task<int> MarkSentAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken)
    {
        control.Reach("alerts.mark.before");
        int marked = await outbox.MarkSentAsync(owner, alertIds, cancellationToken);
        control.Reach("alerts.mark.after");
        return marked;
    }

    public Task ReleaseAsync(Guid owner, IReadOnlyCollection<Guid> alertIds, CancellationToken cancellationToken) =>
        outbox.ReleaseAsync(owner, alertIds, cancellationToken);

    public Task<long> CountUnsentAsync(CancellationToken cancellationToken) => outbox.CountUnsentAsync(cancellationToken);

    public Task<int> RemoveSentAsync(DateTime before, CancellationToken cancellationToken) => outbox.RemoveSentAsync(before, cancellationToken);
}
