using System.Text;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Cli;

/// <summary>Runs the program in the test's process, on a folder of its own; the test controls its network and its clock.</summary>
internal sealed class CliHarness : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public CliHarness() => Api = new FakeApi(Time);

    public FakeTimeProvider Time { get; } = new JumpingTime(new DateTimeOffset(2026, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public FakeApi Api { get; }

    /// <summary>The text that the program reads from standard input.</summary>
    public string Input { get; set; } = "";

    /// <summary>Columns of the terminal on standard output; null: there is none.</summary>
    public int? TerminalWidth { get; set; }

    /// <summary>The environment variables that the program sees.</summary>
    public Dictionary<string, string> Variables { get; } = [];

    /// <summary>Returns the full path of a file in the harness's folder.</summary>
    public string PathOf(string name) => Path.Combine(_folder.Path, name);

    /// <summary>Writes a file into the harness's folder and returns its full path.</summary>
    public string Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PathOf(name))!);
        File.WriteAllText(PathOf(name), text);
        return PathOf(name);
    }

    /// <summary>Runs a command line to its end. The clock jumps over every pause.</summary>
    public async Task<CliResult> RunAsync(params string[] arguments)
    {
        var output = new StringWriter();
        var error = new StringWriter();
        var host = new CliHost
        {
            Output = TextWriter.Synchronized(output),
            Error = TextWriter.Synchronized(error),
            OpenInput = () => new MemoryStream(Encoding.UTF8.GetBytes(Input)),
            IsOutputTerminal = TerminalWidth is not null,
            OutputWidth = () => TerminalWidth ?? 0,
            Variable = name => Variables.GetValueOrDefault(name),
            Time = Time,
            Network = Api,

            // The clock jumps over every pause, and so over a time limit too.
            Patience = Timeout.InfiniteTimeSpan,
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

/// <summary>The exit code and the output of one run.</summary>
internal sealed record CliResult(int ExitCode, string Output, string Error)
{
    /// <summary>Standard output, parsed as a single JSON value.</summary>
    public JsonElement Json => JsonDocument.Parse(Output).RootElement;
}

/// <summary>A clock that stands still until a timer is set, and then jumps to the moment at which the timer is due.</summary>
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
