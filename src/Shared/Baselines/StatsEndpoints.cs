using System.Buffers.Binary;
using System.Buffers.Text;
using System.Text;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Transactions;

namespace FinanceIngest.Baselines;

/// <summary><c>PUT</c>, <c>GET</c> and <c>DELETE /api/stats</c>: baselines apply, or no longer apply, to every scoring after the answer.</summary>
internal sealed class StatsEndpoints(IBaselineStore store) : IEndpoints
{
    private const int DefaultLimit = 100;
    private const int MaximumLimit = 1000;
    private const int CursorLength = 2 * sizeof(long);
    private const int CursorCharacters = 22;
    private const int MaximumItems = 10_000;
    private const int MaximumBody = 16 * 1024 * 1024;

    // The memory that a baseline takes until it is written.
    private const int BytesPerBaseline = 128;

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("PUT", "/api/stats", Scopes.Admin, PutAsync),
        new("GET", "/api/stats", Scopes.Read, ListAsync) { Query = ["user_id", "category_id", "after", "limit"] },
        new("DELETE", "/api/stats", Scopes.Admin, RemoveAsync) { Query = ["user_id", "category_id"] },
    ];

    private async Task<ApiResponse> ListAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        int limit = request.QueryInteger("limit", DefaultLimit, 1, MaximumLimit);
        IReadOnlyList<BaselineRow> rows = await store.ReadPageAsync(
            request.QueryId("user_id"), request.QueryId("category_id"), ReadCursor(request.Query("after")), limit, cancellationToken);
        return ApiResponse.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("stats");
            foreach (BaselineRow row in rows)
            {
                json.WriteStartObject();
                json.WriteNumber("user_id", row.Key.UserId);
                json.WriteNumber("category_id", row.Key.CategoryId);
                json.WriteDouble("mean", row.Baseline.Mean);
                json.WriteDouble("std_dev", row.Baseline.StdDev);
                json.WriteNumber("sample_count", row.Baseline.SampleCount);
                json.WriteEndObject();
            }

            json.WriteEndArray();

            // A null says that the list ends here.
            json.WriteString("next", rows.Count == limit ? WriteCursor(rows[^1].Key) : null);
            json.WriteEndObject();
        }, (rows.Count * BytesPerBaseline) + 64);
    }

    private async Task<ApiResponse> RemoveAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        long userId = request.QueryId("user_id") ?? throw Problems.Validation("user_id", "is required");
        await store.RemoveAsync(userId, request.QueryId("category_id"), cancellationToken);
        return ApiResponse.Nothing;
    }

    // The key itself, whose order never changes: 16 bytes, in base64 for addresses.
    private static string WriteCursor(BaselineKey key)
    {
        Span<byte> bytes = stackalloc byte[CursorLength];
        BinaryPrimitives.WriteInt64BigEndian(bytes, key.UserId);
        BinaryPrimitives.WriteInt64BigEndian(bytes[sizeof(long)..], key.CategoryId);
        return Base64Url.EncodeToString(bytes);
    }

    private static BaselineKey? ReadCursor(string? text)
    {
        if (text is null)
        {
            return null;
        }

        Span<byte> bytes = stackalloc byte[CursorLength + 1];
        return text.Length == CursorCharacters && Ascii.IsValid(text) && Base64Url.IsValid(text)
            && Base64Url.TryDecodeFromChars(text, bytes, out int length) && length == CursorLength
            ? new BaselineKey(BinaryPrimitives.ReadInt64BigEndian(bytes), BinaryPrimitives.ReadInt64BigEndian(bytes[sizeof(long)..]))
            : throw Problems.Validation("after", "must be a cursor from an earlier answer");
    }

    private async Task<ApiResponse> PutAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        ManyItems.Format format = ManyItems.RequireFormat(request);
        ReadOnlyMemory<byte> body = await request.ReadBodyAsync(MaximumBody, cancellationToken);
        var rows = new List<BaselineRow>();
        var rejected = new RejectedItems();
        int index = 0;
        ManyItems.Read(body, format, MaximumItems, BaselineJsonFields.Read, NotAnItem, fields =>
        {
            if (BaselineValidator.TryValidate(fields, out BaselineRow? row, out ValidationErrors? errors))
            {
                rows.Add(row);
            }
            else
            {
                rejected.Add(index, errors);
            }

            index++;
        });
        if (rows.Count == 0)
        {
            throw index == 0 ? Problems.Malformed("holds no baseline") : rejected.NothingAcceptable("baselines");
        }

        // The body is parsed, so its bytes are given back; the baselines and the answer are counted instead, before anything is written.
        request.HoldInstead(ApiRequest.BesideItsBody + ((long)rows.Count * BytesPerBaseline) + rejected.HeldBytes);
        UpsertCounts counts = await store.UpsertAsync(rows, cancellationToken);
        return ApiResponse.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteNumber("inserted", counts.Inserted);
            json.WriteNumber("updated", counts.Updated);
            rejected.Write(json);
            json.WriteEndObject();
        }, (int)(rejected.HeldBytes / 2) + 128);
    }

    private static BaselineFields NotAnItem(string error)
    {
        var fields = new BaselineFields();
        fields.AddError(ValidationErrors.Whole, error);
        return fields;
    }
}
