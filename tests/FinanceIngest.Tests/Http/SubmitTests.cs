using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

public abstract class SubmitTests(HeadFixture head)
{
    [Fact]
    public async Task Accepts_with_an_id_and_where_its_result_will_be()
    {
        Answer answer = (await head.Client.SubmitAsync(Requests.Transaction())).Is(202);
        Assert.Equal("application/json", answer.MediaType);
        Assert.Equal(["id", "status", "status_url"], answer.Json.EnumerateObject().Select(member => member.Name));
        Assert.Equal("pending", answer.String("status"));
        Assert.Equal($"/api/transactions/{answer.Id}", answer.String("status_url"));
        Assert.Equal(answer.String("status_url"), answer.Header("Location"));
        Assert.NotNull(answer.Header("Retry-After"));
        Assert.Equal(answer.Id, (await head.Client.ResultAsync(answer.Id)).Id);
    }

    [Fact]
    public async Task The_older_route_is_the_same_endpoint()
    {
        string transaction = Requests.Transaction(Requests.NewId(), more: $"\"idempotency_key\": \"{Requests.NewKey()}\"");
        Answer newer = (await head.Client.PostAsync("/api/transactions", transaction)).Is(202);
        Answer older = (await head.Client.PostAsync("/api/score-transaction", transaction, ("Prefer", "respond-async"))).Is(202);
        Assert.Equal(newer.Id, older.Id);
        Assert.Equal(newer.Header("Location"), older.Header("Location"));
        (await head.Client.PostAsync("/api/score-transaction", transaction, ("Prefer", "wait=30"))).Is(200);
        (await head.Client.PostAsync("/api/score-transaction", "{}")).IsProblem(400, "validation");
    }

    [Theory]
    [InlineData("\"note\": \"of the client's own\"")]
    [InlineData("\"id\": 5, \"accepted_at\": \"yesterday\", \"status\": \"new\", \"z_score\": null")]
    [InlineData("\"deep\": [[[{\"user_id\": 0, \"amount\": []}]]], \"deep\": 1")]
    [InlineData("\"half\": \"\\ud800\", \"\\udc00\": 1, \"\\u0000\": \"\\u0000\"")]
    [InlineData("\"USER_ID\": 0, \"Amount\": true")]
    public async Task Unknown_fields_are_ignored(string more) =>
        (await head.Client.SubmitAsync(Requests.Transaction(Requests.NewId(), more: more))).Is(202);

    [Fact]
    public async Task Null_means_absent()
    {
        (await head.Client.SubmitAsync(Requests.Transaction(Requests.NewId(), more: "\"occurred_at\": null, \"idempotency_key\": null"))).Is(202);
        (await head.Client.SubmitAsync(Requests.Transaction(1, amount: "null"))).IsInvalid("amount", "is required");
        (await head.Client.SubmitAsync("""{"user_id": null, "category_id": 1, "amount": 1}""")).IsInvalid("user_id", "is required");
    }

    [Fact]
    public async Task Every_wrong_field_is_named_at_once()
    {
        Answer answer = await head.Client.SubmitAsync("""{"user_id": 0, "category_id": "x", "amount": "abc", "occurred_at": 5, "idempotency_key": ""}""");
        Assert.Equal(["amount", "category_id", "idempotency_key", "occurred_at", "user_id"], answer.InvalidFields().Order());
        Assert.Equal(["amount", "category_id", "user_id"], (await head.Client.SubmitAsync("{}")).InvalidFields().Order());
    }

    [Theory]
    [InlineData("user_id", "5")]
    [InlineData("category_id", "5")]
    [InlineData("amount", "12.5")]
    [InlineData("occurred_at", "\"2026-01-31T12:00:00Z\"")]
    [InlineData("idempotency_key", "\"k\"")]
    public async Task A_field_given_twice_is_an_error(string field, string value)
    {
        string more = $"\"occurred_at\": \"2026-01-31T12:00:00Z\", \"idempotency_key\": \"k\", \"{field}\": {value}";
        (await head.Client.SubmitAsync(Requests.Transaction(5, more: more))).IsInvalid(field, "is given twice");
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("[{\"user_id\": 1, \"category_id\": 1, \"amount\": 1}]")]
    [InlineData("1")]
    [InlineData("\"x\"")]
    [InlineData("null")]
    public async Task The_body_must_be_an_object(string body) => (await head.Client.SubmitAsync(body)).IsInvalid("$", "must be an object");

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("{")]
    [InlineData("{}{}")]
    [InlineData("{'user_id': 1}")]
    [InlineData("{\"user_id\": 1, \"category_id\": 1, \"amount\": NaN}")]
    [InlineData("{\"user_id\": 1, \"category_id\": 1, \"amount\": Infinity}")]
    [InlineData("{\"user_id\": 1, \"category_id\": 1, \"amount\": -Infinity}")]
    [InlineData("{\"user_id\": 1, \"category_id\": 1, \"amount\": 1,}")]
    [InlineData("{\"user_id\": 1, \"category_id\": 1, \"amount\": 1} // comment")]
    public async Task The_body_must_be_JSON(string body) => Assert.Equal(["$"], (await head.Client.SubmitAsync(body)).InvalidFields());

    [Fact]
    public async Task An_empty_body_gets_the_hint_about_chunked_bodies() =>
        Assert.Contains("chunked", (await head.Client.SubmitAsync("")).IsProblem(400, "validation").String("detail"), StringComparison.Ordinal);
}

[Collection(ServerHead.Collection)]
public sealed class ServerSubmitTests(ServerHead head) : SubmitTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionSubmitTests(FunctionHead head) : SubmitTests(head);
