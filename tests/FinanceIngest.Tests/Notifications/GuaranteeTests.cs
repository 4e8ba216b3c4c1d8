using FinanceIngest.Notifications;
using FinanceIngest.Notifications.Channels;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Queueing;

namespace FinanceIngest.Tests.Notifications;

/// <summary>Guarantee 9: an alert reaches each channel at least once, alone or in a digest, and a channel that understands ids sees each id as one.</summary>
public sealed class GuaranteeTests
{
    private static readonly SendOutcome s_down = new(SendResult.ChannelFailed, "The connection failed: ConnectionRefused.");

    /// <summary>A process is ended at one point after the other, until one is reached that no run passes. Each time another process goes on.</summary>
    [Theory]
    [InlineData("alone")]
    [InlineData("in a digest")]
    public async Task Nothing_is_lost_and_every_id_is_one_wherever_a_process_ends(string how)
    {
        int points = 0;
        int repeated = 0;
        for (; ; points++)
        {
            await using NotifierHarness system = NewSystem(how == "alone" ? [] : [("DigestMinutes", "10")]);
            var told = new RecordingChannel();
            Guid[] alerts = await system.AlertAsync(3);
            await system.Alerts.SendAsync("no alert", TimeSpan.Zero, default);
            var mortal = new FaultPoints(points);
            system.Make = _ => new MortalChannel(told, mortal);
            NotifierHarness.Process first = system.NewProcess(new MortalStore(system.Store, mortal), alerts: new MortalQueue(system.Alerts, mortal));
            bool hasEnded = await DiesAsync(async () =>
            {
                await first.TakeAllAsync();
                system.Time.Advance(TimeSpan.FromMinutes(10));
                await first.DrainAsync();
            });

            system.Make = _ => told;
            for (int round = 0; round < 2; round++)
            {
                system.Time.Advance(TimeSpan.FromSeconds(30));
                NotifierHarness.Process next = system.NewProcess();
                await next.TakeAllAsync();
                system.Time.Advance(TimeSpan.FromMinutes(10));
                await next.DrainAsync();
            }

            string where = string.Join(", ", mortal.Passed.TakeLast(3));
            Assert.Equal(alerts.Order(), told.Told.SelectMany(Ids).Distinct().Order());

            // Each alert stands in one message alone, whose repetition has the same id and the same alerts.
            foreach (IGrouping<Guid, Notification> message in told.Told.GroupBy(notification => notification.Id))
            {
                Assert.True(message.Count() <= 2, where);
                Assert.Single(message.Select(notification => string.Join(',', Ids(notification))).Distinct());
            }

            Assert.Equal(3, told.Told.DistinctBy(notification => notification.Id).Sum(notification => notification.Alerts.Count));
            repeated += told.Told.GroupBy(notification => notification.Id).Count(message => message.Count() > 1);
            Assert.All(await system.Store.ListAsync(new DeliveryFilter(), 10, default), row => Assert.Equal(DeliveryState.Sent, row.State));
            Assert.Equal(0, (await system.Alerts.GetDepthAsync(default)).Length);
            Assert.True((await system.Poison.GetDepthAsync(default)).Length >= 1, where);
            if (!hasEnded)
            {
                break;
            }
        }

        Assert.True(points > 25, $"Only {points} points were passed.");
        Assert.True(repeated > 0, "No point lay between a send and its settling.");
    }

