using FinanceIngest.Ground;

namespace FinanceIngest.Cli.Baselines;

/// <summary>
/// A file of baselines could not be read or written. <see cref="Exception.Message"/> is one line of printable characters that names the file and, if it is
/// known, the place in it.
/// </summary>
public sealed class BaselineFileException : Exception
{
    /// <summary>Makes an exception about a file or a place in it.</summary>
    /// <param name="file">The file's name.</param>
    /// <param name="place">A line, byte or path in the file; null when the file as a whole is meant.</param>
    /// <param name="reason">The problem, as a phrase of which the file is the subject.</param>
    /// <param name="cause">The exception that was caught; null when there was none.</param>
    public BaselineFileException(string file, string? place, string reason, Exception? cause = null)
        : base(SafeText.Line(place is null ? $"{file}: {reason}" : $"{file}: {place}: {reason}"), cause)
    {
        File = file;
        Place = place;
        Reason = reason;
    }

    /// <summary>The file's name, as the caller gave it.</summary>
    public string File { get; }

    /// <summary>The place in the file, for example <c>line 17</c> or <c>byte 204</c>; null when the file as a whole is meant.</summary>
    public string? Place { get; }

    /// <summary>The problem, as a phrase of which the file is the subject.</summary>
    public string Reason { get; }
}
