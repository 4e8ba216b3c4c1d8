namespace FinanceIngest.Cli.Files;

/// <summary>A file as a whole can't be read as what it should be. The message is a phrase of which the file is the subject, such as "is empty".</summary>
/// <param name="message">The phrase.</param>
/// <param name="place">The place in the file, such as <c>line 1</c>; null when the file as a whole is meant.</param>
internal sealed class FileProblemException(string message, string? place = null) : Exception(message)
{
    /// <summary>The place in the file; null when the file as a whole is meant.</summary>
    public string? Place { get; } = place;
}
