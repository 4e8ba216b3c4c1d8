namespace FinanceIngest.Detection;

/// <summary>
/// A detector: a pure function of a transaction and of what is known when it is scored. It keeps nothing. What it learns is in the judgement, and
/// the caller adds
/// it to the states.
/// </summary>
internal interface IDetector
{
    /// <summary>The name and version that results carry, such as <c>adaptive/1</c>.</summary>
    string NameAndVersion { get; }

    /// <summary>Scores one transaction.</summary>
    /// <param name="sighting">The transaction.</param>
    /// <param name="known">What is known.</param>
    Judgement Score(in Sighting sighting, in Knowledge known);
}

/// <summary>What is known when a transaction is scored; each detector takes what it needs.</summary>
/// <param name="Key">Of the user's amounts of this sign in the category.</param>
/// <param name="User">Of the user over all categories.</param>
/// <param name="Prior">Of everybody in the category.</param>
internal readonly record struct Knowledge(KeyState Key, UserState User, CategoryPrior Prior);
