using System.Text.Json;
using FinanceIngest.Fuzz.Api;
using FinanceIngest.Fuzz.Engine;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Bodies of <c>POST /api/transactions/status</c>.</summary>
internal sealed class StatusTarget : FuzzTarget
{
    /// <inheritdoc/>
    public override string Name => "status";

    /// <inheritdoc/>
    public override string Properties => "every requested id is answered, in order, and only issued ids are pending";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
    [
        "{\"ids\":[", "]}", "\"ids\":", "\"ids\":[\"x\"],", ",", "\"\"", "\"\\ud800\"", "\"\\u0069ds\":", "null", "1", "{", "}", "[", "]",
        $"\"{FuzzApi.Shared.Ids.ForIdempotencyKey(1, "a")}\"", $"\"{FuzzApi.Shared.Ids.ForIdempotencyKey(1, "b")}\"",
        $"\"{FuzzApi.Shared.Ids.ForIdempotencyKey(1, "c")}\"", $"\"{FuzzApi.Shared.Ids.ForIdempotencyKey(1, "d")}\"",
        "\"00000000-0000-0000-0000-000000000000\"",
    ];

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        (int status, JsonElement body) = FuzzApi.Shared.Handle(
            new FuzzRequest("POST", "/api/transactions/status", input).With("Content-Type", "application/json").With("x-functions-key", FuzzApi.ReadKey));
        Property.Holds(status is 200 or 400 or 429, "ids are looked up or refused", $"{status}");
        if (status == 429)
        {
            // A campaign asks for more ids that were never issued than one key may.
            return "429";
        }

        if (status == 400)
        {
            return $"400 {string.Join(' ', FuzzApi.WrongFields(body))}";
        }

        // A request with two members "ids" is refused, so it does not matter which one is read here.
        JsonElement ids = JsonDocument.Parse(Texts.WithoutBom(input)).RootElement.GetProperty("ids");
        string[] asked = [.. ids.EnumerateArray().Select(id => id.GetString()!)];
        JsonElement[] results = [.. body.GetProperty("results").EnumerateArray()];
        Property.Same(asked.Length, results.Length, "every id is answered");
        var statuses = new SortedSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < asked.Length; i++)
        {
            string answered = results[i].GetProperty("id").GetString()!;
            string found = results[i].GetProperty("status").GetString()!;
            Property.Holds(
                answered == asked[i] || (Guid.TryParseExact(asked[i], "D", out Guid id) && answered == id.ToString("D")),
                "answers stand in the order asked",
                $"{asked[i]}: {answered}");
            Property.Holds(found != "pending" || FuzzApi.Shared.Ids.IsIssued(Guid.ParseExact(asked[i], "D")), "only what was issued is pending", $"{asked[i]}");
            statuses.Add(found);
        }

        return $"200 {Math.Min(3, asked.Length)} {string.Join(' ', statuses)}";
    }
}
