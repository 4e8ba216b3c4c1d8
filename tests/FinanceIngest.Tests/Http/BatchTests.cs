using System.Text;
using System.Text.Json;
using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

public abstract class BatchTests(HeadFixture head)
{
    private const string Batch = "/api/transactions/batch";
    private const string Ndjson = "application/x-ndjson";
    private readonly long _user = Requests.NewId();

    [Fact]
    public async Task An_array_is_accepted_item_by_item()
    {
        Answer answer = (await head.Client.PostAsync(Batch, Requests.List(Valid(1), "{}", Valid(3), "5", Requests.Transaction(_user, "1.00001")))).Is(202);
        Assert.Equal([0, 2], Indexes(answer, "accepted"));
        Assert.Equal([1, 3, 4], Indexes(answer, "rejected"));
        JsonElement[] rejected = [.. answer.Json.GetProperty("rejected").EnumerateArray().Select(item => item.GetProperty("errors"))];
        Assert.Equal("""{"user_id":["is required"],"category_id":["is required"],"amount":["is required"]}""", rejected[0].GetRawText());
        Assert.Equal("""{"$":["must be an object"]}""", rejected[1].GetRawText());
        Assert.Equal("""{"amount":["must have at most four decimals"]}""", rejected[2].GetRawText());
        Assert.NotNull(answer.Header("Retry-After"));
        Assert.Equal(["1.0", "3.0"], await AmountsAsync(answer));
    }

    [Theory]
    [InlineData(Ndjson)]
    [InlineData("application/ndjson")]
    [InlineData("application/x-ndjson; charset=utf-8")]
    public async Task NDJSON_is_accepted_line_by_line(string mediaType)
    {
        string body = $"{Valid(1)}\n\n{{broken\r\n   \r\n{Valid(2)}\r\n[]\n{Valid(3)} {Valid(4)}\n{Valid(5)}";
        Answer answer = (await head.Client.SendAsync(HttpMethod.Post, Batch, ApiClient.Content(body, mediaType))).Is(202);
        Assert.Equal([0, 2, 5], Indexes(answer, "accepted"));
        Assert.Equal([1, 3, 4], Indexes(answer, "rejected"));
        Assert.All(answer.Json.GetProperty("rejected").EnumerateArray(), item => Assert.True(item.GetProperty("errors").TryGetProperty("$", out _)));
        Assert.Equal(["1.0", "2.0", "5.0"], await AmountsAsync(answer));
    }

    [Fact]
    public async Task A_line_of_broken_bytes_spoils_only_itself()
    {
        byte[] body = [.. Encoding.UTF8.GetBytes(Valid(1) + "\n{\"note\": \""), 0xC3, 0x28, .. Encoding.UTF8.GetBytes("\"}\n" + Valid(2))];
        Answer answer = (await head.Client.SendAsync(HttpMethod.Post, Batch, ApiClient.Content(body, Ndjson))).Is(202);
        Assert.Equal([0, 2], Indexes(answer, "accepted"));
        Assert.Equal("""{"$":["is not UTF-8"]}""", answer.Json.GetProperty("rejected")[0].GetProperty("errors").GetRawText());
    }

    [Fact]
    public async Task Half_a_surrogate_pair_spoils_only_its_item()
    {
        string halved = Requests.Transaction(_user, more: "\"idempotency_key\": \"\\ud800\"");
        Answer answer = (await head.Client.PostAsync(Batch, Requests.List(Valid(1), halved))).Is(202);
        Assert.Equal([0], Indexes(answer, "accepted"));
        Assert.Equal([1], Indexes(answer, "rejected"));
    }

    [Fact]
    public async Task Ten_thousand_are_taken_and_each_is_scored()
    {
        string start = await Feed.EndAsync(head.Client);
        Answer answer = (await head.Client.PostAsync(Batch, Requests.List(Enumerable.Range(1, 10_000).Select(Valid)))).Is(202);
        Assert.Equal(Enumerable.Range(0, 10_000), Indexes(answer, "accepted"));
        string[] ids = [.. answer.Json.GetProperty("accepted").EnumerateArray().Select(item => item.GetProperty("id").GetString()!)];
        Assert.Equal(10_000, ids.Distinct().Count());
        HashSet<string> unseen = [.. ids];
        while (unseen.Count > 0)
        {
            await head.Client.ResultAsync(unseen.First());
            unseen.ExceptWith(await Feed.IdsOfUserAsync(head.Client, start, _user));
        }

        Assert.Equal(ids.Order(), (await Feed.IdsOfUserAsync(head.Client, start, _user)).Order());

        // The feed now holds enough results to exceed the default and the maximum size of a page.
        Assert.Equal(100, (await head.Client.GetAsync($"/api/results?after={start}")).Json.GetProperty("results").GetArrayLength());
        Assert.Equal(1000, (await head.Client.GetAsync($"/api/results?after={start}&limit=1001")).Json.GetProperty("results").GetArrayLength());
    }

