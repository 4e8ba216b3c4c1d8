using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Tests.Http;

/// <summary>Answers are bytes in flight, tested on the API without a web server.</summary>
public sealed class HeldAnswerTests : IDisposable
{
    private const int Length = 400_000;
    private readonly TemporaryFolder _folder = new();
    private readonly ServiceProvider _services;
    private readonly Api _api;
    private readonly BytesInFlight _inFlight;

    public HeldAnswerTests()
    {
        var settings = new Settings { DataDirectory = _folder.Path, MaximumBytesInFlight = Settings.MinimumBytesInFlight };
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddFinanceIngest(settings);
        services.AddApi(settings);
        services.AddSingleton<IEndpoints, LongAnswers>();
        _services = services.BuildServiceProvider();
        _api = _services.GetRequiredService<Api>();
        _inFlight = _services.GetRequiredService<BytesInFlight>();
    }

    [Theory]
    [InlineData("/open", 200)]
    [InlineData("/read", 200)]
    [InlineData("/refused", 400)]
    public async Task An_answer_is_counted_until_it_is_sent_and_refused_where_there_is_no_room(string path, int status)
    {
        List<Request> unread = [];
        ApiResponse answer;
        do
        {
            unread.Add(new Request(path));
            answer = await _api.HandleAsync(unread[^1], TestContext.Current.CancellationToken);
            Assert.InRange(_inFlight.Current, 0, _inFlight.Limit);
        }
        while (answer.Status == status);

        Assert.Equal(503, answer.Status);
        Assert.InRange(answer.Body.Length, 0, ApiRequest.BesideItsBody);
        Assert.InRange(unread.Count, 2, (int)(_inFlight.Limit / Length));

        // The answers have been read.
        unread.ForEach(request => request.Dispose());
        Assert.Equal(0, _inFlight.Current);
        using var again = new Request(path);
        Assert.Equal(status, (await _api.HandleAsync(again, TestContext.Current.CancellationToken)).Status);
    }

    public void Dispose()
    {
        _services.Dispose();
        _folder.Dispose();
    }

    private sealed class LongAnswers : IEndpoints
    {
        public IEnumerable<Route> Routes =>
        [
            new("GET", "/open", Scopes.None, (_, _) => Task.FromResult(Answer())),
            new("GET", "/read", Scopes.Read, (_, _) => Task.FromResult(Answer())),
            new("GET", "/refused", Scopes.Submit, (_, _) => throw new ProblemException(new Problem(400, "validation", "A title.", "A detail.")
            {
                Extension = json => json.WriteString("long", new string('x', Length)),
            })),
        ];

        private static ApiResponse Answer() => ApiResponse.Json(200, new byte[Length]);
    }

    private sealed class Request(string path) : ApiRequest
    {
        public override string Method => "GET";

        public override string Path => path;

        public override long? ContentLength => null;

        public override Stream Body => Stream.Null;

        public override string? Header(string name) => null;

        public override string QueryText => "";
    }
}
