using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Events;
using FinanceIngest.Http;
using FinanceIngest.Notifications;
using FinanceIngest.Notifications.Deliveries;
using FinanceIngest.Overview;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Tests.Storage;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Events;

/// <summary>GET /api/events: figures and anomalies as they come, at the cost of one viewer, and nothing of a database that sleeps.</summary>
public sealed class EventStreamTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));
    private readonly SleepyOverview _overview;
    private readonly CountingHistory _history;
    private readonly ServiceProvider _services;

    public EventStreamTests()
    {
        var settings = new Settings
        {
            DataDirectory = _folder.Path,
            IdSigningKey = "a signing key",
            Roles = Roles.Intake,
            ApiKeys = [new ApiKeySetting("reader", "reader secret",
                Scopes.Read)],
        };
        _overview = new SleepyOverview(_time);
        _services = new ServiceCollection().AddSingleton<TimeProvider>(_time).AddLogging(logging => logging.ClearProviders())
            .AddFinanceIngest(settings).AddIntake(settings).AddOverview().AddSingleton<IOverviewStore>(_overview)
            .AddSingleton<IHistoryStore>(provider =>
                new CountingHistory(new SqliteHistoryStore(provider.GetRequiredService<SqliteDatabase>()))).BuildServiceProvider();
        _history = (CountingHistory)_services.GetRequiredService<IHistoryStore>();
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private EventHub Hub => _services.GetRequiredService<EventHub>();

    [Fact]
    public async Task Figures_come_at_once_and_anomalies_with_a_cursor_from_which_another_stream_goes_on()
    {
        _overview.IsAwake = true;
        using Follower first = await FollowAsync();
        Assert.Equal("status", (await first.NextAsync()).Type);
        await Hub.LookAsync(1, Token);
        TransactionResult one = await WriteAnomalyAsync(399);
        await Hub.LookAsync(2, Token);
        (string type, string? id, JsonElement data) = await first.NextAsync("anomaly");
        Assert.Equal(("anomaly", one.Id.ToString()), (type, data.GetProperty("id").GetString()));

        TransactionResult two = await WriteAnomalyAsync(400);
        await first.CloseAsync();
        using Follower second = await FollowAsync(last: id);
        await Hub.LookAsync(3, Token);
        Assert.Equal(two.Id.ToString(), (await second.NextAsync("anomaly")).Data.GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_stream_has_only_the_types_and_the_user_that_were_asked_for()
    {
        _overview.IsAwake = true;
        using Follower follower = await FollowAsync("?types=anomaly&user_id=7");
        await Hub.LookAsync(0, Token);
        await WriteAnomalyAsync(8);
        TransactionResult wanted = await WriteAnomalyAsync(7);
        await Hub.LookAsync(1, Token);

        (string type, _, JsonElement data) = await follower.NextAsync();
        Assert.Equal(("anomaly", wanted.Id.ToString()), (type, data.GetProperty("id").GetString()));
    }

    [Fact]
    public async Task A_notification_is_told_once_when_it_is_finished_and_again_when_it_was_sent_again()
    {
        _overview.IsAwake = true;
        await NotifyAsync(Guid.NewGuid(), 7);
        _time.Advance(TimeSpan.FromSeconds(1));
        using Follower follower = await FollowAsync("?types=notification&user_id=7");
        await Hub.LookAsync(0, Token);
        _time.Advance(TimeSpan.FromSeconds(1));
        var wanted = Guid.NewGuid();
        await NotifyAsync(Guid.NewGuid(), 8);
        await NotifyAsync(wanted, 7);
        await Hub.LookAsync(1, Token);
        await Hub.LookAsync(2, Token);

        (string type, _, JsonElement data) = await follower.NextAsync();
        Assert.Equal(("notification", wanted.ToString(), "mail", 7L, "sent", 1), (
            type, data.GetProperty("alert_id").GetString(), data.GetProperty("channel").GetString(), data.GetProperty("user_id").GetInt64(),
            data.GetProperty("state").GetString(), data.GetProperty("attempts").GetInt32()));
        Assert.False(data.TryGetProperty("problem", out _));

        _time.Advance(TimeSpan.FromSeconds(1));
        await _services.GetRequiredService<IDeliveryStore>().SendAgainAsync([data.GetProperty("id").GetInt64()], Now.AddDays(1), Token);
        await SettleAsync(wanted, attempts: 2);
        await Hub.LookAsync(3, Token);

        Assert.Equal((wanted.ToString(), 2), await follower.NextAsync() is { Data: var again }
            ? (again.GetProperty("alert_id").GetString(), again.GetProperty("attempts").GetInt32())
            : default);
    }

    [Fact]
    public async Task A_forgotten_stream_asks_a_sleeping_database_nothing_even_with_a_cursor()
    {
        using Follower follower = await FollowAsync(last: Cursors.Write(FeedCursor.Start));
        await follower.NextAsync("status");
        for (int tick = 0; tick < 100; tick++)
        {
            await Hub.LookAsync(tick, Token);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal((0, 0), (_overview.Reads, _history.Reads));

        // It is read again once something was scored.
        _overview.IsAwake = true;
        await Hub.LookAsync(100, Token);
        Assert.InRange(_history.Reads, 1, 2);
    }

    [Fact]
    public async Task A_comment_comes_when_nothing_else_does()
    {
        using Follower follower = await FollowAsync("?types=anomaly");
        Assert.Equal(": stream of events", await follower.LineAsync());
        await Eventually.TrueAsync(
            async () =>
            {
                _time.Advance(TimeSpan.FromSeconds(15));
                return await follower.TryLineAsync() == ": nothing new";
            },
            Token);
    }

    [Fact]
    public async Task A_key_has_ten_streams_at_most_and_one_that_ends_makes_room()
    {
        var all = new List<Follower>();
        for (int i = 0; i < EventHub.StreamsPerKey; i++)
        {
            all.Add(await FollowAsync());
        }

        Assert.Equal(429, (await AskAsync("", null)).Status);
        await all[3].CloseAsync();
        all.Add(await FollowAsync());
        all.ForEach(follower => follower.Dispose());
    }

    [Fact]
    public async Task A_stream_ends_after_an_hour_and_when_the_process_stops()
    {
        using Follower hour = await FollowAsync("?types=anomaly");
        using Follower stop = await FollowAsync("?types=anomaly");
        _time.Advance(TimeSpan.FromMinutes(59));
        Assert.False(hour.Writing.IsCompleted);
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMinutes(1));
                return hour.Writing.IsCompleted;
            },
            Token);
        Hub.Close();
        await stop.Writing;
    }

    [Fact]
    public async Task A_wrong_cursor_is_refused_and_one_of_another_history_begins_anew()
    {
        Assert.Equal(400, (await AskAsync("", "x")).Status);
        _overview.IsAwake = true;
        await WriteAnomalyAsync(1);
        using Follower follower = await FollowAsync(last: Cursors.Write(new FeedCursor(1, 12345, 1)));
        await Hub.LookAsync(0, Token);
        Assert.Equal("restored", (await follower.NextAsync("restored")).Type);
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        _folder.Dispose();
    }

    private async Task<TransactionResult> WriteAnomalyAsync(long user)
    {
        TransactionResult anomaly = Sample.Anomaly() with { UserId = user };
        await _services.GetRequiredService<IScoringStore>().WriteAsync(Sample.Batch(anomaly), Token);
        return anomaly;
    }

    private DateTime Now => _time.GetUtcNow().UtcDateTime;

    private async Task NotifyAsync(Guid alert, long user)
    {
        await _services.GetRequiredService<IDeliveryStore>().AddAsync(
            [
                new NewDelivery(
                    new NotifiedAlert { AlertId = alert, UserId = user, CategoryId = 1, Amount = 1, ZScore = 8, Payload = "{}" },
                    "mail", Guid.Empty, DeliveryState.Waiting, HoldReason.None, Now, Now.AddDays(1), Now),
            ],
            Token);
        await SettleAsync(alert, attempts: 1);
    }

    private Task SettleAsync(Guid message, int attempts) => _services.GetRequiredService<IDeliveryStore>().SettleAsync(
        "mail", [new Settlement(message, Guid.Empty, DeliveryState.Sent, attempts, null, null)], Token);

    private async Task<ApiResponse> AskAsync(string query, string? last)
    {
        using var request = new EventsRequest(query, last);
        return await _services.GetRequiredService<Api>().HandleAsync(request, Token);
    }

    private async Task<Follower> FollowAsync(string query = "", string? last = null)
    {
        ApiResponse answer = await AskAsync(query, last);
        Assert.Equal((200, "text/event-stream; charset=utf-8"), (answer.Status, answer.ContentType));
        return new Follower(answer.Following!);
    }

    private sealed class Follower : IDisposable
    {
        private readonly Pipe _pipe = new();
        private readonly CancellationTokenSource _gone = new();
        private readonly StreamReader _reader;
        private readonly IAnswerStream _stream;
        private Task<string?>? _line;

        public Follower(IAnswerStream stream)
        {
            _stream = stream;
            _reader = new StreamReader(_pipe.Reader.AsStream(), Encoding.UTF8);
            Writing = stream.WriteAsync(_pipe.Writer.AsStream(), _gone.Token);
        }

        public Task Writing { get; }

        public async Task<string?> LineAsync()
        {
            _line ??= _reader.ReadLineAsync(Token).AsTask();
            string? line = await _line.WaitAsync(TimeSpan.FromSeconds(30), Token);
            _line = null;
            return line;
        }

        /// <summary>The next line that is there already; null: there is none.</summary>
        public async Task<string?> TryLineAsync()
        {
            _line ??= _reader.ReadLineAsync(Token).AsTask();
            return _line.IsCompleted ? await LineAsync() : null;
        }

        public async Task<(string Type, string? Id, JsonElement Data)> NextAsync(string? type = null)
        {
            string found = "";
            string? id = null;
            while (await LineAsync() is { } line)
            {
                found = line.StartsWith("event: ", StringComparison.Ordinal) ? line[7..] : found;
                id = line.StartsWith("id: ", StringComparison.Ordinal) ? line[4..] : id;
                if (line.StartsWith("data: ", StringComparison.Ordinal) && (type ?? found) == found)
                {
                    return (found, id, JsonElement.Parse(line[6..]));
                }
            }

            throw new InvalidOperationException("The stream has ended.");
        }

        public async Task CloseAsync()
        {
            await _gone.CancelAsync();
            await ((Task)Writing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await _stream.DisposeAsync();
        }

        public void Dispose()
        {
            _gone.Cancel();
            _reader.Dispose();
            _gone.Dispose();
        }
    }

    private sealed class EventsRequest(string query, string? last) : ApiRequest
    {
        public override string Method => "GET";

        public override string Path => "/api/events";

        public override long? ContentLength => null;

        public override Stream Body => Stream.Null;

        public override string? Header(string name) => name switch
        {
            "x-functions-key" => "reader secret",
            "Last-Event-ID" => last,
            _ => null,
        };

        public override string QueryText => query;
    }

    private sealed class CountingHistory(IHistoryStore inner) : IHistoryStore
    {
        public int Reads { get; private set; }

        public Task<HistoryPage> ReadHistoryAsync(HistoryFilter filter, AnomalyCursor? after, int limit, CancellationToken cancellationToken) =>
            inner.ReadHistoryAsync(filter, after, limit, cancellationToken);

        public Task<IReadOnlyList<SpendingRow>> ReadSpendingAsync(long userId, DateTime from, CancellationToken cancellationToken) =>
            inner.ReadSpendingAsync(userId, from, cancellationToken);

        public Task<FeedCursor> ReadFeedEndAsync(CancellationToken cancellationToken)
        {
            Reads++;
            return inner.ReadFeedEndAsync(cancellationToken);
        }

        public Task<FeedAnomalies?> ReadFeedAnomaliesAsync(FeedCursor after, int reach, CancellationToken cancellationToken)
        {
            Reads++;
            return inner.ReadFeedAnomaliesAsync(after, reach, cancellationToken);
        }
    }

    /// <summary>A database that sleeps until other work wakes it, and counts who asks.</summary>
    private sealed class SleepyOverview(TimeProvider time) : IOverviewStore
    {
        public bool IsAwake { get; set; }

        public int Reads { get; private set; }

        public Task<DatabaseFigures> ReadAsync(CancellationToken cancellationToken)
        {
            Reads++;
            return Task.FromResult(new DatabaseFigures(time.GetUtcNow().UtcDateTime, 0, null, []));
        }
    }
}
