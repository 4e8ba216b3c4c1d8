using FinanceIngest.Detection;

namespace FinanceIngest.Learning;

/// <summary>The user and the category, refunds apart, that a <see cref="KeyState"/> is about.</summary>
internal readonly record struct StateKey(long UserId, CategoryKey Category)
{
    /// <summary>The key of a transaction.</summary>
    public static StateKey Of(long userId, long categoryId, bool isRefund) => new(userId, new CategoryKey(categoryId, isRefund));
}
