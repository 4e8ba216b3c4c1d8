using System.Text;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Cli;

/// <summary>The program in this process, on a folder of its own, with its network and its clock in the test's hands.</summary>
internal sealed class CliHarness : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public CliHarness() => Api = new FakeApi(Time);

    public FakeTimeProvider Time { get; } = new JumpingTime(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public FakeApi Api { get; }

    /// <summary>What stands on standard input.</summary>
    public string Input { get; set; } = "";

    /// <summary>Environment variables.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>A path in the folder.</summary>
    public string PathOf(string name) => Path.Combine(_folder.Path, name);

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(name))!);
        File.WriteAllText(PathOf(name), text);
        return PathOf(name);
    }

    /// <summary>Runs a command line to its end; pauses pass at once.</summary>
    public async Task<CliResult> RunAsync(params string[] arguments)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        var host = new CliHost
        {
            Output = TextWriter.Synchronized(output),
            Error = TextWriter.Synchronized(error),
            OpenInput = () => new MemoryStream(Encoding.UTF8.GetBytes(Input)),
            Variable = name => Variables.GetValueOrDefault(name),
            Time = Time,
            Network = Api,
        };
        int exitCode = await Task.Run(() => CommandLine.RunAsync([.. arguments, "--data-directory", PathOf("data")], host));
        return new CliResult(exitCode, output.ToString(), error.ToString());
    }

    public void Dispose()
    {
        Api.Dispose();
        _folder.Dispose();
    }
}

/// <summary>How a run ended.</summary>
internal sealed record CliResult(int ExitCode, string Output, string Error)
{
    /// <summary>Standard output as the one JSON value that it has to be.</summary>
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;
}

/// <summary>A clock that stands still until somebody waits for it, and then goes to the moment waited for at once.</summary>
internal sealed class JumpingTime(DateTimeOffset start) : FakeTimeProvider(start)
{
    private readonly Lock _jumping = new();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ITimer timer = base.CreateTimer(callback, state, dueTime, period);
        if (dueTime > TimeSpan.Zero)
        {
            DateTimeOffset due = GetUtcNow() + dueTime;
            _ = Task.Run(() => JumpTo(due));
        }

        return timer;
    }

    private void JumpTo(DateTimeOffset due)
    {
        lock (_jumping)
        {
            if (GetUtcNow() < due)
            {
                SetUtcNow(due);
            }
        }
    }
}
