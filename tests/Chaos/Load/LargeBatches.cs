using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace FinanceIngest.Chaos.Load;

/// <summary>Sends large batches over several connections, repeats each until it is acknowledged, and waits as <c>Retry-After</c> says.</summary>
/// <param name="clients">Makes the transactions.</param>
/// <param name="ledger">Records acknowledgements.</param>
internal sealed class LargeBatches(Clients clients, Ledger ledger) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(10) }) { Timeout = TimeSpan.FromMinutes(5) };
    private readonly Lock _gate = new();
    private long _refusals;
    private long _longestWait;

    /// <summary>Answers 503 with <c>Retry-After</c>, and uploads that the server broke off after such an answer.</summary>
    public long Refusals => Interlocked.Read(ref _refusals);

    /// <summary>The longest <c>Retry-After</c>, in seconds.</summary>
    public long LongestWait => _longestWait;

    /// <summary>Sends batches until all of them are acknowledged.</summary>
    /// <param name="address">The address of the intake.</param>
    /// <param name="connections">The number of batches that are sent at the same time.</param>
    /// <param name="batches">The number of batches.</param>
    /// <param name="transactions">The number of transactions in each batch.</param>
    /// <param name="bytes">The size to which each body is padded with blanks; 0 for no padding.</param>
    /// <param name="seed">The seed of the random numbers.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task SendAsync(Uri address, int connections, int batches, int transactions, int bytes, int seed, CancellationToken cancellationToken)
    {
        var uri = new Uri(address, "/api/transactions/batch");
        int next = 0;
        await Task.WhenAll(Enumerable.Range(0, connections).Select(connection => Task.Run(
            async () =>
            {
                var random = new Random(seed + connection);
                while (Interlocked.Increment(ref next) <= batches)
                {
                    IReadOnlyList<Submission> submissions = clients.Make(transactions, random);
                    byte[] json = JsonSerializer.SerializeToUtf8Bytes(submissions.Select(submission => submission.ToItem()));
                    while (await RefusedForAsync(uri, submissions, json, bytes, cancellationToken) is { } wait)
                    {
                        await Task.Delay(wait, cancellationToken);
                    }
                }
            },
            cancellationToken)));
    }

    public void Dispose() => _http.Dispose();

    // Returns the wait before the next attempt; null when the batch is acknowledged.
    private async Task<TimeSpan?> RefusedForAsync(Uri uri, IReadOnlyList<Submission> submissions, byte[] json, int bytes, CancellationToken cancellationToken)
    {
        try
        {
            using var content = new PaddedJson(json, bytes);
            using HttpResponseMessage response = await _http.PostAsync(uri, content, cancellationToken);
            if (!clients.IsAccepted(response))
            {
                Interlocked.Increment(ref _refusals);
                TimeSpan wait = response.Headers.RetryAfter?.Delta ?? TimeSpan.FromSeconds(1);
                lock (_gate)
                {
                    _longestWait = Math.Max(_longestWait, (long)wait.TotalSeconds);
                }

                return wait;
            }

            JsonElement[] accepted = [.. (await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("accepted").EnumerateArray()];
            foreach (JsonElement item in accepted)
            {
                ledger.Acknowledge(submissions[item.GetProperty("index").GetInt32()], item.GetProperty("id").GetGuid());
            }

            return accepted.Length == submissions.Count ? null : TimeSpan.FromSeconds(1);
        }
        catch (Exception e) when (ConnectionFailure.IsOne(e))
        {
            // The server answered and closed the connection while the body was still being sent, and so the answer is lost.
            Interlocked.Increment(ref _refusals);
            return TimeSpan.FromSeconds(1);
        }
    }

    /// <summary>JSON followed by blanks, which are made while they are sent.</summary>
    private sealed class PaddedJson : HttpContent
    {
        private static readonly byte[] s_blanks = [.. Enumerable.Repeat((byte)' ', 64 * 1024)];
        private readonly byte[] _json;
        private readonly int _length;

        public PaddedJson(byte[] json, int length)
        {
            _json = json;
            _length = Math.Max(length, json.Length);
            Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(_json);
            for (int rest = _length - _json.Length; rest > 0; rest -= s_blanks.Length)
            {
                await stream.WriteAsync(s_blanks.AsMemory(0, Math.Min(rest, s_blanks.Length)));
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = _length;
            return true;
        }
    }
}
