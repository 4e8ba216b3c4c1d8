namespace FinanceIngest.Tests.Support;

/// <summary>A folder that only one test uses, removed afterwards.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("finance-ingest-test-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
