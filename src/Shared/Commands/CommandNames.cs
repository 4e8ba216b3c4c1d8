using FinanceIngest.Detection;

namespace FinanceIngest.Commands;

/// <summary>The words by which messages, requests and rows name what commands say.</summary>
internal static class CommandNames
{
    /// <summary>The word for "there is none (any more)", where a command takes something back.</summary>
    public const string None = "none";

    /// <summary>The levels, in their order.</summary>
    public static IReadOnlyList<string> Levels { get; } = ["never", "rarely", "normal", "often"];

    /// <summary>The verdicts, in their order.</summary>
    public static IReadOnlyList<string> Verdicts { get; } = ["expected", "unexpected"];

    /// <summary>The name of a level.</summary>
    public static string Of(AlertLevel level) => Levels[(int)level];

    /// <summary>The name of a verdict.</summary>
    public static string Of(FeedbackVerdict verdict) => Verdicts[(int)verdict];

    /// <summary>The level of a name; null where there is none of that name.</summary>
    public static AlertLevel? ToLevel(string? name) => IndexOf(Levels, name) is { } index ? (AlertLevel)index : null;

    /// <summary>The verdict of a name; null where there is none of that name.</summary>
    public static FeedbackVerdict? ToVerdict(string? name) => IndexOf(Verdicts, name) is { } index ? (FeedbackVerdict)index : null;

    private static int? IndexOf(IReadOnlyList<string> names, string? name)
    {
        for (int i = 0; i < names.Count; i++)
        {
            if (names[i] == name)
            {
                return i;
            }
        }

        return null;
    }
}
