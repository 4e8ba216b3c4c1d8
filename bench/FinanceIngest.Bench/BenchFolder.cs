namespace FinanceIngest.Bench;

/// <summary>The folder of a benchmark. It is removed afterwards, unless the benchmark failed, because its logs are needed then.</summary>
internal sealed class BenchFolder(string path)
{
    private int _files;

    public string Path { get; } = Directory.CreateDirectory(path).FullName;

    /// <summary>Makes a new, empty folder in this folder.</summary>
    public string NewFolder(string name) => Directory.CreateDirectory(NewFile(name)).FullName;

    /// <summary>Returns an unused path in this folder.</summary>
    public string NewFile(string name) => System.IO.Path.Combine(Path, $"{Interlocked.Increment(ref _files):D3}-{name}");

    public void Remove() => Directory.Delete(Path, recursive: true);
}
