namespace FinanceIngest.Chaos.Processes;

/// <summary>Paths in the checkout in which the harness runs.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>Returns the path of a project's output in the harness's own build configuration.</summary>
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
