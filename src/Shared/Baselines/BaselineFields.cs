using FinanceIngest.Transactions;

namespace FinanceIngest.Baselines;

/// <summary>
/// The fields of one baseline as read from a file or a request: what could be read, and what is wrong with the rest.
/// <see cref="BaselineValidator"/> decides whether they make a baseline.
/// </summary>
public sealed class BaselineFields
{
    private BaselineField _seen;
    private BaselineField _repeated;

    /// <summary>As read; the rule is 1 … 2^63−1.</summary>
    public long? UserId { get; set; }

    /// <summary>As read; the rule is 1 … 2^63−1.</summary>
    public long? CategoryId { get; set; }

    /// <summary>As read; the rule is finite.</summary>
    public double? Mean { get; set; }

    /// <summary>As read; the rule is finite and ≥ 0.</summary>
    public double? StdDev { get; set; }

    /// <summary>As read; the rule is 0 … 2^63−1.</summary>
    public long? SampleCount { get; set; }

    /// <summary>What is wrong; null when nothing is so far.</summary>
    public ValidationErrors? Errors { get; private set; }

    /// <summary>Adds what a caller found wrong with a field, or with <see cref="ValidationErrors.Whole"/>.</summary>
    public void AddError(string field, string message) => (Errors ??= new ValidationErrors()).Add(field, message);

    /// <summary>Notes that a field is there. False when it was there before, which is an error whatever its value.</summary>
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

    /// <summary>Takes a field's value from text; blank is absent.</summary>
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
