using System.Text.Json;
using FinanceIngest.Fuzz.Api;
using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Fuzz.References;
using FinanceIngest.Transactions;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Bodies of single submissions, from the endpoint to the decoded message on the queue.</summary>
internal sealed class SubmitTarget : FuzzTarget
{
    /// <summary>Texts of a transaction in JSON.</summary>
    public static readonly IReadOnlyList<string> JsonTokens =
    [
        "{", "}", "[", "]", ",", ":", "null", "true", "\"\"", "\"user_id\":", "\"category_id\":", "\"amount\":", "\"occurred_at\":",
        "\"idempotency_key\":", "\"id\":", "\"\\u0075ser_id\":", "\"\\ud800\":",
        "\"user_id\":1,", "\"amount\":\"25000.00\",", "\"amount\":-0.0001", "\"idempotency_key\":\"k\",", "\"occurred_at\":\"2026-01-31T12:00:00Z\"",
        "{\"user_id\":399,\"category_id\":2310,\"amount\":6000}",
        "\"\\u0032026-01-31T12:00:00Z\"", "\uFEFF", "//", "/**/", "\\u0000", "\n",
    ];

    /// <inheritdoc/>
    public override string Name => "submit";

    /// <inheritdoc/>
    public override string Properties =>
        "202 and its message, or 400 and its fields, as a slow reader of the parsed document says; the worker reads what the intake sent";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens => JsonTokens;

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        (int status, JsonElement body) = FuzzApi.Shared.Handle(
            new FuzzRequest("POST", "/api/transactions", input).With("Content-Type", "application/json").With("x-functions-key", FuzzApi.SubmitKey));
        IReadOnlyList<Transaction> sent = FuzzApi.Shared.TakeTransactions();
        Property.Holds(status is 202 or 400, "a submission is taken or refused", $"{status}");
        Property.Same(status == 202 ? 1 : 0, sent.Count, "202 means one transaction on the queue, 400 none");
        if (Texts.Json(Texts.WithoutBom(input)) is not { } document)
        {
            Property.Same(400, status, "what is no JSON is refused");
            Property.SameItems(["$"], [.. FuzzApi.WrongFields(body)], "what is no JSON is refused as a whole");
            return "no JSON";
        }

        SlowTransaction expected = SlowTransaction.Read(document);
        if (expected.OccurredAt > InstantTime.Now.UtcDateTime.AddHours(24))
        {
            expected.Wrong.Add("occurred_at");
        }

        Property.SameItems([.. expected.Wrong], [.. FuzzApi.WrongFields(body)], "the wrong fields are what the slow reader says");
        if (status == 202)
        {
            Compare(expected, sent[0], body);
        }

        return $"{status} {string.Join(' ', expected.Wrong)} {expected.Key is not null} {expected.OccurredAt is not null} {Math.Sign(expected.Amount ?? 0)}";
    }

    private static void Compare(SlowTransaction expected, Transaction sent, JsonElement body)
    {
        Property.Same(
            (expected.UserId, expected.CategoryId, expected.Amount),
            ((long?)sent.UserId, (long?)sent.CategoryId, (long?)sent.Amount.Units),
            "what is sent is what was submitted");
        Property.Same(expected.OccurredAt ?? InstantTime.Now.UtcDateTime, sent.OccurredAt, "the time is the one submitted, or now");
        Property.Same(body.GetProperty("id").GetGuid(), sent.Id, "the answer names what was sent");
        Property.Holds(FuzzApi.Shared.Ids.IsIssued(sent.Id), "an id is certified", $"{sent.Id}");
        if (expected.Key is not null)
        {
            Property.Same(FuzzApi.Shared.Ids.ForIdempotencyKey(sent.UserId, expected.Key), sent.Id, "the same user and key have the same id");
        }
    }
}
