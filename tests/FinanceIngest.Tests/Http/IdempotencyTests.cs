using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

public abstract class IdempotencyTests(HeadFixture head)
{
    private const string WrongLength = "must have 1 to 255 characters";
    private const string Header = "Idempotency-Key";

    private readonly long _user = Requests.NewId();
    private readonly string _key = Requests.NewKey();

    [Fact]
    public async Task Field_and_header_mean_the_same_and_a_repeat_has_the_same_id()
    {
        string id = (await head.Client.SubmitAsync(WithKey(_key))).Is(202).Id;
        Assert.Equal(id, (await head.Client.SubmitAsync(WithKey(_key))).Is(202).Id);
        Assert.Equal(id, (await head.Client.SubmitAsync(Requests.Transaction(_user), (Header, _key))).Is(202).Id);
        Assert.Equal(id, (await head.Client.SubmitAsync(Requests.Transaction(_user), (Header, $"\"{_key}\""))).Is(202).Id);
        Assert.Equal(id, (await head.Client.SubmitAsync(WithKey(_key), (Header, _key))).Is(202).Id);
        Assert.Equal(id, (await head.Client.SubmitAsync(WithKey(_key), (Header, $"\"{_key}\""))).Is(202).Id);
        Assert.Equal(id, (await head.Client.ScoreAsync(WithKey(_key))).Id);
    }

    [Fact]
    public async Task Field_and_header_that_differ_are_an_error() =>
        (await head.Client.SubmitAsync(WithKey(_key), (Header, _key + "x"))).IsInvalid("idempotency_key", "differs from the header Idempotency-Key");

    [Fact]
    public async Task Escapes_in_a_quoted_header_are_undone()
    {
        string id = (await head.Client.SubmitAsync(WithKey($"{_key}\\\"\\\\x"))).Is(202).Id;
        Assert.Equal(id, (await head.Client.SubmitAsync(Requests.Transaction(_user), (Header, $"\"{_key}\\\"\\\\x\""))).Is(202).Id);
    }

    [Fact]
    public async Task Another_user_another_key_or_no_key_is_another_id()
    {
        HashSet<string> ids =
        [
            (await head.Client.SubmitAsync(WithKey(_key))).Id,
            (await head.Client.SubmitAsync(WithKey(_key + " "))).Id,
            (await head.Client.SubmitAsync(WithKey(_key.ToUpperInvariant() + "X"))).Id,
            (await head.Client.SubmitAsync(Requests.Transaction(Requests.NewId(), more: $"\"idempotency_key\": \"{_key}\""))).Id,
            (await head.Client.SubmitAsync(Requests.Transaction(_user))).Id,
            (await head.Client.SubmitAsync(Requests.Transaction(_user))).Id,
        ];
        Assert.Equal(6, ids.Count);
    }

    [Fact]
    public async Task A_key_has_1_to_255_characters()
    {
        (await head.Client.SubmitAsync(WithKey(new string('k', 255)))).Is(202);

        // The API counts code points, as JSON Schema does. The tests' validator counts UTF-16 units, so another JSON media type bypasses it.
        var astral = ApiClient.Content(WithKey(string.Concat(Enumerable.Repeat("😀", 255))), "application/vnd.test+json");
        (await head.Client.SendAsync(HttpMethod.Post, "/api/transactions", astral)).Is(202);
        (await head.Client.SubmitAsync(WithKey("k"))).Is(202);
        (await head.Client.SubmitAsync(Requests.Transaction(_user), (Header, new string('k', 255)))).Is(202);
        (await head.Client.SubmitAsync(WithKey(""))).IsInvalid("idempotency_key", WrongLength);
        (await head.Client.SubmitAsync(WithKey(new string('k', 256)))).IsInvalid("idempotency_key", WrongLength);
        (await head.Client.SubmitAsync(WithKey(string.Concat(Enumerable.Repeat("😀", 256))))).IsInvalid("idempotency_key", WrongLength);
        (await head.Client.SubmitAsync(Requests.Transaction(_user), (Header, "\"\""))).IsInvalid(Header, WrongLength);
        (await head.Client.SubmitAsync(Requests.Transaction(_user), (Header, new string('k', 256)))).IsInvalid(Header, WrongLength);
    }

    [Theory]
    [InlineData("5", "must be a string")]
    [InlineData("true", "must be a string")]
    [InlineData("[\"k\"]", "must be a string")]
    [InlineData("{}", "must be a string")]
    [InlineData("\"\\udc00\"", "must be Unicode text")]
    public async Task A_key_is_text(string key, string message) =>
        (await head.Client.SubmitAsync(Requests.Transaction(5, more: $"\"idempotency_key\": {key}"))).IsInvalid("idempotency_key", message);

    [Fact]
    public async Task The_first_one_scored_wins_and_there_is_one_row()
    {
        string start = await Feed.EndAsync(head.Client);
        Answer first = await head.Client.ScoreAsync(WithKey(_key));
        Answer repeat = await head.Client.ScoreAsync(WithKey(_key));
        Answer different = await head.Client.ScoreAsync(Requests.Transaction(_user, "99", $"\"idempotency_key\": \"{_key}\""));
        Assert.Equal(first.Text, repeat.Text);
        Assert.Equal(first.Text, different.Text);

        // This transaction was submitted after the repeats. Its result shows that the repeats have been processed and left no row.
        Answer last = await head.Client.ScoreAsync(Requests.Transaction(_user));
        Assert.Equal([first.Id, last.Id], await Feed.IdsOfUserAsync(head.Client, start, _user));
    }

    [Fact]
    public async Task Repeats_at_the_same_time_are_one_as_well()
    {
        string start = await Feed.EndAsync(head.Client);
        Answer[] answers = await Task.WhenAll(Enumerable.Range(1, 20).Select(amount =>
            head.Client.ScoreAsync(Requests.Transaction(_user, $"{amount}", $"\"idempotency_key\": \"{_key}\""))));
        Assert.Single(answers.Select(answer => answer.Text).Distinct());
        Assert.Single(await Feed.IdsOfUserAsync(head.Client, start, _user));
    }

    [Fact]
    public async Task A_key_in_a_batch_is_the_same_key()
    {
        string id = (await head.Client.SubmitAsync(WithKey(_key))).Is(202).Id;
        Answer batch = (await head.Client.PostAsync("/api/transactions/batch", Requests.List(WithKey(_key), Requests.Transaction(_user)))).Is(202);
        Assert.Equal(id, batch.Json.GetProperty("accepted")[0].GetProperty("id").GetString());
        Assert.NotEqual(id, batch.Json.GetProperty("accepted")[1].GetProperty("id").GetString());
    }

    private string WithKey(string key) => Requests.Transaction(_user, more: $"\"idempotency_key\": \"{key}\"");
}

[Collection(ServerHead.Collection)]
public sealed class ServerIdempotencyTests(ServerHead head) : IdempotencyTests(head);

[Collection(FunctionHead.Collection)]
public sealed class FunctionIdempotencyTests(FunctionHead head) : IdempotencyTests(head);
