using System.Text;
using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Baselines;

/// <summary>Reads the fields of one baseline from a JSON object of a file or a request.</summary>
public static class BaselineJsonFields
{
    /// <summary>
    /// Reads the object <c>{"user_id","category_id","mean","std_dev","sample_count"}</c> at the reader's position, and leaves the reader at its end. The last
    /// two fields may be called <c>std</c> and <c>count</c>. Unknown fields are skipped; a field that is <c>null</c> is absent; a field given twice is an
    /// error; integers may have decimals that are zero.
    /// </summary>
    /// <exception cref="JsonException">The JSON is malformed.</exception>
    public static BaselineFields Read(ref Utf8JsonReader reader)
    {
        var fields = new BaselineFields();
        ReadInto(fields, ref reader);
        return fields;
    }

    /// <summary>Reads an object's fields in addition to those that are already known.</summary>
    public static void ReadInto(BaselineFields fields, ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            fields.AddError(ValidationErrors.Whole, "must be an object");
            reader.Skip();
            return;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            BaselineField field = Recognise(ref reader);
            reader.Read();
            if (field != BaselineField.None && fields.Meet(field))
            {
                ReadValue(fields, field, ref reader);
            }
            else
            {
                reader.Skip();
            }
        }
    }

    private static BaselineField Recognise(ref Utf8JsonReader reader)
    {
        try
        {
            foreach ((string name, BaselineField field) in BaselineFieldNames.Spellings)
            {
                if (reader.ValueTextEquals(name))
                {
                    return field;
                }
            }
        }
        catch (InvalidOperationException)
        {
            // The name contains an escaped half of a surrogate pair, so it is no field of a baseline.
        }

        return BaselineField.None;
    }

    private static void ReadValue(BaselineFields fields, BaselineField field, ref Utf8JsonReader reader)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                break;
            case JsonTokenType.Number:
                fields.SetText(field, Encoding.ASCII.GetString(reader.ValueSpan));
                break;
            case JsonTokenType.String when PythonJson.TryGetNonFinite(reader.ValueSpan, out string? name):
                fields.AddError(BaselineFieldNames.NameOf(field), $"must be a finite number, not {name}, which Python writes but JSON does not have");
                break;
            default:
                fields.AddError(BaselineFieldNames.NameOf(field), BaselineFieldNames.IsInteger(field) ? "must be an integer" : "must be a number");
                reader.Skip();
                break;
        }
    }
}
