using System.Text.Json;
using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

/// <summary>Header lines that a retry wrapper or a proxy has added. A Functions host joins them by commas before the app sees them.</summary>
public abstract class RepeatedHeaderTests(HeadFixture head)
{
    private readonly long _user = Requests.NewId();
    private readonly string _key = Requests.NewKey();

    [Fact]
    public async Task Equal_lines_of_an_idempotency_key_are_that_key()
    {
        string id = (await head.Client.SubmitAsync(Requests.Transaction(_user), ("Idempotency-Key", _key))).Is(202).Id;
        string[][] repeats =
        [
            [$"Idempotency-Key: {_key}", $"Idempotency-Key: {_key}"],
            [$"Idempotency-Key: {_key}", $"idempotency-key: \"{_key}\"", $"IDEMPOTENCY-KEY: {_key}"],
            [$"Idempotency-Key: {_key}, {_key}"],
            [$"Idempotency-Key: {_key}", "Idempotency-Key:"],
            [$"Idempotency-Key: \"{_key}\",\"{_key}\""],
        ];
        foreach (string[] lines in repeats)
        {
            foreach (string path in new[] { "/api/transactions", "/api/score-transaction?wait=0" })
            {
                (int status, string body) = await RawRequest.PostAsync(head.Client, path, Requests.Transaction(_user), lines);
                Assert.Equal(202, status);
                Assert.Contains(id, body, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Different_lines_are_400_for_one_transaction_and_for_a_batch()
    {
        string[][] lines =
        [
            [$"Idempotency-Key: {_key}", $"Idempotency-Key: {_key}x"],
            [$"Idempotency-Key: {_key}, {_key}x"],
            [$"Idempotency-Key: \"{_key}\"", $"Idempotency-Key: \"{_key}, {_key}\""],
        ];
        foreach (string[] differing in lines)
        {
            foreach ((string path, string json) in new[]
            {
                ("/api/transactions", Requests.Transaction(_user)),
                ("/api/score-transaction", Requests.Transaction(_user)),
                ("/api/transactions/batch", Requests.List(Requests.Transaction(_user))),
            })
            {
                (int status, string body) = await RawRequest.PostAsync(head.Client, path, json, differing);
                Assert.True(status == 400, $"{path} {string.Join("; ", differing)}: {status} {body}");
                Assert.Contains("Idempotency-Key", body, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task Equal_lines_are_one_key_of_a_batch()
    {
        string batch = Requests.List(Requests.Transaction(_user), Requests.Transaction(_user));
        Answer first = (await head.Client.PostAsync("/api/transactions/batch", batch, ("Idempotency-Key", _key))).Is(202);
        (int status, string body) = await RawRequest.PostAsync(
            head.Client, "/api/transactions/batch", batch, $"Idempotency-Key: {_key}", $"Idempotency-Key: \"{_key}\"");
        Assert.Equal(202, status);
        Assert.Equal(Ids(first.Json), Ids(JsonDocument.Parse(Dechunked(body)).RootElement));
    }

    [Fact]
    public async Task A_key_with_a_comma_needs_quotes()
    {
        string id = (await head.Client.SubmitAsync(Requests.Transaction(_user, more: $"\"idempotency_key\": \"{_key}, 2\""))).Is(202).Id;
        Assert.Equal(id, (await head.Client.SubmitAsync(Requests.Transaction(_user), ("Idempotency-Key", $"\"{_key}, 2\""))).Is(202).Id);
        (await head.Client.SubmitAsync(Requests.Transaction(_user), ("Idempotency-Key", $"{_key}, 2")))
            .IsInvalid("Idempotency-Key", "is given more than once, with different keys; a key that contains a comma needs quotes");
    }

    [Fact]
    public async Task The_first_wait_of_several_lines_holds()
    {
        foreach (string[] lines in new[]
        {
            new[] { "Prefer: respond-async", "Prefer: wait=10", "Prefer: wait=20" }, ["Prefer: wait=10, wait=20"], ["Prefer: respond-async,wait=10"],
        })
        {
            (int status, string body) = await RawRequest.PostAsync(head.Client, "/api/transactions", Requests.Transaction(_user), lines);
            Assert.True(status == 200, $"{status} {body}");
        }
    }

    [Theory]
    [InlineData(202, "Content-Type: application/json", "Content-Type: application/json")]
    [InlineData(202, "Content-Type: application/json, application/json; charset=utf-8")]
    [InlineData(202, "Content-Type: application/json; charset=utf8")]
    [InlineData(202, "Content-Type: application/json; charset=\"UTF8\"")]
    [InlineData(415, "Content-Type: application/json; charset=utf-16")]
    [InlineData(415, "Content-Type: application/json", "Content-Type: text/plain")]
    [InlineData(415, "Content-Type: text/plain", "Content-Type: application/json")]
    public async Task A_content_type_may_be_repeated_but_not_contradicted(int expected, params string[] lines)
    {
        (int status, string body) = await RawRequest.PostAsync(head.Client, "/api/transactions", Requests.Transaction(_user), lines);
        Assert.True(status == expected, $"{status} {body}");
    }

    private static string[] Ids(JsonElement batch) =>
        [.. batch.GetProperty("accepted").EnumerateArray().Select(item => item.GetProperty("id").GetString()!)];

    // The function driver's server may send a body in chunks; this one holds no line ends of its own.
    private static string Dechunked(string body) => body.Split("\r\n").FirstOrDefault(line => line.StartsWith('{')) ?? body;
}

[Collection(ServerHead.Collection)]
public sealed class ServerRepeatedHeaderTests(ServerHead head) : RepeatedHeaderTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionRepeatedHeaderTests(FunctionHead head) : RepeatedHeaderTests(head);
