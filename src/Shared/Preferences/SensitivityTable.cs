namespace FinanceIngest.Preferences;

/// <summary>The settings that a batch of transactions may need, and which of them holds for a transaction: the closest.</summary>
/// <param name="settings">Settings of any keys; of one key there may be a lasting one and a snooze.</param>
internal sealed class SensitivityTable(IEnumerable<Sensitivity> settings)
{
    private readonly ILookup<SensitivityKey, Sensitivity> _byKey = settings.ToLookup(setting => setting.Key);

    /// <summary>No setting: alerts are sent as often as normal.</summary>
    public static SensitivityTable Empty { get; } = new([]);

    /// <summary>
    /// The setting that holds for a transaction at an instant: of user and category, else of the user, else of the category, else of everybody. Of a snooze and
    /// a lasting setting of the same key the snooze holds, until it ends. Null: there is none.
    /// </summary>
    /// <param name="userId">The transaction's user.</param>
    /// <param name="categoryId">The transaction's category.</param>
    /// <param name="now">When the alert would be sent, UTC.</param>
    public Sensitivity? Find(long userId, long categoryId, DateTime now)
    {
        foreach (SensitivityKey key in SensitivityKey.ClosestFirst(userId, categoryId))
        {
            if (_byKey[key].Where(setting => setting.Until is not { } until || until > now).MinBy(setting => setting.Until is null) is { } setting)
            {
                return setting;
            }
        }

        return null;
    }
}
