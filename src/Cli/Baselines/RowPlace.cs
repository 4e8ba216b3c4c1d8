using System.Globalization;
using FinanceIngest.Baselines;
using FinanceIngest.Ground;

namespace FinanceIngest.Cli.Baselines;

/// <summary>The place of a row in a file. Its text is made only for messages.</summary>
/// <param name="Line">The line, from 1; 0 in formats without lines.</param>
/// <param name="First">The first step of the path: a key, or the index in an array; null when there is no path.</param>
/// <param name="Second">The second step of the path; null when there is none.</param>
internal readonly record struct RowPlace(long Line, object? First = null, object? Second = null)
{
    /// <summary>Represents a key that is Python's None; null already means that there is no step.</summary>
    public static readonly object NoneKey = new();

    /// <inheritdoc/>
    public override string ToString()
    {
        string line = Line > 0 ? string.Create(CultureInfo.InvariantCulture, $"line {Line}") : "";
        string path = Step(First) + Step(Second);
        return line.Length > 0 && path.Length > 0 ? $"{line} {path}" : line + path;
    }

    private static string Step(object? key) => key switch
    {
        null => "",
        string text => $"[{SafeText.Quote(text)}]",
        double number => $"[{NumberText.Format(number)}]",
        int or long or ulong => string.Create(CultureInfo.InvariantCulture, $"[{key}]"),
        bool truth => truth ? "[True]" : "[False]",
        _ => ReferenceEquals(key, NoneKey) ? "[None]" : "[…]",
    };
}
