using System.Diagnostics.CodeAnalysis;
using FinanceIngest.Transactions;

namespace FinanceIngest.Baselines;

/// <summary>Checks baselines by one rule, whether they come from a file or a request.</summary>
public static class BaselineValidator
{
    /// <summary>The name of the user's field, 1 … 2^63−1.</summary>
    public const string UserId = "user_id";

    /// <summary>The name of the category's field, 1 … 2^63−1.</summary>
    public const string CategoryId = "category_id";

    /// <summary>The name of the mean's field, a finite number.</summary>
    public const string Mean = "mean";

    /// <summary>The name of the standard deviation's field, a finite number ≥ 0.</summary>
    public const string StdDev = "std_dev";

    /// <summary>The name of the sample count's field, 0 … 2^63−1.</summary>
    public const string SampleCount = "sample_count";

    private const string NotFinite = "must be a finite number";

    /// <summary>
    /// Makes the baseline that the fields describe. All of them must be present: <c>user_id</c> and <c>category_id</c> 1 … 2^63−1, <c>mean</c> finite,
    /// <c>std_dev</c> finite and ≥ 0, <c>sample_count</c> 0 … 2^63−1.
    /// </summary>
    /// <returns>False when a field is not valid; the errors then have every message under the name of its field.</returns>
    public static bool TryValidate(
        BaselineFields fields, [NotNullWhen(true)] out BaselineRow? row, [NotNullWhen(false)] out ValidationErrors? errors)
    {
        Check(fields, UserId, fields.UserId is not null, fields.UserId >= 1, RangeOf(BaselineField.UserId));
        Check(fields, CategoryId, fields.CategoryId is not null, fields.CategoryId >= 1, RangeOf(BaselineField.CategoryId));
        Check(fields, Mean, fields.Mean is not null, double.IsFinite(fields.Mean ?? 0), NotFinite);
        Check(fields, StdDev, fields.StdDev is not null, double.IsFinite(fields.StdDev ?? 0), NotFinite);
        Check(fields, StdDev, fields.StdDev is not null, !(fields.StdDev < 0), "must not be negative");
        Check(fields, SampleCount, fields.SampleCount is not null, fields.SampleCount >= 0, RangeOf(BaselineField.SampleCount));
        errors = fields.Errors;
        row = errors is null
            ? new BaselineRow(
                new BaselineKey(fields.UserId!.Value, fields.CategoryId!.Value),
                new Baseline(fields.Mean!.Value, fields.StdDev!.Value, fields.SampleCount!.Value))
            : null;
        return row is not null;
    }

    /// <summary>The message that names the range of an integer field.</summary>
    public static string RangeOf(BaselineField field) =>
        field == BaselineField.SampleCount ? "must be from 0 to 9223372036854775807" : "must be from 1 to 9223372036854775807";

    private static void Check(BaselineFields fields, string field, bool present, bool holds, string rule)
    {
        if (present && holds)
        {
            return;
        }

        if (present || fields.Errors?.Messages.ContainsKey(field) != true)
        {
            fields.AddError(field, present ? rule : "is required");
        }
    }
}
