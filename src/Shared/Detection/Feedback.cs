namespace FinanceIngest.Detection;

/// <summary>What somebody said of a transaction.</summary>
internal enum FeedbackVerdict
{
    /// <summary>It is the user's own.</summary>
    Expected,

    /// <summary>It is not.</summary>
    Unexpected,
}

/// <summary>What a verdict changes about what a row contributed. The caller takes out the old contribution, adds the new one and keeps it with the
/// row.</summary>
internal static class Feedback
{
    /// <summary>Returns what the row contributes from now on.</summary>
    /// <remarks>
    /// Expected: the row is learned in full, its amount is remembered, and it speaks against an episode. Unexpected: it teaches nothing, and it speaks for an
    /// episode as strongly as a row that is certainly bad can, by Bayes' rule. Both begin from the odds before the row, so that a verdict that is
    /// changed leaves
    /// nothing of the first.
    /// </remarks>
    /// <param name="original">What the row contributed when it was scored.</param>
    /// <param name="verdict">The verdict that holds.</param>
    /// <param name="key">The state of the user and category, with the row's present contribution in it.</param>
    /// <param name="amount">The row's amount.</param>
    /// <param name="occurredAt">UTC.</param>
    /// <param name="settings">Constants.</param>
    public static Contribution After(
        in Contribution original, FeedbackVerdict verdict, in KeyState key, double amount, DateTime occurredAt, AdaptiveSettings settings)
    {
        double evidence = verdict == FeedbackVerdict.Expected
            ? Math.Log((1 - settings.EpisodeShare) / (1 - settings.LoneShare))
            : Math.Log(settings.EpisodeShare / settings.LoneShare);
        double after = Math.Clamp(
            original.EpisodeBefore + evidence, SpecialFunctions.Logit(settings.EpisodeBase) + settings.EpisodeLeast,
            SpecialFunctions.Logit(settings.EpisodeMost));
        Contribution common = original with { Episode = (float)(after - original.EpisodeBefore), Verdict = verdict };
        if (verdict == FeedbackVerdict.Unexpected)
        {
            return common with { Weight = 0, Slot = 0, Generation = 0, SlotFirstDay = 0, SlotLog = 0, IsRepeat = false };
        }

        return (original.Slot == 0 ? Remembering(common, key, amount, occurredAt, settings) : common) with { Weight = 1 };
    }

    private static Contribution Remembering(in Contribution row, in KeyState key, double amount, DateTime occurredAt, AdaptiveSettings settings)
    {
        Contribution place = AdaptiveDetector.PlaceFor(key, amount, occurredAt, settings);
        return row with { Slot = place.Slot, Generation = place.Generation, SlotFirstDay = place.SlotFirstDay, SlotLog = place.SlotLog };
    }
}
