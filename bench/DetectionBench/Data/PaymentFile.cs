using System.Globalization;
using System.IO.Compression;

namespace FinanceIngest.DetectionBench.Data;

/// <summary>Reads transactions from a CSV file with a header line: <c>occurred_at,user_id,category_id,amount</c> in any order, and further columns.</summary>
internal static class PaymentFile
{
    /// <summary>Reads a file, gzipped if its name ends so, and returns its rows in order of time; rows of one time are in the file's order.</summary>
    /// <exception cref="InvalidDataException">A column is missing, or a line can't be read.</exception>
    public static Payment[] Read(string path)
    {
        using Stream file = File.OpenRead(path);
        using var reader = new StreamReader(path.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(file, CompressionMode.Decompress) : file);
        string[] header = (reader.ReadLine() ?? throw new InvalidDataException($"{path} is empty.")).Split(',');
        int at = Column("occurred_at"), user = Column("user_id"), category = Column("category_id"), amount = Column("amount");
        int label = Array.IndexOf(header, "label");
        List<Payment> rows = [];
        while (reader.ReadLine() is { } line)
        {
            if (line.Length == 0)
            {
                continue;
            }

            string[] fields = line.Split(',');
            if (fields.Length != header.Length
                || !DateTime.TryParse(
                    fields[at], CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal, out DateTime time)
                || !long.TryParse(fields[user], CultureInfo.InvariantCulture, out long userId)
                || !long.TryParse(fields[category], CultureInfo.InvariantCulture, out long categoryId)
                || !double.TryParse(fields[amount], CultureInfo.InvariantCulture, out double value)
                || !double.IsFinite(value))
            {
                throw new InvalidDataException($"Line {rows.Count + 2} of {path} is no transaction: {line}");
            }

            rows.Add(new Payment(rows.Count, userId, categoryId, time, value, label < 0 ? 0 : int.Parse(fields[label], CultureInfo.InvariantCulture)));
        }

        return [.. rows.OrderBy(row => row.At)];

        int Column(string name)
        {
            int index = Array.IndexOf(header, name);
            return index >= 0 ? index : throw new InvalidDataException($"{path} has no column {name}.");
        }
    }
}
