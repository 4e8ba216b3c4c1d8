using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FinanceIngest.Chaos.Processes;

namespace FinanceIngest.Chaos.Load;

/// <summary>
/// A client that says of acknowledged transactions whether they were expected, changes its mind and takes it back; and that submits transactions of its own,
/// which it withdraws again. It repeats each command until it is acknowledged.
/// </summary>
/// <param name="fleet">The processes, of which the intakes are used.</param>
/// <param name="ledger">Knows the acknowledged transactions.</param>
/// <param name="seed">The seed of the random numbers.</param>
internal sealed class Commander(Fleet fleet, Ledger ledger, int seed) : IDisposable
{
    /// <summary>The user of the transactions that are withdrawn, who has no baseline.</summary>
    public const long User = 100_000;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10);
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2) }) { Timeout = TimeSpan.FromSeconds(40) };
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<Guid, byte> _answered = new();
    private readonly ConcurrentDictionary<Guid, byte> _withdrawn = new();
    private Task _run = Task.CompletedTask;
    private int _commands;

    /// <summary>Transactions on which there was a verdict: the feed may name them again.</summary>
    public IReadOnlyCollection<Guid> Answered => [.. _answered.Keys];

    /// <summary>Transactions that were withdrawn.</summary>
    public IReadOnlyCollection<Guid> Withdrawn => [.. _withdrawn.Keys];

    /// <summary>Commands that were acknowledged.</summary>
    public int Commands => _commands;

    /// <summary>Starts the client.</summary>
    public void Start() => _run = Task.Run(RunAsync);

    /// <summary>Stops the client after its last command is acknowledged.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _run.WaitAsync(TimeSpan.FromMinutes(2), cancellationToken);
    }

    public void Dispose()
    {
        _stop.Dispose();
        _http.Dispose();
    }

    private async Task RunAsync()
    {
        var random = new Random(seed);
        while (!_stop.IsCancellationRequested)
        {
            if (random.Next(3) == 0)
            {
                await SubmitAndWithdrawAsync(random);
            }
            else
            {
                await AnswerAsync(random);
            }

            await Task.Delay(s_pause, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task AnswerAsync(Random random)
    {
        Guid[] known = [.. ledger.Acknowledged.Values.Take(400).Select(static acknowledged => acknowledged.Id)];
        if (known.Length == 0)
        {
            return;
        }

        Guid id = known[random.Next(known.Length)];
        _answered.TryAdd(id, 0);
        object? verdict = random.Next(3) switch { 0 => new { verdict = "expected" }, 1 => new { verdict = "unexpected" }, _ => null };
        await SendAsync(random, verdict is null ? HttpMethod.Delete : HttpMethod.Put, $"/api/transactions/{id}/feedback", verdict);
    }

    private async Task SubmitAndWithdrawAsync(Random random)
    {
        string key = $"commander-{seed}-{_withdrawn.Count}";
        var item = new { user_id = User, category_id = Submission.Category, amount = 10 + random.Next(1000), idempotency_key = key };
        JsonElement answer = await SendAsync(random, HttpMethod.Post, "/api/transactions", item);
        Guid id = answer.GetProperty("id").GetGuid();
        _withdrawn.TryAdd(id, 0);
        if (random.Next(2) == 0)
        {
            await Task.Delay(random.Next(500));
        }

        await SendAsync(random, HttpMethod.Delete, $"/api/transactions/{id}", null);
    }

    private async Task<JsonElement> SendAsync(Random random, HttpMethod method, string path, object? body)
    {
        while (true)
        {
            try
            {
                using var request = new HttpRequestMessage(method, new Uri(fleet.Intakes[random.Next(fleet.Intakes.Count)].Address, path));
                request.Content = body is null ? null : JsonContent.Create(body, body.GetType());
                using HttpResponseMessage response = await _http.SendAsync(request);
                if (response.StatusCode == HttpStatusCode.Accepted)
                {
                    Interlocked.Increment(ref _commands);
                    return await response.Content.ReadFromJsonAsync<JsonElement>();
                }

                if (response.StatusCode is not (HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests))
                {
                    ledger.Violate($"{method} {path} was answered with {(int)response.StatusCode}");
                    return default;
                }
            }
            catch (Exception e) when (e is JsonException or TaskCanceledException || ConnectionFailure.IsOne(e))
            {
                // The intake is down, or was killed while it answered: a command may always be sent again.
            }

            await Task.Delay(random.Next(100, 500));
        }
    }
}
