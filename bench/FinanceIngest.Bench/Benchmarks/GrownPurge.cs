using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using FinanceIngest.Bench.Processes;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;
using FinanceIngest.Ground;
using FinanceIngest.Results;
using FinanceIngest.Storage.Sqlite;
using FinanceIngest.Transactions;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>A purge of the oldest tenth of a large database, beside drains and reads.</summary>
internal static partial class GrownPurge
{
    /// <summary>The time between two reads.</summary>
    public const int ReadEveryMilliseconds = 5;

    private const int DrainsAlone = 10;
    private const int Ids = 10;
    private const int FeedLimit = 100;

    private static readonly Target s_drainTarget = Target.AtLeast(0.7);
    private static readonly Target s_readTarget = Target.AtMost(100);

    public static async Task MeasureAsync(
        BenchContext context, string name, GrownDatabase database, List<Series> series, List<Ratio> ratios, List<Missing> missing)
    {
        string drainFigure = $"drain beside a purge of {database.Rows.Count / 10:N0} rows against the drain alone, {name}";
        string readFigure = $"longest read beside the purge, ms, {name}";
        await using Drain drain = await Drain.StartAsync(context, database.Installation, database.Rows);
        using var reader = new Reader(database);
        await drain.OnceAsync(fromDisk: false);
        BenchContext.Say("  drains alone");
        List<double> alone = await DrainAsync(context, drain, drains => drains < DrainsAlone);
        double[] readsAlone = reader.Take();

        // The purge knows whole days only: it takes a tenth of the rows, and those of up to a day more.
        int days = (int)Math.Floor((DateTime.UtcNow - database.Rows.CreatedAt(Math.Max(database.Rows.Count / 10, 1))).TotalDays);
        BenchContext.Say("  drains beside the purge");
        long start = Stopwatch.GetTimestamp();
        await using ChildProcess purge = ChildProcess.Start(
            "Cli", context.Folder, ["purge", "--older-than-days", days.ToString(CultureInfo.InvariantCulture), "--yes", "--json"],
            database.Installation.Environment);
        Task<int> ended = purge.EndAsync(context.CancellationToken);
        List<double> beside = await DrainAsync(context, drain, _ => !ended.IsCompleted);
        int exitCode = await ended;
        double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        double[] readsBeside = reader.Take();

        // The last drain may have gone on after the purge.
        beside.RemoveAt(beside.Count - 1);
        await purge.DisposeAsync();
        long removed = await RequirePurgedAsync(database, purge.LogPath, exitCode);
        await RequireNoFailureAsync(drain.Worker);
        BenchContext.Say(string.Create(
            CultureInfo.InvariantCulture, $"  {removed:N0} rows purged in {seconds:F1} s beside {beside.Count + 1} drains, {readsBeside.Length} reads"));

        series.Add(new Series($"purge beside drains, {name}", "rows/s", [removed / seconds]));
        series.Add(new Series($"drain alone, {name}", "µs per transaction", alone));
        series.Add(new Series($"reads beside the drain alone, {name}", "ms", readsAlone));
        series.Add(new Series($"reads beside the purge, {name}", "ms", readsBeside));
        double longest = readsBeside.Max();
        ratios.Add(new Ratio(readFigure, longest, readsBeside.Min(), longest, s_readTarget));
        ratios.Add(Single($"p99 of reads beside the purge, ms, {name}", Statistics.Percentile(readsBeside, 99)));
        ratios.Add(Single($"longest read beside the drain alone, ms, {name}", readsAlone.Max()));
        if (beside.Count == 0)
        {
            missing.Add(new Missing(drainFigure, "the purge ended before the first drain did", s_drainTarget));
            return;
        }

        series.Add(new Series($"drain beside the purge, {name}", "µs per transaction", beside));
        double median = Statistics.Median(alone);
        ratios.Add(new Ratio(drainFigure, median / Statistics.Median(beside), median / beside.Max(), median / beside.Min(), s_drainTarget));
    }

    private static Ratio Single(string name, double value) => new(name, value, value, value, null);

    private static async Task<List<double>> DrainAsync(BenchContext context, Drain drain, Func<int, bool> goesOn)
    {
        var times = new List<double>();
        do
        {
            times.Add((await drain.OnceAsync(fromDisk: false)).TotalMicroseconds / drain.Count);
            context.CancellationToken.ThrowIfCancellationRequested();
        }
        while (goesOn(times.Count));

        return times;
    }

