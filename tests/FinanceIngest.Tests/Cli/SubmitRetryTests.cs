using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;

namespace FinanceIngest.Tests.Cli;

/// <summary>Which failures <c>submit</c> retries, when, and for how long.</summary>
public sealed class SubmitRetryTests : IDisposable
{
    private readonly CliHarness _cli = new();
    private readonly string _file;

    public SubmitRetryTests() => _file = _cli.Write(
        "a.csv",
        "user_id,category_id,amount,occurred_at\n1,1,1,2026-01-01T00:00:00Z\n1,1,2,2026-01-01T00:00:00Z\n1,1,3,2026-01-01T00:00:00Z\n");

    [Fact]
    public async Task Only_retryable_rows_are_sent_again_and_under_the_same_keys()
    {
        _cli.Api.Then(lines => FakeApi.Accept(lines, (0, "\"retryable\":true"), (2, "\"retryable\":true")))
            .Then(lines => FakeApi.Accept(lines, (1, "\"errors\":{\"amount\":[\"is wrong\"]}")));

        CliResult result = await _cli.RunAsync("submit", _file, "--json");

        Assert.Equal([3, 2], _cli.Api.Batches.Select(lines => lines.Length));
        Assert.Equal([_cli.Api.Batches[0][0], _cli.Api.Batches[0][2]], _cli.Api.Batches[1]);
        Assert.Equal(
            (2, 1, 1, 0),
            (result.Json.Number("accepted"), result.Json.Number("rejected"), result.Json.Number("retries"), result.Json.Number("unsent")));
        Assert.Equal(4, result.Json.GetProperty("rejected_rows")[0].Number("line"));
    }

    [Theory]
    [InlineData(HttpStatusCode.Accepted)]
    [InlineData(HttpStatusCode.BadRequest)]
    public async Task Rows_whose_errors_had_no_room_in_the_answer_are_sent_again_at_once_and_have_their_reasons(HttpStatusCode status)
    {
        string accepted = status == HttpStatusCode.Accepted ? $$"""{"index":0,"id":"{{FakeApi.IdOf(0)}}"}""" : "";
        int named = status == HttpStatusCode.Accepted ? 1 : 0;
        _cli.Api.Then(_ => FakeApi.Json(
                status,
                $$"""{"rejected_count":{{3 - named}},"accepted":[{{accepted}}],"rejected":[{"index":{{named}},"errors":{"amount":["is wrong"] } }]}"""))
            .Then(lines => FakeApi.Json(HttpStatusCode.BadRequest, $$"""{"rejected":[{{string.Join(',', lines.Select((_, i) => Wrong(i)))}}]}"""));

        CliResult result = await _cli.RunAsync("submit", _file, "--json");

        Assert.Equal([3, 2 - named], _cli.Api.Batches.Select(lines => lines.Length));
        Assert.Equal(_cli.Api.Times[0], _cli.Api.Times[1]);
        Assert.Equal(
            (named, 3 - named, 0, 0),
            (result.Json.Number("accepted"), result.Json.Number("rejected"), result.Json.Number("retries"), result.Json.Number("unsent")));
        Assert.Equal(
            Enumerable.Range(2 + named, 3 - named),
            result.Json.GetProperty("rejected_rows").EnumerateArray().Select(row => (int)row.Number("line")));

        static string Wrong(int index) => $$"""{"index":{{index}},"errors":{"amount":["is too"] } }""";
    }

