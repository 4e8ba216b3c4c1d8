using System.Text;
using CsCheck;
using FinanceIngest.Baselines;
using FinanceIngest.Cli.Baselines;

namespace FinanceIngest.Tests.Baselines;

public sealed class BaselineFileTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("baselines").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static readonly Gen<double> s_finite = Gen.OneOf(
        Gen.Double, Gen.Long.Select(BitConverter.Int64BitsToDouble).Where(double.IsFinite), Gen.OneOf(0.0, -0.0, 5e-324, double.MaxValue, 2000.0, 1e16, 0.1));

    private static readonly Gen<long> s_id = Gen.OneOf(
        Gen.Long[1, 300],
        Gen.Long[1, 70_000],
        Gen.Long[1, long.MaxValue],
        Gen.OneOf(1L, 255, 256, 65_535, 65_536, int.MaxValue, 1L + int.MaxValue, long.MaxValue));

    private static readonly Gen<BaselineRow> s_row = Gen.Select(
        s_id, s_id, s_finite, s_finite.Select(Math.Abs), Gen.OneOf(s_id, Gen.Const(0L)),
        (user, category, mean, stdDev, count) => Samples.Row(user, category, mean, stdDev, count));

    private static readonly Gen<BaselineRow[]> s_rows = s_row.Array[0, 60].Select(rows =>
        rows.DistinctBy(row => row.Key).OrderBy(row => row.Key.UserId).ThenBy(row => row.Key.CategoryId).ToArray());

    public static TheoryData<BaselineFileFormat> Formats => [.. Enum.GetValues<BaselineFileFormat>()];

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task What_is_written_reads_back_to_the_bit(BaselineFileFormat format) => await s_rows.SampleAsync(async rows =>
    {
        BaselineFileContent content = BaselineFile.Parse(await WriteAsync(format, rows), format, "test");
        Assert.Empty(content.Refused);
        Assert.Empty(content.Duplicates);
        Assert.Equal(rows.Select(Bits), content.Rows.Select(Bits));
    });

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task What_is_cut_short_gives_no_row_that_was_not_there(BaselineFileFormat format)
    {
        byte[] bytes = await WriteAsync(format, Samples.Rows);
        int errors = 0;
        for (int length = 0; length < bytes.Length; length++)
        {
            try
            {
                BaselineFile.Parse(bytes[..length], format, "test");
            }
            catch (BaselineFileException)
            {
                errors++;
            }
        }

        // A reader can't notice every cut: a CSV file has no end mark, and the last line feed of a JSON file is optional.
        int notTold = format switch { BaselineFileFormat.Csv => bytes.Length - 45, BaselineFileFormat.Json => 1, _ => 0 };
        Assert.InRange(errors, bytes.Length - notTold - 1, bytes.Length);
    }

    [Fact]
    public async Task Csv_and_json_are_written_for_people_too()
    {
        Assert.Equal(
            "user_id,category_id,mean,std_dev,sample_count\n"
            + "399,2310,2000.0,500.0,40\n"
            + "399,2311,0.1,5E-324,2\n"
            + "9223372036854775807,70000,-123456789.125,0.0,3000000000\n",
            Encoding.UTF8.GetString(await WriteAsync(BaselineFileFormat.Csv, Samples.Rows)));
        Assert.Equal(
            """
            {
            "399": {
              "2310": {"mean": 2000.0, "std": 500.0, "count": 40},
              "2311": {"mean": 0.1, "std": 5E-324, "count": 2}
            },
            "9223372036854775807": {
              "70000": {"mean": -123456789.125, "std": 0.0, "count": 3000000000}
            }
            }

            """,
            Encoding.UTF8.GetString(await WriteAsync(BaselineFileFormat.Json, Samples.Rows)));
        Assert.Equal("{}\n", Encoding.UTF8.GetString(await WriteAsync(BaselineFileFormat.Json, [])));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task Many_categories_of_one_user_and_many_users_are_written(BaselineFileFormat format)
    {
        BaselineRow[] rows =
        [
            .. Enumerable.Range(1, 3_000).Select(category => Samples.Row(1, category, category, 1, 1)),
            .. Enumerable.Range(2, 3_000).Select(user => Samples.Row(user, 1, user, 1, 1)),
        ];
        Assert.Equal(rows, BaselineFile.Parse(await WriteAsync(format, rows), format, "test").Rows);
    }

    [Theory]
    [InlineData("a.csv")]
    [InlineData("a.JSON")]
    [InlineData("a.b.Pkl")]
    public async Task A_file_is_replaced_by_what_is_written_and_read_back(string name)
    {
        string path = Path.Combine(_directory, name);
        await File.WriteAllTextAsync(path, "old");
        Assert.Equal(3, await BaselineFile.WriteAsync(path, Samples.Stream(Samples.Rows), CancellationToken.None));
        Assert.Equal(Samples.Rows, BaselineFile.Read(path).Rows);
        await using FileStream stream = File.OpenRead(path);
        Assert.Equal(Samples.Rows, (await BaselineFile.ReadAsync(stream, BaselineFile.FormatOf(path), name, CancellationToken.None)).Rows);
        Assert.Single(Directory.GetFiles(_directory));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public async Task A_write_that_fails_leaves_the_file_as_it_was(BaselineFileFormat format)
    {
        string path = Path.Combine(_directory, format switch { BaselineFileFormat.Csv => "a.csv", BaselineFileFormat.Json => "a.json", _ => "a.pkl" });
        await File.WriteAllTextAsync(path, "old");
        BaselineRow[] endless = [.. Samples.Rows[..2], Samples.Row(400, 1, double.NaN, 1, 1)];
        BaselineFileException failure = await Assert.ThrowsAsync<BaselineFileException>(
            () => BaselineFile.WriteAsync(path, Samples.Stream(endless), CancellationToken.None));
        Assert.EndsWith("user 400, category 1: mean and std_dev must be finite numbers to be written", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() => BaselineFile.WriteAsync(path, Samples.Stream(Samples.Rows.Reverse()), CancellationToken.None));
        Assert.Equal("old", await File.ReadAllTextAsync(path));
        Assert.Single(Directory.GetFiles(_directory));
    }

    [Theory]
    [InlineData("stats.txt", "must end in .csv, .json or .pkl")]
    [InlineData("stats", "must end in .csv, .json or .pkl")]
    [InlineData("stats.pkl.gz", "must end in .csv, .json or .pkl")]
    [InlineData("none.csv", "can't be read")]
    [InlineData("no/such/folder.json", "can't be read")]
    [InlineData("folder.pkl", "can't be read")]
    public async Task A_file_that_can_not_be_had_is_an_error_that_names_it(string name, string message)
    {
        Directory.CreateDirectory(Path.Combine(_directory, "folder.pkl"));
        string path = Path.Combine(_directory, name);
        BaselineFileException failure = Assert.Throws<BaselineFileException>(() => BaselineFile.Read(path));
        Assert.StartsWith($"{path}: ", failure.Message, StringComparison.Ordinal);
        Assert.Contains(message, failure.Message, StringComparison.Ordinal);
        if (name != "none.csv")
        {
            await Assert.ThrowsAsync<BaselineFileException>(() => BaselineFile.WriteAsync(path, Samples.Stream([]), CancellationToken.None));
        }
    }

    private static async Task<byte[]> WriteAsync(BaselineFileFormat format, IEnumerable<BaselineRow> rows)
    {
        using var stream = new MemoryStream();
        await BaselineFile.WriteAsync(stream, format, Samples.Stream(rows), CancellationToken.None);
        return stream.ToArray();
    }

    // The bits are compared because minus zero must stay distinct from zero, as in Python.
    private static (BaselineKey, long, long, long) Bits(BaselineRow row) => (
        row.Key, BitConverter.DoubleToInt64Bits(row.Baseline.Mean), BitConverter.DoubleToInt64Bits(row.Baseline.StdDev), row.Baseline.SampleCount);
}
