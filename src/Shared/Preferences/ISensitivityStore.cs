using FinanceIngest.Ground;

namespace FinanceIngest.Preferences;

/// <summary>Lists the settings of how often alerts are wanted. Commands make them.</summary>
internal interface ISensitivityStore
{
    /// <summary>
    /// At most <paramref name="limit"/> settings that hold at an instant, by user, category, and the snooze behind the lasting one.
    /// </summary>
    /// <param name="userId">Those of this user alone; null: of all, and of everybody.</param>
    /// <param name="categoryId">Those in this category alone; null: in all.</param>
    /// <param name="after">Continues behind this place.</param>
    /// <param name="limit">≥ 1.</param>
    /// <param name="now">Snoozes that have ended by then are left out; UTC.</param>
    /// <param name="cancellationToken">Abandons the reading.</param>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    Task<IReadOnlyList<Sensitivity>> ReadPageAsync(
        long? userId, long? categoryId, SensitivityCursor? after, int limit, DateTime now, CancellationToken cancellationToken);
}

/// <summary>A place in the list: the setting that was read last.</summary>
/// <param name="Key">Its key.</param>
/// <param name="IsSnooze">Whether it was the snooze of that key.</param>
internal readonly record struct SensitivityCursor(SensitivityKey Key, bool IsSnooze);
