using FinanceIngest.Notifications;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Storage;

public abstract class DeliveryStoreContract(StoreFixture fixture) : StoreContract(fixture)
{
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(25);
    private readonly Guid _owner = Guid.NewGuid();
    private readonly Guid _other = Guid.NewGuid();

    private DateTime Now => Time.UtcNowMicroseconds();

    [Fact]
    public async Task A_delivery_is_written_once_for_each_alert_channel_and_address()
    {
        NewDelivery delivery = Waiting(Guid.NewGuid());
        NewDelivery elsewhere = delivery with { Channel = "sms" };
        NewDelivery own = delivery with { DestinationId = Guid.NewGuid() };

        Assert.Equal(1, await Stores.Deliveries.AddAsync([delivery], Token));
        Assert.Equal(2, await Stores.Deliveries.AddAsync([delivery, elsewhere, own], Token));

        Assert.Equal(3, await Fixture.CountRowsAsync("notification_deliveries"));
        Assert.Equal(2, (await Stores.Deliveries.ReadDueAsync("mail", 10, Token)).Count);
        Assert.Equal([new ChannelCounts("mail", 2, 0), new ChannelCounts("sms", 1, 0)], await Stores.Deliveries.CountAsync(Token));
    }

    [Fact]
    public async Task Messages_are_read_in_the_order_in_which_they_are_due_and_carry_their_alerts()
    {
        NewDelivery late = Waiting(Guid.NewGuid()) with { DueAt = Now + TimeSpan.FromMinutes(1) };
        NewDelivery early = Waiting(Guid.NewGuid(), """{"note":"ключ 💸"}""");
        await Stores.Deliveries.AddAsync([late, early], Token);

        DueMessage due = Assert.Single(await Stores.Deliveries.ReadDueAsync("mail", 10, Token));
        Assert.Equal(early.Alert.AlertId, due.MessageId);
        Assert.Equal([new DuePayload(early.Alert.AlertId, """{"note":"ключ 💸"}""")], due.Payloads);
        Assert.Equal((0, early.GiveUpAt!.Value, Guid.Empty), (due.Attempts, due.GiveUpAt, due.DestinationId));
        Assert.Null(due.Destination);
        Assert.Equal(early.DueAt, await Stores.Deliveries.NextDueAsync("mail", Token));
        Time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal([early.Alert.AlertId, late.Alert.AlertId], (await Stores.Deliveries.ReadDueAsync("mail", 10, Token)).Select(message => message.MessageId));
        Assert.Single(await Stores.Deliveries.ReadDueAsync("mail", 1, Token));
        Assert.Null(await Stores.Deliveries.NextDueAsync("sms", Token));
    }

    [Fact]
    public async Task A_channel_belongs_to_one_process_until_its_claim_ends()
    {
        Assert.Equal(default(CircuitState), await ClaimAsync(_owner));
        Assert.Null(await ClaimAsync(_other));
        Assert.NotNull(await ClaimAsync(_owner));
        Time.Advance(s_lease - TimeSpan.FromMicroseconds(1));
        Assert.Null(await ClaimAsync(_other));
        Time.Advance(TimeSpan.FromMicroseconds(1));

        Assert.NotNull(await ClaimAsync(_other));

        Assert.Null(await ClaimAsync(_owner));
        await Stores.Deliveries.ReleaseChannelAsync("mail", _owner, new CircuitState(9, Now), "stale", Token);
        Assert.Null(await ClaimAsync(_owner));
        var circuit = new CircuitState(5, Now + TimeSpan.FromMinutes(1));
        await Stores.Deliveries.ReleaseChannelAsync("mail", _other, circuit, "down", Token);
        Assert.Equal(circuit, await ClaimAsync(_owner));
    }

