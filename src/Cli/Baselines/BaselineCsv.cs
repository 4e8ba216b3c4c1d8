using FinanceIngest.Baselines;
using FinanceIngest.Cli.Files;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Baselines;

/// <summary>Reads baselines from CSV. <see cref="CsvTable"/> has the rules of the table, <see cref="NumberForm"/> those of the numbers.</summary>
/// <param name="number">How the file writes numbers.</param>
/// <param name="collector">Takes the rows.</param>
internal sealed class BaselineCsv(NumberForm number, BaselineCollector collector)
{
    // Each column has the place of its field in BaselineFieldNames.All.
    private static readonly CsvColumn[] s_columns =
    [
        new(BaselineValidator.UserId, true),
        new(BaselineValidator.CategoryId, true),
        new(BaselineValidator.Mean, true),
        new(BaselineValidator.StdDev, true, "std"),
        new(BaselineValidator.SampleCount, true, "count"),
    ];

    /// <summary>Reads a whole file.</summary>
    /// <exception cref="FileProblemException">The file has no header, or a column twice.</exception>
    public void Read(Stream file)
    {
        var table = new CsvTable(TextSource.Open(file, CsvTable.Lacking(s_columns)), s_columns);
        while (table.Read())
        {
            var place = new RowPlace(table.Line);
            if (table.Problem is not null)
            {
                collector.Refuse(place, ValidationErrors.Whole, table.Problem);
            }
            else
            {
                collector.Add(place, ReadFields(table));
            }
        }
    }

    private BaselineFields ReadFields(CsvTable table)
    {
        var fields = new BaselineFields();
        for (int i = 0; i < s_columns.Length; i++)
        {
            string? problem = FieldText.Read(table.Field(i), out string text);
            if (text.Length > 0)
            {
                BaselineField field = BaselineFieldNames.All[i];
                problem = BaselineFieldNames.IsInteger(field) ? SetInteger(fields, field, text) : SetNumber(fields, field, text);
            }

            if (problem is not null)
            {
                fields.AddError(s_columns[i].Name, problem);
            }
        }

        return fields;
    }

    private string? SetInteger(BaselineFields fields, BaselineField field, string text)
    {
        if (text.Length > FieldText.LongestValue || number.ReadWhole(text) is not { } whole)
        {
            return "must be an integer";
        }

        fields.SetText(field, whole);
        return null;
    }

    private string? SetNumber(BaselineFields fields, BaselineField field, string text)
    {
        // Python and spreadsheets write these for numbers that are none.
        if (text.TrimStart('+', '-').ToUpperInvariant() is "NAN" or "INF" or "INFINITY")
        {
            return "must be a finite number";
        }

        string? problem = number.Read(text, out string read);
        fields.SetText(field, read);
        return problem;
    }
}
