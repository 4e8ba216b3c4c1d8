using System.Text.Json;
using FinanceIngest.Tests.Http.Harness;

namespace FinanceIngest.Tests.Http;

/// <summary>Commands over HTTP, carried out by the server's own scorer.</summary>
[Collection(ServerHead.Collection)]
public sealed class CommandTests(ServerHead server)
{
    private static readonly (string, string) s_wait = ("Prefer", "wait=30");
    private readonly long _user = Requests.NewId();

    private ApiClient Manager => server.Client.WithKey(ServerFixture.ManagerKey);

    [Fact]
    public async Task A_verdict_is_on_the_result_once_the_request_that_waited_is_answered()
    {
        string id = await ScoredAsync();
        Answer answer = (await Manager.PutAsync($"/api/transactions/{id}/feedback", """{"verdict": "expected"}""", s_wait)).Is(200);
        Assert.Equal("expected", answer.String("feedback"));
        Assert.Equal("wait=30", answer.Header("Preference-Applied"));
        Assert.Equal("expected", (await server.Client.ResultAsync(id)).String("feedback"));

        answer = (await Manager.DeleteAsync($"/api/transactions/{id}/feedback", s_wait)).Is(200);
        Assert.False(answer.Json.TryGetProperty("feedback", out _));
    }

    [Fact]
    public async Task Without_a_wait_a_command_is_accepted_and_says_where_to_look()
    {
        string id = await ScoredAsync();
        Answer answer = (await Manager.PutAsync($"/api/transactions/{id}/feedback", """{"verdict": "unexpected"}""")).Is(202);
        Assert.Equal($"/api/transactions/{id}", answer.String("status_url"));
        Assert.Equal($"/api/transactions/{id}", answer.Header("Location"));
    }

