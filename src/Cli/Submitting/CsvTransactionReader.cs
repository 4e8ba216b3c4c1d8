using System.Globalization;
using FinanceIngest.Cli.Files;

namespace FinanceIngest.Cli.Submitting;

/// <summary>
/// Reads a CSV with a header that has <c>user_id,category_id,amount</c> and optionally <c>occurred_at,idempotency_key</c>, in any order. Other columns are
/// not looked at. <see cref="CsvTable"/> has the rules of the table, <see cref="NumberForm"/> and <see cref="TimeForm"/> those of the fields.
/// </summary>
/// <param name="text">The text as UTF-8; stays open.</param>
/// <param name="forms">How the file writes numbers and times.</param>
internal sealed class CsvTransactionReader(Stream text, FileForms forms)
{
    /// <summary>The columns, in the order in which their fields are checked.</summary>
    public static readonly CsvColumn[] Columns =
    [
        new("user_id", true), new("category_id", true), new("amount", true), new("occurred_at", false), new("idempotency_key", false),
    ];

    private readonly List<string> _problems = [];

    /// <summary>Reads the rows. A row that can't be sent has a <see cref="SourceRow.Problem"/>.</summary>
    /// <exception cref="FileProblemException">The file has no header, or a column twice.</exception>
    public IEnumerable<SourceRow> Read()
    {
        var table = new CsvTable(text, Columns);
        while (table.Read())
        {
            yield return table.Problem is { } problem ? new CsvRow { Line = table.Line, Problem = problem } : ReadRow(table);
        }
    }

    private CsvRow ReadRow(CsvTable table)
    {
        _problems.Clear();
        string user = Field(table, 0);
        string category = Field(table, 1);
        string amount = Field(table, 2);
        string time = Field(table, 3);
        string key = Field(table, 4);
        if (_problems.Count > 0)
        {
            return Refused(table.Line);
        }

        long userId = Id("user_id", user);
        long categoryId = Id("category_id", category);
        string number = "";
        Check("amount", amount.Length == 0 ? "is required" : forms.Number.Read(amount, out number));
        string instant = "";
        Check("occurred_at", time.Length == 0 ? null : forms.Time.Read(time, out instant));
        Check("idempotency_key", key.Length == 0 || TransactionKey.IsLegal(key) ? null : TransactionKey.Rule);
        return _problems.Count > 0 ? Refused(table.Line) : new CsvRow
        {
            Line = table.Line,
            UserId = user,
            CategoryId = category,
            Amount = amount,
            OccurredAt = time,
            IdempotencyKey = key,
            Values = new CsvValues(userId, categoryId, number, time.Length == 0 ? null : instant),
        };
    }

    private CsvRow Refused(long line) => new() { Line = line, Problem = string.Join("; ", _problems) };

    private string Field(CsvTable table, int column)
    {
        Check(Columns[column].Name, FieldText.Read(table.Field(column), out string field));
        return field;
    }

    private long Id(string name, string field)
    {
        long id = 0;
        string? whole = field.Length is 0 or > FieldText.LongestValue ? null : forms.Number.ReadWhole(field);
        Check(
            name,
            field.Length == 0 ? "is required"
            : whole is null ? IsShortened(field) ? "must be an integer: a spreadsheet has shortened it" : "must be an integer"
            : long.TryParse(whole, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out id) && id >= 1 ? null
            : "must be from 1 to 9223372036854775807");
        return id;
    }

    // Spreadsheets show a long id as 1.23E+15, and save it so; the digits are lost.
    private static bool IsShortened(string field)
    {
        int exponent = field.IndexOf("E+", StringComparison.Ordinal);
        return exponent > 0
            && field.Length <= FieldText.LongestValue
            && field.Length > exponent + 2
            && field.AsSpan(0, exponent).TrimStart("0123456789.,").IsEmpty
            && field.AsSpan(exponent + 2).IndexOfAnyExceptInRange('0', '9') < 0;
    }

    private void Check(string name, string? problem)
    {
        if (problem is not null)
        {
            _problems.Add($"{name} {problem}");
        }
    }
}
