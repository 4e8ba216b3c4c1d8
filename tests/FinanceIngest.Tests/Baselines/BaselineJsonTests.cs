using System.Text;
using System.Text.Json;
using FinanceIngest.Baselines;
using FinanceIngest.Cli.Baselines;

namespace FinanceIngest.Tests.Baselines;

public sealed class BaselineJsonTests
{
    private static readonly BaselineRow s_row = Samples.Row(399, 2310, 2000, 500, 40);

    [Theory]
    [InlineData("""{"399": {"2310": {"mean": 2000.0, "std": 500.0, "count": 40}}}""")]
    [InlineData("\ufeff{\"399\":\r\n{\"2310\":{\"count\":40,\"mean\":2e3,\"std_dev\":500,\"note\":{\"a\":[NaN]}}}}\r\n")]
    [InlineData("""{" 399.0 ": {"02310": {"mean": 2000, "std_dev": 500, "sample_count": 40.0}}}""")]
    [InlineData("""{"399": {}, "399": {"2310": {"mea\u006e": 2000, "std": 500, "count": 40}}}""")]
    [InlineData("""[{"user_id": 399, "category_id": 2310, "mean": 2000.0, "std_dev": 500, "sample_count": 40, "created_at": null}]""")]
    [InlineData("""[{"std": 500, "count": 40, "mean": 2000.0, "category_id": 2310, "user_id": 399}]""")]
    public void Ways_to_write_the_same(string json)
    {
        BaselineFileContent content = Samples.ReadJson(json);
        Assert.Empty(content.Refused);
        Assert.Equal([s_row], content.Rows);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Utf16_with_a_mark_is_read(bool bigEndian)
    {
        var encoding = new UnicodeEncoding(bigEndian, byteOrderMark: true);
        byte[] bytes = [.. encoding.Preamble, .. encoding.GetBytes("""{"399": {"2310": {"mean": 2000.0, "std": 500.0, "count": 40}}}""")];
        Assert.Equal([s_row], BaselineFile.Parse(bytes, BaselineFileFormat.Json, "test.json").Rows);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("[]")]
    [InlineData("""{"1": {}}""")]
    public void Nothing_is_read_from_nothing(string json) => Assert.Equal([0, 0], [Samples.ReadJson(json).Rows.Count, Samples.ReadJson(json).Refused.Count]);

    [Fact]
    public void What_is_wrong_is_refused_by_line_and_path_and_the_rest_is_taken()
    {
        BaselineFileContent content = Samples.ReadJson(
            """
            {
             "x": {"1": {"mean": 1, "std": 1, "count": 1}},
             "0": {"1": {"mean": 1, "std": 1, "count": 1}},
             "2": 5,
             "3": {"1": [1], "2": {"mean": NaN, "std": -Infinity, "count": Infinity},

              "3": {"mean": "1", "std": true, "count": 1.5}, "4": {"mean": 1e999, "std": -1, "count": -1}, "5\u001b": {}},
             "4": {"1": {"mean": 1, "std": 1, "std_dev": "x", "std": 1, "count": 1},
              "2": {"user_id": 4, "mean": null, "std": 1, "count": 99999999999999999999}},
             "5": {"6": {"mean": 7, "std": 8, "count": 9}}
            }
            """);
        Assert.Equal([Samples.Row(5, 6, 7, 8, 9)], content.Rows);
        Assert.Equal(
            [
                "line 2 [\"x\"]: user_id must be an integer from 1 to 9223372036854775807",
                "line 3 [\"0\"][\"1\"]: user_id must be from 1 to 9223372036854775807",
                "line 4 [\"2\"]: the entry must be an object of categories",
                "line 5 [\"3\"][\"1\"]: the entry must be an object with mean, std and count",
                "line 5 [\"3\"][\"2\"]: mean must be a finite number, not NaN, which Python writes but JSON does not have; "
                    + "std_dev must be a finite number, not -Infinity, which Python writes but JSON does not have; "
                    + "sample_count must be a finite number, not Infinity, which Python writes but JSON does not have",
                "line 7 [\"3\"][\"3\"]: mean must be a number; std_dev must be a number; sample_count must be an integer",
                "line 7 [\"3\"][\"4\"]: mean must be a finite number; std_dev must not be negative; sample_count must be from 0 to 9223372036854775807",
                "line 7 [\"3\"][\"5\\u001b\"]: category_id must be an integer; mean is required; std_dev is required; sample_count is required",
                "line 8 [\"4\"][\"1\"]: std_dev is given twice",
                "line 9 [\"4\"][\"2\"]: user_id is given twice; sample_count must be from 0 to 9223372036854775807; mean is required",
            ],
            content.Refused.Select(refused => refused.ToString()));
    }

    [Fact]
    public void Elements_of_an_array_are_refused_by_line_and_index()
    {
        BaselineFileContent content = Samples.ReadJson(
            """
            [{"user_id": "1", "category_id": 2, "mean": 3, "std_dev": 4, "sample_count": 5},
             7, {"user_id": 1, "category_id": 2, "mean": 3, "std_dev": 4, "sample_count": 5},
             {"user_id": 1, "user_id": 1, "category_id": NaN}, null]
            """);
        Assert.Equal([Samples.Row(1, 2, 3, 4, 5)], content.Rows);
        Assert.Equal(["line 1 [0]", "line 2 [1]", "line 3 [3]", "line 3 [4]"], content.Refused.Select(refused => refused.Place));
        Assert.Equal("user_id must be an integer", content.Refused[0].Reason);
        Assert.Equal("the entry must be an object", content.Refused[1].Reason);
        Assert.StartsWith("user_id is given twice; category_id must be a finite number, not NaN", content.Refused[2].Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void The_last_of_a_key_wins_with_a_warning()
    {
        BaselineFileContent content = Samples.ReadJson(
            """
            {"1": {"2": {"mean": 3, "std": 4, "count": 5},
                   "2": {"mean": 33, "std": 4, "count": 5}, "3": {"mean": 3, "std": 4, "count": 5}},
             "01": {"2": {"mean": 333, "std": 4, "count": 5}}}
            """);
        Assert.Equal([Samples.Row(1, 2, 333, 4, 5), Samples.Row(1, 3, 3, 4, 5)], content.Rows);
        Assert.Equal(
            [
                "line 2 [\"1\"][\"2\"]: replaces line 1 [\"1\"][\"2\"] (user 1, category 2): the last one of a key counts",
                "line 3 [\"01\"][\"2\"]: replaces line 2 [\"1\"][\"2\"] (user 1, category 2): the last one of a key counts",
            ],
            content.Duplicates.Select(duplicate => duplicate.ToString()));
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData(" \n", "is not JSON")]
    [InlineData("{\n\"1\": {\n\"2\": {\"mean\": 1", "line 3: is not JSON, or is cut short")]
    [InlineData("{\n}\n{}", "line 3: is not JSON")]
    [InlineData("{\"1\": nan}", "line 1: is not JSON")]
    [InlineData("{\n\"1\": -NaN}", "line 2: is not JSON")]
    [InlineData("{'1': {}}", "line 1: is not JSON")]
    [InlineData("5", "line 1: must be an object of users, or an array of baselines")]
    [InlineData("\n\nNaN", "line 3: must be an object of users, or an array of baselines")]
    public void A_file_that_is_not_JSON_is_an_error_with_its_line(string json, string message) =>
        Assert.Contains(message, Samples.Fails(() => Samples.ReadJson(json)).Message, StringComparison.Ordinal);

    [Fact]
    public void Text_in_another_encoding_is_an_error()
    {
        byte[] latin1 = [.. "{\""u8, 0xe9, .. "\": 1}"u8];

        Assert.Contains(
            "UTF-8",
            Samples.Fails(() => BaselineFile.Parse(latin1, BaselineFileFormat.Json, "test.json")).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Half_a_surrogate_pair_in_a_key_is_refused_like_any_other_key()
    {
        BaselineFileContent content = Samples.ReadJson("""{"\ud83d": {}, "1": {"\udc00": {"\udbff": 1}, "2": {"\ud800": 1}}}""");
        Assert.Equal(["line 1 [\"\\ud83d\"]", "line 1 [\"1\"][\"\\udc00\"]", "line 1 [\"1\"][\"2\"]"], content.Refused.Select(refused => refused.Place));
    }

    [Fact]
    public void Deep_nesting_is_an_error() => Samples.Fails(() => Samples.ReadJson(string.Concat(Enumerable.Repeat("[", 100_000))));

    [Fact]
    public void One_object_is_read_for_a_request()
    {
        var reader = new Utf8JsonReader("""{"user_id": 399, "category_id": 2310, "mean": 2000, "std_dev": 500, "sample_count": 40} """u8);
        reader.Read();
        Assert.True(BaselineValidator.TryValidate(BaselineJsonFields.Read(ref reader), out BaselineRow? row, out _));
        Assert.Equal(s_row, row);
        Assert.Equal(JsonTokenType.EndObject, reader.TokenType);
    }
}
