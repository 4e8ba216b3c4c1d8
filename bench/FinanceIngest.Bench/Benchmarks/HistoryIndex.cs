using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Reporting;
using FinanceIngest.Bench.Storage;
using FinanceIngest.Storage.Sqlite;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>What the index that finds a user's history costs the drain into a large database: the same database with it and without.</summary>
internal static class HistoryIndex
{
    private const string Name = "anomaly_transactions_history";
    private const int RowsPerBaseline = 10;

    public static Benchmark Benchmark { get; } = new(
        "history-index", "drains into a database of 5 M rows with the index of users' histories and without; --rows N for others", RunAsync);

    private static async Task<Section> RunAsync(BenchContext context)
    {
        var rows = new OldRows(context.Options.Rows, Math.Max(context.Options.Rows / RowsPerBaseline, 1), KeyKind.Version7);
        using GrownDatabase with = await GrownDatabase.OpenAsync(context, rows);
        string folder = context.Folder.NewFolder("without");
        BenchContext.Say($"  copying the database, and dropping {Name}");
        string path = Path.Combine(folder, SqliteDatabase.FileName);
        File.Copy(with.Installation.DatabasePath, path);
        using Installation without = Installation.Open(folder);
        without.Drop(Name);
        await using Drain one = await Drain.StartAsync(context, with.Installation, rows);
        await using Drain other = await Drain.StartAsync(context, without, rows);
        IReadOnlyList<Series> series = await context.TakeTurnsAsync(
            new Contender("with the index", "µs per transaction", _ => one.RunAsync(GrownDrains.PerTurn, fromDisk: false)),
            new Contender("without it", "µs per transaction", _ => other.RunAsync(GrownDrains.PerTurn, fromDisk: false)));
        return new Section(
            "The index of users' histories",
            $"""
            {rows.Count:N0} rows and {rows.Baselines:N0} baselines, made as for `bench/run scale`; a copy of the file without `{Name}`. Elapsed time of
            {GrownDrains.PerTurn} drains of {context.Size(GrownDrains.Count):N0} transactions from the embedded queue, per transaction; after each its rows
            are removed again. The pages of the dropped index are free in the copy, and its new rows take them.
            """,
            series,
            [Ratio.Of($"cost per transaction with the index of histories against without it, {rows.Count:N0} rows", series[0], series[1], Target.AtMost(1.6))],
            []);
    }
}
