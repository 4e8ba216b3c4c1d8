using System.Text;
using FinanceIngest.Baselines;
using FinanceIngest.Cli.Baselines;

namespace FinanceIngest.Tests.Baselines;

public sealed class BaselineCsvTests
{
    private const string Header = "user_id,category_id,mean,std_dev,sample_count\n";

    private static readonly BaselineRow s_row = Samples.Row(399, 2310, 2000, 500, 40);

    [Theory]
    [InlineData(Header + "399,2310,2000,500,40")]
    [InlineData(Header + "399,2310,2000,500,40\n")]
    [InlineData("\ufeff" + Header + "399,2310,2000,500,40\n")]
    [InlineData("user_id,category_id,mean,std_dev,sample_count\r\n399,2310,2e3,5.0e2,40\r\n")]
    [InlineData("user_id,category_id,mean,std_dev,sample_count\r399,2310,2e3,5.0e2,40\r")]
    [InlineData("\n \n" + Header + "\n\n  \n399,2310,2000,500,40\n\n,,,,\n\t\n")]
    [InlineData("\"user_id\",\"category_id\",\"mean\",\"std_dev\",\"sample_count\"\n\"399\",\"2310\",\"2000\",\"500\",\"40\"\n")]
    [InlineData(" user_id , category_id,mean\t,std_dev , sample_count\n 399 ,\t2310, \" 2000 \" ,+500,040\n")]
    [InlineData("sample_count,std_dev,mean,category_id,user_id\n40,500,2000,2310,399\n")]
    [InlineData("id,User_ID,CATEGORY_ID,note,mean,std,count\n1,399,2310,\"a, b\",2000,500,40\n")]
    [InlineData(Header + "399.0,2310.00,2000.0,500.0,40.0\n")]
    public void Ways_to_write_the_same(string text)
    {
        BaselineFileContent content = Samples.ReadCsv(text);
        Assert.Empty(content.Refused);
        Assert.Equal([s_row], content.Rows);
    }

    [Fact]
    public void Utf16_with_a_mark_is_read()
    {
        byte[] file = [.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(Header + "399,2310,2000,500,40")];

        Assert.Equal([s_row], BaselineFile.Parse(file, BaselineFileFormat.Csv, "test.csv").Rows);
    }

    [Theory]
    [InlineData("0,1,1,1,1", "user_id must be from 1 to 9223372036854775807")]
    [InlineData("9223372036854775808,1,1,1,1", "user_id must be from 1 to 9223372036854775807")]
    [InlineData("x,1,1,1,1", "user_id must be an integer")]
    [InlineData("1,1.5,1,1,1", "category_id must be an integer")]
    [InlineData("1,1e3,1,1,1", "category_id must be an integer")]
    [InlineData("1,,1,1,1", "category_id is required")]
    [InlineData("1,1,nan,1,1", "mean must be a finite number")]
    [InlineData("1,1,-inf,1,1", "mean must be a finite number")]
    [InlineData("1,1,1e999,1,1", "mean must be a finite number")]
    [InlineData("1,1,\"2000,5\",1,1", "mean is not a number: it has \",\" at character 5; --decimal-comma reads it")]
    [InlineData("1,1,1,-0.5,1", "std_dev must not be negative")]
    [InlineData("1,1,1,,-1", "std_dev is required; sample_count must be from 0 to 9223372036854775807")]
    [InlineData("1,1,1,1", "the entry has 4 fields where the header has 5")]
    [InlineData("1,1,2000,5,1,1", "the entry has 6 fields where the header has 5")]
    [InlineData("1,1,\"1,1,1", "the entry has a quote that is not closed, or one in the middle of a field")]
    [InlineData("1,1,1\"2,1,1", "the entry has a quote that is not closed, or one in the middle of a field")]
    [InlineData("1,1,\"1\"2,1,1", "the entry has a quote that is not closed, or one in the middle of a field")]
    public void A_bad_line_is_refused_alone_by_its_number(string line, string reason)
    {
        BaselineFileContent content = Samples.ReadCsv($"{Header}\n\"399\",\"2310\",\"2000\",\"500\",\"40\"\r\n{line}\r\n\"1\",2,\"3\",4,5\n0,0,0,0,0");
        Assert.Equal([s_row, Samples.Row(1, 2, 3, 4, 5)], content.Rows);
        Assert.Equal($"line 4: {reason}", content.Refused[0].ToString());
        Assert.Equal("line 6", content.Refused[1].Place);
    }

    [Fact]
    public void Refusals_come_in_the_order_of_the_lines()
    {
        var text = new StringBuilder(Header);
        for (int i = 2; i < 5_000; i++)
        {
            text.Append(i % 3 == 0 ? "1,\"2,3,4,5\n" : i % 3 == 1 ? "x,2,3,4,5\n" : $"1,{i},3,4,5\n");
        }

        BaselineFileContent content = Samples.ReadCsv(text.ToString());
        Assert.Equal(Enumerable.Range(2, 4_998).Where(i => i % 3 != 2).Select(i => $"line {i}"), content.Refused.Select(refused => refused.Place));
        Assert.Equal(1_666, content.Rows.Count);
    }

    [Fact]
    public void The_last_of_a_key_wins_with_a_warning()
    {
        BaselineFileContent content = Samples.ReadCsv($"{Header}1,2,3,4,5\n7,7,7,7,7\n1,2,33,4,5\n\n01,2.0,333,4,5\n");
        Assert.Equal([Samples.Row(1, 2, 333, 4, 5), Samples.Row(7, 7, 7, 7, 7)], content.Rows);
        Assert.Equal(
            [
                "line 4: replaces line 2 (user 1, category 2): the last one of a key counts",
                "line 6: replaces line 4 (user 1, category 2): the last one of a key counts",
            ],
            content.Duplicates.Select(duplicate => duplicate.ToString()));
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("\n\n", "is empty")]
    [InlineData("user_id,category_id,mean,sample_count\n1,2,3,4", "line 1: the header has no std_dev; it reads")]
    [InlineData("399,2310,2000,500,40\n", "line 1: the header has no user_id, category_id, mean, std_dev, sample_count; it reads \"399,2310,2000,500,40\"")]
    [InlineData("user;category_id;mean;std_dev;sample_count\n", "it reads \"user;category_id;mean;std_dev;sample_count\"")]
    [InlineData("user_id,category_id,mean,std_dev,sample_count,count\n", "line 1: the header has sample_count twice")]
    [InlineData("user_id,\"category_id,mean,std_dev,sample_count\n", "line 1: the header has a quote")]
    [InlineData("\u0001\u001b[2J\0", "\\u001b[2J")]
    public void A_file_without_its_header_is_an_error(string text, string message) =>
        Assert.Contains(message, Samples.Fails(() => Samples.ReadCsv(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_header_alone_holds_nothing() => Assert.Empty(Samples.ReadCsv(Header).Rows);
}
