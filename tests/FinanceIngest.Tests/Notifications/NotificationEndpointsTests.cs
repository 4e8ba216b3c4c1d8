using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Azure;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Http;
using FinanceIngest.Notifications;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Notifications.Destinations;
using FinanceIngest.Queueing;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Storage;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FinanceIngest.Tests.Notifications;

/// <summary>What was told to whom, over HTTP: in pages, filtered, with masked addresses; sent again; refused where the process may not.</summary>
public sealed class NotificationEndpointsTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services;

    public NotificationEndpointsTests()
    {
        var settings = new Settings
        {
            DataDirectory = _folder.Path,
            IdSigningKey = "a signing key",
            Roles = Roles.Intake,
            Notify = new NotifySettings
            {
                Channels =
                [
                    new ChannelSettings { Name = "family", Type = ChannelType.Smtp, To = ["anna@home.example", "ben@home.example"], ToUsers = true },
                    new ChannelSettings { Name = "hook", Type = ChannelType.Webhook, Url = "https://user:secret@hooks.example/secret?key=secret" },
                ],
            },
        };
        _services = new ServiceCollection().AddLogging(logging => logging.ClearProviders())
            .AddFinanceIngest(settings).AddIntake(settings).AddCaseViews().BuildServiceProvider();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Deliveries_are_listed_newest_first_in_pages_and_no_address_or_secret_in_full()
    {
        NotificationDestination own = await OwnAsync(7, "carla@work.example");
        Guid removed = Guid.NewGuid();
        await LeaveAsync("family", 7, Guid.Empty);
        await LeaveAsync("family", 7, own.Id);
        await LeaveAsync("hook", 8, Guid.Empty);
        await LeaveAsync("gone", 9, removed);

        JsonElement first = await AskAsync("GET", "/api/notifications", "NotificationsPage", "?limit=3");
        JsonElement second = await AskAsync("GET", "/api/notifications", "NotificationsPage", $"?limit=3&after={first.GetProperty("next").GetString()}");

        JsonElement[] rows = [.. first.GetProperty("notifications").EnumerateArray(), .. second.GetProperty("notifications").EnumerateArray()];
        Assert.Equal(JsonValueKind.Null, second.GetProperty("next").ValueKind);
        Assert.Equal(["gone", "hook", "family", "family"], rows.Select(row => row.GetProperty("channel").GetString()));
        Assert.Equal([null, "https://hooks.example", "c•••@work.example", "a•••@home.example, b•••@home.example"], rows.Select(row => Text(row, "address")));
        Assert.Equal([null, "webhook", "smtp", "smtp"], rows.Select(row => Text(row, "type")));
        Assert.Equal([removed.ToString(), null, own.Id.ToString(), null], rows.Select(row => Text(row, "destination_id")));
    }

    [Fact]
    public async Task Filters_restrict_and_wrong_ones_are_refused()
    {
        await LeaveAsync("family", 7, Guid.Empty);
        await LeaveAsync("hook", 8, Guid.Empty);
        await GiveUpAsync(await LeaveAsync("hook", 7, Guid.Empty));

        Assert.Equal(2, await CountAsync("?user_id=7"));
        Assert.Equal(2, await CountAsync("?channel=hook"));
        Assert.Equal(1, await CountAsync("?state=given_up"));
        Assert.Equal(1, await CountAsync("?state=waiting&channel=hook&user_id=8"));
        Assert.Equal(0, await CountAsync("?state=held"));
        foreach (string wrong in new[] { "?state=lost", "?user_id=x", "?after=0", "?after=x", "?limit=0", $"?channel={new string('x', 201)}", "?users=1" })
        {
            Assert.Equal(400, (await HandleAsync("GET", "/api/notifications", wrong)).Status);
        }
    }

    [Fact]
    public async Task What_was_given_up_is_sent_again_and_the_notifier_is_woken()
    {
        Guid alert = await LeaveAsync("hook", 8, Guid.Empty);
        await GiveUpAsync(alert);
        JsonElement row = (await AskAsync("GET", "/api/notifications", "NotificationsPage")).GetProperty("notifications")[0];
        Assert.Equal(("given_up", "The receiver is gone."), (Text(row, "state"), Text(row, "problem")));

        JsonElement answer = await AskAsync("POST", $"/api/notifications/{row.GetProperty("id").GetInt64()}/again", "SentAgain");

        Assert.Equal(1, answer.GetProperty("messages").GetInt32());
        row = (await AskAsync("GET", "/api/notifications", "NotificationsPage")).GetProperty("notifications")[0];
        Assert.Equal(("waiting", alert.ToString(), (string?)null), (Text(row, "state"), Text(row, "message_id"), Text(row, "problem")));
        Assert.Equal(1, (await _services.GetRequiredService<Queues>().Alerts.GetDepthAsync(Token)).Length);
    }

    [Fact]
    public async Task What_has_no_message_cannot_be_sent_again()
    {
        await LeaveAsync("hook", 8, Guid.Empty, DeliveryState.Held);
        long id = (await AskAsync("GET", "/api/notifications", "NotificationsPage")).GetProperty("notifications")[0].GetProperty("id").GetInt64();

        foreach (string path in new[] { $"{id}", $"{id + 1}", "x" })
        {
            Assert.Equal(404, (await HandleAsync("POST", $"/api/notifications/{path}/again")).Status);
        }

        Assert.Equal(0, (await _services.GetRequiredService<Queues>().Alerts.GetDepthAsync(Token)).Length);
    }

    [Fact]
    public async Task A_process_without_the_right_says_so_and_an_outage_is_something_else()
    {
        Problem problem = (await Assert.ThrowsAsync<ProblemException>(() => RefusedAsync(new RequestFailedException(403, "AuthorizationFailure")))).Problem;
        Assert.Equal((403, "rights"), (problem.Status, problem.Kind));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => RefusedAsync(new IOException("the disk is gone")));
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        _folder.Dispose();
    }

    private async Task RefusedAsync(Exception cause)
    {
        await OwnAsync(7, "carla@work.example");
        await LeaveAsync("family", 7, Guid.NewGuid());
        var endpoints = new NotificationEndpoints(
            _services.GetRequiredService<DeliveryOperations>(), new RefusingStore(new StoreUnavailableException(cause)),
            _services.GetRequiredService<Settings>());
        await endpoints.Routes.First().Handle(new Request("GET", "/api/notifications", ""), default, Token);
    }

    private async Task<NotificationDestination> OwnAsync(long user, string mail)
    {
        var own = new NotificationDestination(Guid.CreateVersion7(), user, ChannelType.Smtp, Sample.Noon) { Mail = mail };
        await _services.GetRequiredService<INotificationDestinationStore>().PutAsync(own, Token);
        return own;
    }

    private async Task<Guid> LeaveAsync(string channel, long user, Guid destination, DeliveryState state = DeliveryState.Waiting)
    {
        var alert = new NotifiedAlert { AlertId = Guid.NewGuid(), UserId = user, CategoryId = 1, Amount = 9, ZScore = 8, Payload = "{}" };
        bool isHeld = state == DeliveryState.Held;
        await _services.GetRequiredService<IDeliveryStore>().AddAsync(
            [
                new NewDelivery(
                    alert, channel, destination, state, isHeld ? HoldReason.Digest : HoldReason.None, Sample.Noon, isHeld ? null : Sample.Noon.AddDays(3),
                    Sample.Noon),
            ],
            Token);
        return alert.AlertId;
    }

    private Task GiveUpAsync(Guid alert) => _services.GetRequiredService<IDeliveryStore>().SettleAsync(
        "hook", [new Settlement(alert, Guid.Empty, DeliveryState.GivenUp, 1, null, "The receiver is gone.")], Token);

    private async Task<int> CountAsync(string query) =>
        (await AskAsync("GET", "/api/notifications", "NotificationsPage", query)).GetProperty("notifications").GetArrayLength();

    private static string? Text(JsonElement row, string name) => row.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private async Task<ApiResponse> HandleAsync(string method, string path, string query = "") =>
        await _services.GetRequiredService<Api>().HandleAsync(new Request(method, path, query), Token);

    private async Task<JsonElement> AskAsync(string method, string path, string schema, string query = "")
    {
        ApiResponse answer = await HandleAsync(method, path, query);
        string json = Encoding.UTF8.GetString(answer.Body.Span);
        Assert.True(answer.Status == 200, json);
        Assert.Empty(ApiDescription.Instance.Validate(new JsonObject { ["$ref"] = $"#/components/schemas/{schema}" }, json));
        return JsonElement.Parse(json);
    }

    private sealed class Request(string method, string path, string query) : ApiRequest
    {
        public override string Method => method;

        public override string Path => path;

        public override long? ContentLength => 0;

        public override Stream Body => Stream.Null;

        public override string? Header(string name) => null;

        public override string QueryText => query;
    }

    private sealed class RefusingStore(Exception failure) : INotificationDestinationStore
    {
        public Task PutAsync(NotificationDestination destination, CancellationToken cancellationToken) => Task.FromException(failure);

        public Task TakeBackAsync(long userId, Guid id, DateTime acceptedAt, CancellationToken cancellationToken) => Task.FromException(failure);

        public Task<bool> RemoveAsync(long userId, Guid id, CancellationToken cancellationToken) => Task.FromException<bool>(failure);

        public Task<IReadOnlyList<NotificationDestination>> ListAsync(IReadOnlyCollection<long> userIds, CancellationToken cancellationToken) =>
            Task.FromException<IReadOnlyList<NotificationDestination>>(failure);
    }
}