    [Fact]
    public async Task A_channel_that_is_down_for_an_hour_holds_up_no_other_and_then_gets_everything()
    {
        var up = new RecordingChannel();
        var down = new RecordingChannel { OnSend = _ => s_down };
        await using var system = new NotifierHarness(
            [.. NotifierHarness.Webhook("up", "http://127.0.0.1:1"), .. NotifierHarness.Webhook("down", "http://127.0.0.1:1")]);
        system.Make = settings => settings.Name == "up" ? up : down;
        NotifierHarness.Process process = system.NewProcess();
        var alerts = new List<Guid>();
        int early = 0;
        for (int minute = 0; minute < 60; minute++)
        {
            alerts.AddRange(await system.AlertAsync());
            await process.TakeAllAsync();
            await process.DrainAsync();
            Assert.Equal(minute + 1, up.Told.Count);
            early = minute == 9 ? down.Attempts.Count : early;
            system.Time.Advance(TimeSpan.FromMinutes(1));
        }

        // The circuit lets through one attempt in five minutes at last, and not one for each alert.
        Assert.Empty(down.Told);
        Assert.InRange(down.Attempts.Count - early, 8, 14);
        down.OnSend = _ => SendOutcome.Delivered;
        for (int minute = 0; minute < 31; minute++)
        {
            system.Time.Advance(TimeSpan.FromMinutes(1));
            await process.DrainAsync();
        }

        Assert.Equal(alerts.Order(), down.Told.Select(notification => notification.Id).Order());
        Assert.Equal(alerts.Order(), up.Told.Select(notification => notification.Id).Order());
        Assert.All(await system.Store.CountAsync(default), count => Assert.Equal(0, count.Open));
    }

    [Fact]
    public async Task A_message_that_fails_alone_is_repeated_with_pauses_and_the_others_go_on()
    {
        Guid bad = Guid.Empty;
        var channel = new RecordingChannel();
        await using NotifierHarness system = NewSystem();
        system.Make = _ => channel;
        Guid[] alerts = await system.AlertAsync(40);
        bad = alerts[7];
        channel.OnSend = notification => notification.Id == bad ? new SendOutcome(SendResult.Failed, "The receiver answered 422.") : SendOutcome.Delivered;
        NotifierHarness.Process process = system.NewProcess();
        await process.TakeAllAsync();

        TimeSpan wait = (await process.DrainAsync())["hook"];

        Assert.Equal(39, channel.Told.Count);
        Assert.InRange(wait, TimeSpan.FromSeconds(2.5), TimeSpan.FromSeconds(5));
        for (int i = 0; i < 200; i++)
        {
            system.Time.Advance(TimeSpan.FromMinutes(30));
            await process.DrainAsync();
        }

        // After 72 hours it is given up, and can be sent again under its id.
        DeliveryRecord given = Assert.Single(await system.Store.ListAsync(new DeliveryFilter(State: DeliveryState.GivenUp), 10, default));
        Assert.Equal((bad, "The receiver answered 422."), (given.AlertId, given.Error));
        Assert.InRange(given.Attempts, 100, 160);
        channel.OnSend = _ => SendOutcome.Delivered;
        await system.Store.SendAgainAsync([given.Id], system.Time.GetUtcNow().UtcDateTime.AddDays(1), default);
        await process.DrainAsync();
        Assert.Equal(bad, channel.Told[^1].Id);
    }

    [Fact]
    public async Task Two_processes_share_the_work_and_no_message_is_sent_twice()
    {
        var channel = new RecordingChannel();
        await using NotifierHarness system = NewSystem(("MostPerHour", "5"));
        system.Make = _ => channel;
        Guid[] alerts = await system.AlertAsync(60);
        NotifierHarness.Process one = system.NewProcess();
        NotifierHarness.Process two = system.NewProcess();
        await Task.WhenAll(one.TakeAllAsync(), two.TakeAllAsync());
        for (int i = 0; i < 8; i++)
        {
            await Task.WhenAll(one.DrainAsync(), two.DrainAsync());
            system.Time.Advance(TimeSpan.FromMinutes(10));
        }

        Assert.Equal(alerts.Order(), channel.Told.SelectMany(Ids).Order());
        Assert.Equal(6, channel.Told.Count);
    }

    [Fact]
    public async Task While_the_database_is_down_alerts_stay_on_their_queue()
    {
        var channel = new RecordingChannel();
        await using NotifierHarness system = NewSystem();
        system.Make = _ => channel;
        await system.AlertAsync(2);
        var dead = new FaultPoints(0);
        NotifierHarness.Process first = system.NewProcess(new MortalStore(system.Store, dead));
        Assert.True(await DiesAsync(first.TakeAllAsync));
        Assert.Equal(2, (await system.Alerts.GetDepthAsync(default)).Length);
        system.Time.Advance(TimeSpan.FromSeconds(30));

        await system.RunAsync();

        Assert.Equal(2, channel.Told.Count);
    }

