using System.Text.Json;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Queueing;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Intake;

/// <summary>The process is told to stop while requests are in hand and the inbound queue hangs.</summary>
public sealed class StopTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);
    private readonly HeldQueue _inbound = new();
    private readonly IHost _host;

    public StopTests()
    {
        var settings = new Settings { DataDirectory = _folder.Path };
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddLogging();
        builder.Services.AddSingleton<TimeProvider>(_time);
        builder.Services.AddFinanceIngest(settings).AddIntake(settings);
        builder.Services.AddSingleton(new Queues(_inbound, new HeldQueue(), new HeldQueue()));
        _host = builder.Build();
    }

    public async ValueTask DisposeAsync()
    {
        // A blocking call would wait for continuations that need the test's own synchronization context.
        await ((IAsyncDisposable)_host).DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task They_are_answered_503_before_the_server_gives_them_up()
    {
        Api api = _host.Services.GetRequiredService<Api>();
        Task<ApiResponse> single = PostAsync(api, "/api/transactions", """{"user_id": 1, "category_id": 1, "amount": 1}""");
        await _inbound.NextAsync();
        Task<ApiResponse> batch = PostAsync(api, "/api/transactions/batch", """[{"user_id": 1, "category_id": 1, "amount": 1}]""");

        _host.Services.GetRequiredService<IHostApplicationLifetime>().StopApplication();
        _time.Advance(Deadlines.FinishInHand - TimeSpan.FromTicks(1));
        Assert.False(single.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));

        AssertQueueUnavailable(await single);
        AssertQueueUnavailable(await batch);
        Assert.Equal(0, _inbound.Waiting);
    }

    private static Task<ApiResponse> PostAsync(Api api, string path, string body) => api.HandleAsync(new PostedJson(path, body), CancellationToken.None);

    private static void AssertQueueUnavailable(ApiResponse response)
    {
        Assert.Equal(503, response.Status);
        Assert.Contains(response.Headers, header => header.Key == "Retry-After");
        Assert.Equal(Problem.TypePrefix + "queue", JsonDocument.Parse(response.Body).RootElement.GetProperty("type").GetString());
    }

    private sealed class PostedJson(string path, string body) : ApiRequest
    {
        public override string Method => "POST";

        public override string Path => path;

        public override long? ContentLength => body.Length;

        public override Stream Body { get; } = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(body));

        public override string? Header(string name) => name.Equals("Content-Type", StringComparison.OrdinalIgnoreCase) ? "application/json" : null;

        public override string QueryText => "";
    }
}
