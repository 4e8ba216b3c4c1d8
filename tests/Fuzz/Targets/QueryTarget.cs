using System.Text;
using System.Text.Json;
using FinanceIngest.Fuzz.Api;
using FinanceIngest.Fuzz.Engine;
using FinanceIngest.Http;
using FinanceIngest.Results;

namespace FinanceIngest.Fuzz.Targets;

/// <summary>Query parameters of the feed, the anomaly history and the status: cursors, times, limits, waits.</summary>
internal sealed class QueryTarget : FuzzTarget
{
    /// <inheritdoc/>
    public override string Name => "query";

    /// <inheritdoc/>
    public override string Properties =>
        "answered within the limits, or 400 (410 for a cursor of another history); a cursor reads back, and the next cursor of an answer is accepted";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Tokens { get; } =
    [
        "&", "=", "after=", "limit=", "limit=1000", "wait=", "user_id=", "category_id=1", "from=2026-01-31T12:00:00Z", "to=2026-01-31T12:00:00+05:30",
        "%2B", "%", "%00", "%ff", "+",
        Cursors.Write(new FeedCursor(5, 6, 7)), Cursors.Write(new FeedCursor(5, -6, 7)), Cursors.Write(new FeedCursor(-1, 0, 0)),
        Cursors.Write(new AnomalyCursor(DateTime.UnixEpoch, 8)), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ];

    /// <inheritdoc/>
    public override int LongestInput => 1024;

    /// <inheritdoc/>
    public override string Run(byte[] input)
    {
        string query = Encoding.UTF8.GetString(input);
        string after = new FuzzRequest("GET", "/", []).SetQuery(query).Query("after") ?? "";
        return $"{Feed(query)} {Anomalies(query)} {Status(query)} {ReadsBack(after, Cursors.ReadFeed, Cursors.Write)} "
            + $"{ReadsBack<AnomalyCursor?>(after, Cursors.ReadAnomalies, cursor => cursor is { } place ? Cursors.Write(place) : "")}";
    }

    private static string Feed(string query)
    {
        (int status, JsonElement body) = Get("/api/results", query);
        Property.Holds(status is 200 or 400 or 410, "a feed is read or refused", $"{status}");
        if (status == 200)
        {
            string next = body.GetProperty("next").GetString()!;
            Property.Holds(Get("/api/results", $"after={next}").Status is 200, "an answer's cursor is taken", $"{next}");
            Property.Holds(Get("/api/results", $"{query}&after=").Status is 400, "an empty parameter is refused", $"{query}");
            Property.Holds(Get("/api/results", $"{query}&user_id=1").Status is 400, "an unknown parameter is refused", $"{query}");
        }

        return $"{status} {string.Join(' ', FuzzApi.WrongFields(body))}";
    }

    private static string Anomalies(string query)
    {
        (int status, JsonElement body) = Get("/api/anomalies", query);
        Property.Holds(status is 200 or 400, "anomalies are read or refused", $"{status}");
        return $"{status} {string.Join(' ', FuzzApi.WrongFields(body))}";
    }

    private static string Status(string query)
    {
        (int status, JsonElement body) = Get($"/api/transactions/{FuzzApi.Shared.Ids.ForIdempotencyKey(1, "a")}", query);
        Property.Holds(status is 200 or 400 or 410, "a status is read or refused", $"{status}");
        return $"{status} {string.Join(' ', FuzzApi.WrongFields(body))}";
    }

    private static string ReadsBack<T>(string text, Func<string?, T> read, Func<T, string> write)
    {
        T cursor;
        try
        {
            cursor = read(text);
        }
        catch (ProblemException e)
        {
            Property.Same(400, e.Problem.Status, "a bad cursor is 400");
            return "bad";
        }

        Property.Same(cursor, read(write(cursor)), "a cursor reads back");
        return text.Length == 0 ? "none" : "good";
    }

    private static (int Status, JsonElement Body) Get(string path, string query) =>
        FuzzApi.Shared.Handle(new FuzzRequest("GET", path, []).SetQuery(query).With("x-functions-key", FuzzApi.ReadKey));
}
