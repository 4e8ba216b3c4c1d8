using System.Text;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Queueing;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Tests.Http;

/// <summary>A request that waits for its result, for up to minutes, does not hold its body meanwhile.</summary>
public sealed class HeldBodyTests : IAsyncDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services;

    public HeldBodyTests()
    {
        // Nothing scores here, so that the result never comes.
        var settings = new Settings { DataDirectory = _folder.Path, OlderRouteWaitSeconds = 200 };
        _services = new ServiceCollection().AddLogging().AddFinanceIngest(settings).AddIntake(settings).BuildServiceProvider();
    }

    [Theory]
    [InlineData("/api/transactions", "wait=30")]
    [InlineData("/api/score-transaction", "wait=30")]
    [InlineData("/api/score-transaction", null)]
    public async Task The_body_is_given_back_before_the_wait(string path, string? preference)
    {
        Api api = _services.GetRequiredService<Api>();
        BytesInFlight inFlight = _services.GetRequiredService<BytesInFlight>();
        using var abandon = new CancellationTokenSource();
        List<Waiting> requests = [.. Enumerable.Range(1, 8).Select(user => new Waiting(path, preference, user))];

        List<Task<ApiResponse>> answers = requests.ConvertAll(request => api.HandleAsync(request, abandon.Token));

        IMessageQueue inbound = _services.GetRequiredService<Queues>().Inbound;
        await Eventually.TrueAsync(async () => (await inbound.CountTransactionsAsync(abandon.Token))?.Count == requests.Count, abandon.Token);
        Assert.All(requests, request => Assert.True(request.WasRead));
        Assert.DoesNotContain(answers, answer => answer.IsCompleted);
        Assert.Equal(requests.Count * ApiRequest.BesideItsBody, inFlight.Current);

        await abandon.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(answers));
        requests.ForEach(request => request.Dispose());
        Assert.Equal(0, inFlight.Current);
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        _folder.Dispose();
    }

    private sealed class Waiting(string path, string? preference, int user) : ApiRequest
    {
        private readonly MemoryStream _body = new(Encoding.UTF8.GetBytes(
            $$"""{"user_id": {{user}}, "category_id": 1, "amount": 1, "note": "{{new string('x', 900_000)}}"}"""));

        public bool WasRead => _body.Position == _body.Length;

        public override string Method => "POST";

        public override string Path => path;

        public override long? ContentLength => _body.Length;

        public override Stream Body => _body;

        public override string QueryText => "";

        public override string? Header(string name) => name == "Content-Type" ? "application/json" : name == "Prefer" ? preference : null;
    }
}
