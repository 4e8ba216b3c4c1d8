using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using FinanceIngest.Chaos;
using FinanceIngest.Chaos.Processes;
using FinanceIngest.Chaos.Storage;

const int Clean = 0;
const int Broken = 1;
const int WrongUse = 2;

ParseResult parsed = Options.CreateCommand(RunAsync).Parse(args);
if (parsed.Errors.Count > 0)
{
    await Console.Error.WriteLineAsync($"{parsed.Errors[0].Message.ReplaceLineEndings(" ")} Try --help.");
    return WrongUse;
}

// RunAsync handles signals itself.
return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });

async Task<int> RunAsync(Options options)
{
    IScenario? scenario = AllScenarios.List.FirstOrDefault(known => known.Name == options.Scenario);
    if (scenario is null)
    {
        await Console.Error.WriteLineAsync($"There is no scenario '{options.Scenario}'; --help lists them.");
        return WrongUse;
    }

    string? server = Environment.GetEnvironmentVariable("FINANCE_TEST_SQLSERVER");
    string? missing = scenario.Missing(options)
        ?? (options.Storage != StorageKind.Embedded && !Azurite.IsInstalled ? "no Azurite under tests/azurite (npm ci --prefix tests/azurite)" : null)
        ?? (options.Storage == StorageKind.Sql && string.IsNullOrEmpty(server) ? "no FINANCE_TEST_SQLSERVER" : null);
    if (missing is not null)
    {
        Console.WriteLine($"SKIPPED: {scenario.Name} on {options.Storage}: {missing}");
        return Clean;
    }

    string folder = Directory.CreateTempSubdirectory("finance-ingest-chaos-").FullName;
    Installation installation = options.Storage switch
    {
        StorageKind.Embedded => new EmbeddedInstallation(folder),
        StorageKind.Azurite => new AzuriteInstallation(folder),
        _ => new SqlInstallation(folder, server!),
    };
    using var stop = new CancellationTokenSource();
    using PosixSignalRegistration interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    using PosixSignalRegistration terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);

    string title = string.Create(CultureInfo.InvariantCulture, $"{scenario.Name}, {options.Storage.ToString().ToLowerInvariant()}, seed {options.Seed}");
    bool isClean = false;
    await using (var run = new Run(options, installation))
    {
        try
        {
            await installation.StartAsync(stop.Token);
            await scenario.RunAsync(run, stop.Token);
            isClean = run.Audit.IsClean;
        }
        catch (Exception e) when (e is TimeoutException or InvalidOperationException or OperationCanceledException)
        {
            run.Audit.Check(false, e.Message);
        }

        List<string> report =
        [
            $"## {title}", "", .. run.Report, "", .. run.Audit.Findings.Select(finding => $"- {(finding.Ok ? "ok" : "**BROKEN**")}: {finding.Text}"), "",
        ];
        report.ForEach(Console.WriteLine);
        if (options.Results is { } results)
        {
            Directory.CreateDirectory(results);
            await File.WriteAllLinesAsync(Path.Combine(results, $"{title.Replace(", ", "-", StringComparison.Ordinal).Replace(' ', '-')}.md"), report);
        }
    }

    if (isClean && !options.Keep)
    {
        Directory.Delete(folder, recursive: true);
    }
    else
    {
        Console.WriteLine($"Data and logs: {folder}");
    }

    return isClean ? Clean : Broken;

    // After a signal the run still ends its processes.
    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stop.Cancel();
    }
}
