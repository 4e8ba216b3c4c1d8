using System.Globalization;
using FinanceIngest.Configuration;
using FinanceIngest.Notifications;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Transactions;

namespace FinanceIngest.Tests.Notifications;

/// <summary>Digests, quiet hours, the minimum surprise, and not more than n messages an hour.</summary>
public sealed class HoldingTests : IAsyncDisposable
{
    private readonly RecordingChannel _channel = new();

    public ValueTask DisposeAsync() => _channel.DisposeAsync();

    [Fact]
    public async Task A_digest_gathers_for_its_time_and_its_id_derives_from_its_alerts()
    {
        await using NotifierHarness system = NewSystem(("DigestMinutes", "30"));
        Guid[] first = await system.AlertAsync(2);
        NotifierHarness.Process process = system.NewProcess();
        await process.TakeAllAsync();
        Assert.Equal(TimeSpan.FromMinutes(30), (await process.DrainAsync())["hook"]);
        system.Time.Advance(TimeSpan.FromMinutes(29));
        Guid[] later = await system.AlertAsync();
        await process.TakeAllAsync();
        await process.DrainAsync();
        Assert.Empty(_channel.Told);
        system.Time.Advance(TimeSpan.FromMinutes(1));

        await process.DrainAsync();

        Notification digest = Assert.Single(_channel.Told);
        Assert.Equal([.. first, .. later], digest.Alerts.Select(alert => alert.AlertId));
        Assert.Equal(MessageIds.Of([.. later, .. first]), digest.Id);
        Assert.NotEqual(MessageIds.Of(first), digest.Id);
    }

    [Fact]
    public async Task A_digest_of_one_has_the_alerts_id()
    {
        await using NotifierHarness system = NewSystem(("DigestMinutes", "30"));
        Guid id = (await system.AlertAsync())[0];
        NotifierHarness.Process process = system.NewProcess();
        await process.TakeAllAsync();
        system.Time.Advance(TimeSpan.FromMinutes(30));

        await process.DrainAsync();

        Assert.Equal(id, Assert.Single(_channel.Told).Id);
    }

    [Fact]
    public async Task In_quiet_hours_nobody_is_told_and_then_all_at_once()
    {
        // 12:00 UTC is 07:00 in New York.
        await using NotifierHarness system = NewSystem(
            ("QuietHours__From", "22:00"), ("QuietHours__Until", "08:30"), ("QuietHours__TimeZone", "America/New_York"));
        await system.AlertAsync(2);
        NotifierHarness.Process process = system.NewProcess();
        await process.TakeAllAsync();

        Assert.Equal(TimeSpan.FromMinutes(90), (await process.DrainAsync())["hook"]);
        system.Time.Advance(TimeSpan.FromMinutes(90));
        await process.DrainAsync();

        Assert.Equal(2, Assert.Single(_channel.Told).Alerts.Count);
        await system.AlertAsync();
        await process.TakeAllAsync();
        await process.DrainAsync();
        Assert.Equal(2, _channel.Told.Count);
    }

    [Fact]
    public async Task Not_more_than_n_an_hour_and_the_rest_in_one()
    {
        await using NotifierHarness system = NewSystem(("MostPerHour", "3"));
        Guid[] alerts = await system.AlertAsync(10);
        NotifierHarness.Process process = system.NewProcess();
        await process.TakeAllAsync();

        Assert.Equal(TimeSpan.FromMinutes(60), (await process.DrainAsync())["hook"]);

        Assert.Equal(alerts[..3], _channel.Told.Select(notification => notification.Id));
        system.Time.Advance(TimeSpan.FromMinutes(59));
        Guid[] later = await system.AlertAsync();
        await process.TakeAllAsync();
        await process.DrainAsync();
        Assert.Equal(3, _channel.Told.Count);
        system.Time.Advance(TimeSpan.FromMinutes(1));
        await process.DrainAsync();
        Assert.Equal(4, _channel.Told.Count);
        Assert.Equal([.. alerts[3..], .. later], _channel.Told[3].Alerts.Select(alert => alert.AlertId));
    }

    [Theory]
    [InlineData("0.01", 0)]
    [InlineData("0.001", 1)]
    [InlineData("0.0001", 1)]
    [InlineData("null", 1)]
    public async Task An_alert_below_the_minimum_surprise_is_not_told_and_stands_in_the_list(string surprise, int told)
    {
        await using NotifierHarness system = NewSystem(("MinimumSurprise", "1000"));
        system.Make = _ => _channel;
        await system.AlertAsync(more: $",\"surprise\":{surprise}");

        await system.RunAsync();

        Assert.Equal(told, _channel.Told.Count);
        Assert.Equal(
            told == 1 ? DeliveryState.Sent : DeliveryState.Skipped, Assert.Single(await system.Store.ListAsync(new DeliveryFilter(), 10, default)).State);
    }