    [Fact]
    public async Task More_than_ten_thousand_are_too_many()
    {
        string[] items = [.. Enumerable.Repeat("{}", 10_001)];
        (await head.Client.PostAsync(Batch, Requests.List(items))).IsProblem(413, "too-large");
        (await head.Client.SendAsync(HttpMethod.Post, Batch, ApiClient.Content(Requests.Lines(items), Ndjson))).IsProblem(413, "too-large");
    }

    [Fact]
    public async Task A_thousand_wrong_ones_are_named_one_by_one()
    {
        Answer answer = (await head.Client.PostAsync(Batch, Requests.List(Enumerable.Repeat("{}", 1000)))).IsProblem(400, "validation");
        Assert.Equal(Enumerable.Range(0, 1000), Indexes(answer, "rejected"));
        Assert.Equal("is required", answer.Json.GetProperty("rejected")[999].GetProperty("errors").GetProperty("amount")[0].GetString());
        Assert.Equal(["$"], answer.InvalidFields());
        Assert.Null(answer.Raw("rejected_count"));
    }

    [Theory]
    [InlineData("[{}]")]
    [InlineData("[1, null, \"x\", [], true]")]
    public async Task Nothing_acceptable_is_400(string body)
    {
        Answer answer = (await head.Client.PostAsync(Batch, body)).IsProblem(400, "validation");
        Assert.Equal(JsonDocument.Parse(body).RootElement.GetArrayLength(), answer.Json.GetProperty("rejected").GetArrayLength());
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("{\"user_id\": 1, \"category_id\": 1, \"amount\": 1}")]
    [InlineData("null")]
    [InlineData("[{\"user_id\": 1, \"category_id\": 1, \"amount\": 1}")]
    [InlineData("[{\"user_id\": 1, \"category_id\": 1, \"amount\": 1}]]")]
    [InlineData("[{\"user_id\": 1, \"category_id\": 1, \"amount\": 1} {}]")]
    public async Task What_is_no_list_of_transactions_is_400(string body) => Assert.Equal(["$"], (await head.Client.PostAsync(Batch, body)).InvalidFields());

    [Theory]
    [InlineData("")]
    [InlineData("\n \r\n")]
    public async Task NDJSON_without_a_line_is_400(string body) =>
        Assert.Equal(["$"], (await head.Client.SendAsync(HttpMethod.Post, Batch, ApiClient.Content(body, Ndjson))).InvalidFields());

    [Fact]
    public async Task With_a_key_each_item_has_a_stable_id()
    {
        string key = Requests.NewKey();
        string body = Requests.List(Valid(1), Requests.Transaction(_user, "2", $"\"idempotency_key\": \"{key}\""), Valid(1));
        string[] ids = Ids((await head.Client.PostAsync(Batch, body, ("Idempotency-Key", key))).Is(202));
        Assert.Equal(3, ids.Distinct().Count());

        // The batch is repeated with a quoted key, and as NDJSON: an item keeps its id when another item is no longer acceptable.
        Assert.Equal(ids, Ids((await head.Client.PostAsync(Batch, body, ("Idempotency-Key", $"\"{key}\""))).Is(202)));
        string lines = Requests.Lines(Valid(1), "{}", Valid(1));
        Answer again = await head.Client.SendAsync(HttpMethod.Post, Batch, ApiClient.Content(lines, Ndjson), ("Idempotency-Key", key));
        Assert.Equal([ids[0], ids[2]], Ids(again.Is(202)));

        // An item's own key also identifies it as a single submission; a key derived from the batch's key does not.
        Assert.Equal(ids[1], (await head.Client.SubmitAsync(Requests.Transaction(_user, "2"), ("Idempotency-Key", key))).Id);
        Assert.NotEqual(ids, Ids((await head.Client.PostAsync(Batch, body, ("Idempotency-Key", key + "2"))).Is(202)));
        (await head.Client.PostAsync(Batch, body, ("Idempotency-Key", ""))).IsInvalid("Idempotency-Key", "must have 1 to 255 characters");
    }

    [Fact]
    public async Task Without_a_key_a_repeat_has_new_ids()
    {
        string body = Requests.List(Valid(1));
        Assert.NotEqual(Ids((await head.Client.PostAsync(Batch, body)).Is(202)), Ids((await head.Client.PostAsync(Batch, body)).Is(202)));
    }

    private string Valid(int amount) => Requests.Transaction(_user, amount.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private static IEnumerable<int> Indexes(Answer answer, string list) =>
        answer.Json.GetProperty(list).EnumerateArray().Select(item => item.GetProperty("index").GetInt32());

    private static string[] Ids(Answer answer) => [.. answer.Json.GetProperty("accepted").EnumerateArray().Select(item => item.GetProperty("id").GetString()!)];

    private async Task<List<string?>> AmountsAsync(Answer answer)
    {
        List<string?> amounts = [];
        foreach (string id in Ids(answer))
        {
            amounts.Add((await head.Client.ResultAsync(id)).Raw("amount"));
        }

        return amounts;
    }
}

[Collection(ServerHead.Collection)]
public sealed class ServerBatchTests(ServerHead head) : BatchTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionBatchTests(FunctionHead head) : BatchTests(head);
