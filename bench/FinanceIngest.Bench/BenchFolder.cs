namespace FinanceIngest.Bench;

/// <summary>A folder of one benchmark's own, removed afterwards unless it failed: then its logs are what one wants to read.</summary>
internal sealed class BenchFolder(string path)
{
    private int _files;

    public string Path { get; } = Directory.CreateDirectory(path).FullName;

    /// <summary>A folder within, new and empty.</summary>
    public string NewFolder(string name) => Directory.CreateDirectory(NewFile(name)).FullName;

    /// <summary>A path within that nothing has yet.</summary>
    public string NewFile(string name) => System.IO.Path.Combine(Path, $"{Interlocked.Increment(ref _files):D3}-{name}");

    public void Remove() => Directory.Delete(Path, recursive: true);
}
