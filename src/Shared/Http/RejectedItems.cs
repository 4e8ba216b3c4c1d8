using System.Globalization;
using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Http;

/// <summary>The items of a request that were not accepted: invalid ones with their errors, and valid ones that may be sent again.</summary>
internal sealed class RejectedItems
{
    private readonly SortedDictionary<int, ValidationErrors?> _items = [];

    /// <summary>Adds an item that is not valid.</summary>
    public void Add(int index, ValidationErrors errors) => _items.Add(index, errors);

    /// <summary>Adds an item that is valid but could not be made durable.</summary>
    public void AddRetryable(int index) => _items.Add(index, null);

    /// <summary>400: none of the items is valid.</summary>
    /// <param name="what">The noun for the items, in the plural.</param>
    public ProblemException NothingAcceptable(string what)
    {
        var all = new ValidationErrors();
        foreach ((int index, ValidationErrors? errors) in _items)
        {
            foreach ((string field, List<string> messages) in errors!.Messages)
            {
                messages.ForEach(message => all.Add($"[{index.ToString(CultureInfo.InvariantCulture)}].{field}", message));
            }
        }

        return new ProblemException(new Problem(400, "validation", "The request is not valid.", $"None of {_items.Count} {what} is acceptable.")
        {
            Errors = all.Messages,
            Extension = Write,
        });
    }

    /// <summary>Writes <c>"rejected": […]</c>.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartArray("rejected");
        foreach ((int index, ValidationErrors? errors) in _items)
        {
            json.WriteStartObject();
            json.WriteNumber("index", index);
            if (errors is null)
            {
                json.WriteBoolean("retryable", true);
            }
            else
            {
                json.WritePropertyName("errors");
                Problem.WriteErrors(json, errors.Messages);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
