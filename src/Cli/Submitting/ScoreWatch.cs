using System.Net;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;
using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;
using FinanceIngest.Results;

namespace FinanceIngest.Cli.Submitting;

/// <summary>
/// Waits until accepted transactions are scored, in the order of their acceptance. It runs while rows are still being sent, and so it has to remember only the
/// ids that are pending.
/// </summary>
/// <param name="api">The API.</param>
/// <param name="maximumRetries">How often a status request without an answer is repeated.</param>
/// <param name="time">The clock of the pauses.</param>
internal sealed class ScoreWatch(ApiClient api, int maximumRetries, TimeProvider time)
{
    /// <summary>The largest number of ids in a status request, which is the API's limit.</summary>
    public const int MaximumIds = 1000;

    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(2);

    private readonly Channel<IReadOnlyList<Guid>> _accepted = Channel.CreateUnbounded<IReadOnlyList<Guid>>();

    /// <summary>The results so far.</summary>
    public ScoreSummary Summary { get; } = new();

    /// <summary>Adds ids to wait for.</summary>
    public void Add(IReadOnlyList<Guid> ids) => _accepted.Writer.TryWrite(ids);

    /// <summary>Declares that no more ids will be added.</summary>
    public void Complete() => _accepted.Writer.TryComplete();

    /// <summary>Completes when every id that was added has its result.</summary>
    /// <exception cref="CliException">The API does not answer, or refuses the request.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var pending = new HashSet<Guid>();
        var backoff = new RetryBackoff(s_firstPause, s_longestPause);
        while (pending.Count > 0 || await _accepted.Reader.WaitToReadAsync(cancellationToken))
        {
            while (pending.Count < MaximumIds && _accepted.Reader.TryRead(out IReadOnlyList<Guid>? ids))
            {
                pending.UnionWith(ids);
            }

            int before = pending.Count;
            foreach (Guid[] some in pending.Chunk(MaximumIds))
            {
                pending.ExceptWith(Book(await AskAsync(some, cancellationToken)));
            }

            if (pending.Count < before)
            {
                backoff.Reset();
            }

            if (pending.Count > 0)
            {
                await Task.Delay(backoff.Next(), time, cancellationToken);
            }
        }
    }

    private async Task<JsonElement> AskAsync(Guid[] ids, CancellationToken cancellationToken)
    {
        byte[] body = Encoding.UTF8.GetBytes($"{{\"ids\":[{string.Join(',', ids.Select(id => $"\"{id:D}\""))}]}}");
        var backoff = new RetryBackoff(TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(30));
        for (int failures = 0; ; failures++)
        {
            ApiAnswer answer = await api.PostAsync("api/transactions/status", body, "application/json", cancellationToken);
            if (answer is { Status: HttpStatusCode.OK, Json: { ValueKind: JsonValueKind.Object } json }
                && json.TryGetProperty("results", out JsonElement results))
            {
                return results;
            }

            if ((!answer.IsTransient && answer.Status != HttpStatusCode.OK) || failures >= maximumRetries)
            {
                throw new CliException($"The scores can't be read. {answer.Describe()}");
            }

            TimeSpan own = backoff.Next();
            await Task.Delay(answer.RetryAfter > own ? answer.RetryAfter.Value : own, time, cancellationToken);
        }
    }

    /// <summary>Adds results to the summary, and returns the ids that need no more waiting.</summary>
    private List<Guid> Book(JsonElement results)
    {
        var done = new List<Guid>();
        foreach (JsonElement result in results.EnumerateArray())
        {
            string? status = result.GetProperty("status").GetString();
            if (status != Names.Pending)
            {
                Summary.Add(status, result);
                done.Add(result.GetProperty("id").GetGuid());
            }
        }

        return done;
    }
}
