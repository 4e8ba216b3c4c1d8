using FinanceIngest.Ground;

namespace FinanceIngest.Cli.Baselines;

/// <summary>
/// A file of baselines could not be read or written as a whole. <see cref="Exception.Message"/> is one line of printable
/// characters that names the file and, where there is one, the place.
/// </summary>
public sealed class BaselineFileException : Exception
{
    /// <summary>A failure somewhere in a file.</summary>
    /// <param name="file">The file's name.</param>
    /// <param name="place">A line, byte or path in it; null when the file as a whole is meant.</param>
    /// <param name="reason">A phrase that reads after both.</param>
    /// <param name="cause">What was caught, if anything was.</param>
    public BaselineFileException(string file, string? place, string reason, Exception? cause = null)
        : base(SafeText.Line(place is null ? $"{file}: {reason}" : $"{file}: {place}: {reason}"), cause)
    {
        File = file;
        Place = place;
        Reason = reason;
    }

    /// <summary>The file's name, as given.</summary>
    public string File { get; }

    /// <summary>For example <c>line 17</c> or <c>byte 204</c>; null when the file as a whole is meant.</summary>
    public string? Place { get; }

    /// <summary>What is wrong.</summary>
    public string Reason { get; }
}
