using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.KestrelHead;
using FinanceIngest.Observability;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Trace;

namespace FinanceIngest.Tests.Security;

/// <summary>Above Debug, no log entry and no span contains an amount, the id of a person or a category, text that a client wrote, or a secret.</summary>
[Needs(Outside.Program)]
public sealed partial class LogContentTests(TalkativeServer server) : IClassFixture<TalkativeServer>
{
    private const string User = "398765432109";
    private const string Category = "298765432109";
    private const string Amount = "777123.4567";
    private const string Text = "a text that only the client knows";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_on_good_and_bad_ways_tells_nothing_and_no_line_is_forged()
    {
        string forged = Uri.EscapeDataString("x\r\n2026-01-31T12:00:00.000Z crit: forged by a client\u001b[2K");
        string good = $$"""{"user_id": {{User}}, "category_id": {{Category}}, "amount": {{Amount}}, "idempotency_key": "{{Text}}"}""";
        string baseline = $$"""{"user_id": {{User}}, "category_id": {{Category}}, "mean": 1, "std_dev": 1, "sample_count": 5}""";
        (await server.Admin.PutAsync("/api/stats", $"[{baseline}]")).Is(200);
        Answer anomaly = await server.Client.ScoreAsync(good);
        (await server.Client.GetAsync($"/api/anomalies?user_id={User}&code={ServerFixture.Key}")).Is(200);
        (await server.Client.WithKey(null).GetAsync($"/api/transactions/{anomaly.Id}?code={ServerFixture.Key}")).Is(200);
        (await server.Client.WithKey(null).GetAsync($"/api/results?code={forged}")).Is(401);
        (await server.Client.GetAsync($"/{forged}")).Is(404);
        (await server.Client.GetAsync($"/api/transactions/{forged}")).Is(404);
        string[] malformed =
        [
            $"{{\"user_id\": {User}x",
            $"{{\"amount\": \"{Amount}z\", \"{Text}\": t{User}}}",
            $"{{\"user_id\": {User}, \"user_id\": {User}}}",
            $"nul{Amount}",
            $"\"{Text}",
        ];
        foreach (string bad in malformed)
        {
            (await server.Client.SubmitAsync(bad)).Is(400);
            (await server.Client.PostAsync("/api/transactions/batch", bad)).Is(400);
        }

        using (var queue = new EmbeddedQueue(server.DataDirectory, "transactions-inbound", TimeProvider.System, new DependencyStatus("queue")))
        {
            string[] poison =
            [
                $"{{\"user_id\": {User}, \"amount\": t{Amount}}}",
                $"{{\"user_id\": \"{Text}\", \"category_id\": {Category}, \"amount\": {Amount}9}}",
                $"{{\"{Text}\r\n\": {Amount}",
                $"{{\"v\": 1, \"transactions\": [{{\"id\": \"{Guid.NewGuid()}\", \"user_id\": {User}}}]}}",
            ];
            foreach (string text in poison)
            {
                await queue.SendAsync(text, TimeSpan.Zero, Token);
            }

            await Eventually.TrueAsync(() => Task.FromResult(PoisonLine().Count(server.Log) == poison.Length), Token);
        }

        AssertTellsNothing(server.Log);
        Assert.All(server.Log.Split('\n', StringSplitOptions.RemoveEmptyEntries), line => Assert.Matches(Line(), line));
        Assert.DoesNotContain("crit: ", server.Log, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failing_scorer_tells_what_failed_but_not_on_what()
    {
        var log = new ListLogger<BatchProcessor>();
        using var system = new ScoringHarness();
        var failure = new InvalidOperationException($"The duplicate key value is ({User}, {Category}).", new ArithmeticException($"{Amount} can't be written"));
        system.Store.BeforeWrite = batch =>
            batch.Results.Any(result => result.Status == TransactionStatus.Scored && result.UserId == 398765432109) ? failure : null;
        await system.SendAsync(system.Transaction(777123, userId: 398765432109));
        await system.SendAsync(system.Transaction(5));
        BatchProcessor processor = system.NewProcessor(log);
        for (int attempt = 0; attempt <= FailedMessages.MaximumAttempts; attempt++)
        {
            await processor.ProcessAsync(await system.Inbound.ReceiveAsync(32, Deadlines.Lease, Token), system.Time.GetTimestamp(), Token);
            system.Time.Advance(TimeSpan.FromMinutes(5));
        }

        string text = string.Join('\n', log.AboveDebug);
        Assert.Contains("is poison", text, StringComparison.Ordinal);
        Assert.Contains("System.InvalidOperationException, by System.ArithmeticException", text, StringComparison.Ordinal);
        AssertTellsNothing(text);
        Assert.Contains($"({User}, {Category})", Assert.Single(await system.PoisonStore.ListAsync(Token)).Exception, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Spans_have_neither_the_query_nor_an_exceptions_message()
    {
        var spans = new List<Activity>();
        using var folder = new TemporaryFolder();
        var settings = new Settings { DataDirectory = folder.Path, Roles = Roles.Intake, ApiKeys = [new("a", Text, Scopes.All)] };
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();

        // An operator may set this to see query strings.
        builder.Configuration["OTEL_DOTNET_EXPERIMENTAL_ASPNETCORE_DISABLE_URL_QUERY_REDACTION"] = "true";
        builder.Services.AddFinanceIngest(settings).AddIntake(settings);
        builder.Services.AddOpenTelemetry().WithTracing(tracing =>
        {
            tracing.AddSource(Telemetry.Name).AddInMemoryExporter(spans);
            ApiHead.AddRequestSpans(tracing);
        });
        await using (WebApplication app = builder.Build())
        {
            app.Urls.Add("http://127.0.0.1:0");
            app.UseApi(settings);
            await app.StartAsync(Token);
            using var http = new HttpClient { BaseAddress = new Uri(app.Urls.First()) };
            using HttpResponseMessage response = await http.GetAsync($"/api/anomalies?user_id={User}&code={Uri.EscapeDataString(Text)}", Token);
            Assert.Equal(200, (int)response.StatusCode);
            using HttpResponseMessage missing = await http.GetAsync($"/api/none?user_id={User}&code={Uri.EscapeDataString(Text)}", Token);
            await app.StopAsync(Token);
        }

        // The listener also hears spans of other tests in this process.
        Activity[] own = [.. spans.ToArray().Where(span => span.GetTagItem("url.path") is "/api/anomalies" or "/api/none")];
        Assert.Equal(2, own.Length);
        IEnumerable<string> tags = own.SelectMany(span => span.TagObjects)
            .Select(tag => string.Create(CultureInfo.InvariantCulture, $"{tag.Key}={Uri.UnescapeDataString($"{tag.Value}")}"));
        AssertTellsNothing(string.Join('\n', tags));

        using var failed = new Activity("failed");
        Telemetry.Fail(failed.Start(), new InvalidOperationException(Text));
        Assert.Equal("System.InvalidOperationException", failed.StatusDescription);
    }

    private static void AssertTellsNothing(string log)
    {
        Assert.NotEmpty(log);
        foreach (string secret in new[] { User, Category, Amount, "777123", Text, ServerFixture.Key, ServerFixture.AdminKey, ServerFixture.SigningKey })
        {
            Assert.DoesNotContain(secret, log, StringComparison.Ordinal);
        }
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (info|warn|fail): \S+\[\d+\][^\p{Cc}]*\r?$")]
    private static partial Regex Line();

    [GeneratedRegex("is poison: ")]
    private static partial Regex PoisonLine();
}

/// <summary>A server that logs everything that an operator can turn on at Information.</summary>
public sealed class TalkativeServer() : ServerFixture(
    [
        .. Keys,
        ("Logging__LogLevel__Default", "Information"),
        ("Logging__LogLevel__Microsoft", "Information"),
        ("Logging__LogLevel__Microsoft.AspNetCore", "Information"),
        ("Logging__LogLevel__Microsoft.AspNetCore.Hosting.Diagnostics", "Information"),
    ]);
