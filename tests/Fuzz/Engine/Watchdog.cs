using System.Diagnostics;

namespace FinanceIngest.Fuzz.Engine;

/// <summary>
/// Keeps the input that is being read in a file, so that one which ends the process (a full stack, no memory) is not lost, and ends the process itself when one input takes too long.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private readonly FileStream _file;
    private readonly Timer _timer;
    private readonly FuzzTarget _target;
    private long _startedAt;

    /// <param name="folder">Where the file goes.</param>
    /// <param name="target">Whose inputs they are.</param>
    public Watchdog(string folder, FuzzTarget target)
    {
        Directory.CreateDirectory(folder);
        _target = target;
        Path = System.IO.Path.Combine(folder, $"{target.Name}.current");
        _file = new FileStream(Path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        _timer = new Timer(_ => Look(), null, s_patience, TimeSpan.FromSeconds(1));
    }

    /// <summary>The file with the input.</summary>
    public string Path { get; }

    /// <summary>An input is about to be read.</summary>
    public void Begin(byte[] input)
    {
        RandomAccess.Write(_file.SafeFileHandle, input, 0);
        RandomAccess.SetLength(_file.SafeFileHandle, input.Length);
        Interlocked.Exchange(ref _startedAt, Stopwatch.GetTimestamp());
    }

    /// <summary>It was read.</summary>
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
            Console.WriteLine($"FAILED {_target.Name}: an input has been read for more than {s_patience.TotalSeconds} s. {Campaign.Replay(_target, Path)}");
            Environment.Exit(1);
        }
    }
}
