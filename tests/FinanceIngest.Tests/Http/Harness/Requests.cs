using System.Globalization;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>Makes the bodies of requests.</summary>
internal static class Requests
{
    /// <summary>Returns an id for a user or a category that no other test uses.</summary>
    public static long NewId() => Random.Shared.NextInt64(1, 1L << 53);

    /// <summary>Returns a text that no other test uses.</summary>
    public static string NewKey() => Guid.NewGuid().ToString("N");

    /// <summary>Returns a transaction. <paramref name="more"/> adds members to it, such as <c>"note": 1</c>.</summary>
    public static string Transaction(long userId, string amount = "12.5", string? more = null, long categoryId = 7) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"user_id": {{userId}}, "category_id": {{categoryId}}, "amount": {{amount}}{{(more is null ? "" : ", " + more)}}}""");

    /// <summary>Returns a transaction of a new user.</summary>
    public static string Transaction() => Transaction(NewId());

    /// <summary>Returns a baseline.</summary>
    public static string Stat(long userId, string mean = "2000", string stdDev = "500", string sampleCount = "40", long categoryId = 7) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"user_id": {{userId}}, "category_id": {{categoryId}}, "mean": {{mean}}, "std_dev": {{stdDev}}, "sample_count": {{sampleCount}}}""");

    /// <summary>Returns a JSON array of the items.</summary>
    public static string List(params IEnumerable<string> items) => $"[{string.Join(", ", items)}]";

    /// <summary>Returns the items as NDJSON, one per line.</summary>
    public static string Lines(params IEnumerable<string> items) => string.Join('\n', items) + "\n";
}