    [Fact]
    public async Task Held_alerts_become_one_message_whose_outcome_is_that_of_all_of_them()
    {
        NewDelivery[] held = [Held(Guid.NewGuid(), Now), Held(Guid.NewGuid(), Now + TimeSpan.FromHours(1)), Held(Guid.NewGuid(), Now)];
        await Stores.Deliveries.AddAsync(held, Token);
        await ClaimAsync(_owner);
        HeldGroup group = Assert.Single(await Stores.Deliveries.ReadHeldAsync("mail", 10, 10, 0, Token));
        Assert.Equal(held.Select(delivery => delivery.Alert.AlertId), group.Deliveries.Select(delivery => delivery.AlertId));
        Assert.All(group.Deliveries, delivery => Assert.Equal(HoldReason.Digest, delivery.Hold));
        var digest = Guid.NewGuid();

        Assert.True(await AssembleAsync([new AssembledMessage(digest, [.. group.Deliveries.Select(delivery => delivery.Id)], Now + TimeSpan.FromDays(3))]));

        Assert.Empty(await Stores.Deliveries.ReadHeldAsync("mail", 10, 10, 0, Token));
        DueMessage due = Assert.Single(await Stores.Deliveries.ReadDueAsync("mail", 10, Token));
        Assert.Equal(digest, due.MessageId);
        Assert.Equal(held.Select(delivery => delivery.Alert.AlertId), due.Payloads.Select(payload => payload.AlertId));
        await SettleAsync(new Settlement(digest, Guid.Empty, DeliveryState.Waiting, 1, Now + TimeSpan.FromMinutes(5), "down"));
        Assert.Empty(await Stores.Deliveries.ReadDueAsync("mail", 10, Token));
        Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(1, Assert.Single(await Stores.Deliveries.ReadDueAsync("mail", 10, Token)).Attempts);
        await SettleAsync(new Settlement(digest, Guid.Empty, DeliveryState.Sent, 2, null, null));
        IReadOnlyList<DeliveryRecord> rows = await Stores.Deliveries.ListAsync(new DeliveryFilter(), 10, Token);
        Assert.Equal(3, rows.Count);
        Assert.All(rows, row => Assert.Equal(
            (DeliveryState.Sent, digest, 2, null, null, Now), (row.State, row.MessageId, row.Attempts, row.DueAt, row.Error, row.FinishedAt)));
        Assert.Null(await Stores.Deliveries.NextDueAsync("mail", Token));
    }

    [Fact]
    public async Task Nobody_makes_messages_of_a_channel_that_another_process_has_and_no_alert_is_in_two()
    {
        await Stores.Deliveries.AddAsync([Held(Guid.NewGuid(), Now), Held(Guid.NewGuid(), Now)], Token);
        long[] rows = [.. (await Stores.Deliveries.ReadHeldAsync("mail", 10, 10, 0, Token))[0].Deliveries.Select(delivery => delivery.Id)];
        var first = new AssembledMessage(Guid.NewGuid(), [rows[0]], Now);
        Assert.False(await AssembleAsync([first]));
        await ClaimAsync(_owner);
        Assert.True(await AssembleAsync([first]));

        Assert.True(await AssembleAsync([new AssembledMessage(Guid.NewGuid(), rows, Now)]));

        Assert.Equal(first.MessageId, Assert.Single(await Stores.Deliveries.ReadDueAsync("mail", 10, Token)).MessageId);
        Assert.Equal(rows[1], Assert.Single((await Stores.Deliveries.ReadHeldAsync("mail", 10, 10, 0, Token))[0].Deliveries).Id);
        Time.Advance(s_lease);
        Assert.False(await AssembleAsync([new AssembledMessage(Guid.NewGuid(), [rows[1]], Now)]));
    }

