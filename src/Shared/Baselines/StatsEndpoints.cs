using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Transactions;

namespace FinanceIngest.Baselines;

/// <summary><c>PUT /api/stats</c> writes baselines, which apply to every scoring after the answer.</summary>
internal sealed class StatsEndpoints(IBaselineStore store) : IEndpoints
{
    private const int MaximumItems = 10_000;
    private const int MaximumBody = 16 * 1024 * 1024;

    // The memory that a baseline takes until it is written.
    private const int BytesPerBaseline = 128;

    /// <inheritdoc/>
    public IEnumerable<Route> Routes => [new("PUT", "/api/stats", Scopes.Admin, PutAsync)];

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
