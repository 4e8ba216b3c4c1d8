using System.Text.Json;
using FinanceIngest.Ground;
using FinanceIngest.Transactions;

namespace FinanceIngest.Notifications;

/// <summary>
/// An alert as its message on the alert queue tells it. The older system's four fields are required, because its alerts are told as well; every other field
/// may be missing, and one that is not of its type counts as missing.
/// </summary>
internal sealed record NotifiedAlert
{
    /// <summary>Identifies the alert, however often it is delivered.</summary>
    public required Guid AlertId { get; init; }

    /// <summary>The user whose transaction it is.</summary>
    public required long UserId { get; init; }

    /// <summary>The transaction's category.</summary>
    public required long CategoryId { get; init; }

    /// <summary>The transaction's amount.</summary>
    public required decimal Amount { get; init; }

    /// <summary>How many standard deviations the amount is from the mean.</summary>
    public required double ZScore { get; init; }

    /// <summary>The transaction; null in an alert of the older system.</summary>
    public Guid? TransactionId { get; init; }

    /// <summary>The mean with which the amount was compared.</summary>
    public double? Mean { get; init; }

    /// <summary>The standard deviation with which the amount was compared.</summary>
    public double? StdDev { get; init; }

    /// <summary>When the transaction happened (UTC).</summary>
    public DateTime? OccurredAt { get; init; }

    /// <summary>When it was scored (UTC).</summary>
    public DateTime? ScoredAt { get; init; }

    /// <summary>The detector that found it, such as <c>adaptive/1</c>.</summary>
    public string? Detector { get; init; }

    /// <summary>How often this user's spending in this category is that high: 0.001 is once in a thousand.</summary>
    public double? Surprise { get; init; }

    /// <summary>The lower end of what is usual.</summary>
    public double? UsualLow { get; init; }

    /// <summary>The upper end of what is usual.</summary>
    public double? UsualHigh { get; init; }

    /// <summary>One sentence for the person whose money it is.</summary>
    public string? Explanation { get; init; }

    /// <summary>Where the transaction is shown.</summary>
    public string? Link { get; init; }

    /// <summary>The W3C trace context that the alert continues.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The message: a JSON object.</summary>
    public required string Payload { get; init; }

    /// <summary>Reads a message.</summary>
    /// <param name="json">UTF-8.</param>
    /// <param name="fallback">The id of an alert that has none.</param>
    /// <param name="problem">Why it can't be read, without quoting it; empty when it can.</param>
    /// <returns>The alert; null when it can't be read.</returns>
    public static NotifiedAlert? Read(byte[] json, Guid fallback, out string problem)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            JsonElement root = document.RootElement;
            problem = Problem(root);
            return problem.Length > 0 ? null : Read(root, fallback);
        }
        catch (JsonException)
        {
            problem = "It is no JSON.";
            return null;
        }
    }

    private static string Problem(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return "It is no JSON object.";
        }

        foreach (string name in new[] { "user_id", "category_id" })
        {
            if (!root.TryGetProperty(name, out JsonElement id) || id.ValueKind != JsonValueKind.Number || !id.TryGetInt64(out long value) || value < 1)
            {
                return $"Its {name} is missing or no whole number above zero.";
            }
        }

        return !root.TryGetProperty("amount", out JsonElement amount) || amount.ValueKind != JsonValueKind.Number || !amount.TryGetDecimal(out _)
            ? "Its amount is missing or no number."
            : Number(root, "z_score") is null ? "Its z_score is missing or no number." : "";
    }

    private static NotifiedAlert Read(JsonElement root, Guid fallback) => new()
    {
        AlertId = Id(root, "alert_id") ?? fallback,
        UserId = root.GetProperty("user_id").GetInt64(),
        CategoryId = root.GetProperty("category_id").GetInt64(),
        Amount = root.GetProperty("amount").GetDecimal(),
        ZScore = Number(root, "z_score")!.Value,
        TransactionId = Id(root, "transaction_id"),
        Mean = Number(root, "mean"),
        StdDev = Number(root, "std_dev"),
        OccurredAt = Time(root, "occurred_at"),
        ScoredAt = Time(root, "scored_at"),
        Detector = Text(root, "detector"),
        Surprise = Number(root, "surprise"),
        UsualLow = Number(root, "usual_low"),
        UsualHigh = Number(root, "usual_high"),
        Explanation = Text(root, "explanation"),
        Link = Text(root, "link") is { } link && Uri.TryCreate(link, UriKind.Absolute, out Uri? uri)
            && (uri.Scheme == Uri.UriSchemeHttps || uri.Scheme == Uri.UriSchemeHttp) ? link : null,
        TraceParent = W3CTrace.Read(Text(root, "traceparent")),
        Payload = root.GetRawText(),
    };

    private static Guid? Id(JsonElement root, string name) => Text(root, name) is { } text && Guid.TryParseExact(text, "D", out Guid id) ? id : null;

    private static double? Number(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number && value.TryGetDouble(out double number)
            && double.IsFinite(number) ? number : null;

    private static DateTime? Time(JsonElement root, string name) =>
        Text(root, name) is { } text && Timestamp.TryParseRfc3339(text, out DateTime instant) ? instant : null;

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
