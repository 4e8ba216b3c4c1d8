using FinanceIngest.Transactions;

namespace FinanceIngest.Baselines;

/// <summary>
/// The fields of one baseline as they were read from a file or a request, and the errors of those that could not be read.
/// <see cref="BaselineValidator"/> decides whether they make a baseline.
/// </summary>
public sealed class BaselineFields
{
    private BaselineField _seen;
    private BaselineField _repeated;

    /// <summary>The user as it was read; valid values are 1 … 2^63−1.</summary>
    public long? UserId { get; set; }

    /// <summary>The category as it was read; valid values are 1 … 2^63−1.</summary>
    public long? CategoryId { get; set; }

    /// <summary>The mean as it was read; valid values are finite.</summary>
    public double? Mean { get; set; }

    /// <summary>The standard deviation as it was read; valid values are finite and ≥ 0.</summary>
    public double? StdDev { get; set; }

    /// <summary>The number of samples as it was read; valid values are 0 … 2^63−1.</summary>
    public long? SampleCount { get; set; }

    /// <summary>The errors found so far; null when there are none.</summary>
    public ValidationErrors? Errors { get; private set; }

    /// <summary>Adds an error of a field, or of <see cref="ValidationErrors.Whole"/>.</summary>
    public void AddError(string field, string message) => (Errors ??= new ValidationErrors()).Add(field, message);

    /// <summary>Notes that a field occurs. False when it occurred before, which is an error whatever its value.</summary>
    public bool Meet(BaselineField field)
    {
        bool again = (_seen & field) != 0;
        if (again && (_repeated & field) == 0)
        {
            AddError(BaselineFieldNames.NameOf(field), "is given twice");
            _repeated |= field;
        }

        _seen |= field;
        return !again;
    }

    /// <summary>Takes a field's value from a text; a blank text means that the field is absent.</summary>
    public void SetText(BaselineField field, ReadOnlySpan<char> text)
    {
        text = text.Trim();
        if (text.IsEmpty)
        {
            return;
        }

        if (!BaselineFieldNames.IsInteger(field))
        {
            SetParsed(field, NumberText.ParseNumber(text, out double number), number);
            return;
        }

        SetParsed(field, NumberText.ParseInteger(text, out long integer), integer);
    }

    /// <summary>Takes the value of an integer field, or the problem with it.</summary>
    public void SetParsed(BaselineField field, NumberProblem problem, long value)
    {
        if (problem != NumberProblem.None)
        {
            AddProblem(field, problem);
            return;
        }

        switch (field)
        {
            case BaselineField.UserId:
                UserId = value;
                break;
            case BaselineField.CategoryId:
                CategoryId = value;
                break;
            default:
                SampleCount = value;
                break;
        }
    }

    /// <summary>Takes the value of a floating-point field, or the problem with it.</summary>
    public void SetParsed(BaselineField field, NumberProblem problem, double value)
    {
        if (problem != NumberProblem.None)
        {
            AddProblem(field, problem);
        }
        else if (field == BaselineField.Mean)
        {
            Mean = value;
        }
        else
        {
            StdDev = value;
        }
    }

    private void AddProblem(BaselineField field, NumberProblem problem) => AddError(BaselineFieldNames.NameOf(field), problem switch
    {
        NumberProblem.OutOfRange => BaselineValidator.RangeOf(field),
        NumberProblem.NotAnInteger => "must be an integer",
        _ => "must be a number",
    });
}
