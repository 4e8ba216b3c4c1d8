namespace FinanceIngest.Bench;

/// <summary>Paths in the checkout that is measured.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Returns the path of a program, built in the configuration of the benchmarks.</summary>
    public static string Program(string project)
    {
        string[] folders = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar);
        string name = project == "Cli" ? "finance-ingest" : project;
        string group = project is "IngestServer" or "ScoringWorker" or "Cli" ? "src" : "bench";
        return Path.Combine(Root, group, project, "bin", folders[^2], folders[^1], $"{name}.dll");
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "FinanceIngest.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The benchmarks run outside of the checkout.");
    }
}
