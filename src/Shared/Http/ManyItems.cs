using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;

namespace FinanceIngest.Http;

/// <summary>Reads one item from JSON and leaves the reader at its end.</summary>
internal delegate T ReadItem<T>(ref Utf8JsonReader reader);

/// <summary>Reads a body of many items: a JSON array, or one item per line (NDJSON).</summary>
internal static class ManyItems
{
    /// <summary>How a body holds its items.</summary>
    public enum Format
    {
        /// <summary>A JSON array.</summary>
        Array,

        /// <summary>One JSON value per line.</summary>
        Lines,
    }

    /// <summary>The format that the request's media type names.</summary>
    /// <exception cref="ProblemException">415: the media type is neither JSON's nor NDJSON's.</exception>
    public static Format RequireFormat(ApiRequest request)
    {
        string mediaType = request.MediaType();
        return mediaType is "application/x-ndjson" or "application/ndjson" ? Format.Lines
            : ApiRequest.IsJson(mediaType) ? Format.Array
            : throw Problems.UnsupportedMediaType("The body must be a JSON array (application/json) or one object per line (application/x-ndjson).");
    }

    /// <summary>
    /// Hands over the items in order, each before the next is read, and returns their number. <paramref name="broken"/> makes the item of a line that is not
    /// JSON; blank lines are not counted. When this throws, the caller discards the items that it was given.
    /// </summary>
    /// <exception cref="ProblemException">400: the array is malformed. 413: the body has more than <paramref name="maximum"/> items.</exception>
    public static int Read<T>(ReadOnlyMemory<byte> body, Format format, int maximum, ReadItem<T> read, Func<string, T> broken, Action<T> take) =>
        format == Format.Lines ? ReadLines(JsonBody.WithoutBom(body.Span), maximum, read, broken, take) : ReadArray(body, maximum, read, take);

    private static int ReadArray<T>(ReadOnlyMemory<byte> body, int maximum, ReadItem<T> read, Action<T> take)
    {
        int count = 0;
        try
        {
            var reader = new Utf8JsonReader(JsonBody.Text(body).Span);
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                throw Problems.Malformed("must be a JSON array");
            }

            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                Admit(count++, maximum);
                take(read(ref reader));
            }

            return reader.Read() ? throw Problems.Malformed("has more after the end of the array") : count;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw JsonBody.Malformed(body, e);
        }
    }

    private static int ReadLines<T>(ReadOnlySpan<byte> text, int maximum, ReadItem<T> read, Func<string, T> broken, Action<T> take)
    {
        int count = 0;
        foreach (Range range in text.Split((byte)'\n'))
        {
            ReadOnlySpan<byte> line = text[range].Trim(" \t\r"u8);
            if (!line.IsEmpty)
            {
                Admit(count++, maximum);
                take(ReadLine(line, read, broken));
            }
        }

        return count;
    }

    private static T ReadLine<T>(ReadOnlySpan<byte> line, ReadItem<T> read, Func<string, T> broken)
    {
        if (!Utf8.IsValid(line))
        {
            return broken("is not UTF-8");
        }

        try
        {
            var reader = new Utf8JsonReader(line);
            reader.Read();
            T item = read(ref reader);
            return reader.Read() ? broken("has more after the end of the JSON value") : item;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return broken($"is not JSON: {e.Message}");
        }
    }

    private static void Admit(int count, int maximum)
    {
        if (count == maximum)
        {
            throw Problems.TooLarge($"The request has more than {maximum.ToString("N0", CultureInfo.InvariantCulture)} items.");
        }
    }
}