    [Fact]
    public async Task A_row_with_a_new_verdict_is_at_the_end_of_the_feed()
    {
        string id = await ScoredAsync();
        string cursor = await EndOfFeedAsync();
        (await Manager.PutAsync($"/api/transactions/{id}/feedback", """{"verdict": "expected"}""", s_wait)).Is(200);
        Answer page = (await server.Client.GetAsync($"/api/results?after={cursor}")).Is(200);
        Assert.Equal(id, page.Json.GetProperty("results")[0].GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_withdrawn_transaction_is_gone()
    {
        string id = await ScoredAsync();
        (await Manager.DeleteAsync($"/api/transactions/{id}", s_wait)).Is(204);
        (await server.Client.GetAsync($"/api/transactions/{id}")).Is(410);
        (await Manager.PutAsync($"/api/transactions/{id}/feedback", """{"verdict": "expected"}""", s_wait)).Is(410);
    }

    [Fact]
    public async Task What_another_one_replaces_is_gone_once_that_is_scored()
    {
        string old = await ScoredAsync();
        Answer batch = (await server.Client.PostAsync(
            "/api/transactions/batch", Requests.List(Requests.Transaction(_user, "20", $"\"replaces\": \"{old}\"")))).Is(202);
        await server.Client.ResultAsync(batch.Json.GetProperty("accepted")[0].GetProperty("id").GetString()!);
        (await server.Client.GetAsync($"/api/transactions/{old}")).Is(410);
    }

    [Fact]
    public async Task An_item_that_replaces_what_was_never_issued_is_rejected_alone()
    {
        Answer batch = (await server.Client.PostAsync(
            "/api/transactions/batch",
            Requests.List(Requests.Transaction(_user, "20", $"\"replaces\": \"{Guid.NewGuid()}\""), Requests.Transaction(_user)))).Is(202);
        Assert.Equal(1, batch.Json.GetProperty("accepted").GetArrayLength());
        JsonElement rejected = batch.Json.GetProperty("rejected")[0];
        Assert.Equal(0, rejected.GetProperty("index").GetInt32());
        Assert.Equal("was not issued by this installation", rejected.GetProperty("errors").GetProperty("replaces")[0].GetString());
    }

    [Fact]
    public async Task A_history_alerts_nobody_and_needs_its_times_and_the_scope()
    {
        await AddBaselineAsync();
        string item = Requests.Transaction(_user, "6000", "\"occurred_at\": \"2026-01-31T12:00:00Z\"");
        Answer batch = (await Manager.PostAsync("/api/transactions/batch?history=true", Requests.List(item, Requests.Transaction(_user)))).Is(202);
        JsonElement errors = batch.Json.GetProperty("rejected")[0].GetProperty("errors");
        Assert.Equal("is required in a history", errors.GetProperty("occurred_at")[0].GetString());
        Answer result = await server.Client.ResultAsync(batch.Json.GetProperty("accepted")[0].GetProperty("id").GetString()!);
        Assert.Equal("true", result.Raw("is_anomaly"));
        Assert.Equal(("suppressed", "history"), (result.String("alert"), result.String("suppressed_by")));

        (await server.Client.PostAsync("/api/transactions/batch?history=true", Requests.List(item))).Is(403);
        (await Manager.PostAsync("/api/transactions/batch?history=yes", Requests.List(item))).Is(400);
    }

    [Fact]
    public async Task A_setting_suppresses_the_alert_of_what_stays_an_anomaly()
    {
        await AddBaselineAsync();
        string items = Requests.List(
            $$"""{"user_id": {{_user}}, "category_id": 7, "level": "never"}""", $$"""{"user_id": {{_user}}, "level": "often", "minimum_amount": "12.50"}""");
        (await Manager.PutAsync("/api/sensitivity", items, s_wait)).Is(204);
        Answer result = await server.Client.ScoreAsync(Requests.Transaction(_user, "6000"));
        Assert.Equal("true", result.Raw("is_anomaly"));
        Assert.Equal(("suppressed", "sensitivity"), (result.String("alert"), result.String("suppressed_by")));

        Answer list = (await server.Client.GetAsync($"/api/sensitivity?user_id={_user}&limit=1")).Is(200);
        Assert.Equal("12.5", list.Json.GetProperty("sensitivity")[0].GetProperty("minimum_amount").GetRawText());
        list = (await server.Client.GetAsync($"/api/sensitivity?user_id={_user}&after={list.String("next")}")).Is(200);
        Assert.Equal(7, list.Json.GetProperty("sensitivity")[0].GetProperty("category_id").GetInt32());

        (await Manager.DeleteAsync($"/api/sensitivity?user_id={_user}&category_id=7", s_wait)).Is(204);
        Assert.Contains((await server.Client.ScoreAsync(Requests.Transaction(_user, "6000"))).String("alert"), (string[])["queued", "sent"]);
        (await Manager.DeleteAsync($"/api/sensitivity?user_id={_user}", s_wait)).Is(204);
        Assert.Equal(0, (await server.Client.GetAsync($"/api/sensitivity?user_id={_user}")).Is(200).Json.GetProperty("sensitivity").GetArrayLength());
    }

    [Theory]
    [InlineData("""[{"level": "loud"}]""", "[0].level")]
    [InlineData("""[{"user_id": 0, "level": "never"}]""", "[0].user_id")]
    [InlineData("""[{"user_id": 1, "level": "never"}, {"user_id": 1, "level": "often"}]""", "[1]")]
    [InlineData("""[{"user_id": 1}]""", "[0].level")]
    [InlineData("""[{"user_id": 1, "level": "never", "until": "2020-01-01T00:00:00Z"}]""", "[0].until")]
    [InlineData("""[{"user_id": 1, "level": "never", "minimum_amount": -1}]""", "[0].minimum_amount")]
    [InlineData("""[{"user_id": 1, "level": "never", "level": "often"}]""", "[0].level")]
    [InlineData("""[7]""", "[0]")]
    [InlineData("""[]""", "$")]
    [InlineData("""{}""", "$")]
    public async Task A_setting_that_is_wrong_takes_all_of_them_along(string body, string field)
    {
        Answer answer = (await Manager.PutAsync("/api/sensitivity", body)).Is(400);
        Assert.True(answer.Json.GetProperty("errors").TryGetProperty(field, out _), answer.Text);
    }

    [Fact]
    public async Task More_than_a_thousand_settings_are_too_many()
    {
        string[] items = [.. Enumerable.Range(1, 1001).Select(i => $$"""{"user_id": {{_user}}, "category_id": {{i}}, "level": "never"}""")];
        (await Manager.PutAsync("/api/sensitivity", Requests.List(items))).Is(413);
        (await Manager.PutAsync("/api/sensitivity", Requests.List(items[..1000]), s_wait)).Is(204);
    }

    [Fact]
    public async Task Commands_need_their_scope()
    {
        string id = await ScoredAsync();
        (await server.Client.PutAsync($"/api/transactions/{id}/feedback", """{"verdict": "expected"}""")).Is(403);
        (await server.Client.DeleteAsync($"/api/transactions/{id}")).Is(403);
        (await server.Client.PutAsync("/api/sensitivity", """[{"user_id": 1, "level": "never"}]""")).Is(403);
        (await server.Client.DeleteAsync("/api/sensitivity?user_id=1")).Is(403);
        (await server.Client.DeleteAsync($"/api/users/{_user}")).Is(403);
        (await server.Client.GetAsync($"/api/users/{_user}/erasure")).Is(403);
    }

    [Theory]
    [InlineData("""{"verdict": "fine"}""", 400)]
    [InlineData("""{}""", 400)]
    [InlineData("""[]""", 400)]
    [InlineData("""{"verdict":""", 400)]
    public async Task A_verdict_that_is_wrong_is_refused(string body, int status)
    {
        string id = await ScoredAsync();
        (await Manager.PutAsync($"/api/transactions/{id}/feedback", body)).Is(status);
    }

    [Fact]
    public async Task An_id_that_was_never_issued_is_not_found()
    {
        (await Manager.PutAsync($"/api/transactions/{Guid.NewGuid()}/feedback", """{"verdict": "expected"}""")).Is(404);
        (await Manager.DeleteAsync($"/api/transactions/{Guid.NewGuid()}/feedback")).Is(404);
        (await Manager.DeleteAsync($"/api/transactions/{Guid.NewGuid()}")).Is(404);
        (await Manager.DeleteAsync("/api/transactions/x")).Is(404);
    }

    [Fact]
    public async Task An_erased_person_is_gone_and_the_status_says_so()
    {
        string id = await ScoredAsync();
        Assert.Equal("unknown", (await server.Admin.GetAsync($"/api/users/{_user}/erasure")).Is(200).String("status"));
        (await server.Admin.DeleteAsync($"/api/users/{_user}", s_wait)).Is(204);
        (await server.Client.GetAsync($"/api/transactions/{id}")).Is(410);
        Assert.Equal("done", (await server.Admin.GetAsync($"/api/users/{_user}/erasure")).Is(200).String("status"));
        Assert.Equal("scored", (await server.Client.ScoreAsync(Requests.Transaction(_user))).String("status"));
        Answer accepted = (await server.Admin.DeleteAsync($"/api/users/{_user}")).Is(202);
        Assert.Equal($"/api/users/{_user}/erasure", accepted.String("status_url"));
        (await server.Admin.DeleteAsync("/api/users/0")).Is(400);
    }

    [Fact]
    public async Task An_address_is_added_listed_masked_and_removed()
    {
        string path = $"/api/users/{_user}/notification-destinations";
        string mail = """{"type": "smtp", "address": "someone@home.example", "minimum_surprise": 100}""";
        Answer added = (await Manager.PostAsync(path, mail, s_wait)).Is(200);
        Assert.Equal("s•••@home.example", added.String("address"));
        Assert.Equal("wait=30", added.Header("Preference-Applied"));
        string key = "B" + new string('A', 86), endpoint = "https://push.example/subscriptions/secret";
        string keys = $$"""{"p256dh": "{{key}}", "auth": "{{new string('A', 22)}}"}""";
        Answer push = (await Manager.PostAsync(path, $$"""{"type": "webpush", "endpoint": "{{endpoint}}", "keys": {{keys}}}""", s_wait)).Is(200);

        Answer list = (await server.Client.GetAsync(path)).Is(200);
        JsonElement[] found = [.. list.Json.GetProperty("destinations").EnumerateArray()];
        Assert.Equal([added.String("id"), push.String("id")], found.Select(one => one.GetProperty("id").GetString()));
        Assert.Equal("https://push.example", found[1].GetProperty("endpoint").GetString());
        Assert.DoesNotContain("someone", list.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("keys", list.Text, StringComparison.Ordinal);

        (await Manager.DeleteAsync($"{path}/{added.String("id")}", s_wait)).Is(204);
        (await Manager.DeleteAsync($"{path}/{push.String("id")}", s_wait)).Is(204);
        (await Manager.DeleteAsync($"{path}/{push.String("id")}", s_wait)).Is(204);
        Assert.Equal(0, (await server.Client.GetAsync(path)).Is(200).Json.GetProperty("destinations").GetArrayLength());
    }

    [Fact]
    public async Task An_address_is_accepted_with_its_id_by_which_it_can_be_removed_at_once()
    {
        string path = $"/api/users/{_user}/notification-destinations";
        Answer accepted = (await Manager.PostAsync(path, """{"type": "smtp", "address": "someone@home.example"}""")).Is(202);
        Assert.Equal(path, accepted.String("status_url"));
        Assert.Equal(path, (await Manager.DeleteAsync($"{path}/{accepted.String("id")}")).Is(202).String("status_url"));
        (await Manager.DeleteAsync($"{path}/{accepted.String("id")}", s_wait)).Is(204);
        Assert.Equal(0, (await server.Client.GetAsync(path)).Is(200).Json.GetProperty("destinations").GetArrayLength());
    }

    [Theory]
    [InlineData("""{"type": "http", "address": "https://home.example"}""", "type")]
    [InlineData("""{"type": "smtp", "address": "a@home.example, b@home.example"}""", "address")]
    [InlineData("""{"type": "smtp", "address": "a@home.example", "address": "b@home.example"}""", "address")]
    [InlineData("""{"type": "webpush", "endpoint": "https://localhost/x"}""", "keys.auth")]
    [InlineData("""{"type": "smtp", "address": "a@home.example", "minimum_surprise": 0}""", "minimum_surprise")]
    [InlineData("""{"type": "smtp", "address": "\uD800"}""", "$")]
    [InlineData("""[]""", "$")]
    public async Task An_address_that_is_wrong_is_refused(string body, string field)
    {
        Answer answer = (await Manager.PostAsync($"/api/users/{_user}/notification-destinations", body)).Is(400);
        Assert.True(answer.Json.GetProperty("errors").TryGetProperty(field, out _), answer.Text);
    }

    [Fact]
    public async Task An_address_needs_its_scope_and_a_user()
    {
        string path = $"/api/users/{_user}/notification-destinations", mail = """{"type": "smtp", "address": "someone@home.example"}""";
        (await server.Client.PostAsync(path, mail)).Is(403);
        (await server.Client.DeleteAsync($"{path}/{Guid.NewGuid()}")).Is(403);
        (await Manager.PostAsync("/api/users/0/notification-destinations", mail)).Is(400);
        (await Manager.DeleteAsync($"{path}/x")).Is(404);
    }

    private async Task<string> ScoredAsync() => (await server.Client.ScoreAsync(Requests.Transaction(_user))).String("id")!;

    private async Task AddBaselineAsync() => await server.Admin.PutAsync("/api/stats", Requests.List(Requests.Stat(_user)));

    private async Task<string> EndOfFeedAsync()
    {
        for (string path = "/api/results?limit=1000"; ;)
        {
            Answer page = (await server.Client.GetAsync(path)).Is(200);
            string next = page.String("next")!;
            if (page.Json.GetProperty("results").GetArrayLength() < 1000)
            {
                return next;
            }

            path = $"/api/results?limit=1000&after={next}";
        }
    }
}
