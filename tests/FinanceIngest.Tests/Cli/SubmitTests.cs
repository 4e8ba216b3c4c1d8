using System.Net;
using System.Text.Json;

namespace FinanceIngest.Tests.Cli;

/// <summary>The requests that <c>submit</c> sends, and how it reports the API's answers.</summary>
public sealed class SubmitTests : IDisposable
{
    private const string Header = "user_id,category_id,amount,occurred_at\n";
    private readonly CliHarness _cli = new();

    [Fact]
    public async Task A_csv_becomes_the_apis_objects_and_its_amounts_stay_text()
    {
        string file = _cli.Write(
            "a.csv",
            "\uFEFFnote,Amount,user_id, category_id ,occurred_at\n"
            + "\"two\nlines\",0.10,399,2310,2026-01-01T00:00:00Z\n"
            + " x ,99999999999999.9999,9223372036854775807,1,\n");

        CliResult result = await SubmitAsync(file);

        Assert.Equal(0, result.ExitCode);
        Assert.Equal(
            [
                """{"user_id":399,"category_id":2310,"amount":"0.10","occurred_at":"2026-01-01T00:00:00Z","idempotency_key":"K"}""",
                """{"user_id":9223372036854775807,"category_id":1,"amount":"99999999999999.9999","idempotency_key":"K"}""",
            ],
            _cli.Api.Batches.Single().Zip(_cli.Api.Keys, (line, key) => line.Replace(key!, "K", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Ndjson_is_passed_on_byte_for_byte_but_for_the_key_it_lacks()
    {
        string[] lines =
        [
            """{"user_id":1, "category_id":2,"amount":1.10e0,"extra":{"a":[1]}}""",
            """ {"user_id":1,"category_id":2,"amount":"1","idempotency_key":null,"z":"é"} """,
            "",
            """{"idempotency_key":"own","user_id":1,"category_id":2,"amount":3}""",
            "{}",
        ];
        string file = _cli.Write("a.ndjson", string.Join("\r\n", lines));

        await SubmitAsync(file, "--idempotency-prefix", "P");

        string[] sent = [.. _cli.Api.Batches.Single().Select(line => System.Text.RegularExpressions.Regex.Replace(line, "P:[0-9a-f]{64}:1", "K"))];
        Assert.Equal(
            [
                """{"user_id":1, "category_id":2,"amount":1.10e0,"extra":{"a":[1]},"idempotency_key":"K"}""",
                """{"user_id":1,"category_id":2,"amount":"1","idempotency_key":"K","z":"é"}""",
                """{"idempotency_key":"own","user_id":1,"category_id":2,"amount":3}""",
                """{"idempotency_key":"K"}""",
            ],
            sent);
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("--history", "?history=true")]
    public async Task A_history_is_sent_as_one(string option, string query)
    {
        string file = _cli.Write("a.csv", Header + "1,2,3,2026-01-01T00:00:00Z\n");
        await SubmitAsync(file, [.. option.Split(' ', StringSplitOptions.RemoveEmptyEntries)]);
        Assert.Equal([query], _cli.Api.Queries);
    }

    [Fact]
    public async Task Rejected_rows_are_told_by_their_line_and_the_others_count_as_accepted()
    {
        string file = _cli.Write("a.csv", Header + "1,1,1,\n\n1,1,1,2026-01-01T00:00:00Z\n1,1,2,2026-01-01T00:00:00Z\n1,1,1,2,3\n1,1,\"5\" 6,\n1,1,7,\n");
        _cli.Api.Then(lines => FakeApi.Accept(lines, (2, """ "errors":{"amount":["must be a number"],"$":["is odd"]} """)));

        CliResult result = await SubmitAsync(file, "--json");

        Assert.Equal(1, result.ExitCode);
        Assert.Equal((6, 3, 3, 0), (result.Json.Number("rows"), result.Json.Number("accepted"), result.Json.Number("rejected"), result.Json.Number("unsent")));
        Assert.Equal(
            [
                "5: amount must be a number; the row is odd",
                "6: has 5 fields where the header has 4",
                "7: has a quote that is not closed, or one in the middle of a field",
            ],
            result.Json.GetProperty("rejected_rows").EnumerateArray().Select(row => $"{row.Number("line")}: {row.GetProperty("reason").GetString()}"));
    }

    [Fact]
    public async Task A_batch_of_which_nothing_is_acceptable_is_no_reason_to_stop()
    {
        string file = _cli.Write("a.csv", Header + "1,1,2,\n1,1,1,\n");
        _cli.Api.Then(_ => FakeApi.Json(
            HttpStatusCode.BadRequest, """{"status":400,"errors":{},"rejected":[{"index":0,"errors":{"user_id":["is required"]}}]}"""));

        CliResult result = await SubmitAsync(file, "--json", "--batch-size", "1");

        Assert.Equal((1, 1, 1), (result.ExitCode, result.Json.Number("accepted"), result.Json.Number("rejected")));
    }

    [Fact]
    public async Task Rows_go_in_batches_of_the_size_asked_for()
    {
        string file = _cli.Write("a.csv", Header + string.Concat(Enumerable.Repeat("1,1,1,\n", 25)));

        await SubmitAsync(file, "--batch-size", "10");

        Assert.Equal([5, 10, 10], _cli.Api.Batches.Select(lines => lines.Length).Order());
        Assert.Equal(25, _cli.Api.Keys.Distinct().Count());
    }

    [Fact]
    public async Task Waiting_sums_up_the_scores_with_the_strongest_anomalies_first()
    {
        string file = _cli.Write("a.csv", Header + "1,1,1,\n1,1,2,\n1,1,3,\n1,1,4,\n");
        int asked = 0;
        _cli.Api.Status = ids => ids.Select(id => id == FakeApi.IdOf(3) && asked++ < 3
            ? $$"""{"id":"{{id}}","status":"pending"}"""
            : $$"""{"id":"{{id}}","status":"scored","is_anomaly":{{(id == FakeApi.IdOf(0) ? "false" : "true")}}"""
                + $$""","z_score":{{(id == FakeApi.IdOf(2) ? "-9.5" : "4.0")}},"amount":3.0}""");

        CliResult result = await SubmitAsync(file, "--wait", "--json");

        Assert.Equal(0, result.ExitCode);
        Assert.Equal((4, 3, 0), (result.Json.Number("scored"), result.Json.Number("anomalies"), result.Json.Number("failed")));
        Assert.Equal(-9.5, result.Json.GetProperty("farthest_anomalies")[0].GetProperty("z_score").GetDouble());
        Assert.True(asked > 3);
    }

    [Fact]
    public async Task A_transaction_that_failed_is_a_failure_for_a_submit_that_waits()
    {
        string file = _cli.Write("a.csv", Header + "1,1,1,\n");
        _cli.Api.Status = ids => ids.Select(id => $$"""{"id":"{{id}}","status":"failed"}""");

        CliResult result = await SubmitAsync(file, "--wait");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains("failed    1", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_key_goes_as_a_header_from_the_option_or_the_environment()
    {
        string file = _cli.Write("a.csv", Header + "1,1,1,\n");
        _cli.Variables["FINANCE_INGEST_KEY"] = "from-environment";
        _cli.Variables["FINANCE_INGEST_URL"] = "http://127.0.0.1:9/prefix/";

        await _cli.RunAsync("submit", file);
        Assert.Equal(["from-environment"], _cli.Api.Headers!.GetValues("x-functions-key"));
        await _cli.RunAsync("submit", file, "--key", "given");
        Assert.Equal(["given"], _cli.Api.Headers!.GetValues("x-functions-key"));
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("user_id,amount\n1,2\n", "the header has no category_id")]
    [InlineData("user;category;amount\n1;2;3\n", "the header has no user_id, category_id; it reads")]
    [InlineData("user_id,category_id,amount,AMOUNT\n", "the header has amount twice")]
    [InlineData("user_id,\"category_id,amount\n1,2,3", "the header has a quote that is not closed")]
    public async Task A_file_without_a_usable_header_is_one_line(string text, string problem)
    {
        CliResult result = await SubmitAsync(_cli.Write("a.csv", text), "--json");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(problem, Assert.Single(result.Error.TrimEnd().Split('\n')), StringComparison.Ordinal);
        Assert.Equal(result.Error.TrimEnd(), result.Json.GetProperty("problem").GetString());
        Assert.Empty(_cli.Api.Batches);
    }

    [Fact]
    public async Task Lines_beyond_a_mebibyte_are_refused_and_the_rest_is_read()
    {
        string file = _cli.Write("a.ndjson", $"{{\"a\":\"{new string('x', 3 << 20)}\"}}\n{{\"user_id\":1}}\n{{\"b\":\"{new string('x', 200_000)}\"}}");

        CliResult result = await SubmitAsync(file, "--json");

        Assert.Equal((3, 2, 1), (result.Json.Number("rows"), result.Json.Number("accepted"), result.Json.GetProperty("rejected_rows")[0].Number("line")));
    }

    public void Dispose() => _cli.Dispose();

    private Task<CliResult> SubmitAsync(string file, params string[] more) => _cli.RunAsync(["submit", file, .. more]);
}

/// <summary>Shorthand for reading JSON in assertions.</summary>
internal static class JsonReading
{
    /// <summary>Returns a member of an object as a whole number.</summary>
    public static long Number(this JsonElement item, string name) => item.GetProperty(name).GetInt64();
}
