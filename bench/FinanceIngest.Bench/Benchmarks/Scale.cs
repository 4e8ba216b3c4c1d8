using System.Globalization;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>The cost of a transaction, of reads and of a purge in a large database, against a small one.</summary>
internal static class Scale
{
    private const long SmallRows = 10_000;
    private const int SmallBaselines = 1000;
    private const int RowsPerBaseline = 10;

    public static Benchmark Benchmark { get; } = new(
        "scale", "drains, reads and a purge at 5 M rows against 10,000; --rows N and --keys v7|random for others", RunAsync);

    private static async Task<Section> RunAsync(BenchContext context)
    {
        long rows = context.Options.Rows;
        int baselines = (int)Math.Max(rows / RowsPerBaseline, 1);
        var series = new List<Series>();
        var ratios = new List<Ratio>();
        var missing = new List<Missing>();
        var notes = new List<string>();
        foreach (KeyKind keys in context.Options.Keys)
        {
            string name = keys == KeyKind.Version7 ? "keys of version 7" : "random keys";
            using GrownDatabase small = await GrownDatabase.OpenAsync(
                context, new OldRows(Math.Min(SmallRows, rows), Math.Min(SmallBaselines, baselines), keys));
            using GrownDatabase large = await GrownDatabase.OpenAsync(context, new OldRows(rows, baselines, keys));
            if (large.FillSeconds is { } seconds)
            {
                BenchContext.Say($"  {rows:N0} rows, {name}: made in {seconds:N0} s");
            }

            foreach (GrownDatabase database in (GrownDatabase[])[large, small])
            {
                PageCache.Load(database.Installation.DatabasePath);
            }

            using (IDisposable? held = PageCache.TryHold(large.Installation.DatabasePath))
            {
                await GrownDrains.MeasureAsync(context, name, small, large, series, ratios);
                await GrownReads.MeasureAsync(context, name, small, large, series, ratios);
                notes.Add(string.Create(
                    CultureInfo.InvariantCulture,
                    $"With {name}, the large database has {large.Bytes / 1e9:F2} GB in its file, of which {large.ResidentBytes / 1e9:F2} GB were in memory "
                        + $"after the reads{(held is null ? "; it could not be locked there" : "")}."));
            }

            await GrownDrains.MeasureFromDiskAsync(context, name, small, large, series, ratios);
            if (keys == KeyKind.Version7 || context.Options.Keys.Count == 1)
            {
                PageCache.Load(large.Installation.DatabasePath);
                await GrownPurge.MeasureAsync(context, name, large, series, ratios, missing);
            }
        }

        return new Section(
            "Cost in a database that has grown",
            $"""
            Small: {Math.Min(SmallRows, rows):N0} rows, {Math.Min(SmallBaselines, baselines):N0} baselines; large: {rows:N0} rows,
            {baselines:N0} baselines, all of which occur. The rows were put in in the order of their times, with ids as the intake makes them of the
            clients' keys, into the service's schema with all its indexes, so that the pages of the index are as full as use leaves them. Drains: elapsed
            time of {GrownDrains.PerTurn} drains of {context.Size(GrownDrains.Count):N0} transactions from the embedded queue, per transaction; after each
            its rows are removed again. Before them the files were read from beginning to end, and the large one was locked in memory (mlock) for drains and
            reads: how much of it was there stands below. Reads over HTTP, one after the other: {GrownReads.StatusRequests} times the
            status of 1,000 ids that were submitted together, from a random place, and as often of 1,000 random ids; {GrownReads.PageRequests:N0} times
            100 results from a random place in the feed, and as often 20 anomalies before a random instant, or of a random user, in turns.
            "From the disk": drains after the reads, of which the database's file was taken out of
            the cache just before. Purge, with the file read from beginning to end before it: `finance-ingest purge` of the oldest tenth as a program beside the
            worker, which drains all the while; a thread reads ten ids by status or 100 results of the feed every {GrownPurge.ReadEveryMilliseconds} ms, as the
            intake reads.
            """,
            series, ratios, notes)
        { Missing = missing };
    }
}
