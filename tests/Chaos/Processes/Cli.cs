using System.Diagnostics;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Processes;

/// <summary>Runs the operator's tool.</summary>
internal static class Cli
{
    /// <summary>Runs one command.</summary>
    /// <param name="installation">The installation.</param>
    /// <param name="arguments">The command line.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <param name="settings">Further environment variables.</param>
    /// <returns>The standard output of the command.</returns>
    /// <exception cref="InvalidOperationException">The command failed.</exception>
    public static async Task<string> RunAsync(
        Installation installation, string[] arguments, CancellationToken cancellationToken, params (string Name, string Value)[] settings)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = installation.Folder };
        start.ArgumentList.Add(Repository.Output(Path.Combine("src", "Cli"), "finance-ingest.dll"));
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach ((string name, string value) in installation.Settings.Select(setting => (setting.Key, setting.Value)).Concat(settings))
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
