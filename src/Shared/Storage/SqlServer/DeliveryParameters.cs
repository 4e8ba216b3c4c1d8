using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace FinanceIngest.Storage.SqlServer;

/// <summary>
/// The rows of a statement about deliveries, as JSON: some dozens at a time. Times are text with six decimals. Keys are bytes, and JSON has no form of them
/// that every server reads: they stand in one binary parameter, and rows have their places in it.
/// </summary>
internal sealed class DeliveryParameters
{
    private const int KeyLength = 16;
    private readonly Dictionary<Guid, int> _places = [];
    private readonly List<byte> _keys = [];

    /// <summary>
    /// The bytes of all keys that <see cref="At"/> was asked for, with zeros behind them up to a power of two: the length is part of a plan's text, and there
    /// are few plans so.
    /// </summary>
    public byte[] Keys
    {
        get
        {
            byte[] keys = new byte[BitOperations.RoundUpToPowerOf2((uint)Math.Max(_keys.Count, KeyLength))];
            _keys.CopyTo(keys);
            return keys;
        }
    }

    /// <summary>Returns the place of an id's key in <see cref="Keys"/>, from 1, as SUBSTRING counts.</summary>
    public int At(Guid id)
    {
        if (!_places.TryGetValue(id, out int place))
        {
            place = _keys.Count + 1;
            _places[id] = place;
            _keys.AddRange(SqlServerTables.Key(id));
        }

        return place;
    }

    /// <summary>Returns rows as an array of objects.</summary>
    public static string Rows<T>(IEnumerable<T> rows, Action<Utf8JsonWriter, T> write)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartArray();
            foreach (T row in rows)
            {
                json.WriteStartObject();
                write(json, row);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }

    /// <summary>Returns a time as the server reads it; null when there is none.</summary>
    public static string? Text(DateTime? instant) => instant?.ToString("yyyy-MM-ddTHH:mm:ss.ffffff", CultureInfo.InvariantCulture);
}
