namespace FinanceIngest.Chaos.Processes;

/// <summary>Places in the checkout that the harness runs in.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>A project's output, built in the harness's own configuration.</summary>
    public static string Output(string project, string file)
    {
        string[] folders = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar).Split(Path.DirectorySeparatorChar);
        return Path.Combine(Root, project, "bin", folders[^2], folders[^1], file);
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "FinanceIngest.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The harness runs outside of the checkout.");
    }
}
