using System.Diagnostics;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Notifications.Channels;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Observability;
using FinanceIngest.Transactions;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Notifications;

/// <summary>
/// Sends the messages of one channel. It claims the channel, makes messages of what was held, sends what is due, and writes down how that ended; then it
/// sleeps until the next message is due, or until it is woken. After a crash between a send and its settling the message is sent again under its id. What
/// happens here holds up no other channel.
/// </summary>
internal sealed partial class ChannelSender(
    ChannelSettings settings, INotificationChannel channel, IDeliveryStore store, INotificationDestinationStore destinations, LinkMaker links,
    Telemetry telemetry, TimeProvider time, ILogger logger)
{
    /// <summary>
    /// The most messages of one round for each that the channel sends at a time. A round is settled as a whole, and a crash sends all of it again: so a mail
    /// server gets eight mails twice at most.
    /// </summary>
    public const int RoundPerSend = 8;

    private const int AddressesAtOnce = 64;

    private static readonly TimeSpan s_longestWait = TimeSpan.FromHours(12);

    private readonly Guid _owner = Guid.NewGuid();
    private readonly WakeSignal _wake = new();
    private readonly RetryBackoff _retry = new(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(30));
    private readonly MessageAssembler _assembler = new(settings);

    /// <summary>The channel's name.</summary>
    public string Name => settings.Name;

    /// <summary>Tells the sender that there may be something to send.</summary>
    public void Wake() => _wake.Set();

    /// <summary>Sends until the token is cancelled; then attempts in hand are finished and written down.</summary>
    public async Task RunAsync(CancellationToken stoppingToken)
    {
        // The first look is made at once: an earlier process may have left something.
        TimeSpan wait = TimeSpan.Zero;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await _wake.WaitAsync(wait, time, stoppingToken);
                wait = await DrainAsync(stoppingToken);
                _retry.Reset();
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                wait = _retry.Next();
                telemetry.Retried("notifications");
                Log.Waits(logger, settings.Name, FailureText.Reason(e), wait.TotalSeconds);
            }
        }
    }

    /// <summary>Sends everything that is due.</summary>
    /// <returns>How long nothing is due.</returns>
    /// <exception cref="StoreUnavailableException">The database can't be reached; messages that were sent and not written down are sent again.</exception>
    public async Task<TimeSpan> DrainAsync(CancellationToken cancellationToken)
    {
        if (await store.ClaimChannelAsync(settings.Name, _owner, Deadlines.ChannelClaim, cancellationToken) is not { } known)
        {
            return Deadlines.ChannelClaimOfOther;
        }

        var circuit = new ChannelCircuit(known);
        string? problem = null;
        try
        {
            return await DrainAsync(circuit, text => problem = text, cancellationToken);
        }
        finally
        {
            telemetry.ChannelKnown(settings.Name, isOut: circuit.IsOpen(time.UtcNowMicroseconds()));
            await channel.RestAsync();
            await store.ReleaseChannelAsync(settings.Name, _owner, circuit.State, problem, CancellationToken.None);
        }
    }

    private async Task<TimeSpan> DrainAsync(ChannelCircuit circuit, Action<string?> tell, CancellationToken cancellationToken)
    {
        long claimedAt = time.GetTimestamp();
        while (!cancellationToken.IsCancellationRequested)
        {
            if (time.GetElapsedTime(claimedAt) >= Deadlines.NotifySending)
            {
                claimedAt = time.GetTimestamp();
                if (await store.ClaimChannelAsync(settings.Name, _owner, Deadlines.ChannelClaim, cancellationToken) is null)
                {
                    return Deadlines.ChannelClaimOfOther;
                }
            }

            // What was held becomes messages even while the channel is left alone: their order and their digests do not depend on it.
            bool isMore = await AssembleAsync(cancellationToken);
            DateTime now = time.UtcNowMicroseconds();
            if (circuit.IsOpen(now))
            {
                return circuit.State.OpenUntil!.Value - now;
            }

            int round = circuit.IsTrial ? 1 : channel.Concurrency * RoundPerSend;
            IReadOnlyList<DueMessage> due = await store.ReadDueAsync(settings.Name, round, cancellationToken);
            if (due.Count > 0)
            {
                await SendAsync(due, circuit, claimedAt, tell, cancellationToken);
            }
            else if (!isMore)
            {
                DateTime? next = await store.NextDueAsync(settings.Name, cancellationToken);
                TimeSpan wait = next is { } at ? at - time.UtcNowMicroseconds() : s_longestWait;
                if (wait > TimeSpan.Zero)
                {
                    return wait < s_longestWait ? wait : s_longestWait;
                }
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        return TimeSpan.Zero;
    }

    private async Task<bool> AssembleAsync(CancellationToken cancellationToken)
    {
        // One more than an hour's messages would tell nothing new.
        IReadOnlyList<HeldGroup> held = await store.ReadHeldAsync(
            settings.Name, AddressesAtOnce, MessageAssembler.MostInOne, settings.MostPerHour ?? 0, cancellationToken);
        if (held.Count == 0)
        {
            return false;
        }

        Assembly assembly = _assembler.Assemble(held, time.UtcNowMicroseconds());
        return await store.AssembleAsync(settings.Name, _owner, assembly, cancellationToken) && assembly.Messages.Count > 0;
    }

    /// <summary>Sends messages, several at a time, and writes down how each ended. No attempt begins when the claim is too old, or the channel fails.</summary>
    private async Task SendAsync(
        IReadOnlyList<DueMessage> due, ChannelCircuit circuit, long claimedAt, Action<string?> tell, CancellationToken cancellationToken)
    {
        var waiting = new Queue<DueMessage>(due);
        var ended = new List<(DueMessage Message, SendOutcome Outcome)>();
        var gate = new Lock();
        bool isFailing = false;
        Exception? fault = null;
        await Task.WhenAll(Enumerable.Range(0, Math.Min(channel.Concurrency, due.Count)).Select(_ => SendOneAfterAnotherAsync()));
        await SettleAsync(ended, circuit, tell);
        if (fault is not null)
        {
            throw fault;
        }

        async Task SendOneAfterAnotherAsync()
        {
            while (true)
            {
                DueMessage? message;
                lock (gate)
                {
                    if (isFailing || cancellationToken.IsCancellationRequested || time.GetElapsedTime(claimedAt) >= Deadlines.NotifySending
                        || !waiting.TryDequeue(out message))
                    {
                        return;
                    }
                }

                try
                {
                    // A stop takes effect between attempts and cuts none off, since nobody would know whether it had succeeded.
                    SendOutcome outcome = await AttemptAsync(message);
                    lock (gate)
                    {
                        ended.Add((message, outcome));
                        isFailing |= outcome.Result == SendResult.ChannelFailed;
                    }
                }
                catch (Exception e)
                {
                    lock (gate)
                    {
                        isFailing = true;
                        fault ??= e;
                    }
                }
            }
        }
    }

    private async Task<SendOutcome> AttemptAsync(DueMessage message)
    {
        var alerts = new List<NotifiedAlert>(message.Payloads.Count);
        foreach (DuePayload payload in message.Payloads)
        {
            if (NotifiedAlert.Read(System.Text.Encoding.UTF8.GetBytes(payload.Payload), payload.AlertId, out _) is { } alert)
            {
                alerts.Add(links.WithLink(alert));
            }
        }

        if (message.DestinationId != Guid.Empty && message.Destination is null)
        {
            return new SendOutcome(SendResult.Refused, "The user has taken the address back.");
        }

        if (alerts.Count == 0)
        {
            return new SendOutcome(SendResult.Refused, "Its alerts can't be read.");
        }

        using Activity? span = Telemetry.StartNotification(
            settings.Name, settings.Type.ToString().ToLowerInvariant(), [.. alerts.Select(alert => alert.TraceParent)]);
        SendOutcome outcome = await channel.SendAsync(new Notification(message.MessageId, alerts, message.Destination), CancellationToken.None);
        if (outcome.Result != SendResult.Delivered)
        {
            Telemetry.Fail(span, outcome.Problem ?? "");
        }

        bool isOver = outcome.Result is SendResult.Refused or SendResult.Gone;
        telemetry.Notified(
            settings.Name, outcome.Result == SendResult.Delivered ? "delivered" : isOver ? "given_up" : "failed",
            alerts.Select(alert => alert.ScoredAt).OfType<DateTime>());
        return outcome;
    }

    private async Task SettleAsync(List<(DueMessage Message, SendOutcome Outcome)> ended, ChannelCircuit circuit, Action<string?> tell)
    {
        DateTime now = time.UtcNowMicroseconds();
        var settlements = new List<Settlement>(ended.Count);
        foreach ((DueMessage message, SendOutcome outcome) in ended)
        {
            settlements.Add(Settle(message, outcome, now));
        }

        // A channel that took any message works, at least at times: then the failures before it no longer count.
        if (ended.Exists(item => item.Outcome.Result is not SendResult.ChannelFailed))
        {
            circuit.Succeeded();
            tell(null);
        }

        if (ended.Find(item => item.Outcome.Result == SendResult.ChannelFailed).Outcome is { } failure)
        {
            bool wasOpen = circuit.IsTrial;
            circuit.Failed(now);
            tell(failure.Problem);
            if (circuit.IsTrial && !wasOpen)
            {
                Log.LeftAlone(logger, settings.Name, failure.Problem ?? "");
            }
            else if (!circuit.IsTrial)
            {
                Log.Failed(logger, settings.Name, failure.Problem ?? "");
            }
        }

        // Nothing cuts this off: what was sent must be known to have been.
        await store.SettleAsync(settings.Name, settlements, CancellationToken.None);
        foreach (NotificationDestination gone in ended.Where(item => item.Outcome.Result == SendResult.Gone)
            .Select(item => item.Message.Destination).OfType<NotificationDestination>())
        {
            await destinations.RemoveAsync(gone.UserId, gone.Id, CancellationToken.None);
        }
    }

    private Settlement Settle(DueMessage message, SendOutcome outcome, DateTime now)
    {
        int attempts = message.Attempts + 1;
        if (outcome.Result == SendResult.Delivered)
        {
            return new Settlement(message.MessageId, message.DestinationId, DeliveryState.Sent, attempts, null, outcome.Problem);
        }

        if (outcome.Result is SendResult.Refused or SendResult.Gone || now >= message.GiveUpAt)
        {
            Log.GivenUp(logger, message.MessageId, settings.Name, attempts, outcome.Problem ?? "");
            return new Settlement(message.MessageId, message.DestinationId, DeliveryState.GivenUp, attempts, null, outcome.Problem);
        }

        DateTime next = now + RepeatSchedule.After(attempts, Random.Shared.NextDouble(), outcome.RetryAfter);
        return new Settlement(message.MessageId, message.DestinationId, DeliveryState.Waiting, attempts, next, outcome.Problem);
    }

    private static partial class Log
    {
        [LoggerMessage(LogLevel.Warning, "Channel {Channel}: notifications wait: {Problem} The next attempt is in {Seconds:F1} s.")]
        public static partial void Waits(ILogger logger, string channel, string problem, double seconds);

        [LoggerMessage(LogLevel.Warning, "Channel {Channel} failed; its messages are repeated. {Problem}")]
        public static partial void Failed(ILogger logger, string channel, string problem);

        [LoggerMessage(LogLevel.Error, "Channel {Channel} has failed again and again and is left alone for a while; its messages wait. {Problem}")]
        public static partial void LeftAlone(ILogger logger, string channel, string problem);

        [LoggerMessage(LogLevel.Error, "Message {Id} was given up on channel {Channel} after {Attempts} attempts; \"notify again\" sends it again. {Problem}")]
        public static partial void GivenUp(ILogger logger, Guid id, string channel, int attempts, string problem);
    }
}
