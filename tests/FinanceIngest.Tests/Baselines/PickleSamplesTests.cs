using FinanceIngest.Baselines;
using FinanceIngest.Cli.Baselines;

namespace FinanceIngest.Tests.Baselines;

public sealed class PickleSamplesTests
{
    public static TheoryData<string> CommonSamples =>
        [.. from kind in new[] { "plain", "default", "ordered", "numpy", "numpy2" } from protocol in Enumerable.Range(0, 6) select $"{kind}-p{protocol}"];

    public static TheoryData<string> AllSamples => [.. Samples.Names];

    [Theory]
    [MemberData(nameof(CommonSamples))]
    public void Every_protocol_and_kind_of_dict_and_number_gives_the_same_rows(string sample)
    {
        BaselineFileContent content = Samples.ReadPickle(Samples.Bytes(sample));
        Assert.Equal(Samples.Rows, content.Rows);
        Assert.Empty(content.Refused);
        Assert.Empty(content.Duplicates);
    }

    [Theory]
    [InlineData("types-p2")]
    [InlineData("types-p5")]
    public void Every_number_type_of_numpy_is_read_in_both_byte_orders(string sample)
    {
        BaselineFileContent content = Samples.ReadPickle(Samples.Bytes(sample));
        Assert.Equal(22, content.Rows.Count);
        Assert.All(content.Rows, row => Assert.Equal(row.Key.CategoryId + ((row.Key.CategoryId - 1) % 11 > 7 ? 0.5 : 0), row.Baseline.Mean));
    }

    [Theory]
    [InlineData("shared-p2")]
    [InlineData("shared-p5")]
    public void Shared_parts_count_wherever_they_are_used(string sample)
    {
        BaselineRow[] expected =
        [
            Samples.Row(1, 10, 1.5, 0.5, 7),
            Samples.Row(1, 11, 1.5, 0.5, 7),
            Samples.Row(2, 10, 1.5, 0.5, 7),
            Samples.Row(2, 11, 1.5, 0.5, 7),
        ];
        Assert.Equal(expected, Samples.ReadPickle(Samples.Bytes(sample)).Rows);
    }

    [Fact]
    public void What_Python_2_wrote_is_read()
    {
        Assert.Equal([Samples.Row(399, 2310, 2000, 500, 40), Samples.Row(1, 2, 0.1, 1e-5, 7)], Samples.ReadPickle(Samples.Bytes("python2-p0")).Rows);
        Assert.Equal([Samples.Row(399, 2310, 2000, 500, 40)], Samples.ReadPickle(Samples.Bytes("python2-p2")).Rows);
    }

    [Fact]
    public void What_is_wrong_is_refused_by_its_path_and_the_rest_is_taken()
    {
        BaselineFileContent content = Samples.ReadPickle(Samples.Bytes("refused-p4"));
        Assert.Equal([Samples.Row(2, 10, 1, 1, 1)], content.Rows);
        Assert.Equal(
            [
                "[1][10]: mean must be a finite number",
                "[1][11]: std_dev must not be negative",
                "[2][12]: sample_count must be an integer",
                "[2][13]: the entry must be a dict with mean, std and count",
                "[\"x\"]: user_id must be an integer from 1 to 9223372036854775807",
                "[None]: user_id must be an integer from 1 to 9223372036854775807",
                "[3]: the entry must be a dict of categories",
                "[4][0]: category_id must be from 1 to 9223372036854775807",
                "[4][…]: category_id must be an integer; mean must be a number; std_dev must be a number; sample_count is required",
            ],
            content.Refused.Select(refused => refused.ToString()));
    }

    [Fact]
    public void Keys_and_counts_that_passed_through_pandas_as_floats_or_through_text_are_read()
    {
        BaselineFileContent content = Samples.ReadPickle(
            "(dF399.0\n(dS'2310'\n(dS'mean'\nI2000\nsS'std_dev'\nF500.0\nsS'sample_count'\nF40.0\nssF2311.5\n(dsL9223372036854775808L\n(dss.");
        Assert.Equal([Samples.Row(399, 2310, 2000, 500, 40)], content.Rows);
        Assert.Equal(["[399.0][2311.5]", "[399.0][9223372036854775808]"], content.Refused.Select(refused => refused.Place));
        Assert.StartsWith("category_id must be an integer; ", content.Refused[0].Reason, StringComparison.Ordinal);
        Assert.StartsWith("category_id must be from 1 to 9223372036854775807; ", content.Refused[1].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_of_a_key_wins_with_a_warning()
    {
        const string Statistics = "(dS'mean'\nI3\nsS'std'\nI4\nsS'count'\nI5\ns";
        BaselineFileContent content = Samples.ReadPickle($"(dI1\n(dI2\n{Statistics}ssS'1'\n(dF2.0\n{Statistics}ssI1\n(dI2\n{Statistics}S'std_dev'\nI1\nsss.");
        Assert.Equal([Samples.Row(1, 2, 3, 4, 5)], content.Rows);
        Assert.Equal("[\"1\"][2.0]: replaces [1][2] (user 1, category 2): the last one of a key counts", Assert.Single(content.Duplicates).ToString());
        Assert.Equal("[1][2]: std_dev is given twice", Assert.Single(content.Refused).ToString());
    }

    [Theory]
    [MemberData(nameof(AllSamples))]
    public void A_pickle_cut_short_anywhere_is_an_error(string sample)
    {
        byte[] bytes = Samples.Bytes(sample);
        for (int length = 0; length < bytes.Length; length++)
        {
            Samples.Fails(() => Samples.ReadPickle(bytes[..length]));
        }
    }
}
