using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Queueing;

namespace FinanceIngest.Scoring.Isolation;

/// <summary>Isolates messages in a child process: this program once more, as <see cref="ScoringChild"/>, with the same arguments and environment.</summary>
internal sealed class ChildProcessIsolation(TimeProvider time) : IIsolation
{
    /// <inheritdoc/>
    public IIsolatedScorer Open() => new ChildProcess(StartOfThisProgram(), time);

    /// <summary>How a child of this program is started.</summary>
    internal static ProcessStartInfo StartOfThisProgram()
    {
        var start = new ProcessStartInfo(Environment.ProcessPath ?? "dotnet");
        if (Path.GetFileNameWithoutExtension(start.FileName).Equals("dotnet", StringComparison.OrdinalIgnoreCase))
        {
            start.ArgumentList.Add(Assembly.GetEntryAssembly()!.Location);
        }

        start.ArgumentList.Add(ScoringChild.Argument);
        foreach (string argument in Environment.GetCommandLineArgs().Skip(1))
        {
            start.ArgumentList.Add(argument);
        }

        return start;
    }
}

/// <summary>
/// Runs one child at a time, which takes messages until one ends it. This process is the witness: a child that is gone without an outcome counts against its message
/// only because this process is still there to say so. Whatever kills a worker kills the witness with it, and nothing is counted.
/// </summary>
/// <param name="start">How the child is started; its streams are set here.</param>
/// <param name="time">Clock.</param>
internal sealed class ChildProcess(ProcessStartInfo start, TimeProvider time) : IIsolatedScorer
{
    // 256 MiB: a message of 64 KiB that takes more memory ends its child before it takes the memory of the parent.
    private const string HeapLimit = "0x10000000";

    private Process? _process;
    private int _messages;

    public async Task<string?> PrepareAsync(CancellationToken cancellationToken)
    {
        if (_process is { HasExited: false })
        {
            return null;
        }

        await EndAsync();
        start.UseShellExecute = false;
        start.RedirectStandardInput = true;
        start.RedirectStandardOutput = true;
        start.StandardInputEncoding = start.StandardOutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        start.Environment["DOTNET_GCHeapHardLimit"] = HeapLimit;
        start.Environment["DOTNET_gcServer"] = "0";
        using var limit = new CancellationTokenSource(Deadlines.IsolatedMessage, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            _process = Process.Start(start)!;
            _messages = 0;
            while (await _process.StandardOutput.ReadLineAsync(either.Token) is { } line)
            {
                if (line == ScoringChild.Ready)
                {
                    return null;
                }
            }

            await _process.WaitForExitAsync(either.Token);
            string problem = $"it ended at its start with {_process.ExitCode.ToString(CultureInfo.InvariantCulture)}";
            await EndAsync();
            return problem;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await EndAsync();
            return string.Create(CultureInfo.InvariantCulture, $"it was not ready within {Deadlines.IsolatedMessage.TotalSeconds} s");
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or IOException or InvalidOperationException)
        {
            await EndAsync();
            return e.Message;
        }
    }

    public async Task<ScoringOutcome> ScoreAsync(LeasedMessage message, long heldUntil, CancellationToken cancellationToken)
    {
        _messages++;
        using var limit = new CancellationTokenSource(Deadlines.IsolatedMessage, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            if (await AskAsync(IsolatedMessage.Of(message, heldUntil), either.Token) is { } outcome)
            {
                return outcome;
            }

            await _process!.WaitForExitAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // A child that was busy by itself for half of the time would go on for ever; otherwise it waited for the database.
            bool wasBusy = IsBusy(_process!);
            await EndAsync();
            return new ScoringOutcome
            {
                End = wasBusy ? ScoringEnd.EndedTheProcess : ScoringEnd.TookTooLong,
                Failure = new ScoringFailure(string.Create(CultureInfo.InvariantCulture, $"it was not done within {Deadlines.IsolatedMessage.TotalSeconds} s")),
            };
        }

        if (_messages > 1)
        {
            // An earlier message may have done the harm: only the end of a process that has seen no other message counts.
            string? problem = await PrepareAsync(cancellationToken);
            return problem is null
                ? await ScoreAsync(message, heldUntil, cancellationToken)
                : new ScoringOutcome { End = ScoringEnd.TookTooLong, Failure = new ScoringFailure(problem) };
        }

        string how = $"it has ended the process that handled it (exit code {_process.ExitCode.ToString(CultureInfo.InvariantCulture)})";
        await Task.Delay(Deadlines.Testimony, time, cancellationToken);
        return new ScoringOutcome { End = ScoringEnd.EndedTheProcess, Failure = new ScoringFailure(how) };
    }

    public async ValueTask DisposeAsync() => await EndAsync();

    /// <returns>The child's answer; null when the child has ended.</returns>
    private async Task<ScoringOutcome?> AskAsync(IsolatedMessage message, CancellationToken cancellationToken)
    {
        try
        {
            await _process!.StandardInput.WriteLineAsync(message.ToLine().AsMemory(), cancellationToken);
            await _process.StandardInput.FlushAsync(cancellationToken);
        }
        catch (IOException)
        {
            return null;
        }

        while (await _process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line.StartsWith('{'))
            {
                return JsonSerializer.Deserialize<ScoringOutcome>(line);
            }
        }

        return null;
    }

    private static bool IsBusy(Process process)
    {
        try
        {
            return process.TotalProcessorTime > Deadlines.IsolatedMessage / 2;
        }
        catch (InvalidOperationException)
        {
            // The child has just ended, so that its processor time can't be read any more.
            return false;
        }
    }

    private async Task EndAsync()
    {
        if (_process is null)
        {
            return;
        }

        // Messages that the child has answered are committed, the others are open: killing it is as good as asking it to end, and sooner.
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }
}
