using System.Text.Json;

namespace FinanceIngest.Queueing;

/// <summary>How many transactions the messages of a queue carry, leased and delayed messages included.</summary>
/// <param name="Count">Transactions; ≥ 0.</param>
/// <param name="IsEstimate">Whether the number was concluded from some of the messages.</param>
public readonly record struct TransactionCount(long Count, bool IsEstimate)
{
    private const int MaximumDepth = 16;

    /// <summary>Concludes the number from the texts of some messages: their average, for all messages.</summary>
    /// <param name="length">Messages on the queue.</param>
    /// <param name="sample">Texts of some of them; null is returned when there is none although the queue holds messages.</param>
    internal static TransactionCount? Of(long length, IReadOnlyCollection<string> sample)
    {
        if (length == 0)
        {
            return default(TransactionCount);
        }

        if (sample.Count == 0)
        {
            return null;
        }

        long counted = sample.Sum(text => (long)In(text));
        return sample.Count >= length
            ? new TransactionCount(counted, IsEstimate: false)
            : new TransactionCount((long)Math.Round((double)counted / sample.Count * length), IsEstimate: true);
    }

    /// <summary>The transactions in one message; 0 for commands, for the marker of unsent alerts, and for a text that can't be read.</summary>
    internal static int In(MessageBody body)
    {
        if (body.TryGetEnvelope(out Envelope? envelope))
        {
            return envelope.Transactions.Count;
        }

        try
        {
            return body.TryDecode(out byte[] json) ? In(json) : 0;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return 0;
        }
    }

    private static int In(byte[] json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = MaximumDepth });
        reader.Read();
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            return Items(ref reader);
        }

        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return 0;
        }

        int? count = null;
        bool hasCommands = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            bool isList = reader.ValueTextEquals("transactions"u8);
            hasCommands |= reader.ValueTextEquals("commands"u8);
            reader.Read();
            if (isList)
            {
                count = reader.TokenType == JsonTokenType.StartArray ? Items(ref reader) : 0;
            }

            reader.Skip();
        }

        return count ?? (hasCommands ? 0 : 1);
    }

    private static int Items(ref Utf8JsonReader reader)
    {
        int items = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            items++;
            reader.Skip();
        }

        return items;
    }
}
