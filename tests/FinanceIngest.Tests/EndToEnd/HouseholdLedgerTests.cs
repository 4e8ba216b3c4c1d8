using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using FinanceIngest.Baselines;
using FinanceIngest.Ground;
using FinanceIngest.Queueing.Embedded;
using FinanceIngest.Tests.Http.Harness;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.EndToEnd;

/// <summary>
/// Scores the ledger of a real household. Its first three years give the baselines per category, the fourth year is submitted over HTTP, and every answer is
/// compared with an independent computation in decimal arithmetic.
/// </summary>
[Needs(Outside.Program)]
public sealed class HouseholdLedgerTests
{
    private const string FileName = "household-ledger.csv";

    [Fact]
    public async Task Every_score_of_2018_equals_an_independent_computation_and_every_anomaly_has_one_alert()
    {
        string? path = Repository.SharedData(FileName);
        Assert.SkipWhen(path is null, $"{FileName} is not beside the checkout (../shared/data)");
        List<Entry> ledger = [.. (await File.ReadAllLinesAsync(path!)).Skip(1).Select(Entry.Parse)];
        var history = ledger.Where(entry => entry.Year < 2018).GroupBy(entry => entry.Key).ToDictionary(group => group.Key, Independent.Of);
        List<Entry> submitted = [.. ledger.Where(entry => entry.Year == 2018)];
        Assert.True(history.Count > 20 && submitted.Count > 300);

        using var folder = new TemporaryFolder();
        await EndToEndTests.AddBaselinesAsync(folder.Path, [.. history.Select(item => new BaselineRow(item.Key, item.Value.ToBaseline()))]);
        await using ProgramProcess server = ProgramProcess.StartServer("IngestServer", folder.Path);
        using var client = new HttpClient { BaseAddress = await server.AddressAsync() };
        string[] ids = await SubmitAsync(client, submitted);
        Dictionary<string, JsonElement> results = await ResultsAsync(client, ids.Length);

        var anomalies = new List<string>();
        for (int i = 0; i < submitted.Count; i++)
        {
            JsonElement result = results[ids[i]];
            double? expected = history.GetValueOrDefault(submitted[i].Key)?.ZScore(submitted[i].Amount);
            Assert.Equal(submitted[i].Amount, result.GetProperty("amount").GetDecimal());
            JsonElement z = result.GetProperty("z_score");
            Assert.Equal(expected is null, z.ValueKind == JsonValueKind.Null);
            Assert.Equal(expected is not null && Math.Abs(expected.Value) > 3, result.GetProperty("is_anomaly").GetBoolean());
            if (expected is { } value)
            {
                Assert.Equal(value, z.GetDouble(), 1e-9 * Math.Max(1, Math.Abs(value)));
            }

            if (result.GetProperty("is_anomaly").GetBoolean())
            {
                anomalies.Add(ids[i]);
            }
        }

        Assert.NotEmpty(anomalies);
        Assert.Equal(anomalies.Order(), (await AlertedAsync(folder.Path, anomalies.Count)).Order());
        Assert.Equal(0, await server.TerminateAsync());
    }

    private static async Task<string[]> SubmitAsync(HttpClient client, List<Entry> entries)
    {
        string ndjson = string.Join('\n', entries.Select(entry =>
            $$"""{"user_id":{{entry.Key.UserId}},"category_id":{{entry.Key.CategoryId}}"""
            + $$""","amount":"{{entry.Amount.ToString(CultureInfo.InvariantCulture)}}","occurred_at":"{{entry.OccurredAt}}"}"""));
        HttpResponseMessage response = await client.PostAsync("/api/transactions/batch", new StringContent(ndjson, Encoding.UTF8, "application/x-ndjson"));
        Assert.Equal(HttpStatusCode.Accepted, response.StatusCode);
        JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(0, answer.GetProperty("rejected").GetArrayLength());
        return [.. answer.GetProperty("accepted").EnumerateArray().Select(item => item.GetProperty("id").GetString()!)];
    }

    private static async Task<Dictionary<string, JsonElement>> ResultsAsync(HttpClient client, int count)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var results = new Dictionary<string, JsonElement>();
        string cursor = "";
        while (results.Count < count && await poll.WaitForNextTickAsync(patience.Token))
        {
            JsonElement page = await client.GetFromJsonAsync<JsonElement>($"/api/results?limit=1000{Feed.After(cursor)}", patience.Token);
            cursor = page.GetProperty("next").GetString()!;
            foreach (JsonElement result in page.GetProperty("results").EnumerateArray())
            {
                results.Add(result.GetProperty("id").GetString()!, result);
            }
        }

        return results;
    }

    private static async Task<List<string>> AlertedAsync(string folder, int count)
    {
        using var queue = new EmbeddedQueue(folder, "anomaly-alerts", TimeProvider.System, new DependencyStatus("alerts"));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var poll = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while ((await queue.GetDepthAsync(patience.Token)).Length < count && await poll.WaitForNextTickAsync(patience.Token))
        {
            // The dispatcher has not sent every alert yet.
        }

        var ids = new List<string>();
        while (await queue.ReceiveAsync(32, TimeSpan.FromMinutes(5), patience.Token) is { Count: > 0 } messages)
        {
            IEnumerable<JsonElement> alerts = messages.Select(message => JsonDocument.Parse(Convert.FromBase64String(message.Text)).RootElement);
            ids.AddRange(alerts.Select(alert => alert.GetProperty("transaction_id").GetString()!));
        }

        return ids;
    }

    private sealed record Entry(string OccurredAt, BaselineKey Key, decimal Amount)
    {
        public int Year => int.Parse(OccurredAt.AsSpan(0, 4), CultureInfo.InvariantCulture);

        public static Entry Parse(string line)
        {
            string[] columns = line.Split(',');
            return new Entry(
                columns[0],
                new BaselineKey(long.Parse(columns[1], CultureInfo.InvariantCulture), long.Parse(columns[2], CultureInfo.InvariantCulture)),
                decimal.Parse(columns[4], CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Computes mean, sample standard deviation and z-score in decimals by textbook formulas, using none of the system's code.</summary>
    private sealed record Independent(decimal Mean, decimal StdDev, int Count)
    {
        public static Independent Of(IEnumerable<Entry> entries)
        {
            decimal[] amounts = [.. entries.Select(entry => entry.Amount)];
            decimal mean = amounts.Sum() / amounts.Length;
            decimal variance = amounts.Length < 2 ? 0 : amounts.Sum(amount => (amount - mean) * (amount - mean)) / (amounts.Length - 1);
            return new Independent(mean, SquareRoot(variance), amounts.Length);
        }

        public Baseline ToBaseline() => new((double)Mean, (double)StdDev, Count);

        public double? ZScore(decimal amount) => Count < 2 || StdDev == 0 ? null : (double)((amount - Mean) / StdDev);

        private static decimal SquareRoot(decimal value)
        {
            if (value == 0)
            {
                return 0;
            }

            decimal root = (decimal)Math.Sqrt((double)value);
            for (int i = 0; i < 5; i++)
            {
                root = (root + (value / root)) / 2;
            }

            return root;
        }
    }
}