    [Theory]
    [InlineData(HttpStatusCode.ServiceUnavailable)]
    [InlineData(HttpStatusCode.TooManyRequests)]
    public async Task Retry_after_in_seconds_is_honoured(HttpStatusCode status)
    {
        _cli.Api.ThenProblem(status, "not now", new RetryConditionHeaderValue(TimeSpan.FromSeconds(42)));

        CliResult result = await _cli.RunAsync("submit", _file);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(TimeSpan.FromSeconds(42), _cli.Api.Times[1] - _cli.Api.Times[0]);
        Assert.Contains("not now. Trying again in 42.0 s.", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retry_after_as_a_date_is_honoured()
    {
        _cli.Api.Then(_ =>
        {
            HttpResponseMessage response = FakeApi.Json(HttpStatusCode.ServiceUnavailable, "{}");
            response.Headers.RetryAfter = new RetryConditionHeaderValue(_cli.Time.GetUtcNow() + TimeSpan.FromSeconds(20));
            return response;
        });

        await _cli.RunAsync("submit", _file);

        Assert.Equal(TimeSpan.FromSeconds(20), _cli.Api.Times[1] - _cli.Api.Times[0]);
    }

    [Fact]
    public async Task An_absurd_retry_after_is_cut_to_five_minutes()
    {
        _cli.Api.ThenProblem(HttpStatusCode.TooManyRequests, "later", new RetryConditionHeaderValue(TimeSpan.FromDays(1)));

        await _cli.RunAsync("submit", _file);

        Assert.Equal(TimeSpan.FromMinutes(5), _cli.Api.Times[1] - _cli.Api.Times[0]);
    }

    [Fact]
    public async Task Connection_failures_gateway_errors_and_cut_answers_are_retried_with_growing_pauses()
    {
        _cli.Api.Then(_ => throw new HttpRequestException("refused", new IOException("Connection refused")))
            .Then(_ => throw new SocketException((int)SocketError.NotConnected))
            .Then(_ => FakeApi.Json(HttpStatusCode.BadGateway, "<html>"))
            .Then(_ => FakeApi.Json(HttpStatusCode.Accepted, "{\"accepted\":[{\"ind"))
            .Then(_ => throw new TaskCanceledException("timeout", new TimeoutException()));

        CliResult result = await _cli.RunAsync("submit", _file, "--json");

        Assert.Equal((0, 3, 5), (result.ExitCode, result.Json.Number("accepted"), result.Json.Number("retries")));
        Assert.All(_cli.Api.Batches, lines => Assert.Equal(_cli.Api.Batches[0], lines));
        double[] pauses = [.. _cli.Api.Times.Zip(_cli.Api.Times.Skip(1), (a, b) => (b - a).TotalSeconds)];
        Assert.InRange(pauses[0], 0.2, 0.7);
        Assert.InRange(pauses[3], 1.9, 4.3);
        Assert.Contains("can't be reached: Connection refused.", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Retries_end_and_say_so_and_the_next_run_sends_the_same_keys()
    {
        for (int i = 0; i < 4; i++)
        {
            _cli.Api.ThenProblem(HttpStatusCode.ServiceUnavailable, "the queue is down");
        }

        CliResult result = await _cli.RunAsync("submit", _file, "--json", "--retries", "3");

        Assert.Equal((1, 0, 3, 3), (result.ExitCode, result.Json.Number("accepted"), result.Json.Number("unsent"), result.Json.Number("retries")));
        Assert.StartsWith("Given up at line 2 after 4 attempts.", result.Json.GetProperty("problem").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, (await _cli.RunAsync("submit", _file)).ExitCode);
        Assert.Equal(_cli.Api.Batches[0], _cli.Api.Batches[^1]);
    }

    [Fact]
    public async Task Progress_renews_the_retries()
    {
        string file = _cli.Write("b.csv", "user_id,category_id,amount\n" + string.Concat(Enumerable.Range(1, 6).Select(i => $"1,1,{i}\n")));
        for (int i = 0; i < 5; i++)
        {
            _cli.Api.Then(lines => FakeApi.Accept(lines, [.. Enumerable.Range(1, lines.Length - 1).Select(index => (index, "\"retryable\":true"))]));
        }

        CliResult result = await _cli.RunAsync("submit", file, "--json", "--retries", "1");

        Assert.Equal((0, 6), (result.ExitCode, result.Json.Number("accepted")));
    }

    [Fact]
    public async Task A_refused_key_ends_it_at_once()
    {
        _cli.Api.ThenProblem(HttpStatusCode.Unauthorized, "The key is not known.");

        CliResult result = await _cli.RunAsync("submit", _file, "--batch-size", "1", "--json");

        Assert.Equal((1, 1), (result.ExitCode, _cli.Api.Batches.Count));
        Assert.Contains("401 Unauthorized: The key is not known.", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_proxy_finds_too_large_is_sent_in_halves()
    {
        Func<string[], HttpResponseMessage> limit = lines => lines.Length > 1 || lines[0].Contains("\"3\"", StringComparison.Ordinal)
            ? FakeApi.Json(HttpStatusCode.RequestEntityTooLarge, "<html>")
            : FakeApi.Accept(lines);
        for (int i = 0; i < 5; i++)
        {
            _cli.Api.Then(limit);
        }

        CliResult result = await _cli.RunAsync("submit", _file, "--json");

        Assert.Equal((1, 2, 1), (result.ExitCode, result.Json.Number("accepted"), result.Json.Number("rejected")));
        Assert.Equal(4, result.Json.GetProperty("rejected_rows")[0].Number("line"));
    }

    [Fact]
    public async Task An_answer_of_another_service_is_no_success()
    {
        _cli.Api.Then(_ => FakeApi.Json(HttpStatusCode.OK, "<html>Welcome to nginx</html>"));

        CliResult result = await _cli.RunAsync("submit", _file, "--json");

        Assert.Equal((1, 3), (result.ExitCode, result.Json.Number("unsent")));
    }

    public void Dispose() => _cli.Dispose();
}