    [Fact]
    public async Task While_deliveries_are_open_their_marker_keeps_the_queue_from_being_empty()
    {
        var channel = new RecordingChannel { OnSend = _ => s_down };
        await using var system = new NotifierHarness(NotifierHarness.Webhook("hook", "http://127.0.0.1:1")) { HasAutoscaler = true, Make = _ => channel };
        await system.AlertAsync(3);
        NotifierHarness.Process process = system.NewProcess();
        await process.TakeAllAsync();
        Assert.Equal(1, (await system.Alerts.GetDepthAsync(default)).Length);

        // After a crash the marker becomes visible, and whoever takes it looks for deliveries.
        system.Time.Advance(OpenDeliveriesMarker.Delay);
        channel.OnSend = _ => SendOutcome.Delivered;
        NotifierHarness.Process next = system.NewProcess();
        await next.TakeAllAsync();
        await next.DrainAsync();
        Assert.Equal(3, channel.Told.Count);
        await next.Marker.RaiseAsync(default);
        await next.Marker.RaiseAsync(default);
        Assert.Equal(1, (await system.Alerts.GetDepthAsync(default)).Length);
        await next.Marker.ClearAsync(default);
        Assert.Equal(0, (await system.Alerts.GetDepthAsync(default)).Length);
        Assert.Equal(0, (await system.Poison.GetDepthAsync(default)).Length);
    }

    [Fact]
    public Task Five_thousand_alerts_reach_every_channel_once() => ReachEveryChannelOnceAsync(5_000);

    [Fact]
    [Trait("Category", "Integration")]
    public Task A_hundred_thousand_alerts_reach_every_channel_once() => ReachEveryChannelOnceAsync(100_000);

    private static async Task ReachEveryChannelOnceAsync(int count)
    {
        var plain = new RecordingChannel { Concurrency = 8 };
        var limited = new RecordingChannel();
        await using var system = new NotifierHarness(
            [.. NotifierHarness.Webhook("plain", "http://127.0.0.1:1"), .. NotifierHarness.Webhook("limited", "http://127.0.0.1:1", ("MostPerHour", "50"))]);
        system.Make = settings => settings.Name == "plain" ? plain : limited;
        Guid[] ids = [.. Enumerable.Range(0, count).Select(_ => Guid.NewGuid())];
        await Parallel.ForEachAsync(
            ids, new ParallelOptions { MaxDegreeOfParallelism = 64, CancellationToken = TestContext.Current.CancellationToken },
            async (id, token) => await system.Alerts.Behind.SendAsync(MessageText.Encode(NotifierHarness.Alert(id)), TimeSpan.Zero, token));
        NotifierHarness.Process process = system.NewProcess();

        await process.TakeAllAsync();
        for (int hour = 0; hour < 4; hour++)
        {
            await process.DrainAsync();
            system.Time.Advance(TimeSpan.FromMinutes(61));
        }

        Assert.Equal(count, plain.Told.Count);
        Assert.Equal(count, plain.Told.Select(notification => notification.Id).ToHashSet().Count);
        Assert.Equal(count, limited.Told.Sum(notification => notification.Alerts.Count));
        Assert.Equal(ids.ToHashSet(), limited.Told.SelectMany(Ids).ToHashSet());
        Assert.Equal(50 + (((count - 50) + 999) / 1000), limited.Told.Count);
        Assert.All(await system.Store.CountAsync(default), left => Assert.Equal(0, left.Open));
        Assert.Equal(0, (await system.Alerts.GetDepthAsync(default)).Length);
    }

    private static NotifierHarness NewSystem(params (string Name, string Value)[] more) => new(NotifierHarness.Webhook("hook", "http://127.0.0.1:1", more));

    private static IEnumerable<Guid> Ids(Notification notification) => notification.Alerts.Select(alert => alert.AlertId);

    private static async Task<bool> DiesAsync(Func<Task> work)
    {
        try
        {
            await work();
            return false;
        }
        catch (EndOfProcessException)
        {
            return true;
        }
    }
}
