using System.Diagnostics;

namespace FinanceIngest.Fuzz.Engine;

/// <summary>
/// Writes the current input to a file, so that an input which ends the process (by a stack overflow, or for lack of memory) is not lost. Ends the process
/// when an
/// input takes too long.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly FileStream _file;
    private readonly Timer _timer;
    private readonly FuzzTarget _target;
    private long _startedAt;

    /// <param name="folder">The folder of the file.</param>
    /// <param name="target">The target whose inputs are run.</param>
    public Watchdog(string folder, FuzzTarget target)
    {
        Directory.CreateDirectory(folder);
        _target = target;
        Path = System.IO.Path.Combine(folder, $"{target.Name}.current");
        _file = new FileStream(Path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        _timer = new Timer(_ => Look(), null, s_patience, TimeSpan.FromSeconds(1));
    }

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>Records that an input is about to be run.</summary>
    public void Begin(byte[] input)
    {
        RandomAccess.Write(_file.SafeFileHandle, input, 0);
        RandomAccess.SetLength(_file.SafeFileHandle, input.Length);
        Interlocked.Exchange(ref _startedAt, Stopwatch.GetTimestamp());
    }

    /// <summary>Records that the input was run.</summary>
    public void End() => Interlocked.Exchange(ref _startedAt, 0);

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        _file.Dispose();
        File.Delete(Path);
    }

    private void Look()
    {
        long startedAt = Interlocked.Read(ref _startedAt);
        if (startedAt != 0 && Stopwatch.GetElapsedTime(startedAt) > s_patience)
        {
            Console.WriteLine($"FAILED {_target.Name}: an input has been running for more than {s_patience.TotalSeconds} s. {Campaign.Replay(_target, Path)}");
            Environment.Exit(1);
        }
    }
}
