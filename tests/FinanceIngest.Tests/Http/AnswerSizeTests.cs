using System.Text.Json;
using FinanceIngest.Http;
using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

/// <summary>No request makes an answer that is many times its own size.</summary>
public abstract class AnswerSizeTests(HeadFixture head)
{
    private const string Batch = "/api/transactions/batch";
    private readonly long _user = Requests.NewId();

    [Fact]
    public async Task A_field_that_stands_a_hundred_times_in_ten_thousand_items_makes_a_short_answer()
    {
        string item = $"{{{string.Join(',', Enumerable.Repeat("\"user_id\":-1", 120))}}}";
        Answer answer = (await head.Client.PostAsync(Batch, Requests.List(Enumerable.Repeat(item, 10_000)).Replace(", ", ",", StringComparison.Ordinal)))
            .IsProblem(400, "validation");

        Assert.InRange(answer.Body.Length, 0, ApiResponse.MaximumList);
        Assert.Equal(10_000, answer.Json.GetProperty("rejected_count").GetInt32());
        Assert.Equal(["$"], answer.InvalidFields());
    }

    [Fact]
    public async Task Of_items_whose_errors_have_no_room_each_can_be_learned_by_sending_the_rest_again()
    {
        // The first and the last item are right, and those between them are wrong.
        string[] items = [Valid(1), .. Enumerable.Range(2, 9998).Select(_ => "{}"), Valid(10_000)];
        string key = Requests.NewKey();
        HashSet<int> open = [.. Enumerable.Range(0, items.Length)];
        HashSet<string> ids = [];
        int requests = 0;
        while (open.Count > 0)
        {
            int[] sent = [.. open.Order()];
            Answer answer = await head.Client.PostAsync(Batch, Requests.List(sent.Select(index => items[index])), ("Idempotency-Key", key));
            Assert.InRange(answer.Body.Length, 0, ApiResponse.MaximumList);
            Assert.InRange(++requests, 1, 5);
            JsonElement body = answer.Json;
            int before = open.Count;
            if (body.TryGetProperty("accepted", out JsonElement accepted))
            {
                open.ExceptWith(accepted.EnumerateArray().Select(item => sent[item.GetProperty("index").GetInt32()]));
                ids.UnionWith(accepted.EnumerateArray().Select(item => item.GetProperty("id").GetString()!));
            }

            int right = before - open.Count;
            open.ExceptWith(body.GetProperty("rejected").EnumerateArray().Select(item => sent[item.GetProperty("index").GetInt32()]));
            Assert.Equal(open.Count > 0, body.TryGetProperty("rejected_count", out JsonElement count));
            Assert.True(open.Count == 0 || count.GetInt32() == before - right);
        }

        Assert.Equal(2, ids.Count);
        Assert.InRange(requests, 2, 5);
    }

    [Theory]
    [InlineData("1\n")]
    [InlineData("[\n")]
    [InlineData("{\"amount\":1\n")]
    public async Task A_short_body_of_wrong_lines_makes_a_short_answer(string line)
    {
        string lines = string.Concat(Enumerable.Repeat(line, 10_000));
        Answer answer = await head.Client.SendAsync(HttpMethod.Post, Batch, ApiClient.Content(lines, "application/x-ndjson"));
        Assert.InRange(answer.IsProblem(400, "validation").Body.Length, 0, ApiResponse.MaximumList);
        Assert.Equal(10_000, answer.Json.GetProperty("rejected_count").GetInt32());

        answer = await head.Admin.SendAsync(HttpMethod.Put, "/api/stats", ApiClient.Content(lines, "application/x-ndjson"));
        Assert.InRange(answer.IsProblem(400, "validation").Body.Length, 0, ApiResponse.MaximumList);
        Assert.Equal(10_000, answer.Json.GetProperty("rejected_count").GetInt32());

        string stats = Requests.Stat(_user) + "\n" + lines[..^line.Length];
        answer = await head.Admin.SendAsync(HttpMethod.Put, "/api/stats", ApiClient.Content(stats, "application/x-ndjson"));
        Assert.InRange(answer.Is(200).Body.Length, 0, ApiResponse.MaximumList);
        Assert.Equal("1", answer.Raw("inserted"));
        Assert.Equal(9999, answer.Json.GetProperty("rejected_count").GetInt32());
    }

    [Fact]
    public async Task A_text_of_the_request_is_quoted_in_part_only()
    {
        string name = new('a', 500_000);
        foreach (string body in new[]
        {
            $$"""{"ids": [], "{{name}}": 1, "{{name}}": 2}""", $$"""{"ids": []} {{name}}""", $"nul{name}", $$"""{"ids": ["{{name}}\x"]}""",
        })
        {
            Answer answer = (await head.Client.PostAsync("/api/transactions/status", body)).IsProblem(400, "validation");
            Assert.InRange(answer.Body.Length, 0, 4 * Problem.MaximumText);
        }

        using ByteArrayContent encoded = ApiClient.Content(Requests.Transaction());
        encoded.Headers.TryAddWithoutValidation("Content-Encoding", name[..10_000]);
        Answer header = await head.Client.SendAsync(HttpMethod.Post, "/api/transactions", encoded);
        Assert.InRange(header.IsProblem(415, "media-type").Body.Length, 0, 4 * Problem.MaximumText);
    }

    [Fact]
    public async Task Ids_are_answered_in_a_few_times_their_own_length()
    {
        // A character beyond the basic plane that JSON writers escape is the worst case.
        string id = string.Concat(Enumerable.Repeat("\U000E0FFF", 200));
        string body = $$"""{"ids": [{{string.Join(',', Enumerable.Repeat($"\"{id}\"", 1000))}}]}""";
        Answer answer = (await head.Client.PostAsync("/api/transactions/status", body)).Is(200);
        Assert.InRange(answer.Body.Length, 0, 4 * body.Length * 2);
    }

    private string Valid(int amount) => Requests.Transaction(_user, amount.ToString(System.Globalization.CultureInfo.InvariantCulture));
}

[Collection(ServerHead.Collection)]
public sealed class ServerAnswerSizeTests(ServerHead head) : AnswerSizeTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionAnswerSizeTests(FunctionHead head) : AnswerSizeTests(head);
