using System.Globalization;
using FinanceIngest.Baselines;
using FinanceIngest.Ground;

namespace FinanceIngest.Cli.Baselines;

/// <summary>Where in a file a row stands; written out only when somebody has to be told.</summary>
/// <param name="Line">From 1; 0 in formats without lines.</param>
/// <param name="First">First step of the path: a key, or the index of an array's element; null when there is no path.</param>
/// <param name="Second">Second step of the path; null when there is none.</param>
internal readonly record struct RowPlace(long Line, object? First = null, object? Second = null)
{
    /// <summary>Stands for a key that is Python's None, which null can't.</summary>
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
