using System.Text.Json;

namespace FinanceIngest.Tests.Http.Harness;

/// <summary>Reads the results feed, <c>GET /api/results</c>, to its end.</summary>
internal static class Feed
{
    /// <summary>Returns the cursor behind the last result so far.</summary>
    public static async Task<string> EndAsync(ApiClient client) => (await ReadAsync(client, "")).Next;

    /// <summary>Returns the results behind a cursor and the cursor at the end. An empty <paramref name="after"/> reads from the start.</summary>
    public static async Task<(List<JsonElement> Results, string Next)> ReadAsync(ApiClient client, string after, int limit = 1000)
    {
        var results = new List<JsonElement>();
        while (true)
        {
            Answer page = (await client.GetAsync($"/api/results?limit={limit}{After(after)}")).Is(200);
            results.AddRange(page.Json.GetProperty("results").EnumerateArray());
            after = page.String("next")!;
            if (page.Json.GetProperty("results").GetArrayLength() == 0)
            {
                return (results, after);
            }
        }
    }

    /// <summary>Returns the parameter for a cursor; nothing for an empty one, which the API refuses.</summary>
    public static string After(string? cursor) => string.IsNullOrEmpty(cursor) ? "" : $"&after={Uri.EscapeDataString(cursor)}";

    /// <summary>Returns the ids of a user's results behind a cursor, in the order of the feed.</summary>
    public static async Task<IEnumerable<string>> IdsOfUserAsync(ApiClient client, string after, long userId) =>
        (await ReadAsync(client, after)).Results
            .Where(result => result.TryGetProperty("user_id", out JsonElement user) && user.GetInt64() == userId)
            .Select(result => result.GetProperty("id").GetString()!);
}
