using System.Globalization;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>Bodies of requests.</summary>
internal static class Requests
{
    /// <summary>A user, or a category, of one test's own.</summary>
    public static long NewId() => Random.Shared.NextInt64(1, 1L << 53);

    /// <summary>A text that no other test uses.</summary>
    public static string NewKey() => Guid.NewGuid().ToString("N");

    /// <summary>A transaction; <paramref name="more"/> is further members, such as <c>"note": 1</c>.</summary>
    public static string Transaction(long userId, string amount = "12.5", string? more = null, long categoryId = 7) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"user_id": {{userId}}, "category_id": {{categoryId}}, "amount": {{amount}}{{(more is null ? "" : ", " + more)}}}""");

    /// <summary>A transaction of a new user.</summary>
    public static string Transaction() => Transaction(NewId());

    /// <summary>A baseline.</summary>
    public static string Stat(long userId, string mean = "2000", string stdDev = "500", string sampleCount = "40", long categoryId = 7) => string.Create(
        CultureInfo.InvariantCulture,
        $$"""{"user_id": {{userId}}, "category_id": {{categoryId}}, "mean": {{mean}}, "std_dev": {{stdDev}}, "sample_count": {{sampleCount}}}""");

    /// <summary>A JSON array.</summary>
    public static string List(params IEnumerable<string> items) => $"[{string.Join(", ", items)}]";

    /// <summary>One line each.</summary>
    public static string Lines(params IEnumerable<string> items) => string.Join('\n', items) + "\n";
}
