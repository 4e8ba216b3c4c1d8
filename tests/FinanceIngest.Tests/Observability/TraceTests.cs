using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using FinanceIngest.Alerts;
using FinanceIngest.Baselines;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.KestrelHead;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Scoring;
using FinanceIngest.Tests.Storage;
using FinanceIngest.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace FinanceIngest.Tests.Observability;

public sealed class TraceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly List<Activity> _spans = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_trace_goes_from_the_request_to_the_alert()
    {
        var trace = ActivityTraceId.CreateRandom();
        await using (WebApplication app = Build())
        {
            await app.StartAsync(Token);
            await app.Services.GetRequiredService<IBaselineStore>().UpsertAsync([new(new(399, 2310), new Baseline(2000, 500, 40))], Token);
            await SubmitAsync(app, trace);
            IMessageQueue alerts = app.Services.GetRequiredService<Queues>().Alerts;
            await Eventually.TrueAsync(async () => (await alerts.GetDepthAsync(Token)).Length == 1, Token);
            string alert = Assert.Single(await alerts.PeekAsync(1, Token));
            JsonElement sent = JsonDocument.Parse(Convert.FromBase64String(alert)).RootElement;
            Assert.StartsWith($"00-{trace}-", sent.GetProperty("traceparent").GetString(), StringComparison.Ordinal);
            await app.StopAsync(Token);
        }

        Activity[] spans = [.. _spans.Where(span => span.TraceId == trace)];
        Activity request = Single(spans, "POST /api/transactions");
        Activity send = Single(spans, "send transactions-inbound");
        Activity process = Single(spans, "process transactions-inbound");
        Activity alerted = Single(spans, "send anomaly-alerts");
        Assert.Equal(request.SpanId, send.ParentSpanId);
        Assert.Equal(send.SpanId, process.ParentSpanId);
        Assert.Equal(process.SpanId, Single(spans, "SELECT anomaly_stats").ParentSpanId);
        Assert.Equal(process.SpanId, Single(spans, "INSERT anomaly_transactions").ParentSpanId);
        Assert.Equal(process.SpanId, Single(spans, "settle transactions-inbound").ParentSpanId);
        Assert.Equal(process.SpanId, alerted.ParentSpanId);
        Assert.Equal(7, spans.Length);
        Assert.Equal(
            [ActivityKind.Server, ActivityKind.Producer, ActivityKind.Consumer, ActivityKind.Producer],
            new[] { request, send, process, alerted }.Select(span => span.Kind));
        Assert.Equal("sqlite", Single(spans, "INSERT anomaly_transactions").GetTagItem("db.system.name"));
        Assert.Equal("process", process.GetTagItem("messaging.operation.type"));
        Assert.Equal(1, process.GetTagItem("messaging.batch.message_count"));
        AssertNothingPersonal(spans);
    }

    [Fact]
    public async Task A_message_of_several_requests_links_to_each_and_a_batch_of_several_messages_to_all()
    {
        using var system = new ScoringHarness();
        await system.AddBaselineAsync();
        var requests = new List<ActivityContext>();
        using (TracerProvider tracing = Sdk.CreateTracerProviderBuilder().AddSource(Telemetry.Name).AddInMemoryExporter(_spans).Build())
        {
            await SendThreeAsync(system, requests);
            await system.ProcessAsync();
            await system.Dispatcher.DrainAsync(Token);
        }

        Activity first = _spans.Single(span => span.TraceId == requests[0].TraceId && span.DisplayName == "send transactions-inbound");
        Activity second = _spans.Single(span => span.TraceId == requests[1].TraceId && span.DisplayName == "send transactions-inbound");
        Assert.Equal((requests[0].SpanId, requests[1].SpanId), (first.ParentSpanId, second.ParentSpanId));
        Assert.Empty(first.Links);
        Assert.Equal([requests[2].SpanId], second.Links.Select(link => link.Context.SpanId));
        Activity process = _spans.Single(span =>
            span.DisplayName == "process transactions-inbound" && span.Links.Any(link => link.Context.SpanId == first.SpanId));
        Assert.Equal([first.SpanId, second.SpanId], process.Links.Select(link => link.Context.SpanId));
        Assert.Equal(default, process.ParentSpanId);

        // The span that sends an alert is a child of the span that sent the transaction's message.
        Assert.Equal(
            new[] { first.SpanId, second.SpanId, second.SpanId }.Select(span => span.ToString()).Order(),
            _spans.Where(span => span.DisplayName == "send anomaly-alerts" && requests.Any(request => request.TraceId == span.TraceId))
                .Select(span => span.ParentSpanId.ToString()).Order());
    }

    [Theory]
    [InlineData("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00f067aa0ba902b7")]
    [InlineData("not a trace context", "0000000000000000")]
    [InlineData(null, "0000000000000000")] // the alert of an older program, which kept no trace beside the payload
    public async Task An_alerts_span_continues_the_trace_that_is_kept_beside_its_payload(string? kept, string parent)
    {
        using var system = new ScoringHarness();
        TransactionResult anomaly = Sample.Anomaly();
        NewAlert alert = AlertMessage.Create(anomaly, system.Ids, $"00-{ActivityTraceId.CreateRandom()}-{ActivitySpanId.CreateRandom()}-01");
        await system.Store.WriteAsync(new ScoredBatch([anomaly], [alert with { TraceParent = kept }], []), Token);
        system.Alerts.OnSend = () => _spans.Add(Activity.Current!);
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == Telemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
        };
        ActivitySource.AddActivityListener(listener);

        await system.Dispatcher.DrainAsync(Token);

        Activity span = Assert.Single(_spans);
        Assert.Equal("send anomaly-alerts", span.DisplayName);
        Assert.Equal(parent, span.ParentSpanId.ToString());
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Sends three requests: the first travels alone, and the other two gather into one message behind it.</summary>
    private static async Task SendThreeAsync(ScoringHarness system, List<ActivityContext> requests)
    {
        var held = new TaskCompletionSource();
        system.Inbound.Hold = held.Task;
        await using FinanceIngest.Intake.InboundSender sender = system.NewSender();
        var sends = new List<Task>();
        for (int i = 0; i < 3; i++)
        {
            using (Activity request = new Activity("request") { ActivityTraceFlags = ActivityTraceFlags.Recorded }.SetIdFormat(ActivityIdFormat.W3C).Start())
            {
                requests.Add(request.Context);
                sends.Add(sender.SendAsync([system.Transaction(6000)]));
            }

            await Eventually.TrueAsync(() => system.Inbound.Sends == 1, Token);
        }

        held.SetResult();
        await Task.WhenAll(sends);
    }

    private static Activity Single(IEnumerable<Activity> spans, string name) => Assert.Single(spans, span => span.DisplayName == name);

    private static void AssertNothingPersonal(IEnumerable<Activity> spans) => Assert.All(
        spans.SelectMany(span => span.TagObjects),
        tag => Assert.DoesNotMatch("\\b(399|6000)\\b", Convert.ToString(tag.Value, System.Globalization.CultureInfo.InvariantCulture)!));

    private static async Task SubmitAsync(WebApplication app, ActivityTraceId trace)
    {
        using var client = new HttpClient(new SocketsHttpHandler { ActivityHeadersPropagator = null }) { BaseAddress = new Uri(app.Urls.First()) };
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/transactions")
        {
            Content = JsonContent.Create(new { user_id = 399, category_id = 2310, amount = 6000 }),
            Headers = { { "traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01" } },
        };
        using HttpResponseMessage response = await client.SendAsync(request, Token);
        Assert.Equal(202, (int)response.StatusCode);
    }

    private WebApplication Build()
    {
        var settings = new Settings { DataDirectory = _folder.Path, Roles = Roles.Intake | Roles.Scorer | Roles.Dispatcher };
        WebApplicationBuilder builder = WebApplication.CreateBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddFinanceIngest(settings);
        builder.Services.AddIntake(settings);
        builder.Services.AddBackgroundRoles(settings);
        builder.Services.AddOpenTelemetry().WithTracing(tracing =>
        {
            tracing.AddSource(Telemetry.Name).AddInMemoryExporter(_spans);
            ApiHead.AddRequestSpans(tracing);
        });
        WebApplication app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        app.UseApi(settings);
        return app;
    }
}
