using System.CommandLine;

namespace FinanceIngest.FunctionDriver;

/// <summary>Parses the driver's command line and runs the driver.</summary>
internal static class DriverCommand
{
    private const int WrongUse = 2;

    /// <summary>Runs the driver until SIGINT or SIGTERM. Exit code 0: the driver was told to stop; 1: the app did not start, or ended; 2: wrong use.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        var app = new Option<string>("--app") { Description = "the function app: its folder (with worker.config.json) or its dll", Required = true };
        var port = new Option<int>("--port") { Description = "port on 127.0.0.1; 0 takes a free one", DefaultValueFactory = _ => 7071 };
        var functionKey = new Option<string?>("--function-key") { Description = "opens functions of the level Function; without any key all are open" };
        var adminKey = new Option<string?>("--admin-key") { Description = "the master key, opens functions of every level" };
        var environment = new Option<string[]>("--env") { Description = "NAME=VALUE, an environment variable of the app; may be repeated" };
        var noLocalSettings = new Option<bool>("--no-local-settings") { Description = "does not read local.settings.json beside the app" };
        var verbose = new Option<bool>("--verbose") { Description = "prints every log line of the worker" };
        environment.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => !token.Value.Contains('=', StringComparison.Ordinal)))
            {
                result.AddError("--env wants NAME=VALUE.");
            }
        });
        var command = new RootCommand("Runs an Azure Functions app of the .NET isolated worker behind plain HTTP, in place of the Functions host.")
        {
            app, port, functionKey, adminKey, environment, noLocalSettings, verbose,
        };
        command.SetAction((result, cancellationToken) => RunAsync(
            result.GetRequiredValue(app),
            new DriverOptions
            {
                Port = result.GetValue(port),
                FunctionKey = result.GetValue(functionKey),
                AdminKey = result.GetValue(adminKey),
                Environment = [.. (result.GetValue(environment) ?? []).Select(Split)],
                ReadsLocalSettings = !result.GetValue(noLocalSettings),
                IsVerbose = result.GetValue(verbose),
            },
            cancellationToken));
        ParseResult parsed = command.Parse(args);
        int exitCode = await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = Timeout.InfiniteTimeSpan });
        return parsed.Errors.Count > 0 ? WrongUse : exitCode;
    }

    private static async Task<int> RunAsync(string path, DriverOptions options, CancellationToken stop)
    {
        try
        {
            return await new Driver(FunctionApp.At(path), options).RunAsync(stop);
        }
        catch (FileNotFoundException e)
        {
            DriverLog.Write(e.Message);
            return WrongUse;
        }
    }

    private static KeyValuePair<string, string> Split(string assignment)
    {
        int at = assignment.IndexOf('=', StringComparison.Ordinal);
        return new KeyValuePair<string, string>(assignment[..at], assignment[(at + 1)..]);
    }
}
