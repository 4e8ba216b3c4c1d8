using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>Reads over HTTP from a small and a large database, in turns.</summary>
internal static class GrownReads
{
    /// <summary>The requests of a turn that ask for the status of many ids.</summary>
    public const int StatusRequests = 200;

    /// <summary>The requests of a turn that ask for a page, which takes a millisecond: of 200 the p99 would be what happened to two.</summary>
    public const int PageRequests = 2000;

    private const int Ids = 1000;
    private const int FeedLimit = 100;
    private const int AnomalyLimit = 20;
    private const double Limit = 1.5;

    public static async Task MeasureAsync(
        BenchContext context, string name, GrownDatabase small, GrownDatabase large, List<Series> series, List<Ratio> ratios)
    {
        await using ChildProcess one = Start(context, small);
        await using ChildProcess other = Start(context, large);
        await one.OpenedAsync();
        await other.OpenedAsync();
        using var oneClient = new HttpClient { BaseAddress = await one.AddressAsync() };
        using var otherClient = new HttpClient { BaseAddress = await other.AddressAsync() };
        var random = new Random(20260131);
        foreach ((string what, int requests, Func<OldRows, Random, int, (HttpRequestMessage Request, int Count)> make) in s_kinds)
        {
            Contender Of(string size, HttpClient client, GrownDatabase database) => new(
                $"p99 of {what}, {name}, {size}", "ms",
                async _ => Statistics.Percentile(
                    await MeasureAsync(client, requests, index => make(database.Rows, random, index), context.CancellationToken), 99));
            IReadOnlyList<Series> found = await context.TakeTurnsAsync(Of("small", oneClient, small), Of("large", otherClient, large));
            series.AddRange(found);
            ratios.Add(Ratio.Of(
                $"p99 of {what} at {large.Rows.Count:N0} rows against {small.Rows.Count:N0}, {name}", found[1], found[0], Target.AtMost(Limit)));
        }
    }

    private static readonly (string What, int Requests, Func<OldRows, Random, int, (HttpRequestMessage Request, int Count)> Make)[] s_kinds =
    [
        ("status by the 1,000 ids of a submission", StatusRequests, (rows, random, _) => StatusOfSubmission(rows, random)),
        ("status by 1,000 random ids", StatusRequests, (rows, random, _) => StatusOfRandom(rows, random)),
        ("a feed page", PageRequests, (rows, random, _) => Feed(rows, random)),
        ("an anomalies page", PageRequests, Anomalies),
    ];

    private static ChildProcess Start(BenchContext context, GrownDatabase database) => ChildProcess.Start(
        "IngestServer", context.Folder, ["--urls", "http://127.0.0.1:0"], [.. database.Installation.Environment, ("FinanceIngest__Roles", "intake")]);

    // A page that lacks rows would be read faster: its length is checked.
    private static async Task<double[]> MeasureAsync(
        HttpClient client, int requests, Func<int, (HttpRequestMessage Request, int Count)> make, CancellationToken cancellationToken)
    {
        double[] milliseconds = new double[requests];
        for (int i = 0; i < milliseconds.Length; i++)
        {
            (HttpRequestMessage request, int count) = make(i);
            using (request)
            {
                long start = Stopwatch.GetTimestamp();
                using HttpResponseMessage response = await client.SendAsync(request, cancellationToken);
                byte[] body = await response.Content.ReadAsByteArrayAsync(cancellationToken);
                milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                using JsonDocument json = JsonDocument.Parse(body);
                JsonElement[] results = response.StatusCode == HttpStatusCode.OK
                    ? [.. json.RootElement.EnumerateObject().First(member => member.Value.ValueKind == JsonValueKind.Array).Value.EnumerateArray()]
                    : [];
                if (results.Length != count || !results.All(result => result.GetProperty("status").GetString() == Names.Of(TransactionStatus.Scored)))
                {
                    throw new InvalidDataException($"{request.RequestUri}: {response.StatusCode}, {results.Length} results instead of {count}.");
                }
            }
        }

        return milliseconds;
    }

    // Rows that were written one after the other, asked for in the order in which they were sent.
    private static (HttpRequestMessage Request, int Count) StatusOfSubmission(OldRows rows, Random random)
    {
        int count = (int)Math.Min(Ids, rows.Count);
        long first = random.NextInt64(1, rows.Count - count + 2);
        return Status(rows, [.. Enumerable.Range(0, count).Select(index => first + index)]);
    }

    private static (HttpRequestMessage Request, int Count) StatusOfRandom(OldRows rows, Random random)
    {
        var numbers = new HashSet<long>();
        while (numbers.Count < Math.Min(Ids, rows.Count))
        {
            numbers.Add(random.NextInt64(1, rows.Count + 1));
        }

        return Status(rows, [.. numbers]);
    }

    private static (HttpRequestMessage Request, int Count) Status(OldRows rows, long[] numbers)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(new { ids = numbers.Select(rows.IdOf) }));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return (new HttpRequestMessage(HttpMethod.Post, "/api/transactions/status") { Content = content }, numbers.Length);
    }

    private static (HttpRequestMessage Request, int Count) Feed(OldRows rows, Random random)
    {
        long number = random.NextInt64(1, rows.Count - FeedLimit + 1);
        string after = Cursors.Write(new FeedCursor(rows.PositionOf(number), rows.BatchOf(number), number));
        return (
            new HttpRequestMessage(HttpMethod.Get, $"/api/results?after={after}&limit={FeedLimit.ToString(CultureInfo.InvariantCulture)}"), FeedLimit);
    }

    // The small database has 100 anomalies: an instant in the last three quarters has 20 of them before it.
    private static (HttpRequestMessage Request, int Count) Anomalies(OldRows rows, Random random, int index)
    {
        if (index % 2 == 0)
        {
            long anomaly = random.NextInt64(1, (rows.Count / 100) + 1) * 100;
            return (
                new HttpRequestMessage(HttpMethod.Get, FormattableString.Invariant(
                    $"/api/anomalies?user_id={rows.UserOf(anomaly)}&limit=1")),
                1);
        }

        string to = Timestamp.ToText(rows.OccurredAt(random.NextInt64(rows.Count / 4, rows.Count)));
        return (
            new HttpRequestMessage(HttpMethod.Get, FormattableString.Invariant($"/api/anomalies?to={to}&limit={AnomalyLimit}")),
            (int)Math.Min(AnomalyLimit, rows.Count / 400));
    }
}