    [Fact]
    public async Task An_alert_that_is_held_on_is_read_when_it_is_due_again_with_the_messages_of_the_last_hour()
    {
        await Stores.Deliveries.AddAsync([Held(Guid.NewGuid(), Now), Held(Guid.NewGuid(), Now)], Token);
        await ClaimAsync(_owner);
        long[] rows = [.. (await Stores.Deliveries.ReadHeldAsync("mail", 10, 10, 5, Token))[0].Deliveries.Select(delivery => delivery.Id)];
        DateTime made = Now;
        DateTime until = Now + TimeSpan.FromMinutes(30);

        Assert.True(await Stores.Deliveries.AssembleAsync(
            "mail", _owner,
            new Assembly([new AssembledMessage(Guid.NewGuid(), [rows[0]], Now)], [new PostponedAddress(Guid.Empty, HoldReason.Limit, until)]), Token));

        Assert.Empty(await Stores.Deliveries.ReadHeldAsync("mail", 10, 10, 5, Token));
        Time.Advance(TimeSpan.FromMinutes(30));
        HeldGroup group = Assert.Single(await Stores.Deliveries.ReadHeldAsync("mail", 10, 10, 5, Token));
        Assert.Equal(new HeldDelivery(rows[1], group.Deliveries[0].AlertId, HoldReason.Limit), Assert.Single(group.Deliveries));
        Assert.Equal([made], group.Recent);
        Time.Advance(TimeSpan.FromMinutes(30));
        Assert.Empty(Assert.Single(await Stores.Deliveries.ReadHeldAsync("mail", 10, 10, 5, Token)).Recent);
    }

    [Fact]
    public async Task What_was_given_up_can_be_sent_again_under_its_id_and_finished_rows_go_with_time()
    {
        NewDelivery delivery = Waiting(Guid.NewGuid());
        NewDelivery skipped = delivery with { Channel = "sms", State = DeliveryState.Skipped, DueAt = null, GiveUpAt = null };
        await Stores.Deliveries.AddAsync([delivery, skipped], Token);
        Guid id = delivery.Alert.AlertId;
        await SettleAsync(new Settlement(id, Guid.Empty, DeliveryState.GivenUp, 7, null, "refused"));
        await SettleAsync(new Settlement(id, Guid.Empty, DeliveryState.Sent, 8, null, null));
        var given = new DeliveryFilter(State: DeliveryState.GivenUp, Channel: "mail", UserId: 399);
        DeliveryRecord row = Assert.Single(await Stores.Deliveries.ListAsync(given, 10, Token));
        Assert.Equal((7, "refused"), (row.Attempts, row.Error));
        Assert.Equal([new ChannelCounts("mail", 0, 1)], await Stores.Deliveries.CountAsync(Token));
        DeliveryRecord other = Assert.Single(await Stores.Deliveries.ListAsync(new DeliveryFilter(Channel: "sms"), 10, Token));

        Assert.Equal(1, await Stores.Deliveries.SendAgainAsync([row.Id, other.Id], Now + TimeSpan.FromHours(1), Token));

        Assert.Equal(id, Assert.Single(await Stores.Deliveries.ReadDueAsync("mail", 10, Token)).MessageId);
        Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(1, await Stores.Deliveries.RemoveFinishedAsync(Now, Token));
        Assert.Equal(row.Id, Assert.Single(await Stores.Deliveries.ListAsync(new DeliveryFilter(), 10, Token)).Id);
        Assert.Empty(await Stores.Deliveries.ListAsync(new DeliveryFilter(Before: row.Id), 10, Token));
    }

    [Fact]
    public async Task An_address_is_kept_once_belongs_to_its_user_and_goes_with_the_person()
    {
        NotificationDestination mail = Address(399, "someone@home.example");
        await Stores.Destinations.PutAsync(mail, Token);
        await Stores.Destinations.PutAsync(Address(400, "someone@home.example"), Token);
        Time.Advance(TimeSpan.FromSeconds(1));
        NotificationDestination again = Address(399, "Someone@home.example") with { MinimumSurprise = 1000 };
        await Stores.Destinations.PutAsync(again, Token);

        Assert.Equal(again, Assert.Single(await Stores.Destinations.ListAsync([399], Token)));
        Assert.False(await Stores.Destinations.RemoveAsync(400, again.Id, Token));
        await Stores.Deliveries.AddAsync([Waiting(Guid.NewGuid()) with { DestinationId = again.Id }], Token);
        Assert.Equal(again, Assert.Single(await Stores.Deliveries.ReadDueAsync("mail", 10, Token)).Destination);

        await Stores.Retention.EraseUserAsync(399, [], null, Token);

        Assert.Empty(await Stores.Destinations.ListAsync([399], Token));
        Assert.Empty(await Stores.Deliveries.ListAsync(new DeliveryFilter(), 10, Token));
        Assert.Single(await Stores.Destinations.ListAsync([399, 400], Token));
    }

