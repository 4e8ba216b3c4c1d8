namespace FinanceIngest.Baselines;

/// <summary>The fields of a baseline, as bits so that those met can be gathered.</summary>
[Flags]
internal enum BaselineField
{
    None = 0,
    UserId = 1,
    CategoryId = 2,
    Mean = 4,
    StdDev = 8,
    SampleCount = 16,
}

/// <summary>What files and requests call the fields of a baseline.</summary>
internal static class BaselineFieldNames
{
    public static readonly BaselineField[] All =
        [BaselineField.UserId, BaselineField.CategoryId, BaselineField.Mean, BaselineField.StdDev, BaselineField.SampleCount];

    /// <summary>Every name under which a field is taken, also the older system's <c>std</c> and <c>count</c>.</summary>
    public static readonly (string Name, BaselineField Field)[] Spellings =
    [
        .. All.Select(field => (NameOf(field), field)), ("std", BaselineField.StdDev), ("count", BaselineField.SampleCount),
    ];

    /// <summary>The field with that name; None when it is another's.</summary>
    public static BaselineField Recognise(string name) => Array.Find(Spellings, spelling => spelling.Name == name).Field;

    public static string NameOf(BaselineField field) => field switch
    {
        BaselineField.UserId => BaselineValidator.UserId,
        BaselineField.CategoryId => BaselineValidator.CategoryId,
        BaselineField.Mean => BaselineValidator.Mean,
        BaselineField.StdDev => BaselineValidator.StdDev,
        _ => BaselineValidator.SampleCount,
    };

    public static bool IsInteger(BaselineField field) =>
        field is BaselineField.UserId or BaselineField.CategoryId or BaselineField.SampleCount;
}
