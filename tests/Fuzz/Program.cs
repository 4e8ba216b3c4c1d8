using System.Globalization;
using FinanceIngest.Fuzz;
using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Fuzz.Targets;

const int Clean = 0;
const int Broken = 1;
const int WrongUse = 2;

Options options;
try
{
    options = Options.Parse(args);
}
catch (FormatException e)
{
    await Console.Error.WriteLineAsync($"{e.Message}\n{Options.Usage}");
    return WrongUse;
}

// Instrumented code can't run without its map, whatever is done with it.
Coverage? coverage = Coverage.IsInstrumented ? new Coverage() : null;
FuzzTarget[] targets = [.. AllTargets.Create().Where(target => options.Target is null || target.Name == options.Target)];
if (options.List || targets.Length == 0)
{
    foreach (FuzzTarget target in AllTargets.Create())
    {
        Console.WriteLine($"{target.Name,-15} {target.Properties}");
    }

    return options.List ? Clean : WrongUse;
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
    CampaignResult result = new Campaign(target, options, Coverage.IsInstrumented ? new Coverage() : null).Run(TimeSpan.FromSeconds(options.Seconds / targets.Length));
    Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture,
        $"| {target.Name} | {result.Seconds:F0} | {result.Executions:N0} | {result.Known} | {result.Kept} | {result.Outcomes}{(coverage is null ? "" : $" | {result.Edges}")} |"));
    failed |= result.Failed;
}

return failed ? Broken : Clean;
