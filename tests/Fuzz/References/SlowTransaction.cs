using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace FinanceIngest.Fuzz.References;

/// <summary>A slow reference for submitted transactions, which reads a parsed document by the rules of docs/api.md.</summary>
internal sealed partial class SlowTransaction
{
    private static readonly string[] s_known = ["user_id", "category_id", "amount", "occurred_at", "idempotency_key"];

    /// <summary>The wrong fields; <c>$</c> when the value is no object.</summary>
    public SortedSet<string> Wrong { get; } = new(StringComparer.Ordinal);

    /// <summary>1 … 2^63−1.</summary>
    public long? UserId { get; private set; }

    /// <summary>1 … 2^63−1.</summary>
    public long? CategoryId { get; private set; }

    /// <summary>Ten-thousandths.</summary>
    public long? Amount { get; private set; }

    /// <summary>UTC.</summary>
    public DateTime? OccurredAt { get; private set; }

    /// <summary>1 … 255 code points.</summary>
    public string? Key { get; private set; }

    /// <summary>Reads a transaction.</summary>
    public static SlowTransaction Read(JsonElement value)
    {
        var read = new SlowTransaction();
        if (value.ValueKind != JsonValueKind.Object)
        {
            read.Wrong.Add("$");
            return read;
        }

        foreach (string name in s_known)
        {
            JsonElement[] given = [.. value.EnumerateObject().Where(property => NameOf(property) == name).Select(property => property.Value)];
            if (given.Length > 1)
            {
                read.Wrong.Add(name);
            }

            foreach (JsonElement one in given.Where(one => one.ValueKind != JsonValueKind.Null))
            {
                read.Take(name, one);
            }
        }

        read.Require(read.UserId is null, "user_id");
        read.Require(read.CategoryId is null, "category_id");
        read.Require(read.Amount is null, "amount");
        return read;
    }

    private void Require(bool missing, string name)
    {
        if (missing)
        {
            Wrong.Add(name);
        }
    }

    private void Take(string name, JsonElement value)
    {
        bool good = name switch
        {
            "user_id" => (UserId = Id(value)) is not null,
            "category_id" => (CategoryId = Id(value)) is not null,
            "amount" => (Amount = Units(value)) is not null,
            "occurred_at" => (OccurredAt = Text(value) is { } time ? SlowTimestamp.Read(time) : null) is not null,
            _ => (Key = Text(value) is { } key && key.EnumerateRunes().Count() is >= 1 and <= 255 ? key : null) is not null,
        };
        if (!good)
        {
            Wrong.Add(name);
        }
    }

    private static long? Id(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number && Digits().IsMatch(value.GetRawText())
        && long.TryParse(value.GetRawText(), NumberStyles.None, CultureInfo.InvariantCulture, out long id) && id >= 1 ? id : null;

    private static long? Units(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => SlowMoney.Units(value.GetRawText()),
        JsonValueKind.String => Text(value) is { } text ? SlowMoney.Units(text) : null,
        _ => null,
    };

    // Returns null also for a string that is no Unicode, because it has an escape of half a surrogate pair.
    private static string? Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    private static string? NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    [GeneratedRegex(@"\A[0-9]+\z", RegexOptions.CultureInvariant)]
    private static partial Regex Digits();
}
