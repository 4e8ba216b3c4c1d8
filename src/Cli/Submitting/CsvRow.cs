using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace FinanceIngest.Cli.Submitting;

/// <summary>A row of a CSV. An empty field counts as absent.</summary>
internal sealed class CsvRow : SourceRow
{
    public string UserId { get; init; } = "";

    public string CategoryId { get; init; } = "";

    public string Amount { get; init; } = "";

    public string OccurredAt { get; init; } = "";

    public string IdempotencyKey { get; init; } = "";

    /// <inheritdoc/>
    public override bool IsComplete => IdempotencyKey.Length > 0;

    /// <inheritdoc/>
    public override bool HasOccurredAt => OccurredAt.Length > 0;

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
        using var json = new Utf8JsonWriter(output);
        json.WriteStartObject();
        WriteInteger(json, "user_id", UserId);
        WriteInteger(json, "category_id", CategoryId);

        // The amount stays text, so that the API gets exactly the digits of the file.
        WriteText(json, "amount", Amount);
        WriteText(json, "occurred_at", OccurredAt);
        WriteText(json, "idempotency_key", IsComplete ? IdempotencyKey : idempotencyKey ?? "");
        json.WriteEndObject();
    }

    private static void WriteInteger(Utf8JsonWriter json, string name, string text)
    {
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value))
        {
            json.WriteNumber(name, value);
            return;
        }

        WriteText(json, name, text);
    }

    private static void WriteText(Utf8JsonWriter json, string name, string text)
    {
        if (text.Length > 0)
        {
            json.WriteString(name, text);
        }
    }
}
