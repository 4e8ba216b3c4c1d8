namespace FinanceIngest.Chaos.Load;

/// <summary>A transaction as a client sends it.</summary>
/// <param name="Key">Its idempotency key.</param>
/// <param name="UserId">Its user; all have the same baseline, except for the one that has none.</param>
/// <param name="Amount">Its amount.</param>
internal sealed record Submission(string Key, long UserId, decimal Amount)
{
    public const long Category = 2310;
    public const int Users = 50;
    public const double Mean = 2000;
    public const double Deviation = 500;
    public const int Samples = 40;

    /// <summary>What the system must find, by the harness's own arithmetic.</summary>
    public bool IsAnomaly => UserId <= Users && Math.Abs((double)Amount - Mean) > 3 * Deviation;

    /// <summary>The baselines, as the harness imports them.</summary>
    public static IEnumerable<object> Baselines { get; } =
        [.. Enumerable.Range(1, Users).Select(user => new { user_id = user, category_id = Category, mean = Mean, std_dev = Deviation, sample_count = Samples })];

    public object ToItem() => new { user_id = UserId, category_id = Category, amount = Amount, idempotency_key = Key };
}
