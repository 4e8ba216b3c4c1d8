using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using FinanceIngest.Baselines;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.KestrelHead;
using FinanceIngest.Observability;
using FinanceIngest.Tests.Cli;
using FinanceIngest.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Trace;

namespace FinanceIngest.Tests.Notifications;

/// <summary>One process takes a transaction over HTTP and tells of its anomaly by mail and webhook, in one trace.</summary>
public sealed class WholeSystemTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task From_the_request_to_the_mail_and_the_webhook_there_is_one_trace()
    {
        await using HttpReceiver receiver = await HttpReceiver.StartAsync();
        await using var server = new SmtpSink();
        var spans = new List<Activity>();
        var trace = ActivityTraceId.CreateRandom();
        await using (WebApplication app = Build(
            spans, [.. NotifierHarness.Webhook("django", receiver.Address), .. NotifierHarness.Mail("family", server.Port)]))
        {
            await app.StartAsync(Token);
            await app.Services.GetRequiredService<IBaselineStore>().UpsertAsync([new(new(399, 2310), new Baseline(2000, 500, 40))], Token);
            using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }) { BaseAddress = new Uri(app.Urls.First()) };
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/transactions")
            {
                Content = JsonContent.Create(new { user_id = 399, category_id = 2310, amount = 6000 }),
                Headers = { { "traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01" } },
            };
            using HttpResponseMessage answer = await client.SendAsync(request, Token);
            Guid id = (await answer.Content.ReadFromJsonAsync<JsonElement>(Token)).GetProperty("id").GetGuid();
            await Eventually.TrueAsync(() => receiver.Requests.Count == 1 && server.Mails.Count == 1, Token);

            JsonElement data = JsonDocument.Parse(receiver.Requests[0].Body).RootElement.GetProperty("data");
            Assert.Equal(id, data.GetProperty("transaction_id").GetGuid());
            Assert.Equal(server.Mails[0].Message.Headers["X-Alert-Id"], data.GetProperty("alert_id").GetString());
            await app.StopAsync(Token);
        }

        // Tests that run beside this one have spans of their own.
        Activity[] own = [.. spans.Where(span => span.TraceId == trace)];
        Activity sent = Assert.Single(own, span => span.DisplayName == "send anomaly-alerts");
        Activity process = Assert.Single(own, span => span.DisplayName == "process transactions-inbound");
        foreach (string name in new[] { "notify django", "notify family" })
        {
            Activity told = Assert.Single(own, span => span.DisplayName == name);
            Assert.Equal(process.SpanId, told.ParentSpanId);
            Assert.Equal(ActivityStatusCode.Unset, told.Status);
        }

        Assert.Equal(process.SpanId, sent.ParentSpanId);
        Assert.StartsWith($"00-{trace}-", receiver.Requests[0].Headers["traceparent"], StringComparison.Ordinal);
    }

    [Fact]
    [Needs(Outside.Program)]
    public async Task Debians_mail_server_takes_the_mail_of_a_test()
    {
        if (!Directory.Exists("/usr/lib/python3/dist-packages/aiosmtpd"))
        {
            Assert.Skip("There is no aiosmtpd: apt install python3-aiosmtpd");
        }

        int port = FreePort();
        await using ProgramProcess mailServer = ProgramProcess.StartTool(
            "/usr/bin/python3", ["-m", "aiosmtpd", "-n", "-l", $"127.0.0.1:{port}", "-c", "aiosmtpd.handlers.Debugging", "stderr"], _folder.Path);
        await Eventually.TrueAsync(() => IsListeningAsync(port), Token);
        await using ProgramProcess cli = ProgramProcess.Start(
            "finance-ingest", ["notify", "test", "--json"], _folder.Path,
            [.. NotifierHarness.Mail("family", port).Select(pair => ($"FinanceIngest__Notify__{pair.Name}", pair.Value))]);

        (int exitCode, string output) = await cli.EndAsync();

        Assert.True(exitCode == 0, output + cli.Log);
        JsonElement outcome = Assert.Single(JsonDocument.Parse(output).RootElement.EnumerateArray().ToArray());
        Assert.True(outcome.GetProperty("delivered").GetBoolean());
        await Eventually.TrueAsync(() => mailServer.Log.Contains("Subject: Anomaly Detected in Finance Tracker", StringComparison.Ordinal), Token);
        Assert.Contains("To: family@home.example", mailServer.Log, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task A_command_makes_a_pair_of_keys()
    {
        using var cli = new CliHarness();

        CliResult keys = await cli.RunAsync("notify", "keys", "--json");

        Assert.Equal(87, keys.Json.GetProperty("public_key").GetString()!.Length);
        Assert.Equal(43, keys.Json.GetProperty("private_key").GetString()!.Length);
        Assert.Equal(2, (await cli.RunAsync("notify", "again")).ExitCode);
    }

    private WebApplication Build(List<Activity> spans, (string Name, string Value)[] channels)
    {
        Settings settings = NotifierHarness.Read(channels) with { DataDirectory = _folder.Path };
        Assert.True(settings.Roles.HasFlag(Roles.Notifier));
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddFinanceIngest(settings);
        builder.Services.AddIntake(settings);
        builder.Services.AddBackgroundRoles(settings);
        builder.Services.AddOpenTelemetry().WithTracing(tracing =>
        {
            tracing.AddSource(Telemetry.Name).AddInMemoryExporter(spans);
            ApiHead.AddRequestSpans(tracing);
        });
        WebApplication app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.UseApi(settings);
        return app;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static async Task<bool> IsListeningAsync(int port)
    {
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(IPAddress.Loopback, port, Token);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
