using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using FinanceIngest.Bench;
using FinanceIngest.Bench.Benchmarks;
using FinanceIngest.Bench.Load;
using FinanceIngest.Bench.Reporting;

if (CoreBurner.IsAskedFor(args, out TimeSpan atMost))
{
    CoreBurner.Burn(atMost, Console.OpenStandardInput(), TimeProvider.System);
    return 0;
}

Benchmark[] benchmarks =
[
    AzuriteDrain.Benchmark, EndToEnd.Benchmark, .. Intake.Benchmarks, EmbeddedDrain.Benchmark, LearningDrain.Benchmark, LearningNetwork.Benchmark,
    Viewers.Benchmark, Writes.Sqlite, Writes.SqlServer, QueueOperations.Benchmark, RoundTrips.Benchmark, Latency.Benchmark, Latency.Contended,
    Network.Benchmark, Scale.Benchmark, HistoryIndex.Benchmark, Memory.Benchmark, Micro.Benchmark,
];

ParseResult parsed = BenchOptions.CreateCommand([.. benchmarks.Select(benchmark => benchmark.Name)], RunAsync).Parse(args);
if (parsed.Errors.Count > 0)
{
    await Console.Error.WriteLineAsync($"{parsed.Errors[0].Message.ReplaceLineEndings(" ")} Try --help.");
    return 2;
}

// RunAsync handles signals itself.
return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });

async Task<int> RunAsync(BenchOptions options)
{
    if (options.List)
    {
        foreach (Benchmark benchmark in benchmarks)
        {
            Console.WriteLine($"{benchmark.Name,-18} {benchmark.Summary}");
        }

        return 0;
    }

    Benchmark[] chosen = options.Names.Count == 0
        ? benchmarks
        : [.. options.Names.Select(name => benchmarks.Single(benchmark => benchmark.Name == (options.Contended ? Latency.Contended.Name : name)))];
    using var stop = new CancellationTokenSource();
    void Stop(PosixSignalContext context)
    {
        context.Cancel = true;
        stop.Cancel();
    }

    // After a signal the child processes are still ended.
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
            section = section with { Name = benchmark.Name, At = DateTimeOffset.UtcNow, Commit = await Machine.CommitAsync(stop.Token) };
            if (options.Print)
            {
                Console.WriteLine(Report.Describe(section));
            }
            else
            {
                ResultsStore.Save(section);
            }

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
            // The other benchmarks still run. This benchmark's earlier section stays in the report, with its own date and commit.
            BenchContext.Say($"{benchmark.Name} failed, its logs are in {folder.Path}: {e}");
            failed++;
        }
    }

    Directory.CreateDirectory(root);
    if (!options.Print)
    {
        Report.Write(
            await Machine.DescribeAsync(root, stop.Token), [.. benchmarks.Select(benchmark => benchmark.Name)],
            [.. benchmarks.Select(benchmark => ResultsStore.Load(benchmark.Name)).OfType<Section>()]);
    }

    if (failed == 0 && !options.Keep)
    {
        Directory.Delete(root, recursive: true);
    }

    return failed == 0 ? 0 : 1;
}
