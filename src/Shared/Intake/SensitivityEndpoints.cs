using System.Globalization;
using System.Text.Json;
using FinanceIngest.Commands;
using FinanceIngest.Configuration;
using FinanceIngest.Http;
using FinanceIngest.Preferences;
using FinanceIngest.Transactions;

namespace FinanceIngest.Intake;

/// <summary><c>PUT</c>, <c>DELETE</c> and <c>GET /api/sensitivity</c>: how often alerts are wanted.</summary>
internal sealed class SensitivityEndpoints(CommandSender sender, ISensitivityStore store, Settings settings, TimeProvider time) : IEndpoints
{
    private const int MaximumItems = 1000;
    private const int MaximumBody = 1024 * 1024;
    private const int DefaultLimit = 100;
    private const int MaximumLimit = 1000;

    // The memory that a setting takes in the answer.
    private const int BytesPerSetting = 160;

    private readonly string _url = $"{settings.PublicUrl}/api/sensitivity";

    /// <inheritdoc/>
    public IEnumerable<Route> Routes =>
    [
        new("PUT", "/api/sensitivity", Scopes.Manage, PutAsync) { Query = ["wait"] },
        new("DELETE", "/api/sensitivity", Scopes.Manage, RemoveAsync) { Query = ["user_id", "category_id", "wait"] },
        new("GET", "/api/sensitivity", Scopes.Read, ListAsync) { Query = ["user_id", "category_id", "after", "limit"] },
    ];

    private async Task<ApiResponse> PutAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        ManyItems.Format format = ManyItems.RequireFormat(request);
        ReadOnlyMemory<byte> body = await request.ReadBodyAsync(MaximumBody, cancellationToken);
        DateTime acceptedAt = sender.Begin();
        List<SensitivityCommand> commands = Read(body, format, acceptedAt);
        if (commands.Exists(command => command.UserId is null))
        {
            // What holds for everybody is the operator's business.
            request.RequireScope(Scopes.Admin);
        }

        return await SendAsync(request, commands, acceptedAt, cancellationToken);
    }

    private async Task<ApiResponse> RemoveAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        (long? user, long? category) = (request.QueryId("user_id"), request.QueryId("category_id"));
        if (user is null)
        {
            request.RequireScope(Scopes.Admin);
        }

        DateTime acceptedAt = sender.Begin();
        var command = new SensitivityCommand(sender.NewId(), acceptedAt, user, category, Level: null, MinimumAmount: null, Until: null);
        return await SendAsync(request, [command], acceptedAt, cancellationToken);
    }

    private async Task<ApiResponse> SendAsync(
        ApiRequest request, IReadOnlyList<SensitivityCommand> commands, DateTime acceptedAt, CancellationToken cancellationToken) =>
        await sender.SendAsync(request, commands, cancellationToken)
            ? CommandBody.Applied(request, ApiResponse.Nothing)
            : sender.Accepted(acceptedAt, _url);

    private List<SensitivityCommand> Read(ReadOnlyMemory<byte> body, ManyItems.Format format, DateTime acceptedAt)
    {
        var errors = new ValidationErrors();
        var commands = new List<SensitivityCommand>();
        var keys = new HashSet<SensitivityKey>();
        int index = 0;
        ManyItems.Read(body, format, MaximumItems, ReadNext, NotAnItem, fields =>
        {
            SensitivityCommand command = Make(fields, acceptedAt);
            if (fields.Errors.IsEmpty && !keys.Add(SensitivityKey.Of(command.UserId, command.CategoryId)))
            {
                fields.Errors.Add(ValidationErrors.Whole, "is given twice for the same user and category");
            }

            foreach ((string field, List<string> messages) in fields.Errors.Messages)
            {
                errors.Add(string.Create(CultureInfo.InvariantCulture, $"[{index}]{(field == ValidationErrors.Whole ? "" : "." + field)}"), messages[0]);
            }

            commands.Add(command);
            index++;
        });
        if (index == 0)
        {
            throw Problems.Malformed("holds no setting");
        }

        // None of them is put on the queue where one is wrong.
        return errors.IsEmpty ? commands : throw Problems.Validation(errors);

        static CommandFields ReadNext(ref Utf8JsonReader reader) => new(JsonElement.ParseValue(ref reader));
    }

    private SensitivityCommand Make(CommandFields fields, DateTime acceptedAt)
    {
        string? level = fields.Word("level", CommandNames.Levels, isRequired: true);
        var command = new SensitivityCommand(
            sender.NewId(), acceptedAt, fields.Number("user_id"), fields.Number("category_id"), CommandNames.ToLevel(level), fields.Amount("minimum_amount"),
            fields.Time("until"));
        if (command.Until <= acceptedAt)
        {
            fields.Errors.Add("until", "must be in the future");
        }

        return command;
    }

    private static CommandFields NotAnItem(string error)
    {
        using JsonDocument nothing = JsonDocument.Parse("{}");
        var fields = new CommandFields(nothing.RootElement);
        fields.Errors.Add(ValidationErrors.Whole, error);
        return fields;
    }

    private async Task<ApiResponse> ListAsync(ApiRequest request, CancellationToken cancellationToken)
    {
        int limit = request.QueryInteger("limit", DefaultLimit, 1, MaximumLimit);
        IReadOnlyList<Sensitivity> settings = await store.ReadPageAsync(
            request.QueryId("user_id"), request.QueryId("category_id"), ReadCursor(request.Query("after")), limit, time.UtcNowMicroseconds(),
            cancellationToken);
        return ApiResponse.Json(200, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("sensitivity");
            foreach (Sensitivity setting in settings)
            {
                Write(json, setting);
            }

            json.WriteEndArray();

            // A null says that the list ends here.
            json.WriteString("next", settings.Count == limit ? WriteCursor(settings[^1]) : null);
            json.WriteEndObject();
        }, (settings.Count * BytesPerSetting) + 64);
    }

    private static void Write(Utf8JsonWriter json, Sensitivity setting)
    {
        json.WriteStartObject();
        if (setting.Key.UserId > 0)
        {
            json.WriteNumber("user_id", setting.Key.UserId);
        }

        if (setting.Key.CategoryId > 0)
        {
            json.WriteNumber("category_id", setting.Key.CategoryId);
        }

        json.WriteString("level", CommandNames.Of(setting.Level));
        if (setting.MinimumAmount is { } minimum)
        {
            json.WriteMoney("minimum_amount", minimum);
        }

        if (setting.Until is { } until)
        {
            json.WriteTime("until", until);
        }

        json.WriteTime("accepted_at", setting.AcceptedAt);
        json.WriteEndObject();
    }

    // The key itself, whose order never changes.
    private static string WriteCursor(Sensitivity setting) => string.Create(
        CultureInfo.InvariantCulture, $"{setting.Key.UserId}-{setting.Key.CategoryId}-{(setting.Until is null ? 0 : 1)}");

    private static SensitivityCursor? ReadCursor(string? text)
    {
        if (text is null)
        {
            return null;
        }

        string[] parts = text.Split('-');
        return parts is [var user, var category, "0" or "1"]
            && long.TryParse(user, NumberStyles.None, CultureInfo.InvariantCulture, out long userId)
            && long.TryParse(category, NumberStyles.None, CultureInfo.InvariantCulture, out long categoryId)
                ? new SensitivityCursor(new SensitivityKey(userId, categoryId), parts[2] == "1")
                : throw Problems.Validation("after", "must be a cursor from an earlier answer");
    }
}
