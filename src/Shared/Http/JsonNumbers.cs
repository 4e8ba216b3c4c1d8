using System.Buffers.Text;
using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Http;

/// <summary>Writes numbers and instants as the contract prescribes.</summary>
public static class JsonNumbers
{
    /// <summary>Writes an amount exactly: <c>6000.0</c>, for clients that expect a float, or <c>6000</c>.</summary>
    internal static void WriteMoney(this Utf8JsonWriter json, string name, Money amount, bool atLeastOneDecimal = true)
    {
        Span<byte> text = stackalloc byte[32];
        json.WritePropertyName(name);
        json.WriteRawValue(text[..amount.Format(text, atLeastOneDecimal)], skipInputValidation: true);
    }

    /// <summary>Writes a finite double in the shortest form that reads back as the same double: <c>8.0</c> or <c>8</c>.</summary>
    public static void WriteDouble(this Utf8JsonWriter json, string name, double value, bool atLeastOneDecimal = true)
    {
        Span<byte> text = stackalloc byte[40];
        Utf8Formatter.TryFormat(value, text, out int length);
        if (atLeastOneDecimal && text[..length].IndexOfAny((byte)'.', (byte)'E') < 0)
        {
            text[length++] = (byte)'.';
            text[length++] = (byte)'0';
        }

        json.WritePropertyName(name);
        json.WriteRawValue(text[..length], skipInputValidation: true);
    }

    /// <summary>Writes an instant: UTC, six decimals.</summary>
    public static void WriteTime(this Utf8JsonWriter json, string name, DateTime instant)
    {
        Span<byte> text = stackalloc byte[Timestamp.Length];
        Timestamp.Write(instant, text);
        json.WriteString(name, text);
    }
}
