namespace FinanceIngest.Chaos.Load;

/// <summary>A transaction as a client sends it.</summary>
/// <param name="Key">The idempotency key.</param>
/// <param name="UserId">The user. Users up to <see cref="Users"/> have the same baseline, and others have none.</param>
/// <param name="Amount">The amount.</param>
internal sealed record Submission(string Key, long UserId, decimal Amount)
{
    public const long Category = 2310;
    public const int Users = 50;
    public const double Mean = 2000;
    public const double Deviation = 500;
    public const int Samples = 40;

    /// <summary>Whether the transaction is an anomaly, by the harness's own arithmetic.</summary>
    public bool IsAnomaly => UserId <= Users && Math.Abs((double)Amount - Mean) > 3 * Deviation;

    /// <summary>The baselines that the harness imports.</summary>
    public static IEnumerable<object> Baselines { get; } =
        [
            .. Enumerable.Range(1, Users).Select(
                user => new { user_id = user, category_id = Category, mean = Mean, std_dev = Deviation, sample_count = Samples }),
        ];

    public object ToItem() => new { user_id = UserId, category_id = Category, amount = Amount, idempotency_key = Key };
}
