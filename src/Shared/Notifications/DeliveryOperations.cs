using FinanceIngest.Ground;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Notifications;

/// <summary>Shows an operator what was told to whom, and has it sent again.</summary>
public sealed class DeliveryOperations
{
    private static readonly TimeSpan s_again = TimeSpan.FromHours(72);

    private readonly IDeliveryStore _store;
    private readonly Queues _queues;
    private readonly TimeProvider _time;

    internal DeliveryOperations(IDeliveryStore store, Queues queues, TimeProvider time)
    {
        _store = store;
        _queues = queues;
        _time = time;
    }

    /// <summary>The names of states: <c>held</c>, <c>waiting</c>, <c>sent</c>, <c>given_up</c>, <c>skipped</c>.</summary>
    public static IReadOnlyList<string> States { get; } = [.. Enum.GetValues<DeliveryState>().Select(DeliveryNames.Of)];

    /// <summary>Makes one of the services of a process.</summary>
    public static DeliveryOperations Of(IServiceProvider services) => new(
        services.GetRequiredService<IDeliveryStore>(), services.GetRequiredService<Queues>(), services.GetRequiredService<TimeProvider>());

    /// <summary>Lists deliveries, the newest first.</summary>
    /// <param name="userId">The user's; null: everybody's.</param>
    /// <param name="channel">The channel's; null: every channel's.</param>
    /// <param name="state">One of <see cref="States"/>; null: all.</param>
    /// <param name="before">Those with a lower number; null: from the newest on.</param>
    /// <param name="maximum">The most deliveries.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<IReadOnlyList<DeliveryView>> ListAsync(
        long? userId, string? channel, string? state, long? before, int maximum, CancellationToken cancellationToken)
    {
        DeliveryState? wanted = state is null ? null : DeliveryNames.ToState(state);
        return [.. (await _store.ListAsync(new DeliveryFilter(userId, channel, wanted, before), maximum, cancellationToken)).Select(row => new DeliveryView(
            row.Id, row.AlertId, row.MessageId, row.Channel, row.DestinationId == Guid.Empty ? null : row.DestinationId, row.UserId,
            DeliveryNames.Of(row.State), DeliveryNames.Of(row.Hold), row.Attempts, row.DueAt, row.CreatedAt, row.FinishedAt, row.Error))];
    }

    /// <summary>Has messages sent again under their ids, and wakes the notifier.</summary>
    /// <param name="ids">Numbers of deliveries; one of a digest stands for all of it.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>How many messages will be sent.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached; nothing was changed.</exception>
    /// <exception cref="QueueUnavailableException">The notifier was not woken; it sends the messages when it has another reason to look.</exception>
    public async Task<int> SendAgainAsync(IReadOnlyCollection<long> ids, CancellationToken cancellationToken)
    {
        int messages = await _store.SendAgainAsync(ids, _time.UtcNowMicroseconds() + s_again, cancellationToken);
        if (messages > 0)
        {
            await DeliveryWake.SendAsync(_queues.Alerts, cancellationToken);
        }

        return messages;
    }
}

/// <summary>A delivery as an operator sees it.</summary>
/// <param name="Id">Its number.</param>
/// <param name="AlertId">The alert.</param>
/// <param name="MessageId">The message that tells of it; null while it is held, or when it was skipped.</param>
/// <param name="Channel">The channel's name.</param>
/// <param name="DestinationId">The user's address; null: the channel's fixed addresses.</param>
/// <param name="UserId">The user whose transaction it is.</param>
/// <param name="State">One of <see cref="DeliveryOperations.States"/>.</param>
/// <param name="Hold">Why it is held: <c>digest</c>, <c>quiet_hours</c> or <c>limit</c>; null: nothing holds it.</param>
/// <param name="Attempts">Attempts so far.</param>
/// <param name="DueAt">When it is looked at next (UTC).</param>
/// <param name="CreatedAt">When the alert was taken from its queue (UTC).</param>
/// <param name="FinishedAt">When it was sent, given up or skipped (UTC).</param>
/// <param name="Error">What went wrong in the last attempt.</param>
public sealed record DeliveryView(
    long Id, Guid AlertId, Guid? MessageId, string Channel, Guid? DestinationId, long UserId, string State, string? Hold, int Attempts, DateTime? DueAt,
    DateTime CreatedAt, DateTime? FinishedAt, string? Error);
