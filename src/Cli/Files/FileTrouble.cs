namespace FinanceIngest.Cli.Files;

/// <summary>Says why a file can't be opened or read, in the words that the Python package uses too.</summary>
internal static class FileTrouble
{
    /// <summary>Returns the reason as a phrase.</summary>
    public static string Describe(string path, Exception cause) => cause switch
    {
        FileNotFoundException or DirectoryNotFoundException => "there is no such file",
        UnauthorizedAccessException when Directory.Exists(path) => "it is a folder",
        UnauthorizedAccessException => "access to it is denied",
        _ => cause.Message.TrimEnd('.'),
    };
}
