using System.Buffers;
using System.Text.Json;
using FinanceIngest.Ground;
using FinanceIngest.Transactions;

namespace FinanceIngest.Results;

/// <summary>Reads results for a program without HTTP; each is the API's result object.</summary>
public sealed class ResultsReader
{
    /// <summary>The most anomalies of one page.</summary>
    public const int MaximumPage = 1000;

    private readonly IResultsStore _store;
    private readonly IdCertifier _ids;

    internal ResultsReader(IResultsStore store, IdCertifier ids)
    {
        _store = store;
        _ids = ids;
    }

    /// <summary>
    /// The result of a transaction: with the status <c>pending</c> when the id was issued and has no row yet, <c>purged</c> when its row was removed. Null:
    /// this installation never issued the id.
    /// </summary>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<JsonElement?> GetAsync(string id, CancellationToken cancellationToken)
    {
        if (!Guid.TryParseExact(id, "D", out Guid transactionId))
        {
            return null;
        }

        // The row decides before the certificate does: this process may not know the signing key.
        IReadOnlyList<TransactionResult> found = await _store.GetAsync([transactionId], cancellationToken);
        return found.Count == 1 ? ToJson(json => ResultJson.Write(json, found[0]))
            : _ids.IsIssued(transactionId) ? ToJson(json => ResultJson.WriteStatusOnly(json, transactionId.ToString("D"), Names.Pending))
            : null;
    }

    /// <summary>A page of the anomaly history, the newest first.</summary>
    /// <param name="userId">The anomalies of this user; null: of all.</param>
    /// <param name="categoryId">The anomalies in this category; null: in all.</param>
    /// <param name="from">The anomalies that occurred at or after this instant (UTC).</param>
    /// <param name="to">The anomalies that occurred before this instant (UTC).</param>
    /// <param name="after">Continues behind an earlier page; a cursor as <c>GET /api/anomalies</c> takes it.</param>
    /// <param name="limit">1 … <see cref="MaximumPage"/>.</param>
    /// <param name="cancellationToken">Abandons the reading.</param>
    /// <returns>The page, and the cursor behind it; null at the end.</returns>
    /// <exception cref="FormatException"><paramref name="after"/> is no such cursor.</exception>
    /// <exception cref="StoreUnavailableException">The database can't be reached.</exception>
    public async Task<(IReadOnlyList<JsonElement> Page, string? Next)> ReadAnomaliesAsync(
        long? userId, long? categoryId, DateTime? from, DateTime? to, string? after, int limit, CancellationToken cancellationToken)
    {
        AnomalyCursor? cursor;
        try
        {
            cursor = Cursors.ReadAnomalies(after);
        }
        catch (Http.ProblemException)
        {
            throw new FormatException($"{SafeText.Quote(after!)} is not a cursor from an earlier answer.");
        }

        AnomalyPage page = await _store.ReadAnomaliesAsync(new AnomalyFilter(userId, categoryId, from, to), cursor, limit, cancellationToken);
        return ([.. page.Anomalies.Select(anomaly => ToJson(json => ResultJson.Write(json, anomaly)))], page.Next is { } next ? Cursors.Write(next) : null);
    }

    private static JsonElement ToJson(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer))
        {
            write(json);
        }

        return JsonElement.Parse(buffer.WrittenSpan);
    }
}
