using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FinanceIngest.Cli.Submitting;

/// <summary>A row of a CSV. Its texts are those of the file, trimmed; an empty field counts as absent.</summary>
internal sealed class CsvRow : SourceRow
{
    public string UserId { get; init; } = "";

    public string CategoryId { get; init; } = "";

    public string Amount { get; init; } = "";

    public string OccurredAt { get; init; } = "";

    public string IdempotencyKey { get; init; } = "";

    /// <summary>What the texts mean; null for a row that can't be sent.</summary>
    public CsvValues? Values { get; init; }

    /// <inheritdoc/>
    public override bool IsComplete => IdempotencyKey.Length > 0;

    /// <inheritdoc/>
    public override bool HasOccurredAt => OccurredAt.Length > 0;

    /// <inheritdoc/>
    public override (string User, string Key)? OwnKey => IsComplete && Values is not null ? ($"{Values.UserId}", IdempotencyKey) : null;

    /// <inheritdoc/>
    public override void AppendFields(IncrementalHash hash)
    {
        foreach (string field in new[] { UserId, CategoryId, Amount, OccurredAt })
        {
            Append(hash, Encoding.UTF8.GetBytes(field));
        }
    }

    /// <inheritdoc/>
    public override void WriteJson(IBufferWriter<byte> output, string? idempotencyKey)
    {
        CsvValues values = Values ?? throw new InvalidOperationException($"Line {Line} can't be sent.");
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        json.WriteNumber("user_id", values.UserId);
        json.WriteNumber("category_id", values.CategoryId);

        // The amount stays text, so that the API gets exactly the digits of the file.
        json.WriteString("amount", values.Amount);
        if (values.OccurredAt is not null)
        {
            json.WriteString("occurred_at", values.OccurredAt);
        }

        json.WriteString("idempotency_key", IsComplete ? IdempotencyKey : idempotencyKey);
        json.WriteEndObject();
    }
}

/// <summary>The transaction that a row of a CSV means.</summary>
/// <param name="UserId">1 … 2^63−1.</param>
/// <param name="CategoryId">1 … 2^63−1.</param>
/// <param name="Amount">The amount as JSON writes a number; the API checks its decimals and its range.</param>
/// <param name="OccurredAt">The time as RFC 3339; null when the row has none.</param>
internal sealed record CsvValues(long UserId, long CategoryId, string Amount, string? OccurredAt);
