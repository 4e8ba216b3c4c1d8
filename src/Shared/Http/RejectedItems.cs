using System.Buffers;
using System.Globalization;
using System.Text.Json;
using FinanceIngest.Transactions;

namespace FinanceIngest.Http;

/// <summary>
/// The items of a request that were not accepted: invalid ones with their errors, and valid ones that may be sent again. Errors are kept as the JSON of the
/// answer, up to <see cref="MaximumBytes"/>; invalid items beyond are only counted, so that no request makes an answer that is many times its own size.
/// </summary>
/// <remarks>
/// Every item that may be sent again is listed. So an item that the answer mentions nowhere is invalid, and sending it again with fewer others tells why.
/// </remarks>
internal sealed class RejectedItems
{
    /// <summary>
    /// The most bytes that the errors of one answer take. With 10,000 accepted items beside them an answer stays below <see cref="ApiResponse.MaximumList"/>.
    /// </summary>
    public const int MaximumBytes = 384 * 1024;

    private readonly ArrayBufferWriter<byte> _json = new();
    private readonly List<(int Index, int End)> _invalid = [];
    private readonly List<int> _retryable = [];
    private bool _isFull;

    /// <summary>The number of invalid items, listed or not.</summary>
    public int InvalidCount { get; private set; }

    /// <summary>The bytes that these items take in memory and in the answer together.</summary>
    public long HeldBytes => 2L * _json.WrittenCount;

    /// <summary>Adds an item that is not valid.</summary>
    /// <param name="index">The item's index, greater than that of every invalid item before.</param>
    /// <param name="errors">What is wrong with the item.</param>
    public void Add(int index, ValidationErrors errors)
    {
        InvalidCount++;
        if (_isFull)
        {
            return;
        }

        using (var writer = new Utf8JsonWriter(_json, ApiResponse.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteNumber("index", index);
            writer.WritePropertyName("errors");
            Problem.WriteErrors(writer, errors.Messages);
            writer.WriteEndObject();
        }

        _isFull = _json.WrittenCount > MaximumBytes;
        if (!_isFull)
        {
            _invalid.Add((index, _json.WrittenCount));
        }
    }

    /// <summary>Adds an item that is valid but could not be made durable.</summary>
    /// <param name="index">The item's index, greater than that of every such item before.</param>
    public void AddRetryable(int index) => _retryable.Add(index);

    /// <summary>400: none of the items is valid.</summary>
    /// <param name="what">The noun for the items, in the plural.</param>
    public ProblemException NothingAcceptable(string what)
    {
        string detail = $"None of {InvalidCount.ToString(CultureInfo.InvariantCulture)} {what} is acceptable.";
        var errors = new ValidationErrors();
        errors.Add(ValidationErrors.Whole, $"holds no acceptable item: \"rejected\" has the errors of each by its index");
        return new ProblemException(new Problem(400, "validation", "The request is not valid.", detail)
        {
            Errors = errors.Messages,
            Extension = Write,
            Length = _json.WrittenCount + 512,
        });
    }

    /// <summary>Writes <c>"rejected": […]</c> in the order of the indexes, and <c>"rejected_count"</c> where items were left out of the list.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartArray("rejected");
        int next = 0;
        int start = 0;
        foreach ((int index, int end) in _invalid)
        {
            next = WriteRetryable(json, next, index);
            json.WriteRawValue(_json.WrittenSpan[start..end], skipInputValidation: true);
            start = end;
        }

        WriteRetryable(json, next, int.MaxValue);
        json.WriteEndArray();
        if (_invalid.Count < InvalidCount)
        {
            json.WriteNumber("rejected_count", InvalidCount + _retryable.Count);
        }
    }

    private int WriteRetryable(Utf8JsonWriter json, int next, int before)
    {
        for (; next < _retryable.Count && _retryable[next] < before; next++)
        {
            json.WriteStartObject();
            json.WriteNumber("index", _retryable[next]);
            json.WriteBoolean("retryable", true);
            json.WriteEndObject();
        }

        return next;
    }
}
