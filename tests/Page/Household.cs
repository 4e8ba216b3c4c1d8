using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;

namespace FinanceIngest.Page;

/// <summary>Payments as households make them, the same on each run but for the present day.</summary>
internal static class Household
{
    public const long Strangest = 400;

    private static readonly (long Id, double Typical, double Spread, double PerMonth)[] s_categories =
    [
        (1010, 62, 0.45, 9), (1020, 1180, 0.02, 1), (1030, 31, 0.5, 5), (1040, 44, 0.4, 3), (1050, 128, 0.22, 1), (2310, 190, 0.55, 0.8),
    ];

    /// <summary>Puts baselines in, and more than two years of payments of some users; yesterday user 400 paid 4,899 for electronics.</summary>
    /// <returns>How many payments there are.</returns>
    public static async Task<int> FillAsync(HttpClient http, int users, CancellationToken cancellationToken)
    {
        var random = new Random(20261130);
        DateTime now = DateTime.UtcNow;
        long[] ids = [.. Enumerable.Range(0, users).Select(i => Strangest - 5 + i)];
        await PutAsync(http, ids.SelectMany(user => s_categories.Select(category => new
        {
            user_id = user,
            category_id = category.Id,
            mean = Math.Round(Of(user, category.Typical), 2),
            std_dev = Math.Round(Of(user,
                category.Typical) * category.Spread, 2),
            sample_count = 120,
        })), cancellationToken);
        var payments = new List<(DateTime At, string Line)>();
        foreach (long user in ids)
        {
            foreach ((long category, double typical, double spread, double perMonth) in s_categories)
            {
                for (double day = 800; day > 0.5; day -= 30.4 / perMonth * (0.6 + (0.8 * random.NextDouble())))
                {
                    DateTime at = now.AddDays(-day).Date.AddHours(8 + (12 * random.NextDouble()));
                    double season = category == 1050 ? 1 + (0.25 * Math.Cos((at.DayOfYear - 15) / 58.1)) : 1;
                    double rise = category == 1030 && user % 3 == 1 ? 1 + ((800 - day) / 900) : 1;
                    double amount = Of(user, typical) * season * rise * Math.Exp((spread * Normal(random) * 0.8) - (spread * spread * 0.3));
                    amount = random.NextDouble() < 0.0025 ? amount * 5 : amount;
                    payments.Add((at, Line(user, category, amount, at)));
                }
            }
        }

        payments.Add((now.AddDays(-1), Line(Strangest, 2310, 4899, now.AddDays(-1))));

        // In the order in which they happened, as a detector that learns meets them.
        await SubmitAsync(http, [.. payments.OrderBy(payment => payment.At).Select(payment => payment.Line)], "household", cancellationToken);
        return payments.Count;
    }

    /// <summary>Waits until nothing is on the inbound queue and every alert is sent.</summary>
    public static async Task ScoredAsync(HttpClient http, CancellationToken cancellationToken)
    {
        while (true)
        {
            JsonElement status = await http.GetFromJsonAsync<JsonElement>("api/status?fresh=true", cancellationToken);
            if (status.GetProperty("inbound").GetProperty("length").GetInt64() == 0 && status.GetProperty("unsent_alerts").GetInt64() == 0)
            {
                return;
            }

            await Task.Delay(100, cancellationToken);
        }
    }

    /// <summary>A transaction as the API takes it.</summary>
    public static string Line(long user, long category, double amount, DateTime at) => string.Create(
        CultureInfo.InvariantCulture,
            $$"""{"user_id":{{user}},"category_id":{{category}},"amount":"{{amount:0.00}}","occurred_at":"{{at:yyyy-MM-ddTHH:mm:ss.fffZ}}"}""");

    /// <summary>Submits transactions in batches.</summary>
    public static async Task SubmitAsync(HttpClient http, IReadOnlyList<string> lines, string key, CancellationToken cancellationToken)
    {
        foreach (string[] part in lines.Chunk(10_000))
        {
            using var body = new StringContent(string.Join('\n', part), Encoding.UTF8, "application/x-ndjson");
            body.Headers.Add("Idempotency-Key", string.Create(CultureInfo.InvariantCulture, $"{key}-{part[0].GetHashCode(StringComparison.Ordinal)}"));
            using HttpResponseMessage answer = await http.PostAsync("api/transactions/batch", body, cancellationToken);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(cancellationToken));
        }
    }

    private static async Task PutAsync(HttpClient http, IEnumerable<object> baselines, CancellationToken cancellationToken)
    {
        using HttpResponseMessage answer = await http.PutAsJsonAsync("api/stats", baselines, cancellationToken);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(cancellationToken));
    }

    private static double Of(long user, double typical) => typical * (0.7 + (user * 37 % 60 / 100.0));

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
