namespace FinanceIngest.Preferences;

/// <summary>Whom and what a setting is about.</summary>
/// <param name="UserId">The user; 0: all users.</param>
/// <param name="CategoryId">The category; 0: all categories.</param>
internal readonly record struct SensitivityKey(long UserId, long CategoryId)
{
    /// <summary>The key of everybody.</summary>
    public static SensitivityKey Everybody => default;

    /// <summary>The key of what may be absent.</summary>
    public static SensitivityKey Of(long? userId, long? categoryId) => new(userId ?? 0, categoryId ?? 0);

    /// <summary>The keys under which a setting for a transaction may stand, the closest first: user and category, user, category, everybody.</summary>
    public static IEnumerable<SensitivityKey> ClosestFirst(long userId, long categoryId) =>
        [new(userId, categoryId), new(userId, 0), new(0, categoryId), Everybody];
}
