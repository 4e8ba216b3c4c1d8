using System.Text;
using System.Text.Json;
using FinanceIngest.Baselines;
using FinanceIngest.Cli.Baselines;
using FinanceIngest.Cli.Files;
using FinanceIngest.Tests.Support;

namespace FinanceIngest.Tests.Cli;

/// <summary>
/// The cases of <c>tests/corpus</c>, by which <c>clients/python/tests/test_file_corpus.py</c> holds the Python package to the same rules: what is read from a
/// file, and what is refused, by which line and in which words.
/// </summary>
public sealed class FileCorpusTests : IDisposable
{
    private readonly CliHarness _cli = new();

    public static TheoryData<string> TransactionFiles => [.. Cases("transactions").Keys];

    public static TheoryData<string> BaselineFiles => [.. Cases("baselines").Keys];

    [Theory]
    [MemberData(nameof(TransactionFiles))]
    public async Task A_file_of_transactions_is_read_by_the_rules_that_both_tools_follow(string name)
    {
        JsonElement known = Cases("transactions")[name];
        string file = Write(known);

        CliResult result = await _cli.RunAsync(["submit", file, .. Strings(known, "options"), "--json"]);

        Assert.Equal(known.GetProperty("exit_code").GetInt32(), result.ExitCode);
        if (known.TryGetProperty("problem", out JsonElement problem))
        {
            // A wrong option is followed by the advice to look at the help.
            Assert.StartsWith(problem.GetString()!.Replace("{file}", file, StringComparison.Ordinal), result.Json.GetProperty("problem").GetString());
            Assert.Empty(_cli.Api.Batches);
            return;
        }

        Assert.Equal(
            Strings(known, "refused"),
            result.Json.GetProperty("rejected_rows").EnumerateArray().Select(row => $"line {row.Number("line")}: {row.GetProperty("reason").GetString()}"));
        Assert.Equal(
            Strings(known, "repeated"),
            result.Error.Split('\n').Where(line => line.Contains("has the user and the idempotency key", StringComparison.Ordinal)));
        long sent = known.TryGetProperty("sent_count", out JsonElement count) ? count.GetInt64() : Items(known, "sent").Length;
        Assert.Equal(sent, result.Json.Number("accepted"));
        if (known.TryGetProperty("sent", out _))
        {
            Assert.Equal(Items(known, "sent").Select(Fields), _cli.Api.Rows.Select(Fields));
        }
    }

    [Theory]
    [MemberData(nameof(BaselineFiles))]
    public async Task A_file_of_baselines_is_read_by_the_rules_that_both_tools_follow(string name)
    {
        JsonElement known = Cases("baselines")[name];
        string file = Write(known);
        string[] options = Strings(known, "options");

        CliResult result = await _cli.RunAsync(["stats", "import", file, .. options, "--json"]);

        Assert.Equal(known.GetProperty("exit_code").GetInt32(), result.ExitCode);
        if (known.TryGetProperty("problem", out JsonElement problem))
        {
            Assert.Equal(problem.GetString()!.Replace("{file}", file, StringComparison.Ordinal), result.Json.GetProperty("problem").GetString());
            return;
        }

        BaselineFileContent content = BaselineFile.Read(file, new NumberForm(options.Contains("--decimal-comma"), options.Contains("--accounting")));
        Assert.Equal(Items(known, "rows").Select(Row), content.Rows);
        Assert.Equal(Strings(known, "refused"), content.Refused.Select(refused => refused.ToString()));
        Assert.Equal(Strings(known, "duplicates"), content.Duplicates.Select(duplicate => duplicate.ToString()));
        Assert.Equal(content.Rows.Count, result.Json.Number("inserted"));
        Assert.Equal(content.Refused.Count, result.Json.Number("refused_count"));
    }

    public void Dispose() => _cli.Dispose();

    private static Dictionary<string, JsonElement> Cases(string table)
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Repository.Root, "tests", "corpus", $"{table}.json")));
        return document.RootElement.EnumerateArray().ToDictionary(
            known => $"{known.GetProperty("name").GetString()} ({Path.GetExtension(known.GetProperty("file").GetString())})", known => known.Clone());
    }

    private string Write(JsonElement known)
    {
        string file = _cli.Write(known.GetProperty("file").GetString()!, "");
        File.WriteAllBytes(file, Content(known));
        return file;
    }

    private static byte[] Content(JsonElement known)
    {
        if (known.TryGetProperty("base64", out JsonElement bytes))
        {
            return bytes.GetBytesFromBase64();
        }

        var text = new StringBuilder();
        foreach (JsonElement part in Items(known, "parts"))
        {
            text.Insert(text.Length, part[0].GetString()!, part[1].GetInt32());
        }

        Encoding encoding = known.TryGetProperty("encoding", out _) ? Encoding.Latin1 : new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        return encoding.GetBytes(known.TryGetProperty("text", out JsonElement whole) ? whole.GetString()! : text.ToString());
    }

    // Amounts of NDJSON are passed on as numbers by one tool and as text by the other, which mean the same to the API.
    private static string Fields(JsonElement row) => string.Join(", ", row.EnumerateObject()
        .Where(field => field.Value.ValueKind != JsonValueKind.Null && s_fields.Contains(NameOf(field)))
        .OrderBy(NameOf, StringComparer.Ordinal)
        .Select(field => $"{NameOf(field)} {(field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString() : field.Value.GetRawText())}"));

    private static string? NameOf(JsonProperty field)
    {
        try
        {
            return field.Name;
        }
        catch (InvalidOperationException)
        {
            // The name contains half a surrogate pair.
            return null;
        }
    }

    private static readonly string[] s_fields = ["user_id", "category_id", "amount", "occurred_at", "idempotency_key"];

    private static BaselineRow Row(JsonElement row) => new(
        new BaselineKey(row[0].GetInt64(), row[1].GetInt64()), new Baseline(row[2].GetDouble(), row[3].GetDouble(), row[4].GetInt64()));

    private static string[] Strings(JsonElement known, string name) => [.. Items(known, name).Select(item => item.GetString()!)];

    private static JsonElement[] Items(JsonElement known, string name) => known.TryGetProperty(name, out JsonElement items) ? [.. items.EnumerateArray()] : [];
}
