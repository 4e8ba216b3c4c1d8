namespace FinanceIngest.Baselines;

/// <summary>The fields of a baseline, as flags so that a set of fields can be kept.</summary>
[Flags]
public enum BaselineField
{
    /// <summary>No field of a baseline.</summary>
    None = 0,

    /// <summary>The user, 1 … 2^63−1.</summary>
    UserId = 1,

    /// <summary>The category, 1 … 2^63−1.</summary>
    CategoryId = 2,

    /// <summary>The average amount.</summary>
    Mean = 4,

    /// <summary>The standard deviation of the amounts.</summary>
    StdDev = 8,

    /// <summary>How many amounts the baseline rests on.</summary>
    SampleCount = 16,
}

/// <summary>The names that files and requests have for the fields of a baseline.</summary>
public static class BaselineFieldNames
{
    /// <summary>Every field, in the order in which files have them.</summary>
    public static readonly BaselineField[] All =
        [BaselineField.UserId, BaselineField.CategoryId, BaselineField.Mean, BaselineField.StdDev, BaselineField.SampleCount];

    /// <summary>Every name under which a field is read, including the older system's <c>std</c> and <c>count</c>.</summary>
    public static readonly (string Name, BaselineField Field)[] Spellings =
    [
        .. All.Select(field => (NameOf(field), field)), ("std", BaselineField.StdDev), ("count", BaselineField.SampleCount),
    ];

    /// <summary>The field with that name; <see cref="BaselineField.None"/> when a baseline has no such field.</summary>
    public static BaselineField Recognise(string name) => Array.Find(Spellings, spelling => spelling.Name == name).Field;

    /// <summary>The name under which a field is written.</summary>
    public static string NameOf(BaselineField field) => field switch
    {
        BaselineField.UserId => BaselineValidator.UserId,
        BaselineField.CategoryId => BaselineValidator.CategoryId,
        BaselineField.Mean => BaselineValidator.Mean,
        BaselineField.StdDev => BaselineValidator.StdDev,
        _ => BaselineValidator.SampleCount,
    };

    /// <summary>Whether the field holds an integer; the others hold a double.</summary>
    public static bool IsInteger(BaselineField field) =>
        field is BaselineField.UserId or BaselineField.CategoryId or BaselineField.SampleCount;
}
