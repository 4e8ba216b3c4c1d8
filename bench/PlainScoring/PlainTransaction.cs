using System.Text.Json.Serialization;

namespace FinanceIngest.Bench.Plain;

/// <summary>A transaction as a simple program would read it, from a request's body or from a message of the inbound queue.</summary>
/// <param name="Id">The queue's id; null in a request.</param>
/// <param name="UserId">User.</param>
/// <param name="CategoryId">Category.</param>
/// <param name="Amount">Amount.</param>
/// <param name="OccurredAt">RFC 3339; null in a request that leaves it out.</param>
/// <param name="AcceptedAt">RFC 3339; null in a request.</param>
public sealed record PlainTransaction(
    [property: JsonPropertyName("id")] string? Id,
    [property: JsonPropertyName("user_id")] long UserId,
    [property: JsonPropertyName("category_id")] long CategoryId,
    [property: JsonPropertyName("amount")] decimal Amount,
    [property: JsonPropertyName("occurred_at")] string? OccurredAt,
    [property: JsonPropertyName("accepted_at")] string? AcceptedAt);

/// <summary>A message of the inbound queue.</summary>
/// <param name="Transactions">The transactions of the message.</param>
public sealed record PlainEnvelope([property: JsonPropertyName("transactions")] IReadOnlyList<PlainTransaction> Transactions);

/// <summary>The source-generated serialization, which is the fastest way of System.Text.Json.</summary>
[JsonSerializable(typeof(PlainTransaction))]
[JsonSerializable(typeof(PlainTransaction[]))]
[JsonSerializable(typeof(PlainEnvelope))]
public sealed partial class PlainJson : JsonSerializerContext;
