using System.Globalization;
using System.Text.Json;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Results;
using FinanceIngest.Transactions;

namespace FinanceIngest.Insights;

/// <summary><c>GET /api/users/{user_id}/insights</c>: a person's months, by category and together. <c>docs/api.md</c> has the formulas.</summary>
internal sealed class InsightEndpoints(IHistoryStore history, TimeProvider time) : IEndpoints
{
    private const int DefaultMonths = 12;
    private const int MaximumMonths = 60;

    /// <inheritdoc/>
    public IEnumerable<Route> Routes => [new("GET", "/api/users/{user_id}/insights", Scopes.Read, ReadAsync) { Query = ["months"] }];

    private async Task<ApiResponse> ReadAsync(ApiRequest request, RouteValues values, CancellationToken cancellationToken)
    {
        int months = request.QueryInteger("months", DefaultMonths, 1, MaximumMonths);
        long userId = values.Number("user_id") ?? throw Problems.NotFound("A user's id is a number from 1 to 9223372036854775807.");
        DateTime now = time.UtcNowMicroseconds();
        var all = new Spending(now, months);
        var categories = new Dictionary<long, Spending>();
        foreach (SpendingRow row in await history.ReadSpendingAsync(userId, all.MonthAt(-12), cancellationToken))
        {
            all.Add(row);
            if (!categories.TryGetValue(row.CategoryId, out Spending? category))
            {
                categories[row.CategoryId] = category = new Spending(now, months);
            }

            category.Add(row);
        }

        return ApiResponse.Json(
            200,
            json =>
            {
                json.WriteStartObject();
                json.WriteNumber("user_id", userId);
                json.WriteTime("at", now);
                json.WriteNumber("months", months);
                json.WritePropertyName("all");
                Write(json, null, all, all);
                json.WriteStartArray("categories");
                foreach ((long id, Spending category) in categories
                    .Where(category => category.Value.Count > 0).OrderByDescending(category => Math.Abs(category.Value.Total)).ThenBy(category => category.Key))
                {
                    Write(json, id, category, all);
                }

                json.WriteEndArray();
                json.WriteEndObject();
            },
            length: 1024 * (categories.Count + 1));
    }

    private static void Write(Utf8JsonWriter json, long? categoryId, Spending spending, Spending all)
    {
        json.WriteStartObject();
        if (categoryId is { } id)
        {
            json.WriteNumber("category_id", id);
        }

        Write(json, "total", spending.Total);
        json.WriteNumber("count", spending.Count);
        json.WriteNumber("anomalies", spending.Anomalies);
        if (spending.LastAt != default)
        {
            json.WriteTime("last_at", spending.LastAt);
        }

        if (categoryId is not null && all.Total != 0)
        {
            json.WriteNumber("share", Rounded((double)(spending.Total / all.Total), 4));
        }

        if (spending.Usual() is { } usual)
        {
            json.WriteStartObject("usual");
            json.WriteNumber("low", Rounded(usual.Low, 4));
            json.WriteNumber("typical", Rounded(usual.Typical, 4));
            json.WriteNumber("high", Rounded(usual.High, 4));
            json.WriteNumber("count", usual.Count);
            json.WriteEndObject();
        }

        IReadOnlyList<double> months = spending.FullMonths();
        var trend = Trend.Of(months);
        if (trend is not null)
        {
            json.WriteStartObject("trend");
            json.WriteNumber("per_month", Rounded(trend.PerMonth, 4));
            json.WriteString("direction", trend.Direction switch { > 0 => "rising", < 0 => "falling", _ => "steady" });
            json.WriteEndObject();
        }

        var risk = Risk.Of(spending.Count, spending.RecentAnomalies, trend, months);
        json.WriteStartObject("risk");
        json.WriteString("level", risk.Level);
        json.WriteString("code", risk.Code);
        json.WriteString("reason", risk.Reason);
        json.WriteEndObject();
        WriteMonths(json, spending);
        json.WriteEndObject();
    }

    private static void WriteMonths(Utf8JsonWriter json, Spending spending)
    {
        json.WriteStartArray("by_month");
        for (int i = 0; i < spending.Months; i++)
        {
            (SpendingMonth month, SpendingMonth lastYear) = spending[i];
            json.WriteStartObject();
            json.WriteString("month", spending.MonthAt(i).ToString("yyyy-MM", CultureInfo.InvariantCulture));
            Write(json, "total", month.Total);
            json.WriteNumber("count", month.Count);
            json.WriteNumber("anomalies", month.Anomalies);
            if (lastYear.Count > 0)
            {
                Write(json, "total_last_year", lastYear.Total);
                json.WriteNumber("count_last_year", lastYear.Count);
            }

            if (i == spending.Months - 1 && spending.SoFarLastYear.Count > 0)
            {
                Write(json, "total_last_year_so_far", spending.SoFarLastYear.Total);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter json, string name, decimal value) => json.WriteNumber(name, value);

    private static double Rounded(double value, int decimals) => Math.Round(value, decimals);
}
