using FinanceIngest.Commands;
using FinanceIngest.Configuration;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Storage;

/// <summary>Addresses that users add and take back hold as they were accepted, in whatever order and however often the commands come.</summary>
public abstract class DestinationContract(StoreFixture fixture) : StoreContract(fixture)
{
    [Fact]
    public async Task An_address_that_is_taken_back_before_it_comes_never_comes()
    {
        NotificationDestination address = Address(1, "someone@home.example"), other = Address(2, "other@home.example");
        Assert.False(await AreCarriedOutAsync(Add(address)));
        Assert.False(await AreCarriedOutAsync(Remove(address, 3)));

        await TakeBackAsync(address, 3);
        Assert.True(await AreCarriedOutAsync(Add(address), Remove(address, 3)));
        await PutAsync(address, other, address);

        Assert.Equal([other.Id], await ListAsync());
        Assert.True(await AreCarriedOutAsync(Add(other)));
        Assert.False(await AreCarriedOutAsync(Remove(other, 3)));
    }

    [Fact]
    public async Task A_command_that_comes_again_changes_nothing()
    {
        NotificationDestination address = Address(1, "someone@home.example");
        await PutAsync(address, address);
        Assert.Equal([address.Id], await ListAsync());
        await TakeBackAsync(address, 2);
        await TakeBackAsync(address, 2);
        await PutAsync(address);
        Assert.Empty(await ListAsync());
        Assert.Equal(1, await Fixture.CountRowsAsync("removed_destinations"));
    }

    [Fact]
    public async Task Another_user_s_address_can_t_be_taken_back()
    {
        NotificationDestination address = Address(1, "someone@home.example");
        await Stores.Destinations.TakeBackAsync(400, address.Id, Sample.Noon.AddSeconds(2), Token);
        await PutAsync(address);
        await Stores.Destinations.TakeBackAsync(400, address.Id, Sample.Noon.AddSeconds(2), Token);
        Assert.Equal([address.Id], await ListAsync());
    }

    [Fact]
    public async Task Commands_about_addresses_hold_alike_in_whatever_order_they_come()
    {
        NotificationDestination first = Address(1, "one@home.example"), second = Address(2, "One@home.example"), third = Address(4, "one@home.example");
        NotificationDestination gone = Address(1, "two@home.example"), replaced = Address(0, "two@home.example"), lasting = Address(6, "three@home.example");
        Func<Task>[] commands =
        [
            () => PutAsync(first), () => PutAsync(second), () => TakeBackAsync(second, 3), () => PutAsync(third),
            () => PutAsync(replaced), () => PutAsync(gone), () => TakeBackAsync(gone, 2), () => PutAsync(lasting),
        ];
        var random = new Random(18);
        for (int round = 0; round < 12; round++)
        {
            await Fixture.ClearAsync();
            await InitializeAsync();
            Func<Task>[] order = [.. commands, .. commands];
            random.Shuffle(order);
            foreach (Func<Task> command in order)
            {
                await command();
            }

            Assert.Equal([third.Id, lasting.Id], await ListAsync());
            Assert.True(await AreCarriedOutAsync(
                Add(first), Add(second), Remove(second, 3), Add(third), Add(replaced), Add(gone), Remove(gone, 2), Add(lasting)));
        }
    }

    [Fact]
    public async Task The_oldest_address_of_too_many_stays_away_also_where_it_comes_last()
    {
        NotificationDestination[] addresses =
            [.. Enumerable.Range(0, INotificationDestinationStore.MostOfUser + 1).Select(i => Address(i, $"address{i}@home.example"))];
        await PutAsync([.. addresses.Reverse()]);
        await TakeBackAsync(addresses[^1], 60);
        await PutAsync(addresses);
        Assert.Equal(addresses[1..^1].Select(address => address.Id), await ListAsync());
    }

    [Fact]
    public async Task What_was_given_before_an_erasure_does_not_come_and_what_was_given_after_it_stays()
    {
        NotificationDestination before = Address(1, "before@home.example"), late = Address(2, "late@home.example"), after = Address(4, "after@home.example");
        NotificationDestination gone = Address(5, "gone@home.example");
        await PutAsync(before, after);
        await TakeBackAsync(Address(1, "old@home.example"), 2);
        await TakeBackAsync(gone, 6);
        var erasure = new EraseUserCommand(Guid.CreateVersion7(), Sample.Noon.AddSeconds(3), 399);
        await Stores.Scoring.WriteAsync(Sample.Batch() with { Commands = [erasure] }, Token);
        await Stores.Retention.EraseUserAsync(399, [], erasure.AcceptedAt, Token);

        await PutAsync(before, late, gone);
        await TakeBackAsync(late, 3);

        Assert.Equal([after.Id], await ListAsync());
        Assert.True(await AreCarriedOutAsync(Add(before), Add(late), Remove(late, 3), Add(after), Add(gone)));
        Assert.Equal(1, await Fixture.CountRowsAsync("removed_destinations"));

        await Stores.Retention.EraseUserAsync(399, [], null, Token);
        Assert.Empty(await ListAsync());
        Assert.Equal(0, await Fixture.CountRowsAsync("removed_destinations"));
    }

    private static NotificationDestination Address(int second, string mail) =>
        new(Guid.CreateVersion7(), 399, ChannelType.Smtp, Sample.Noon.AddSeconds(second)) { Mail = mail };

    private static DestinationCommand Add(NotificationDestination address) =>
        new(address.Id, address.CreatedAt, address.UserId, DestinationFields.ToJson(address));

    private static RemoveDestinationCommand Remove(NotificationDestination address, int second) =>
        new(Guid.CreateVersion7(), Sample.Noon.AddSeconds(second), address.UserId, address.Id);

    private async Task PutAsync(params NotificationDestination[] addresses)
    {
        foreach (NotificationDestination address in addresses)
        {
            await Stores.Destinations.PutAsync(address, Token);
        }
    }

    private Task TakeBackAsync(NotificationDestination address, int second) =>
        Stores.Destinations.TakeBackAsync(address.UserId, address.Id, Sample.Noon.AddSeconds(second), Token);

    private Task<bool> AreCarriedOutAsync(params Command[] commands) => Stores.Progress.AreCarriedOutAsync(commands, Token);

    private async Task<IEnumerable<Guid>> ListAsync() => (await Stores.Destinations.ListAsync([399], Token)).Select(address => address.Id);
}

/// <summary>The contract on embedded storage.</summary>
public sealed class SqliteDestinationTests(SqliteFixture fixture) : DestinationContract(fixture), IClassFixture<SqliteFixture>;

/// <summary>The contract on SQL Server.</summary>
[Needs(Outside.SqlServer)]
public sealed class SqlServerDestinationTests(SqlServerFixture fixture) : DestinationContract(fixture), IClassFixture<SqlServerFixture>;
