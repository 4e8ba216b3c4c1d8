using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FinanceIngest.Ground;

namespace FinanceIngest.Tests.Upgrades;

/// <summary>
/// A client that submits without a pause while programs are replaced under it. What was not acknowledged it submits again under the same idempotency key, as
/// clients do, to the intake that is the current one then.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    private const int BatchSize = 20;
    private readonly HttpClient _client = new() { Timeout = TimeSpan.FromSeconds(30) };
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Guid, int> _acknowledged = new();
    private readonly Task _submitting;
    private volatile Uri _intake;

    public Load(Uri intake)
    {
        _intake = intake;
        _submitting = SubmitAsync();
    }

    /// <summary>The ids that an intake has acknowledged with 202.</summary>
    public IReadOnlyCollection<Guid> Acknowledged => [.. _acknowledged.Keys];

    public int Count => _acknowledged.Count;

    /// <summary>Sends all further requests to another intake.</summary>
    public void MoveTo(Uri intake) => _intake = intake;

    /// <summary>Stops submitting, after the batch in hand was acknowledged.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _submitting;
    }

    /// <summary>Returns how many of the acknowledged transactions are scored, as the current intake sees them.</summary>
    public async Task<int> ScoredAsync()
    {
        int scored = 0;
        foreach (Guid[] ids in Acknowledged.Chunk(1000))
        {
            using HttpResponseMessage response = await _client.PostAsJsonAsync(new Uri(_intake, "/api/transactions/status"), new { ids });
            response.EnsureSuccessStatusCode();
            JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>();
            scored += answer.GetProperty("results").EnumerateArray().Count(result => result.GetProperty("status").GetString() == "scored");
        }

        return scored;
    }

    /// <summary>Returns the ids in the feed of results, in its order, repeats included.</summary>
    public async Task<List<Guid>> FeedAsync()
    {
        var ids = new List<Guid>();
        string query = "?limit=1000";
        while (true)
        {
            JsonElement page = await _client.GetFromJsonAsync<JsonElement>(new Uri(_intake, $"/api/results{query}"));
            JsonElement results = page.GetProperty("results");
            if (results.GetArrayLength() == 0)
            {
                return ids;
            }

            ids.AddRange(results.EnumerateArray().Select(result => result.GetProperty("id").GetGuid()));
            query = $"?limit=1000&after={Uri.EscapeDataString(page.GetProperty("next").GetString()!)}";
        }
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _client.Dispose();
        _stop.Dispose();
    }

    private async Task SubmitAsync()
    {
        for (int batch = 0; !_stop.IsCancellationRequested; batch++)
        {
            object[] transactions =
            [
                .. Enumerable.Range(0, BatchSize).Select(item =>
                    new { user_id = item + 1, category_id = 7, amount = $"{batch % 900}.25", idempotency_key = $"{batch}-{item}" }),
            ];
            while (!await TryAsync(transactions))
            {
                await Task.Delay(50);
            }
        }
    }

    private async Task<bool> TryAsync(object[] transactions)
    {
        try
        {
            using HttpResponseMessage response = await _client.PostAsJsonAsync(new Uri(_intake, "/api/transactions/batch"), transactions);
            if (response.StatusCode != HttpStatusCode.Accepted)
            {
                return false;
            }

            JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>();
            foreach (JsonElement accepted in answer.GetProperty("accepted").EnumerateArray())
            {
                _acknowledged[accepted.GetProperty("id").GetGuid()] = 1;
            }

            return answer.GetProperty("rejected").GetArrayLength() == 0;
        }
        catch (Exception e) when (e is OperationCanceledException || ConnectionFailure.IsOne(e))
        {
            return false;
        }
    }
}
