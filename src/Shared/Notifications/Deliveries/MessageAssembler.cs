using FinanceIngest.Configuration;

namespace FinanceIngest.Notifications.Deliveries;

/// <summary>Decides which held alerts become messages now. Pure; the caller reads and writes.</summary>
/// <param name="channel">The channel's settings.</param>
internal sealed class MessageAssembler(ChannelSettings channel)
{
    /// <summary>
    /// The most alerts in one message, so that a message and its repetition stay small: of more, the next message tells.
    /// </summary>
    public const int MostInOne = 1000;

    private static readonly TimeSpan s_hour = TimeSpan.FromMinutes(60);

    /// <summary>Decides what becomes of the held alerts of some addresses.</summary>
    /// <param name="groups">The alerts by address.</param>
    /// <param name="now">UTC.</param>
    public Assembly Assemble(IEnumerable<HeldGroup> groups, DateTime now)
    {
        var messages = new List<AssembledMessage>();
        var postponed = new List<PostponedAddress>();
        foreach (HeldGroup group in groups)
        {
            if ((group.Destination?.Quiet ?? channel.Quiet)?.EndAt(now) is { } end && end > now)
            {
                postponed.Add(new PostponedAddress(group.DestinationId, HoldReason.QuietHours, end));
                continue;
            }

            Assemble(group, now, messages, postponed);
        }

        return new Assembly(messages, postponed);
    }

    private void Assemble(HeldGroup group, DateTime now, List<AssembledMessage> messages, List<PostponedAddress> postponed)
    {
        DateTime[] recent = [.. group.Recent.Where(made => made > now - s_hour).OrderDescending()];
        int room = channel.MostPerHour is { } most ? Math.Max(0, most - recent.Length) : int.MaxValue;
        bool isGathered = channel.Digest is not null || group.Deliveries.Any(delivery => delivery.Hold != HoldReason.None);
        int taken = 0;
        if (room > 0 && isGathered)
        {
            taken = Math.Min(group.Deliveries.Count, MostInOne);
            messages.Add(Make(group.Deliveries.Take(taken), now));
        }
        else if (room > 0)
        {
            taken = Math.Min(group.Deliveries.Count, room);
            messages.AddRange(group.Deliveries.Take(taken).Select(delivery => Make([delivery], now)));
        }

        // The hour has room again when the oldest message of those that fill it is an hour old. A message that is made now may be that one.
        int made = isGathered ? Math.Min(taken, 1) : taken;
        if (channel.MostPerHour is not null && made >= room)
        {
            postponed.Add(new PostponedAddress(group.DestinationId, HoldReason.Limit, FreeAt(recent, made, now)));
        }
    }

    private DateTime FreeAt(DateTime[] recent, int made, DateTime now)
    {
        int most = channel.MostPerHour!.Value;
        IEnumerable<DateTime> all = Enumerable.Repeat(now, made).Concat(recent);
        return all.ElementAt(most - 1) + s_hour;
    }

    private AssembledMessage Make(IEnumerable<HeldDelivery> deliveries, DateTime now)
    {
        HeldDelivery[] all = [.. deliveries];
        return new AssembledMessage(
            MessageIds.Of([.. all.Select(delivery => delivery.AlertId)]), [.. all.Select(delivery => delivery.Id)], now + channel.GiveUpAfter);
    }
}
