namespace FinanceIngest.Tests.Support;

/// <summary>Paths in the checkout to which the tests belong.</summary>
internal static class Repository
{
    public static string Root { get; } = FindRoot();

    /// <summary>
    /// Returns the path of a data file in the folder that <c>FINANCE_SHARED_DATA</c> names, or else beside the checkout; null when the file is absent.
    /// </summary>
    public static string? SharedData(string name)
    {
        string path = Path.Combine(Environment.GetEnvironmentVariable("FINANCE_SHARED_DATA") ?? Path.Combine(Root, "..", "shared", "data"), name);
        return File.Exists(path) ? path : null;
    }

    private static string FindRoot()
    {
        string? folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "FinanceIngest.sln")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException("The tests run outside of the checkout.");
    }
}
