using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Intake;
using FinanceIngest.Queueing;

namespace FinanceIngest.Tests.Intake;

/// <summary>The corner cases of header grammar, tested without a server.</summary>
public sealed class RequestHeadersTests
{
    [Theory]
    [InlineData("wait=5", 5)]
    [InlineData("respond-async, wait=10", 10)]
    [InlineData("respond-async; foo=\"a, wait=x\", WAIT = \"7\"", 7)]
    [InlineData("wait=100", 30)]
    [InlineData("respond-async", 0)]
    public void The_wait_is_found_among_other_preferences(string header, int seconds) =>
        Assert.Equal(seconds, WaitPreference.Seconds(new Request(("Prefer", header))));

    [Theory]
    [InlineData("application/json; charset=UTF-8", true)]
    [InlineData("application/json;charset=\"utf-8\"", true)]
    [InlineData("application/json; charset = latin1", false)]
    [InlineData("application/json; charset=utf-16", false)]
    public void The_charset_is_utf_8_or_refused(string contentType, bool taken)
    {
        var request = new Request(("Content-Type", contentType));
        if (taken)
        {
            request.RequireJson();
        }
        else
        {
            Assert.Equal(415, Assert.Throws<ProblemException>(request.RequireJson).Problem.Status);
        }
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("\"quoted\"", "quoted")]
    [InlineData("\"a\\\"b\\\\c\"", "a\"b\\c")]
    [InlineData("\"\\\"", "\\")]
    public void A_structured_fields_quotes_are_stripped_from_an_idempotency_key(string header, string key) =>
        Assert.Equal(key, IdempotencyKeyHeader.Read(new Request(("Idempotency-Key", header))));

    [Fact]
    public void An_empty_key_header_does_not_hide_the_query()
    {
        var keys = new ApiKeys([new ApiKeySetting("django", "secret", Scopes.Read)]);
        Assert.Equal("django", keys.Authenticate(new Request(("x-functions-key", ""), ("?code", "secret"))).Name);
        Assert.Throws<ProblemException>(() => keys.Authenticate(new Request(("x-functions-key", "wrong"), ("?code", "secret"))));
    }

    [Theory]
    [InlineData(0, 10, 5, 1)]
    [InlineData(1, 0, 0, 1)]
    [InlineData(100, 50, -50, 5)]
    [InlineData(100, 50, 50, 60)]
    [InlineData(100, 0, 20, 5)]
    [InlineData(100_000, 10, 0, 60)]
    public void Retry_after_follows_backlog_and_drain_rate(long length, long sent, long grown, int seconds) =>
        Assert.Equal(seconds, BacklogEstimator.Estimate(length, sent, grown, TimeSpan.FromSeconds(5)));

    private sealed class Request(params (string Name, string Value)[] parts) : ApiRequest
    {
        public override string Method => "POST";

        public override string Path => "/";

        public override long? ContentLength => null;

        public override Stream Body => Stream.Null;

        public override string? Header(string name) => Find(name);

        public override string? Query(string name) => Find("?" + name);

        private string? Find(string name) => parts.FirstOrDefault(part => part.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
    }
}