    // The rows that are gone are those that are old enough, and each left its tombstone.
    private static async Task<long> RequirePurgedAsync(GrownDatabase database, string logPath, int exitCode)
    {
        string said = await File.ReadAllTextAsync(logPath);
        Match before = Before().Match(said);
        Match transactions = Transactions().Match(said);
        if (exitCode != 0 || !before.Success || !transactions.Success)
        {
            throw new InvalidOperationException($"finance-ingest purge failed with {exitCode}; see {logPath}.");
        }

        long expected = database.Rows.CountBefore(Timestamp.FromText(before.Groups[1].Value));
        long removed = long.Parse(transactions.Groups[1].Value, CultureInfo.InvariantCulture);
        return removed > 0 && removed == expected && database.Installation.Tombstones() == expected && database.Installation.FirstRow() == expected + 1
            ? removed
            : throw new UnreachableException($"{removed} rows were purged, not {expected}; the first row is {database.Installation.FirstRow()}.");
    }

    private static async Task RequireNoFailureAsync(ChildProcess worker)
    {
        string[] failures = [.. (await File.ReadAllLinesAsync(worker.LogPath)).Where(line => Failure().IsMatch(line))];
        if (failures.Length > 0)
        {
            throw new InvalidOperationException($"The worker failed beside the purge ({worker.LogPath}): {failures[0]}");
        }
    }

    [GeneratedRegex("\"before\":\\s*\"([^\"]+)\"")]
    private static partial Regex Before();

    [GeneratedRegex("\"transactions\":\\s*([0-9]+)")]
    private static partial Regex Transactions();

    [GeneratedRegex("^(fail|crit)")]
    private static partial Regex Failure();

    /// <summary>A thread that reads at regular times as the intake reads, and keeps how long each read took.</summary>
    private sealed class Reader : IDisposable
    {
        private readonly ConcurrentQueue<double> _milliseconds = [];
        private readonly CancellationTokenSource _stop = new();
        private readonly Thread _thread;
        private readonly SqliteDatabase _database;
        private readonly OldRows _rows;
        private Exception? _failure;

        public Reader(GrownDatabase database)
        {
            _rows = database.Rows;
            _database = new SqliteDatabase(database.Installation.Folder, TimeProvider.System, new DependencyStatus("database"), readsOnly: true);
            _thread = new Thread(Run) { IsBackground = true };
            _thread.Start();
        }

        /// <summary>The milliseconds of the reads since the last call.</summary>
        public double[] Take()
        {
            if (_failure is not null)
            {
                throw new InvalidOperationException("A read failed.", _failure);
            }

            var times = new List<double>();
            while (_milliseconds.TryDequeue(out double time))
            {
                times.Add(time);
            }

            return [.. times];
        }

        public void Dispose()
        {
            _stop.Cancel();
            _thread.Join();
            _stop.Dispose();
            _database.Dispose();
        }

        private void Run()
        {
            var store = new SqliteResultsStore(_database);
            var random = new Random(1);
            try
            {
                for (int turn = 0; !_stop.IsCancellationRequested; turn++)
                {
                    // What is read is not purged: a place in the feed that is would be an empty page.
                    long number = random.NextInt64(_rows.Count / 2, _rows.Count - FeedLimit);
                    Guid[] ids = [.. Enumerable.Range(0, Ids).Select(i => _rows.IdOf(number + i))];
                    var cursor = new FeedCursor(_rows.PositionOf(number), _rows.BatchOf(number), number);
                    long start = Stopwatch.GetTimestamp();
                    int found = turn % 2 == 0
                        ? store.GetAsync(ids, CancellationToken.None).GetAwaiter().GetResult().Count
                        : store.ReadFeedAsync(cursor, FeedLimit, CancellationToken.None).GetAwaiter().GetResult()!.Results.Count;
                    _milliseconds.Enqueue(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                    if (found != (turn % 2 == 0 ? Ids : FeedLimit))
                    {
                        throw new InvalidDataException($"{found} rows were read.");
                    }

                    Thread.Sleep(ReadEveryMilliseconds);
                }
            }
            catch (Exception e)
            {
                _failure = e;
            }
        }
    }
}
