using System.Globalization;
using System.Runtime.InteropServices;
using FinanceIngest.Bench;
using FinanceIngest.Bench.Benchmarks;
using FinanceIngest.Bench.Reporting;

Benchmark[] benchmarks =
[
    AzuriteDrain.Benchmark, EndToEnd.Benchmark, .. Intake.Benchmarks, EmbeddedDrain.Benchmark, Writes.Sqlite, Writes.SqlServer, QueueOperations.Benchmark, RoundTrips.Benchmark,
    Latency.Benchmark, Scale.Benchmark, Memory.Benchmark, Micro.Benchmark,
];

BenchOptions options;
Benchmark[] chosen;
try
{
    options = BenchOptions.Parse(args);
    chosen = options.Names.Count == 0
        ? benchmarks
        : [.. options.Names.Select(name => Array.Find(benchmarks, benchmark => benchmark.Name == name) ?? throw new FormatException($"'{name}' is no benchmark; --list names them."))];
}
catch (FormatException e)
{
    await Console.Error.WriteLineAsync($"{e.Message}\n\n{BenchOptions.Usage}");
    return 2;
}

if (options.List)
{
    foreach (Benchmark benchmark in benchmarks)
    {
        Console.WriteLine($"{benchmark.Name,-18} {benchmark.Summary}");
    }

    return 0;
}

using var stop = new CancellationTokenSource();
void Stop(PosixSignalContext context)
{
    context.Cancel = true;
    stop.Cancel();
}

// However it is ended, its children end with it.
using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

string root = Path.Combine(options.DataFolder, $"finance-ingest-bench-{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}");
int failed = 0;
foreach (Benchmark benchmark in chosen)
{
    BenchContext.Say(benchmark.Name);
    var folder = new BenchFolder(Path.Combine(root, benchmark.Name));
    try
    {
        Section section = await benchmark.RunAsync(new BenchContext(options, folder, stop.Token));
        ResultsStore.Save(section with { Name = benchmark.Name, At = DateTimeOffset.UtcNow, Commit = await Machine.CommitAsync(stop.Token) });
        if (!options.Keep)
        {
            folder.Remove();
        }
    }
    catch (NotMeasuredException e)
    {
        BenchContext.Say($"{benchmark.Name} skipped: {e.Message}");
        folder.Remove();
    }
    catch (OperationCanceledException)
    {
        BenchContext.Say($"{benchmark.Name} was stopped; its data is in {folder.Path}");
        return 130;
    }
    catch (Exception e)
    {
        // The others still run; its earlier section stays, with its own date and commit.
        BenchContext.Say($"{benchmark.Name} failed, its logs are in {folder.Path}: {e}");
        failed++;
    }
}

Directory.CreateDirectory(root);
Report.Write(
    await Machine.DescribeAsync(root, stop.Token),
    [.. benchmarks.Select(benchmark => ResultsStore.Load(benchmark.Name)).OfType<Section>()]);
if (failed == 0 && !options.Keep)
{
    Directory.Delete(root, recursive: true);
}

return failed == 0 ? 0 : 1;
