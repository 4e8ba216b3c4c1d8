namespace FinanceIngest.Cli.Submitting;

/// <summary>The API's rule for idempotency keys.</summary>
internal static class TransactionKey
{
    /// <summary>The longest key, in Unicode code points.</summary>
    public const int Longest = 255;

    /// <summary>The rule, a phrase of which the field is the subject.</summary>
    public const string Rule = "must have 1 to 255 characters";

    /// <summary>Whether a key has 1 to 255 Unicode code points.</summary>
    public static bool IsLegal(string key) => key.Length is > 0 and <= 2 * Longest && key.EnumerateRunes().Count() <= Longest;
}
