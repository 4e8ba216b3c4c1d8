using FinanceIngest.Notifications.Deliveries;

namespace FinanceIngest.Chaos.Hooks;

/// <summary>
/// The deliveries with the points deliveries.add.before and .after (committed, and no alert is deleted), channel.claim.after, messages.assemble.before and
/// .after (digests), messages.read.after (messages are in hand, and none is sent), deliveries.settle.before (a round is sent, and nobody knows) and .after, and
/// channel.release.before and .after.
/// </summary>
internal sealed class HookedDeliveryStore(IDeliveryStore store, Control control) : IDeliveryStore
{
    public async Task<int> AddAsync(IReadOnlyCollection<NewDelivery> deliveries, CancellationToken cancellationToken)
    {
        control.Reach("deliveries.add.before");
        int added = await store.AddAsync(deliveries, cancellationToken);
        control.Reach("deliveries.add.after");
        return added;
    }

    public async Task<CircuitState?> ClaimChannelAsync(string channel, Guid owner, TimeSpan lease, CancellationToken cancellationToken)
    {
        CircuitState? state = await store.ClaimChannelAsync(channel, owner, lease, cancellationToken);
        if (state is not null)
        {
            control.Reach("channel.claim.after");
        }

        return state;
    }

    public async Task ReleaseChannelAsync(string channel, Guid owner, CircuitState circuit, string? error, CancellationToken cancellationToken)
    {
        control.Reach("channel.release.before");
        await store.ReleaseChannelAsync(channel, owner, circuit, error, cancellationToken);
        control.Reach("channel.release.after");
    }

    public Task<IReadOnlyList<HeldGroup>> ReadHeldAsync(string channel, int addresses, int alerts, int recent, CancellationToken cancellationToken) =>
        store.ReadHeldAsync(channel, addresses, alerts, recent, cancellationToken);

    public async Task<bool> AssembleAsync(string channel, Guid owner, Assembly assembly, CancellationToken cancellationToken)
    {
        bool isOfMessages = assembly.Messages.Count > 0;
        if (isOfMessages)
        {
            control.Reach("messages.assemble.before");
        }

        bool isDone = await store.AssembleAsync(channel, owner, assembly, cancellationToken);
        if (isOfMessages && isDone)
        {
            control.Reach("messages.assemble.after");
        }

        return isDone;
    }

    public async Task<IReadOnlyList<DueMessage>> ReadDueAsync(string channel, int maximum, CancellationToken cancellationToken)
    {
        IReadOnlyList<DueMessage> due = await store.ReadDueAsync(channel, maximum, cancellationToken);
        if (due.Count > 0)
        {
            control.Reach("messages.read.after");
        }

        return due;
    }

    public async Task SettleAsync(string channel, IReadOnlyCollection<Settlement> settlements, CancellationToken cancellationToken)
    {
        control.Reach("deliveries.settle.before");
        await store.SettleAsync(channel, settlements, cancellationToken);
        control.Reach("deliveries.settle.after");
    }

    public Task<DateTime?> NextDueAsync(string channel, CancellationToken cancellationToken) => store.NextDueAsync(channel, cancellationToken);

    public Task<IReadOnlyList<ChannelCounts>> CountAsync(CancellationToken cancellationToken) => store.CountAsync(cancellationToken);

    public Task<IReadOnlyList<DeliveryRecord>> ListAsync(DeliveryFilter filter, int maximum, CancellationToken cancellationToken) =>
        store.ListAsync(filter, maximum, cancellationToken);

    public Task<int> SendAgainAsync(IReadOnlyCollection<long> rows, DateTime giveUpAt, CancellationToken cancellationToken) =>
        store.SendAgainAsync(rows, giveUpAt, cancellationToken);

    public Task<int> RemoveFinishedAsync(DateTime before, CancellationToken cancellationToken) => store.RemoveFinishedAsync(before, cancellationToken);
}
