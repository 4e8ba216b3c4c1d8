using System.Diagnostics;
using System.Globalization;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Storage;

namespace FinanceIngest.Bench.Benchmarks;

/// <summary>
/// A database with old rows. With <c>--keep</c> it stays in the folder of <c>--data</c> and serves the next run with the same schema, rows and keys.
/// </summary>
internal sealed class GrownDatabase : IDisposable
{
    private readonly bool _keeps;

    private GrownDatabase(Installation installation, OldRows rows, bool keeps, double? fillSeconds)
    {
        Installation = installation;
        Rows = rows;
        FillSeconds = fillSeconds;
        _keeps = keeps;
    }

    public Installation Installation { get; }

    public OldRows Rows { get; }

    /// <summary>How long the fill took; null when an earlier run's database was taken.</summary>
    public double? FillSeconds { get; }

    /// <summary>The length of the file.</summary>
    public long Bytes => new FileInfo(Installation.DatabasePath).Length;

    /// <summary>The bytes of the file that are in memory; <see cref="double.NaN"/> where the kernel does not say.</summary>
    public double ResidentBytes => PageCache.Resident(Installation.DatabasePath) ?? double.NaN;

    public static async Task<GrownDatabase> OpenAsync(BenchContext context, OldRows rows)
    {
        string keys = rows.Keys == KeyKind.Version7 ? "v7" : "random";
        string folder = Path.Combine(
            context.Options.DataFolder, "finance-ingest-bench-filled",
            string.Create(CultureInfo.InvariantCulture, $"{Installation.SchemaFingerprint}-{keys}-{rows.Count}-{rows.Baselines}"));
        bool isThere = Directory.Exists(folder);
        BenchContext.Say($"  {(isThere ? "taking" : "making")} {rows.Count:N0} rows, {rows.Baselines:N0} baselines, keys: {keys}");
        long start = Stopwatch.GetTimestamp();
        Installation installation = await Installation.OpenFilledAsync(folder, rows, context.CancellationToken);
        return new GrownDatabase(installation, rows, context.Options.Keep, isThere ? null : Stopwatch.GetElapsedTime(start).TotalSeconds);
    }

    public void Dispose()
    {
        Installation.Dispose();
        if (!_keeps)
        {
            Directory.Delete(Installation.Folder, recursive: true);
        }
    }
}
