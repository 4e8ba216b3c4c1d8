using System.Diagnostics;
using System.Globalization;

namespace FinanceIngest.FunctionDriver.Worker;

/// <summary>The function app's own process, started as the host starts it: <c>dotnet APP.dll</c> with the address of the driver's gRPC server.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(10);
    private readonly Process _process;
    private readonly WorkerChannel _channel;

    private WorkerProcess(Process process, WorkerChannel channel)
    {
        _process = process;
        _channel = channel;
    }

    /// <summary>The worker's exit code, available once the worker has ended.</summary>
    public int ExitCode => _process.ExitCode;

    public static WorkerProcess Start(FunctionApp app, DriverOptions options, WorkerChannel channel, Uri server)
    {
        var start = new ProcessStartInfo("dotnet", Arguments(app, channel, server))
        {
            WorkingDirectory = app.Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        SetEnvironment(start.Environment, app, options);
        var process = new Process { StartInfo = start };
        process.OutputDataReceived += (_, line) => Print(line.Data);
        process.ErrorDataReceived += (_, line) => Print(line.Data);
        process.Start();
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return new WorkerProcess(process, channel);
    }

    /// <summary>Waits until the worker has ended.</summary>
    public Task EndAsync() => _process.WaitForExitAsync();

    /// <summary>Asks the worker to end, as the host does, and kills it when it has not ended after ten seconds.</summary>
    public async ValueTask DisposeAsync()
    {
        _channel.Terminate(s_grace);
        try
        {
            await EndAsync().WaitAsync(s_grace);
        }
        catch (TimeoutException)
        {
            DriverLog.Write($"The worker did not end within {s_grace.TotalSeconds} s and is killed.");
            _process.Kill(entireProcessTree: true);
        }

        _process.Dispose();
    }

    private static List<string> Arguments(FunctionApp app, WorkerChannel channel, Uri server) =>
    [
        app.Program,
        "--host", server.Host,
        "--port", server.Port.ToString(CultureInfo.InvariantCulture),
        "--workerId", channel.WorkerId,
        "--requestId", channel.WorkerId,
        "--grpcMaxMessageLength", int.MaxValue.ToString(CultureInfo.InvariantCulture),
        "--functions-uri", server.AbsoluteUri,
        "--functions-worker-id", channel.WorkerId,
        "--functions-request-id", channel.WorkerId,
        "--functions-grpc-max-message-length", int.MaxValue.ToString(CultureInfo.InvariantCulture),
    ];

    // The precedence, highest first: variables given by --env, the driver's own environment, local.settings.json, the variables that "func start" would set.
    private static void SetEnvironment(IDictionary<string, string?> environment, FunctionApp app, DriverOptions options)
    {
        IReadOnlyList<KeyValuePair<string, string>> defaults =
        [
            .. options.ReadsLocalSettings ? app.LocalSettings() : [],
            new("FUNCTIONS_WORKER_RUNTIME", "dotnet-isolated"),
            new("AZURE_FUNCTIONS_ENVIRONMENT", "Development"),
        ];
        foreach ((string name, string value) in defaults)
        {
            environment.TryAdd(name, value);
        }

        environment["FUNCTIONS_WORKER_DIRECTORY"] = app.Folder;
        environment["FUNCTIONS_APPLICATION_DIRECTORY"] = app.Folder;
        foreach ((string name, string value) in options.Environment)
        {
            environment[name] = value;
        }
    }

    private static void Print(string? line)
    {
        if (line is not null)
        {
            DriverLog.Write(line);
        }
    }
}
