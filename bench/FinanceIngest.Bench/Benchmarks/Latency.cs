using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>The time from a transaction's request until its result can be read, at a moderate rate.</summary>
internal static class Latency
{
    private const int PerSecond = 200;
    private const int Requests = 2000;
    private const int Baselines = 1000;

    // A burner ends by itself after twice the time that all rounds should take, and these seconds for the start.
    private const int StartSeconds = 120;

    public static Benchmark Benchmark { get; } = new("latency", "from submit to scored and visible, at 200 a second", RunAsync);

    public static Benchmark Contended { get; } = new("latency-contended", "the same, while other programs keep every core busy", RunContendedAsync);

    private static async Task<Section> RunContendedAsync(BenchContext context)
    {
        double rounds = context.Runs + BenchContext.WarmUpRounds;
        var atMost = TimeSpan.FromSeconds(StartSeconds + (rounds * 2 * 2 * context.Size(Requests) / PerSecond));
        using CoreBurner burner = CoreBurner.Start(typeof(Latency).Assembly.Location, Environment.ProcessorCount, atMost);
        Section quiet = await RunAsync(context);
        burner.RequireRunning();
        return quiet with
        {
            Title = "Latency beside busy cores",
            Method = $"{quiet.Method} All the while {Environment.ProcessorCount} other processes, one for each core, compute without a pause.",
            Ratios = [quiet.Ratios[0] with { Name = $"{quiet.Ratios[0].Name}, every core busy with other programs", Target = Target.AtMost(6) }],
        };
    }

    private static async Task<Section> RunAsync(BenchContext context)
    {
        int count = context.Size(Requests);
        using Installation installation = await Installation.CreateAsync(context.Folder, "service", Baselines, context.CancellationToken);
        using var commits = new TwoCommits(context.Folder);
        await using ChildProcess server = ChildProcess.Start("IngestServer", context.Folder, ["--urls", "http://127.0.0.1:0"], installation.Environment);
        using var client = new HttpClient { BaseAddress = await server.AddressAsync() };
        var source = new TransactionSource(Baselines, Installation.Ids);
        var medians = new List<double>();
        IReadOnlyList<Series> series = await context.TakeTurnsAsync(
            new Contender("submit to scored and visible, p99", "ms", async _ =>
            {
                double[] times = await SubmitAsync(client, source.NextBodies(count), context.CancellationToken);
                medians.Add(Statistics.Median(times));
                return Statistics.Percentile(times, 99);
            }),
            new Contender("two durable commits, p99", "ms", _ => Task.Run(
                () => Statistics.Percentile(commits.Measure(count, TimeSpan.FromSeconds(1.0 / PerSecond)), 99), context.CancellationToken)));
        return new Section(
            "Latency",
            $"""
            {PerSecond} single POSTs a second with `Prefer: wait=10`, {count:N0} in a round, sent by the clock whether or not earlier ones are
            answered; the answer comes when the result can be read. Beside it, at the same pace on the same disk: a row committed to one SQLite file
            and then a row to another (WAL, synchronous=FULL), as the queue and the database do for each transaction.
            """,
            [series[0], new Series("submit to scored and visible, p50", "ms", medians[^context.Runs..]), series[1]],
            [Ratio.Of("p99 of submit to scored against p99 of its two durable commits", series[0], series[1], Target.AtMost(3))],
            []);
    }

    private static async Task<double[]> SubmitAsync(HttpClient client, IReadOnlyList<byte[]> bodies, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        var answers = new Task<double>[bodies.Count];
        for (int i = 0; i < answers.Length; i++)
        {
            TimeSpan due = TimeSpan.FromSeconds((double)i / PerSecond) - Stopwatch.GetElapsedTime(start);
            if (due > TimeSpan.Zero)
            {
                await Task.Delay(due, cancellationToken);
            }

            answers[i] = SubmitAsync(client, bodies[i], cancellationToken);
        }

        return await Task.WhenAll(answers);
    }

    private static async Task<double> SubmitAsync(HttpClient client, byte[] body, CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/transactions") { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("Prefer", "wait=10");
        using HttpResponseMessage response = await client.SendAsync(request, cancellationToken);
        return response.StatusCode == HttpStatusCode.OK
            ? Stopwatch.GetElapsedTime(start).TotalMilliseconds
            : throw new InvalidDataException($"{response.StatusCode}: {await response.Content.ReadAsStringAsync(cancellationToken)}");
    }
}