    [Fact]
    public async Task A_user_has_a_bounded_number_of_addresses_and_the_oldest_makes_room()
    {
        var added = new List<Guid>();
        for (int i = 0; i <= INotificationDestinationStore.MostOfUser; i++)
        {
            NotificationDestination address = Address(399, $"address{i}@home.example");
            added.Add(address.Id);
            await Stores.Destinations.PutAsync(address, Token);
            Time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(added[1..], (await Stores.Destinations.ListAsync([399], Token)).Select(address => address.Id));
    }

    private NotificationDestination Address(long userId, string mail) =>
        new(Guid.NewGuid(), userId, FinanceIngest.Configuration.ChannelType.Smtp, Now) { Mail = mail };

    [Fact]
    public async Task What_is_finished_is_read_in_the_order_in_which_it_was()
    {
        Guid[] alerts = [Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid(), Guid.NewGuid()];
        await Stores.Deliveries.AddAsync([.. alerts.Select(alert => Waiting(alert))], Token);
        DateTime begin = Now;
        Time.Advance(TimeSpan.FromSeconds(1));
        await SettleAsync(new Settlement(alerts[2], Guid.Empty, DeliveryState.GivenUp, 3, null, "refused"));
        Time.Advance(TimeSpan.FromSeconds(1));
        await SettleAsync(
            new Settlement(alerts[0], Guid.Empty, DeliveryState.Sent, 1, null, null), new Settlement(alerts[1], Guid.Empty, DeliveryState.Sent, 1, null, null),
            new Settlement(alerts[3], Guid.Empty, DeliveryState.Waiting, 1, Now + TimeSpan.FromMinutes(1), "down"));
        var store = (IFinishedDeliveries)Stores.Deliveries;

        IReadOnlyList<DeliveryRecord> first = await store.ReadFinishedAsync((begin, long.MaxValue), 2, Token);
        IReadOnlyList<DeliveryRecord> rest = await store.ReadFinishedAsync((first[^1].FinishedAt!.Value, first[^1].Id), 2, Token);

        Assert.Equal([alerts[2], alerts[0], alerts[1]], first.Concat(rest).Select(delivery => delivery.AlertId));
        Assert.Equal([DeliveryState.GivenUp, DeliveryState.Sent], first.Select(delivery => delivery.State));
        Assert.Equal([begin.AddSeconds(1), begin.AddSeconds(2)], first.Select(delivery => delivery.FinishedAt!.Value));
        Assert.Empty(await store.ReadFinishedAsync((rest[^1].FinishedAt!.Value, rest[^1].Id), 2, Token));
    }

    private NewDelivery Waiting(Guid alertId, string payload = "{}") => new(
        new NotifiedAlert { AlertId = alertId, UserId = 399, CategoryId = 2310, Amount = 1, ZScore = 8, Payload = payload },
        "mail", Guid.Empty, DeliveryState.Waiting, HoldReason.None, Now, Now + TimeSpan.FromDays(3), Now);

    private NewDelivery Held(Guid alertId, DateTime dueAt) =>
        Waiting(alertId) with { State = DeliveryState.Held, Hold = HoldReason.Digest, DueAt = dueAt, GiveUpAt = null };

    private Task<CircuitState?> ClaimAsync(Guid owner) => Stores.Deliveries.ClaimChannelAsync("mail", owner, s_lease, Token);

    private Task<bool> AssembleAsync(IReadOnlyList<AssembledMessage> messages) =>
        Stores.Deliveries.AssembleAsync("mail", _owner, new Assembly(messages, []), Token);

    private Task SettleAsync(params Settlement[] settlements) => Stores.Deliveries.SettleAsync("mail", settlements, Token);
}

public sealed class SqliteDeliveryStoreTests(SqliteFixture fixture) : DeliveryStoreContract(fixture), IClassFixture<SqliteFixture>;

[Needs(Outside.SqlServer)]
public sealed class SqlServerDeliveryStoreTests(SqlServerFixture fixture) : DeliveryStoreContract(fixture), IClassFixture<SqlServerFixture>;
