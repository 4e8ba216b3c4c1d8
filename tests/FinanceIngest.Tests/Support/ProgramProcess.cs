using System.Diagnostics;
using System.Text;

namespace FinanceIngest.Tests.Support;

/// <summary>One of the real programs, run as a user would run it.</summary>
internal sealed class ProgramProcess : IAsyncDisposable
{
    private const string Listening = "Now listening on: ";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly Process _process;
    private readonly StringBuilder _log = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ProgramProcess(Process process)
    {
        _process = process;
        process.ErrorDataReceived += (_, line) => OnLog(line.Data);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => _address.TrySetException(new InvalidOperationException("The program ended before it listened."));
        process.Start();
        process.BeginErrorReadLine();
    }

    /// <summary>The text that the program has written to standard error so far.</summary>
    public string Log
    {
        get
        {
            lock (_log)
            {
                return _log.ToString();
            }
        }
    }

    /// <summary>Starts a server on a free port that the server chooses.</summary>
    public static ProgramProcess StartServer(string name, string dataDirectory, params (string Name, string Value)[] environment) =>
        Start(name, ["--urls", "http://127.0.0.1:0"], dataDirectory, [("FinanceIngest__DataDirectory", dataDirectory), .. environment]);

    /// <summary>Starts such a server as another user, who is in one more group; the tests must run as root on Linux.</summary>
    public static ProgramProcess StartServerAs(int user, int group, string name, string dataDirectory) => StartCommand(
        "setpriv",
        [$"--reuid={user}", $"--regid={user}", $"--groups={group}", "--no-new-privs", "dotnet", PathOf(name), "--urls", "http://127.0.0.1:0"],
        "/",
        [("FinanceIngest__DataDirectory", dataDirectory), ("HOME", "/nonexistent")]);

    /// <summary>Starts a program with only these settings, whatever variables the tests' own environment has.</summary>
    public static ProgramProcess Start(string name, string[] arguments, string workingDirectory, params (string Name, string Value)[] environment) =>
        StartFile(PathOf(name), arguments, workingDirectory, environment);

    /// <summary>Starts a program from its file, such as one of another version, in the same way.</summary>
    public static ProgramProcess StartFile(string file, string[] arguments, string workingDirectory, params (string Name, string Value)[] environment) =>
        StartCommand("dotnet", [file, .. arguments], workingDirectory, environment);

    /// <summary>Starts a program of the machine's, such as a mail server.</summary>
    public static ProgramProcess StartTool(string command, string[] arguments, string workingDirectory) =>
        StartCommand(command, arguments, workingDirectory, []);

    private static ProgramProcess StartCommand(string command, string[] arguments, string workingDirectory, (string Name, string Value)[] environment)
    {
        NeedsAttribute.Require(Outside.Program);
        var start = new ProcessStartInfo(command)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            WorkingDirectory = workingDirectory,
        };
        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        foreach (string inherited in start.Environment.Keys.Where(IsSetting).ToList())
        {
            start.Environment.Remove(inherited);
        }

        foreach ((string setting, string value) in environment)
        {
            start.Environment[setting] = value;
        }

        return new ProgramProcess(new Process { StartInfo = start });
    }

    /// <summary>Waits until the program listens, and returns its address.</summary>
    public async Task<Uri> AddressAsync()
    {
        try
        {
            return await _address.Task.WaitAsync(s_patience);
        }
        catch (Exception e) when (e is InvalidOperationException or TimeoutException)
        {
            throw new InvalidOperationException($"{e.Message} Its log:\n{Log}", e);
        }
    }

    /// <summary>Waits until the program ends, and returns its exit code and its standard output.</summary>
    public async Task<(int ExitCode, string Output)> EndAsync()
    {
        string output = await _process.StandardOutput.ReadToEndAsync().WaitAsync(s_patience);
        await _process.WaitForExitAsync().WaitAsync(s_patience);
        return (_process.ExitCode, output);
    }

    /// <summary>Asks the program to end, as an orchestrator does, and returns its exit code.</summary>
    public async Task<int> TerminateAsync()
    {
        if (_process.HasExited)
        {
            return _process.ExitCode;
        }

        using (var kill = Process.Start("kill", ["-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        await _process.WaitForExitAsync().WaitAsync(s_patience);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    // Returns the path of the program as built in the tests' own configuration, such as …/src/NAME/bin/Debug/net10.0.
    internal static string PathOf(string name)
    {
        string[] folders = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar);
        string project = name switch
        {
            "finance-ingest" => "src/Cli",
            "FinanceIngest.FunctionDriver" => "tests/FunctionDriver",
            _ => $"src/{name}",
        };
        return Path.Combine(Repository.Root, project, "bin", folders[^2], folders[^1], $"{name}.dll");
    }

    private static bool IsSetting(string name) =>
        name.StartsWith("FinanceIngest", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("AZURE_STORAGE_", StringComparison.Ordinal)
        || name.StartsWith("ASPNETCORE_", StringComparison.Ordinal)
        || name == "SQL_CONNECTION_STRING"
        || name.StartsWith("DOTNET_URLS", StringComparison.Ordinal);

    private void OnLog(string? line)
    {
        if (line is null)
        {
            return;
        }

        lock (_log)
        {
            _log.AppendLine(line);
        }

        int at = line.IndexOf(Listening, StringComparison.Ordinal);
        if (at >= 0)
        {
            _address.TrySetResult(new Uri(line[(at + Listening.Length)..].Trim()));
        }
    }
}
