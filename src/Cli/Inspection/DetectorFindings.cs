using System.Globalization;
using FinanceIngest.Cli.Running;
using FinanceIngest.Configuration;
using FinanceIngest.Replay;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Inspection;

/// <summary>What <c>doctor</c> says of detectors: which score, by the settings and by the newest row, and what has been learned.</summary>
internal static class DetectorFindings
{
    /// <summary>The name of the check.</summary>
    public const string Check = "detectors";

    // A renewal rests after a failure and after a long one, so that it may be late by itself.
    private static readonly TimeSpan s_late = TimeSpan.FromDays(7);

    /// <summary>Returns the findings.</summary>
    /// <param name="settings">The settings of this tool.</param>
    /// <param name="facts">What has been learned.</param>
    /// <param name="now">UTC.</param>
    /// <exception cref="FormatException">What shadow detectors said of the newest row can't be read.</exception>
    public static IEnumerable<Finding> Of(Settings settings, LearnedFacts facts, DateTime now) => [OfSettings(settings, facts), OfModel(settings, facts, now)];

    private static Finding OfSettings(Settings settings, LearnedFacts facts)
    {
        string set = Named(settings.Detector, settings.Shadow);
        if (facts.Newest is not { } newest)
        {
            return new Finding(Check, Verdict.Fine, $"{set} by these settings; no row has been scored yet");
        }

        bool isSame = newest.DetectorName == settings.Detector && newest.ShadowNames.Order().SequenceEqual(settings.Shadow.Order());
        return isSame
            ? new Finding(Check, Verdict.Fine, $"{set}, by these settings and in the newest row")
            : new Finding(
                Check, Verdict.Warning, $"{set} by these settings, and in the newest row {Named(newest.DetectorName, newest.ShadowNames)}.",
                "Give this tool the settings of the worker; if they were changed just now, the next batch has them.");
    }

    private static Finding OfModel(Settings settings, LearnedFacts facts, DateTime now)
    {
        string users = $"{Counted.Of(facts.Users, "user")} with states";
        if (facts.Model is not { } model)
        {
            return facts.Users == 0
                ? new Finding(
                    Check, Verdict.Fine, settings.Learns ? "nothing has been learned yet" : "nothing has been learned, and no detector that is set learns")
                : new Finding(
                    Check, Verdict.Warning, $"{users}, and nothing is known of all users together yet.",
                    "The worker makes it after its first batch. If it does not, its log says why.");
        }

        string text = string.Create(
            CultureInfo.InvariantCulture,
            $"{users}; what is known of all together has version {model.Version}, was made {Age(now - model.MadeAt)}, as of {Timestamp.ToText(model.AsOf)}");
        return settings.Learns && facts.Newest?.OccurredAt >= model.NextAt + s_late
            ? new Finding(
                Check, Verdict.Warning, $"{text}. It was due on {model.NextAt:yyyy-MM-dd}, and newer rows have come since.",
                "The worker's log says why it is not renewed.")
            : new Finding(Check, Verdict.Fine, text);
    }

    private static string Named(string detector, IReadOnlyList<string> shadow) =>
        shadow.Count == 0 ? $"{detector} decides" : $"{detector} decides, with {string.Join(", ", shadow)} as shadow";

    private static string Age(TimeSpan age) =>
        age.TotalDays >= 1 ? $"{Counted.Of((long)age.TotalDays, "day")} ago"
        : age.TotalHours >= 1 ? $"{Counted.Of((long)age.TotalHours, "hour")} ago"
        : "within the hour";
}
