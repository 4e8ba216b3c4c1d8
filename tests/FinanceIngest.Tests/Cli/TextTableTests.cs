using FinanceIngest.Cli.Running;

namespace FinanceIngest.Tests.Cli;

/// <summary>On terminals of every width nothing of a table is cut, and no line is longer than the terminal where its words fit.</summary>
public sealed class TextTableTests
{
    private const string Id = "dbda85a9-0a5d-8439-86fd-11b3bdcfa438";

    private static readonly string[] s_headings = ["id", "failed at", "attempts", "reason"];

    private static readonly string[][] s_rows =
    [
        [Id, "2026-01-01T00:00:01.000000Z", "5", "user_id: must be from 1 to 9223372036854775807; amount: must be a number with at most four decimals"],
        ["m2", "2026-01-01T00:00:02.000000Z", "1", "not JSON: 付款人"],
    ];

    public static TheoryData<int> Widths => [.. Enumerable.Range(40, 161)];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Every_cell_is_there_and_no_line_is_too_long(int width)
    {
        string[] lines = [.. TextTable.Lines(s_headings, s_rows, width)];

        Assert.All(lines, line => Assert.InRange(TextTable.Width(line), 0, width));
        Assert.DoesNotContain(lines, line => line.Contains('…', StringComparison.Ordinal));
        string all = string.Join(' ', lines);
        Assert.All(s_rows.SelectMany(row => row).SelectMany(cell => cell.Split(' ')), word => Assert.Contains(word, all, StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains(Id, StringComparison.Ordinal));
    }

    [Fact]
    public void Where_the_columns_do_not_fit_each_row_is_a_block()
    {
        string[] lines = [.. TextTable.Lines(["id", "amount"], [[Id, "-922337203685477.5807"], ["b", "1.00"]], 40)];

        Assert.Equal([$"id: {Id}", "amount: -922337203685477.5807", "", "id: b", "amount: 1.00"], lines);
    }

    [Fact]
    public void A_value_that_does_not_fit_beside_its_name_stands_below_it() =>
        Assert.Equal(["transaction:", Id], TextTable.Lines(["transaction", "n"], [[Id, ""]], 38));

    [Fact]
    public void Wide_characters_take_two_columns() =>
        Assert.Equal("付款人  x", TextTable.Lines(["a", "b"], [["付款人", "x"]], 9).Last());

    [Fact]
    public void No_rows_are_a_heading_only() => Assert.Equal(["a  b", "─  ─"], TextTable.Lines(["a", "b"], [], 40));

    [Theory]
    [InlineData(200)]
    [InlineData(40)]
    [InlineData(10)]
    public void The_fields_of_a_record_are_never_cut(int width)
    {
        string all = string.Join('\n', TextTable.Fields([("id", Id), ("baseline sample_count", "40"), ("explanation", "three words here")], width));

        Assert.Contains(Id, all, StringComparison.Ordinal);
        Assert.Contains("words", all, StringComparison.Ordinal);
    }
}
