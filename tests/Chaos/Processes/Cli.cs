using System.Diagnostics;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Processes;

/// <summary>Runs the operator's tool.</summary>
internal static class Cli
{
    /// <summary>Runs one command.</summary>
    /// <returns>The standard output of the command.</returns>
    /// <exception cref="InvalidOperationException">The command failed.</exception>
    public static async Task<string> RunAsync(Installation installation, string[] arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = installation.Folder };
        start.ArgumentList.Add(Repository.Output(Path.Combine("src", "Cli"), "finance-ingest.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in installation.Settings)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(Patience.Start);
        Task<string> output = process.StandardOutput.ReadToEndAsync(timeout.Token);
        string errors = await process.StandardError.ReadToEndAsync(timeout.Token);
        await process.WaitForExitAsync(timeout.Token);
        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException($"finance-ingest {string.Join(' ', arguments)} ended with {process.ExitCode}: {errors}");
    }
}
