using System.Net;
using System.Text.Json;
using FinanceIngest.Cli.Running;
using FinanceIngest.Ground;

namespace FinanceIngest.Cli.Submitting;

/// <summary>
/// Sends batches until each of their rows is accepted or rejected. Rows that may succeed later are sent again, which is harmless because every row has an
/// idempotency key.
/// </summary>
/// <param name="api">The API.</param>
/// <param name="tally">Counts the outcomes of rows.</param>
/// <param name="maximumRetries">How often a request without progress is repeated before the submission is given up.</param>
/// <param name="time">The clock of the pauses.</param>
/// <param name="isHistory">Whether the transactions are a history, of which nobody is alerted.</param>
internal sealed class BatchSender(ApiClient api, SubmitTally tally, int maximumRetries, TimeProvider time, bool isHistory = false)
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(30);

    private readonly string _path = isHistory ? "api/transactions/batch?history=true" : "api/transactions/batch";

    /// <summary>Raised with the ids of accepted rows.</summary>
    public event Action<IReadOnlyList<Guid>>? Accepted;

    /// <summary>Sends a batch until each of its rows is accepted or rejected.</summary>
    /// <exception cref="CliException">The API refuses the request as a whole, or the retries are used up.</exception>
    public async Task SendAsync(SubmitBatch batch, CancellationToken cancellationToken)
    {
        var backoff = new RetryBackoff(s_firstPause, s_longestPause);
        int failures = 0;
        while (batch.Count > 0)
        {
            ApiAnswer answer = await api.PostAsync(_path, batch.ToBody(), "application/x-ndjson", cancellationToken);
            if (answer.Status == HttpStatusCode.RequestEntityTooLarge)
            {
                await SendHalvesAsync(batch, answer, cancellationToken);
                return;
            }

            SubmitBatch open = Settle(batch, answer);
            bool hasProgress = open.Count < batch.Count;
            if (hasProgress)
            {
                failures = 0;
                backoff.Reset();
            }

            batch = open;

            // An answer that had no room for all errors is followed by the rest at once: its rows are invalid, and the next answer has their errors.
            if (batch.Count > 0 && !(hasProgress && IsCut(answer)))
            {
                string reason = answer.Status == HttpStatusCode.Accepted
                    ? $"{Counted.Of(batch.Count, "row")} could not be made durable yet."
                    : answer.Describe();
                await PauseAsync(failures++, batch, reason, answer, backoff, cancellationToken);
            }
        }
    }

    private async Task PauseAsync(
        int failures, SubmitBatch batch, string reason, ApiAnswer answer, RetryBackoff backoff, CancellationToken cancellationToken)
    {
        if (failures >= maximumRetries)
        {
            throw new CliException($"Given up at line {batch.FirstLine} after {Counted.Of(failures + 1, "attempt")}. {reason}");
        }

        // The Retry-After of a 202 says when results may be ready, not when rejected rows may be sent again.
        TimeSpan own = backoff.Next();
        TimeSpan asked = answer.Status == HttpStatusCode.Accepted ? TimeSpan.Zero : answer.RetryAfter ?? TimeSpan.Zero;
        TimeSpan pause = asked > own ? asked : own;
        tally.CountRetry(reason, pause);
        await Task.Delay(pause, time, cancellationToken);
    }

    // A proxy may allow only smaller bodies than the API does.
    private async Task SendHalvesAsync(SubmitBatch batch, ApiAnswer answer, CancellationToken cancellationToken)
    {
        if (batch.Count == 1)
        {
            tally.Reject(batch.FirstLine, answer.Describe());
            return;
        }

        int half = batch.Count / 2;
        await SendAsync(batch.Only(Enumerable.Range(0, half)), cancellationToken);
        await SendAsync(batch.Only(Enumerable.Range(half, batch.Count - half)), cancellationToken);
    }

    private static bool IsCut(ApiAnswer answer) => answer.Json is { ValueKind: JsonValueKind.Object } body && body.TryGetProperty("rejected_count", out _);

    /// <summary>Counts the rows that the answer accepts or rejects, and returns the rows that have to be sent again.</summary>
    private SubmitBatch Settle(SubmitBatch batch, ApiAnswer answer)
    {
        bool isBookable = answer.Json is { ValueKind: JsonValueKind.Object } body && body.TryGetProperty("rejected", out _);
        if (answer.Status is HttpStatusCode.Accepted or HttpStatusCode.BadRequest && isBookable)
        {
            try
            {
                return Book(batch, answer.Json!.Value);
            }
            catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
            {
                throw new CliException("The server's answer is not that of FinanceIngest's API.");
            }
        }

        // A 202 that was cut short does not tell which rows were accepted; a repeat of the request does.
        return answer.IsTransient || answer.Status == HttpStatusCode.Accepted
            ? batch
            : throw new CliException($"Refused at line {batch.FirstLine}. {answer.Describe()}");
    }

    private SubmitBatch Book(SubmitBatch batch, JsonElement body)
    {
        var open = new SortedSet<int>(Enumerable.Range(0, batch.Count));
        var ids = new List<Guid>();
        foreach (JsonElement item in Items(body, "accepted"))
        {
            if (open.Remove(item.GetProperty("index").GetInt32()))
            {
                ids.Add(item.GetProperty("id").GetGuid());
            }
        }

        foreach (JsonElement item in Items(body, "rejected"))
        {
            int index = item.GetProperty("index").GetInt32();
            if (item.TryGetProperty("errors", out JsonElement errors) && open.Remove(index))
            {
                tally.Reject(batch.LineOf(index), Describe(errors));
            }
        }

        tally.CountAccepted(ids.Count);
        Accepted?.Invoke(ids);

        // The open rows are those that the answer calls retryable, and those that it does not mention: the errors of the latter had no room in it.
        return batch.Only(open);
    }

    private static JsonElement.ArrayEnumerator Items(JsonElement body, string name) =>
        body.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array ? list.EnumerateArray() : default;

    private static string Describe(JsonElement errors) => string.Join("; ", errors.EnumerateObject().Select(field =>
        $"{(field.Name == "$" ? "the row" : field.Name)} {string.Join(", ", field.Value.EnumerateArray().Select(message => message.GetString()))}"));
}
