using System.Text.Json;
using FinanceIngest.Baselines;
using FinanceIngest.Fuzz.Api;
using FinanceIngest.Fuzz.Engine;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Bodies of <c>PUT /api/stats</c>, as an array and as NDJSON.</summary>
internal sealed class StatsTarget : FuzzTarget
{
    private const int MostDepth = 60;

    /// <inheritdoc/>
    public override string Name => "stats";

    /// <inheritdoc/>
    public override string Properties =>
        "every item is stored or rejected, once; an array and the same items as NDJSON have the same answer; only valid baselines are stored";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
    [
        "{", "}", "[", "]", ",", "\n", "\"user_id\":", "\"category_id\":", "\"mean\":", "\"std_dev\":", "\"std\":", "\"sample_count\":", "\"count\":",
        "null", "1.0", "2.50", "1e308", "1e309", "-0.0",
        "{\"user_id\":399,\"category_id\":2310,\"mean\":2000,\"std_dev\":500,\"sample_count\":40}",
        "{\"user_id\":1.0,\"category_id\":1,\"mean\":1,\"std\":0,\"count\":2.000}", "\"\x7f\"", "\"\x7f\x7f\x7f\x7f\x7f\x7f\"", "\"\\ud800\":",
    ];

    /// <inheritdoc/>
    public override long AllocationLimit(int length) => (1L << 20) + (16_384L * length);

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        Outcome lines = Put(input, "application/x-ndjson");
        Outcome array = Put(input, "application/json");
        if (Texts.Json(Texts.WithoutBom(input), MostDepth) is { ValueKind: JsonValueKind.Array } items && items.GetArrayLength() > 0)
        {
            Outcome asLines = Put(Texts.ToLines(items), "application/x-ndjson");
            Property.Same(array.Status, asLines.Status, "an array and the same as lines have one status");
            Property.SameItems(array.Rows, asLines.Rows, "an array and the same as lines store the same");
            Property.SameItems(array.Rejected, asLines.Rejected, "an array and the same as lines reject the same");
            if (array.Status == 200)
            {
                Property.Same(items.GetArrayLength(), array.Rows.Count + array.Rejected.Count, "every item is stored or rejected");
            }
        }

        return $"lines {lines}, array {array}";
    }

    private static Outcome Put(byte[] body, string mediaType)
    {
        (int status, JsonElement answer) = FuzzApi.Shared.Handle(
            new FuzzRequest("PUT", "/api/stats", body).With("Content-Type", mediaType).With("x-functions-key", FuzzApi.AdminKey));
        Property.Holds(status is 200 or 400 or 413, "baselines are taken or refused", $"{status}");
        if (status != 200)
        {
            return new Outcome(status, [], []);
        }

        IReadOnlyList<BaselineRow> rows = FuzzApi.Shared.Baselines.Last;
        Property.Same(rows.Count, answer.GetProperty("inserted").GetInt32(), "what is stored is counted");
        foreach (BaselineRow row in rows)
        {
            BaselineFileTarget.CheckRow(row);
        }

        return new Outcome(status, rows, [.. answer.GetProperty("rejected").EnumerateArray().Select(item => $"{item}")]);
    }

    private sealed record Outcome(int Status, IReadOnlyList<BaselineRow> Rows, IReadOnlyList<string> Rejected)
    {
        public override string ToString() =>
            $"{Status} {Math.Min(Rows.Count, 3)} "
            + $"{(Rejected.Count == 0 ? "" : string.Join(' ', FuzzApi.WrongFields(JsonDocument.Parse(Rejected[0]).RootElement)))}";
    }
}
