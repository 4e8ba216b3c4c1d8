using System.Net.Http.Json;
using System.Text.Json;
using FinanceIngest.Chaos.Processes;

namespace FinanceIngest.Chaos.Load;

/// <summary>A consumer of the results feed that runs beside the load. It must see every row exactly once, whichever processes are killed.</summary>
internal sealed class FeedReader(Fleet fleet, int seed) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2) }) { Timeout = TimeSpan.FromSeconds(20) };
    private readonly CancellationTokenSource _stop = new();
    private readonly Random _random = new(seed);
    private readonly Dictionary<Guid, int> _seen = [];
    private Task _run = Task.CompletedTask;
    private string _cursor = "";

    /// <summary>How often each id was seen; valid after the reader has stopped.</summary>
    public IReadOnlyDictionary<Guid, int> Seen => _seen;

    public void Start() => _run = Task.Run(RunAsync);

    /// <summary>Stops the reader when it has seen the expected number of ids, or when the time is over.</summary>
    public async Task StopAsync(int expected, TimeSpan patience, CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _run;
        await Patience.UntilAsync(
            async () =>
            {
                while (await TryReadAsync() > 0)
                {
                    // The loop reads until a page is empty.
                }

                return _seen.Count >= expected;
            },
            patience,
            cancellationToken);
    }

    public void Dispose()
    {
        _stop.Dispose();
        _http.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            if (await TryReadAsync() == 0)
            {
                await Task.Delay(200, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<int> TryReadAsync()
    {
        Uri intake = fleet.Intakes[_random.Next(fleet.Intakes.Count)].Address;
        try
        {
            string after = _cursor.Length == 0 ? "" : $"&after={Uri.EscapeDataString(_cursor)}";
            using HttpResponseMessage response = await _http.GetAsync(new Uri(intake, $"/api/results?limit=1000{after}"));
            if (!response.IsSuccessStatusCode)
            {
                return 0;
            }

            JsonElement page = await response.Content.ReadFromJsonAsync<JsonElement>();
            int count = 0;
            foreach (JsonElement result in page.GetProperty("results").EnumerateArray())
            {
                Guid id = result.GetProperty("id").GetGuid();
                _seen[id] = _seen.GetValueOrDefault(id) + 1;
                count++;
            }

            _cursor = page.GetProperty("next").GetString()!;
            return count;
        }
        catch (Exception e) when (e is JsonException or TaskCanceledException || ConnectionFailure.IsOne(e))
        {
            // The cursor did not move, so the same page is read again.
            return 0;
        }
    }
}
