using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using FinanceIngest.Chaos.Processes;

namespace FinanceIngest.Chaos.Load;

/// <summary>
/// Clients that never give up. Each sends batches and single transactions to a random intake, and repeats them under the same idempotency keys until they are
/// acknowledged. Now and then a client also repeats acknowledged transactions.
/// </summary>
/// <param name="fleet">The processes, of which the intakes are used.</param>
/// <param name="ledger">Records acknowledgements and refusals.</param>
/// <param name="rate">Transactions per second of all clients together.</param>
/// <param name="seed">The seed of the random numbers.</param>
internal sealed class Clients(Fleet fleet, Ledger ledger, double rate, int seed) : IDisposable
{
    private const int Count = 4;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2) }) { Timeout = TimeSpan.FromSeconds(40) };
    private readonly CancellationTokenSource _stop = new();
    private Task _run = Task.CompletedTask;
    private int _next;

    /// <summary>One in how many transactions is an anomaly, but for those of users without a baseline.</summary>
    public int AnomalyOneIn { get; set; } = 30;

    /// <summary>The most transactions of a batch.</summary>
    public int LargestBatch { get; set; } = 300;

    /// <summary>
    /// Whether the scenario freezes servers. A server that was frozen while it read a body may answer 408, because it can't tell that from a client that
    /// stood still.
    /// </summary>
    public bool ServersStandStill { get; set; }

    /// <summary>Starts the clients.</summary>
    public void Start() =>
        _run = Task.WhenAll(Enumerable.Range(0, Count).Select(client => Task.Run(() => RunAsync(new Random(seed + client)))));

    /// <summary>Stops the clients after their last transactions are acknowledged.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _run.WaitAsync(s_patience, cancellationToken);
    }

    /// <summary>Sends transactions until they are acknowledged.</summary>
    public async Task SubmitAsync(IReadOnlyList<Submission> submissions, Random random, CancellationToken cancellationToken)
    {
        while (!await TrySubmitAsync(submissions, random))
        {
            ledger.Refuse();
            await Task.Delay(random.Next(100, 500), cancellationToken);
        }
    }

    /// <summary>Makes the next transactions: one in thirty is an anomaly unless the scenario says otherwise, and some have a user without a baseline.</summary>
    public IReadOnlyList<Submission> Make(int count, Random random) =>
        [.. Enumerable.Range(0, count).Select(_ => new Submission(
            $"{seed}-{Interlocked.Increment(ref _next)}",
            random.Next(1, Submission.Users + 3),
            random.Next(AnomalyOneIn) == 0 ? 6000 + (random.Next(100_000) / 100m) : 1000 + (random.Next(200_000) / 100m)))];

    public void Dispose()
    {
        _stop.Dispose();
        _http.Dispose();
    }

    private async Task RunAsync(Random random)
    {
        using var patience = new CancellationTokenSource();
        await using CancellationTokenRegistration stop = _stop.Token.Register(() => patience.CancelAfter(s_patience));
        while (!_stop.IsCancellationRequested)
        {
            IReadOnlyList<Submission> submissions = Make(random.Next(2) == 0 ? 1 : random.Next(2, LargestBatch), random);
            await SubmitAsync(submissions, random, patience.Token);
            if (random.Next(10) == 0)
            {
                await SubmitAsync(submissions, random, patience.Token);
            }

            await Task.Delay(TimeSpan.FromSeconds(submissions.Count * Count / rate), _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> TrySubmitAsync(IReadOnlyList<Submission> submissions, Random random)
    {
        Uri intake = fleet.Intakes[random.Next(fleet.Intakes.Count)].Address;
        try
        {
            return submissions is [var single] ? await TrySubmitOneAsync(intake, single) : await TrySubmitBatchAsync(intake, submissions);
        }
        catch (Exception e) when (e is JsonException or TaskCanceledException || ConnectionFailure.IsOne(e))
        {
            // The intake is down, was killed while it answered, or is frozen. Whether the transactions are durable is known when a repeat is answered.
            return false;
        }
    }

    private async Task<bool> TrySubmitOneAsync(Uri intake, Submission submission)
    {
        using HttpResponseMessage response = await _http.PostAsJsonAsync(new Uri(intake, "/api/transactions"), submission.ToItem());
        if (!IsAccepted(response))
        {
            return false;
        }

        JsonElement answer = await response.Content.ReadFromJsonAsync<JsonElement>();
        ledger.Acknowledge(submission, answer.GetProperty("id").GetGuid());
        return true;
    }

    private async Task<bool> TrySubmitBatchAsync(Uri intake, IReadOnlyList<Submission> submissions)
    {
        using HttpResponseMessage response = await _http.PostAsJsonAsync(
            new Uri(intake, "/api/transactions/batch"), submissions.Select(submission => submission.ToItem()));
        if (!IsAccepted(response))
        {
            return false;
        }

        JsonElement[] accepted = [.. (await response.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("accepted").EnumerateArray()];
        foreach (JsonElement item in accepted)
        {
            ledger.Acknowledge(submissions[item.GetProperty("index").GetInt32()], item.GetProperty("id").GetGuid());
        }

        return accepted.Length == submissions.Count;
    }

    /// <summary>Whether the answer is an acknowledgement. Any other answer than a 429 or 503 with Retry-After is a violation.</summary>
    public bool IsAccepted(HttpResponseMessage response)
    {
        if (ServersStandStill && response.StatusCode == HttpStatusCode.RequestTimeout)
        {
            return false;
        }

        if (response.StatusCode is not (HttpStatusCode.Accepted or HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests))
        {
            ledger.Violate($"a sound request was answered with {(int)response.StatusCode}");
        }

        if (response.StatusCode != HttpStatusCode.Accepted && response.Headers.RetryAfter is null)
        {
            ledger.Violate($"{(int)response.StatusCode} without Retry-After");
        }

        return response.StatusCode == HttpStatusCode.Accepted;
    }
}
