using System.CommandLine;
using System.Globalization;
using FinanceIngest.Fuzz;
using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Fuzz.Targets;

const int Clean = 0;
const int Broken = 1;
const int WrongUse = 2;

ParseResult parsed = Options.CreateCommand(RunAsync).Parse(args);
if (parsed.Errors.Count > 0)
{
    await Console.Error.WriteLineAsync($"{parsed.Errors[0].Message.ReplaceLineEndings(" ")} Try --help.");
    return WrongUse;
}

return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });

async Task<int> RunAsync(Options options)
{
    // Instrumented code needs its coverage map before it can run.
    Coverage? coverage = Coverage.IsInstrumented ? new Coverage() : null;
    FuzzTarget[] targets = [.. AllTargets.Create().Where(target => options.Target is null || target.Name == options.Target)];
    if (options.List)
    {
        foreach (FuzzTarget target in AllTargets.Create())
        {
            Console.WriteLine($"{target.Name,-15} {target.Properties}");
        }

        return Clean;
    }

    if (options.Replay is not null)
    {
        Execution execution = Execution.Of(targets[0], await File.ReadAllBytesAsync(options.Replay));
        Console.WriteLine(execution.Failure is null
            ? string.Create(CultureInfo.InvariantCulture, $"{execution.Outcome}, {execution.Allocated} bytes allocated")
            : $"FAILED {targets[0].Name}: {execution.Failure}");
        return execution.Failure is null ? Clean : Broken;
    }

    if (options.Shrink is not null)
    {
        return Shrinking.Run(targets[0], options.Shrink, coverage);
    }

    bool failed = false;
    Console.WriteLine($"| target | seconds | executions | known inputs | new inputs kept | outcomes{(coverage is null ? "" : " | edges")} |");
    Console.WriteLine($"|---|---|---|---|---|---{(coverage is null ? "" : "|---")}|");
    foreach (FuzzTarget target in targets)
    {
        var campaign = new Campaign(target, options, Coverage.IsInstrumented ? new Coverage() : null);
        CampaignResult result = campaign.Run(TimeSpan.FromSeconds(options.Seconds / targets.Length));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {target.Name} | {result.Seconds:F0} | {result.Executions:N0} | {result.Known} | {result.Kept} | {result.Outcomes}"
                + $"{(coverage is null ? "" : $" | {result.Edges}")} |"));
        failed |= result.Failed;
    }

    return failed ? Broken : Clean;
}