    [Fact]
    public async Task A_users_own_addresses_get_the_users_alerts_at_the_users_hours()
    {
        await using var server = new SmtpSink();
        await using var system = new NotifierHarness(NotifierHarness.Mail("mail", server.Port, ("ToUsers", "true")));
        Assert.True(FinanceIngest.Ground.TimeZones.TryFind("Asia/Kolkata", out TimeZoneInfo? zone));
        await system.Destinations.PutAsync(Address(system, 399, "one@home.example"), default);
        await system.Destinations.PutAsync(
            Address(system, 399, "two@home.example") with { Quiet = new QuietHours(new TimeOnly(17, 0), new TimeOnly(18, 0), zone) }, default);
        await system.Destinations.PutAsync(Address(system, 400, "other@home.example"), default);
        await system.AlertAsync();

        await system.RunAsync();

        Assert.Equal(["one@home.example"], server.Mails.SelectMany(mail => mail.Receivers));

        // 12:00 UTC is 17:30 in Kolkata.
        system.Time.Advance(TimeSpan.FromMinutes(30));
        await system.RunAsync();
        Assert.Equal(["one@home.example", "two@home.example"], server.Mails.SelectMany(mail => mail.Receivers));
        Assert.Equal(2, server.Mails.Select(mail => mail.Message.MessageId).Distinct().Count());
    }

    [Fact]
    public async Task An_address_that_was_taken_back_gets_nothing_more()
    {
        await using var server = new SmtpSink();
        await using var system = new NotifierHarness(NotifierHarness.Mail("mail", server.Port, ("ToUsers", "true")));
        NotificationDestination address = Address(system, 399, "one@home.example");
        await system.Destinations.PutAsync(address, default);
        await system.AlertAsync();
        NotifierHarness.Process process = system.NewProcess();
        await process.TakeAllAsync();
        await system.Destinations.RemoveAsync(399, address.Id, default);

        await process.DrainAsync();

        Assert.Empty(server.Mails);
        Assert.Equal(DeliveryState.GivenUp, Assert.Single(await system.Store.ListAsync(new DeliveryFilter(), 10, default)).State);
    }

    [Theory]
    [InlineData("2026-01-31T21:59:00Z", "22:00", "07:00", "UTC", null)]
    [InlineData("2026-01-31T22:00:00Z", "22:00", "07:00", "UTC", "2026-02-01T07:00:00Z")]
    [InlineData("2026-02-01T06:59:59Z", "22:00", "07:00", "UTC", "2026-02-01T07:00:00Z")]
    [InlineData("2026-02-01T07:00:00Z", "22:00", "07:00", "UTC", null)]
    [InlineData("2026-02-01T12:30:00Z", "12:00", "13:00", "UTC", "2026-02-01T13:00:00Z")]
    // Clocks go forward from 02:00 to 03:00: 02:30 is never, and the quiet ends at 03:00, which is 01:00 UTC.
    [InlineData("2026-03-29T00:30:00Z", "22:00", "02:30", "Europe/Berlin", "2026-03-29T01:00:00Z")]
    // Clocks go back from 03:00 to 02:00: 02:30 comes twice, and the first is 00:30 UTC. Between the two it is quiet again for a while.
    [InlineData("2026-10-25T00:10:00Z", "22:00", "02:30", "Europe/Berlin", "2026-10-25T00:30:00Z")]
    [InlineData("2026-10-25T01:10:00Z", "22:00", "02:30", "Europe/Berlin", "2026-10-25T01:30:00Z")]
    public void Quiet_hours_hold_in_their_zone(string now, string from, string until, string zone, string? end)
    {
        Assert.True(FinanceIngest.Ground.TimeZones.TryFind(zone, out TimeZoneInfo? found));
        Assert.True(Timestamp.TryParseRfc3339(now, out DateTime instant));
        CultureInfo culture = CultureInfo.InvariantCulture;
        var quiet = new QuietHours(TimeOnly.Parse(from, culture), TimeOnly.Parse(until, culture), found);

        DateTime? actual = quiet.EndAt(instant);

        Assert.Equal(end is null ? null : Timestamp.TryParseRfc3339(end, out DateTime expected) ? expected : null, actual);
    }

    private static NotificationDestination Address(NotifierHarness system, long userId, string mail) =>
        new(Guid.NewGuid(), userId, ChannelType.Smtp, system.Time.UtcNowMicroseconds()) { Mail = mail };

    private NotifierHarness NewSystem(params (string Name, string Value)[] more) =>
        new(NotifierHarness.Webhook("hook", "http://127.0.0.1:1", more)) { Make = _ => _channel };
}
