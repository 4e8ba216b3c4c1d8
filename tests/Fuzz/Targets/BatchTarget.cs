using System.Text.Json;
using FinanceIngest.Fuzz.Api;
using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Fuzz.References;
using FinanceIngest.Transactions;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Bodies of batches, as an array and as NDJSON.</summary>
internal sealed class BatchTarget : FuzzTarget
{
    // The array itself is one level, so an item that fits into it also fits on a line.
    private const int MostDepth = 60;

    /// <inheritdoc/>
    public override string Name => "batch";

    /// <inheritdoc/>
    public override string Properties =>
        "every item is accepted or rejected, once; an array and the same items as NDJSON have the same answer, which agrees with a slow reader";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
        [
            .. SubmitTarget.JsonTokens, "\n\n", "\r\n", "[]", "[{}]", "},{", "}\n{", "{\"user_id\":1,\"category_id\":1,\"amount\":1},",
            "{\"user_id\":1,\"category_id\":1,\"amount\":1}\n",
        ];

    // The input is read three times.
    /// <inheritdoc/>
    public override long AllocationLimit(int length) => (1L << 20) + (16_384L * length);

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        Outcome lines = Submit(input, "application/x-ndjson");
        Outcome array = Submit(input, "application/json");
        JsonElement? document = Texts.Json(Texts.WithoutBom(input), MostDepth);
        if (document is not { ValueKind: JsonValueKind.Array } items || items.GetArrayLength() == 0)
        {
            Property.Holds(document is null || array.Status == 400, "what is no array is refused", $"{array.Status}");
            return $"lines {lines}, array {array.Status}";
        }

        Outcome asLines = Submit(Texts.ToLines(items), "application/x-ndjson");
        Property.Same(array.Status, asLines.Status, "an array and the same as lines have one status");
        Property.SameItems(array.Accepted, asLines.Accepted, "an array and the same as lines accept the same");
        Property.SameItems(array.Rejected, asLines.Rejected, "an array and the same as lines reject the same");
        CompareItems(items, array);
        return $"lines {lines}, array {array}";
    }

    private static void CompareItems(JsonElement items, Outcome outcome)
    {
        Dictionary<int, string> rejected = outcome.Rejected.ToDictionary(item => item.Index, item => item.Fields);
        int index = 0;
        foreach (JsonElement item in items.EnumerateArray())
        {
            SlowTransaction expected = SlowTransaction.Read(item);
            if (expected.OccurredAt > InstantTime.Now.UtcDateTime.AddHours(24))
            {
                expected.Wrong.Add("occurred_at");
            }

            if (outcome.Status == 202)
            {
                Property.Same(string.Join(' ', expected.Wrong), rejected.GetValueOrDefault(index, ""), "an item's wrong fields are what the slow reader says");
            }
            else
            {
                Property.Holds(expected.Wrong.Count > 0, "a batch is refused when all of it is wrong", $"item {index}");
            }

            index++;
        }
    }

    private static Outcome Submit(byte[] body, string mediaType)
    {
        (int status, JsonElement answer) = FuzzApi.Shared.Handle(new FuzzRequest("POST", "/api/transactions/batch", body)
            .With("Content-Type", mediaType).With("x-functions-key", FuzzApi.SubmitKey).With("Idempotency-Key", "\"fuzz\""));
        IReadOnlyList<Transaction> sent = FuzzApi.Shared.TakeTransactions();
        Property.Holds(status is 202 or 400 or 413, "a batch is taken or refused", $"{status}");
        if (status != 202)
        {
            Property.Same(0, sent.Count, "nothing of a refused batch is sent");
            return new Outcome(status, [], []);
        }

        (int Index, Guid Id)[] accepted =
        [
            .. answer.GetProperty("accepted").EnumerateArray().Select(item => (item.GetProperty("index").GetInt32(), item.GetProperty("id").GetGuid())),
        ];
        (int Index, string Fields)[] rejected =
        [
            .. answer.GetProperty("rejected").EnumerateArray().Select(
                item => (item.GetProperty("index").GetInt32(), string.Join(' ', FuzzApi.WrongFields(item)))),
        ];
        Property.SameItems(
            [.. Enumerable.Range(0, accepted.Length + rejected.Length)],
            [.. accepted.Select(item => item.Index).Concat(rejected.Select(item => item.Index)).Order()],
            "every index is there, once");
        Property.SameItems([.. accepted.Select(item => item.Id)], [.. sent.Select(transaction => transaction.Id)], "accepted is what was sent, in order");
        return new Outcome(status, accepted, rejected);
    }

    private sealed record Outcome(int Status, IReadOnlyList<(int Index, Guid Id)> Accepted, IReadOnlyList<(int Index, string Fields)> Rejected)
    {
        public override string ToString() =>
            $"{Status} {Math.Min(Accepted.Count, 3)} "
            + $"{string.Join(',', Rejected.Select(item => item.Fields).Distinct().Order(StringComparer.Ordinal).Take(2))}";
    }
}
