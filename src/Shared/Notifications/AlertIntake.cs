using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Notifications;

/// <summary>
/// Takes alerts from their queue: their deliveries are committed, and then they are deleted. A crash between the two delivers the alert again, and the unique
/// key of a delivery (alert, channel, address) makes that harmless. An alert that can't be read goes verbatim to the alert queue's poison queue.
/// </summary>
internal sealed partial class AlertIntake(
    Queues queues, IDeliveryStore store, INotificationDestinationStore destinations, OpenDeliveriesMarker marker, Settings settings, Telemetry telemetry,
    TimeProvider time, ILogger<AlertIntake> logger)
{
    /// <summary>The most alerts that are taken at once.</summary>
    public const int BatchSize = 32;

    private readonly DeliveryPlanner _planner = new(settings.Notify.Channels);
    private readonly LinkMaker _links = new(settings.Notify.LinkTemplate);

    /// <summary>Takes up to <see cref="BatchSize"/> alerts.</summary>
    /// <returns>How many messages there were.</returns>
    /// <exception cref="QueueUnavailableException">A queue can't be reached; nothing is lost.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached; the alerts come again when their leases end.</exception>
    public async Task<int> TakeAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<LeasedMessage> messages = await queues.Alerts.ReceiveAsync(BatchSize, Deadlines.Lease, cancellationToken);
        if (messages.Count == 0)
        {
            return 0;
        }

        // A stop takes effect between batches: whatever was received is written and deleted.
        var readable = new List<LeasedMessage>(messages.Count);
        var alerts = new List<NotifiedAlert>(messages.Count);
        var unreadable = new List<(LeasedMessage Message, string Problem)>();
        foreach (LeasedMessage message in messages)
        {
            if (DeliveryWake.IsOne(message))
            {
                readable.Add(message);
                continue;
            }

            string problem = "It is neither base64 nor JSON.";
            NotifiedAlert? alert = message.Body.TryDecode(out byte[] json)
                ? NotifiedAlert.Read(json, MessageIds.OfForeignAlert(queues.Alerts.Name, message.Id), out problem)
                : null;
            if (alert is null)
            {
                unreadable.Add((message, problem));
            }
            else
            {
                readable.Add(message);
                alerts.Add(_links.WithLink(alert));
            }
        }

        await PlanAsync(alerts);
        foreach ((LeasedMessage message, string problem) in unreadable)
        {
            await queues.AlertPoison!.SendAsync(message.Body, TimeSpan.Zero, CancellationToken.None);
            await message.TryDeleteAsync(CancellationToken.None);
            telemetry.AlertsTaken(1, isPoison: true);
            Log.Unreadable(logger, message.Id, problem, queues.AlertPoison.Name);
        }

        // A delete that fails, or comes too late, brings the message again.
        await Task.WhenAll(readable.Select(message => message.TryDeleteAsync(CancellationToken.None)));
        return messages.Count;
    }

    private async Task PlanAsync(List<NotifiedAlert> alerts)
    {
        if (alerts.Count == 0)
        {
            return;
        }

        ILookup<long, NotificationDestination> own = _planner.AsksUsers
            ? (await destinations.ListAsync([.. alerts.Select(alert => alert.UserId).Distinct()], CancellationToken.None)).ToLookup(address => address.UserId)
            : Array.Empty<NotificationDestination>().ToLookup(address => address.UserId);
        DateTime now = time.UtcNowMicroseconds();
        NewDelivery[] deliveries = [.. alerts.SelectMany(alert => _planner.Plan(alert, own[alert.UserId], now))];
        if (deliveries.Length > 0)
        {
            await store.AddAsync(deliveries, CancellationToken.None);
            await marker.RaiseAsync(CancellationToken.None);
        }

        telemetry.AlertsTaken(alerts.Count);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Error, "The alert message {Id} can't be read and was put on {Queue}: {Problem}")]
        public static partial void Unreadable(ILogger logger, string id, string problem, string queue);
    }
}
