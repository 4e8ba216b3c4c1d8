using FinanceIngest.Http;
using FinanceIngest.Intake;
using FinanceIngest.Queueing;
using FinanceIngest.Tests.Security;

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
        Assert.Equal(seconds, WaitPreference.Seconds(new StubRequest(("Prefer", header))));

    [Theory]
    [InlineData("application/json; charset=UTF-8", true)]
    [InlineData("application/json;charset=\"utf-8\"", true)]
    [InlineData("application/json; charset=utf8", true)]
    [InlineData("application/json; CHARSET=\"Utf8\"", true)]
    [InlineData("application/json; charset=utf-8, application/json;charset=utf8", true)]
    [InlineData("application/json, application/json; charset=latin1", false)]
    [InlineData("application/json; charset=utf-8; charset=latin1", false)]
    [InlineData("application/json; charset=utf", false)]
    [InlineData("application/json; charset=utf88", false)]
    [InlineData("application/json, text/plain", false)]
    [InlineData("text/plain; x=\", application/json\"", false)]
    [InlineData("application/json,", true)]
    [InlineData(",", false)]
    [InlineData("application/json; charset = latin1", false)]
    [InlineData("application/json; charset=utf-16", false)]
    public void The_charset_is_utf_8_or_refused(string contentType, bool taken)
    {
        var request = new StubRequest(("Content-Type", contentType));
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
        Assert.Equal(key, IdempotencyKeyHeader.Read(new StubRequest(("Idempotency-Key", header))));

    // A proxy, or a Functions host, joins the lines of a header by commas, with or without a space.
    [Theory]
    [InlineData("k, k", "k")]
    [InlineData("k,k", "k")]
    [InlineData("k,", "k")]
    [InlineData(", k,,k", "k")]
    [InlineData("k,\"k\" , k", "k")]
    [InlineData("\"k\", \"k\"", "k")]
    [InlineData("\"a, b\"", "a, b")]
    [InlineData("\"a, b\",\"a, b\"", "a, b")]
    [InlineData("\"a\\\", b\",\"a\\\", b\"", "a\", b")]
    [InlineData("it\"s", "it\"s")]
    public void Equal_lines_are_one_idempotency_key(string header, string key) =>
        Assert.Equal(key, IdempotencyKeyHeader.Read(new StubRequest(("Idempotency-Key", header))));

    [Theory]
    [InlineData("k, l")]
    [InlineData("k,l")]
    [InlineData("k, K")]
    [InlineData("\"k\", \"l\"")]
    [InlineData("k, \"k, k\"")]
    [InlineData("it\"s, its")]
    public void Different_lines_are_an_error(string header)
    {
        Problem problem = Assert.Throws<ProblemException>(() => IdempotencyKeyHeader.Read(new StubRequest(("Idempotency-Key", header)))).Problem;
        Assert.Equal("Idempotency-Key is given more than once, with different keys; a key that contains a comma needs quotes", problem.Detail);
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData(",")]
    [InlineData("\"\", k")]
    public void A_line_without_a_key_is_an_error(string header)
    {
        Problem problem = Assert.Throws<ProblemException>(() => IdempotencyKeyHeader.Read(new StubRequest(("Idempotency-Key", header)))).Problem;
        Assert.Equal("Idempotency-Key must have 1 to 255 characters", problem.Detail);
    }

    [Theory]
    [InlineData("wait=5", 5)]
    [InlineData("wait=0", 0)]
    [InlineData("respond-async", 0)]
    [InlineData("Respond-Async; x", 0)]
    [InlineData("respond-async, wait=10", 10)]
    [InlineData("wait=10, respond-async", 10)]
    [InlineData("return=minimal", null)]
    [InlineData("respond-asynchronously", null)]
    [InlineData("", null)]
    public void What_is_said_about_waiting_is_told_from_silence(string header, int? seconds)
    {
        Assert.Equal(seconds, WaitPreference.Find(new StubRequest(("Prefer", header))));
        Assert.Equal(7, WaitPreference.Find(new StubRequest(("Prefer", header), ("?wait", "7"))));
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
}
