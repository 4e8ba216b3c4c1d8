using CsvHelper;
using FinanceIngest.Baselines;
using FinanceIngest.Ground;
using FinanceIngest.Transactions;

namespace FinanceIngest.Cli.Baselines;

/// <summary>Reads baselines from CSV. Each row is one line, so that a broken quote never affects the next row.</summary>
internal sealed class BaselineCsv(string file, BaselineCollector collector)
{
    /// <summary>Reads a whole file.</summary>
    /// <exception cref="BaselineFileException">The header is missing or malformed, lacks a column or has one twice.</exception>
    public void Read(byte[] bytes)
    {
        using CsvReader reader = CsvReader.Create(bytes, new CsvReaderOptions
        {
            Separator = ',',
            AllowLineBreaksInQuotes = false,
            MalformedData = CsvMalformedDataHandling.Skip,
            OnMalformedRecord = Refuse,
            TrimWhitespace = true,
            TrimInsideQuotes = true,
            TrackLineNumbers = true,
        });
        BaselineField[] columns = ReadHeader([.. reader.Headers]);
        while (reader.Read())
        {
            ReadRow(reader, columns);
        }
    }

    private void Refuse(CsvMalformedRecord record)
    {
        const string Problem = "has a quote that is not closed, or one in the middle of a field";
        var place = new RowPlace(record.LineNumber);
        if (record.RecordNumber == 1)
        {
            throw new BaselineFileException(file, place.ToString(), $"the header {Problem}");
        }

        collector.Refuse(place, ValidationErrors.Whole, Problem);
    }

    private BaselineField[] ReadHeader(string[] names)
    {
        if (names.Length == 0)
        {
            throw new BaselineFileException(file, null, "is empty; the first line must be user_id,category_id,mean,std_dev,sample_count");
        }

        BaselineField[] columns = [.. names.Select(name => BaselineFieldNames.Recognise(name.Trim().ToLowerInvariant()))];
        string missing = string.Join(", ", BaselineFieldNames.All.Except(columns).Select(BaselineFieldNames.NameOf));
        if (missing.Length > 0)
        {
            throw new BaselineFileException(file, "header", $"has no {missing}; it reads {SafeText.Quote(string.Join(',', names))}");
        }

        BaselineField[] known = [.. columns.Where(column => column != BaselineField.None)];
        return known.Length == BaselineFieldNames.All.Length
            ? columns
            : throw new BaselineFileException(file, "header", $"has a column twice; it reads {SafeText.Quote(string.Join(',', names))}");
    }

    private void ReadRow(CsvReader reader, BaselineField[] columns)
    {
        var place = new RowPlace(reader.LineNumber);
        if (Enumerable.Range(0, reader.FieldCount).All(i => reader.GetSpan(i).IsEmpty))
        {
            // Spreadsheets write an empty row as commas only; such a line is skipped.
        }
        else if (reader.FieldCount != columns.Length)
        {
            collector.Refuse(place, ValidationErrors.Whole, $"has {reader.FieldCount} fields where the header has {columns.Length}");
        }
        else
        {
            collector.Add(place, ReadFields(reader, columns));
        }
    }

    private static BaselineFields ReadFields(CsvReader reader, BaselineField[] columns)
    {
        var fields = new BaselineFields();
        for (int i = 0; i < columns.Length; i++)
        {
            if (columns[i] != BaselineField.None)
            {
                fields.SetText(columns[i], reader.GetString(i));
            }
        }

        return fields;
    }
}
