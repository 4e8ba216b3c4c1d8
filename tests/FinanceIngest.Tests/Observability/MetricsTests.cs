using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using FinanceIngest.Composition;
using FinanceIngest.Configuration;
using FinanceIngest.Ground;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;
using FinanceIngest.Results;
using FinanceIngest.Tests.Support;
using FinanceIngest.Transactions;
using Microsoft.Extensions.DependencyInjection;

namespace FinanceIngest.Tests.Observability;

public sealed class MetricsTests : IDisposable
{
    private readonly ScoringHarness _system = new();
    private readonly MeterListener _listener = new();
    private readonly List<(string Name, double Value, string Tags)> _measured = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_happens_to_transactions_is_counted()
    {
        Listen();
        await _system.AddBaselineAsync();
        Transaction anomaly = _system.Transaction(6000);
        await using (FinanceIngest.Intake.InboundSender sender = _system.NewSender())
        {
            await sender.SendAsync([anomaly, _system.Transaction(2000)]);
        }

        _system.Time.Advance(TimeSpan.FromSeconds(7));
        await _system.ProcessAsync();
        await _system.SendAsync(anomaly with { Amount = new Money(1) });
        await _system.Inbound.SendAsync("nonsense", TimeSpan.Zero, Token);
        string nobodys = $$"""{"v":1,"transactions":[{"id":"{{_system.Ids.NewId()}}","user_id":0}]}""";
        await _system.Inbound.SendAsync(MessageText.Encode(nobodys), TimeSpan.Zero, Token);
        await _system.ProcessAsync();
        await _system.Dispatcher.DrainAsync(Token);

        Assert.Equal(2, Sum("finance_ingest.transactions.accepted"));
        Assert.Equal(2, Sum("finance_ingest.transactions.scored"));
        Assert.Equal(1, Sum("finance_ingest.transactions.failed"));
        Assert.Equal(1, Sum("finance_ingest.transactions.repeats"));
        Assert.Equal(1, Sum("finance_ingest.transactions.conflicts"));
        Assert.Equal(1, Sum("finance_ingest.anomalies"));
        Assert.Equal(2, Sum("finance_ingest.messages.poison"));
        Assert.Equal([7, 7, 7], Values("finance_ingest.transaction.latency"));
        Assert.Equal([2, 2], Values("finance_ingest.batch.transactions"));
        Assert.Equal([1, 3], Values("finance_ingest.batch.messages"));
        Assert.Equal(4, Sum("messaging.client.consumed.messages"));
        Assert.Equal(2, Sum("messaging.client.sent.messages"));
        Assert.Equal(
            ["finance_ingest_embedded send anomaly-alerts", "finance_ingest_embedded send transactions-inbound"],
            _measured.Where(item => item.Name == "messaging.client.sent.messages").Select(item => item.Tags).Order());
        Assert.Contains(_measured, item => item is { Name: "db.client.operation.duration", Tags: "sqlite INSERT anomaly_transactions" });
    }

    [Fact]
    public async Task Failures_are_counted_with_their_cause()
    {
        Listen();
        await _system.AddBaselineAsync();
        await _system.SendAsync(_system.Transaction(13));
        _system.Store.FailOnAmount(13 * Money.Scale);
        await _system.ProcessAsync();
        _system.Store.BeforeWrite = _ => FaultingScoringStore.Outage;
        await _system.SendAsync(_system.Transaction(14));
        await Assert.ThrowsAsync<StoreUnavailableException>(_system.ProcessAsync);

        Assert.Equal("message", Assert.Single(_measured, item => item.Name == "finance_ingest.retries").Tags);
        Assert.Contains(
            _measured,
            item => item.Name == "messaging.process.duration" && item.Tags.EndsWith("StoreUnavailableException", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Gauges_show_what_waits()
    {
        Listen();
        await _system.AddBaselineAsync();
        var gauges = new QueueGauges(_system.Queues, _system.Telemetry, _system.Time);
        await gauges.StartAsync(Token);
        await _system.SendAsync(_system.Transaction(6000));
        _system.Time.Advance(TimeSpan.FromSeconds(90));
        await Eventually.TrueAsync(
            () =>
            {
                _measured.Clear();
                _listener.RecordObservableInstruments();
                return Values("finance_ingest.queue.length").Length == 3;
            },
            Token);

        Assert.Contains(("finance_ingest.queue.length", 1.0, "transactions-inbound"), _measured);
        Assert.Contains(("finance_ingest.queue.oldest.age", 90.0, "transactions-inbound"), _measured);
        Assert.Contains(("finance_ingest.queue.length", 0.0, "transactions-inbound-poison"), _measured);
        Assert.Empty(Values("finance_ingest.alerts.unsent"));

        await _system.ProcessAsync();
        await _system.Dispatcher.DrainAsync(Token);
        _measured.Clear();
        _listener.RecordObservableInstruments();
        Assert.Equal([0], Values("finance_ingest.alerts.unsent"));
    }

    [Fact]
    public async Task Counters_that_alert_rules_watch_are_seen_at_zero_before_anything_happens()
    {
        Listen();
        await new QueueGauges(_system.Queues, _system.Telemetry, _system.Time).StartAsync(Token);

        Assert.All(_measured, item => Assert.Equal(0, item.Value));
        string[] seen = [.. _measured.Select(item => $"{item.Name} {item.Tags}".Trim())];
        string rules = File.ReadAllText(Path.Combine(Repository.Root, "ops", "alerts", "prometheus.yaml"));
        string[] watched =
        [
            .. Regex.Matches(rules, @"\b(finance_ingest_\w+)_total(?:\{\w+=""(\w+)""\})?")
                .Select(match => $"{match.Groups[1].Value} {match.Groups[2].Value}".Trim()).Distinct(),
        ];
        Assert.NotEmpty(watched);
        Assert.Empty(watched.Except(seen.Select(name => name.Replace('.', '_'))));
    }

    [Theory]
    [InlineData(Roles.Intake)]
    [InlineData(Roles.Scorer | Roles.Dispatcher)]
    public void Every_program_tells_of_the_queues(Roles roles)
    {
        var services = new ServiceCollection();
        services.AddBackgroundRoles(new Settings { DataDirectory = "", Roles = roles });
        Assert.Single(services, service => service.ImplementationType == typeof(QueueGauges));
    }

    [Fact]
    public void Nothing_is_allocated_while_nobody_listens()
    {
        DateTime[] acceptedAt = [.. Enumerable.Repeat(DateTime.UnixEpoch, 1000)];
        Telemetry telemetry = TestTelemetry.Create(TimeProvider.System);
        Report();

        long before = GC.GetAllocatedBytesForCurrentThread();
        Report();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Report()
        {
            telemetry.Accepted(1000, null);
            telemetry.Sent("q", telemetry.Now, null);
            telemetry.Processed("q", 1, telemetry.Now, null);
            telemetry.BatchWritten(1000, new WriteCounts(1000, 0, 0, 1000).Observed(failed: 0), acceptedAt);
            telemetry.Queried("INSERT", "t", telemetry.Now, null);
            telemetry.Retried("scoring");
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        _system.Dispose();
    }

    private void Listen()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == _system.Telemetry.Meter)
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        string text = string.Join(' ', tags.ToArray().Select(tag => tag.Value));
        lock (_measured)
        {
            _measured.Add((instrument.Name, value, text));
        }
    }

    private double Sum(string name) => Values(name).Sum();

    private double[] Values(string name) => [.. _measured.Where(item => item.Name == name).Select(item => item.Value)];
}
