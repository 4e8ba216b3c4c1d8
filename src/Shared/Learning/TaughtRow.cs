using FinanceIngest.Detection;

namespace FinanceIngest.Learning;

/// <summary>
/// What a row that was scored before taught, and how a verdict changes it. The row keeps what it contributes at present, and what it contributed when it was
/// scored, from which every verdict begins, so that a verdict that is changed or taken back leaves nothing of the one before.
/// </summary>
/// <param name="Key">The user and category.</param>
/// <param name="Amount">The amount.</param>
/// <param name="OccurredAt">UTC.</param>
/// <param name="Present">What the row contributes at present.</param>
/// <param name="Original">What it contributed when it was scored; null: the same.</param>
internal readonly record struct TaughtRow(StateKey Key, double Amount, DateTime OccurredAt, Contribution Present, Contribution? Original)
{
    /// <summary>Changes the states as a verdict does.</summary>
    /// <param name="states">The states, with the row in them.</param>
    /// <param name="verdict">The verdict that holds from now on; null: none does any more.</param>
    /// <returns>The row as it is kept from now on; and whether the key's state is still precise, or has to be summed anew from its rows.</returns>
    public (TaughtRow Row, bool IsPrecise) Answered(StateBook states, FeedbackVerdict? verdict)
    {
        Contribution original = Original ?? Present;
        Contribution after = verdict is { } given
            ? Feedback.After(original, given, states.KeyOf(Key), Amount, OccurredAt, AdaptiveSettings.Default)
            : original;
        bool isPrecise = states.Remove(Key, Present, OccurredAt);
        states.Apply(Key, after, OccurredAt);
        return (this with { Present = after, Original = verdict is null ? null : original }, isPrecise);
    }

    /// <summary>Takes out what the row taught, since it is withdrawn.</summary>
    /// <param name="states">The states, with the row in them.</param>
    /// <returns>Whether the key's state is still precise, or has to be summed anew from its rows.</returns>
    public bool Withdrawn(StateBook states) => states.Remove(Key, Present, OccurredAt);
}
