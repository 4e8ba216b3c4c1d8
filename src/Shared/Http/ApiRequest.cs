using System.Buffers;
using System.Globalization;
using System.Numerics;

namespace FinanceIngest.Http;

/// <summary>An HTTP request as the endpoints see it; each HTTP head (Kestrel, Azure Functions) has one translation.</summary>
/// <remarks>To be disposed when its answer is written, or can't be: what it held of <see cref="BytesInFlight"/> is given back then.</remarks>
public abstract class ApiRequest : IDisposable
{
    /// <summary>What a request with a body is taken to hold beside its bytes: a transaction, an answer.</summary>
    public const int BesideItsBody = 1024;

    private const string Json = "application/json";
    private const int FirstBuffer = 4 * 1024;

    // The pool has powers of two, and keeps what it has given.
    private const int LargestPooled = 1024 * 1024;

    private BytesInFlight? _inFlight;
    private long _held;
    private byte[]? _rented;
    private BodyPace? _pace;

    /// <summary>Upper case.</summary>
    public abstract string Method { get; }

    /// <summary>Decoded path, starting with a slash.</summary>
    public abstract string Path { get; }

    /// <summary>Bytes of the body as announced; null when it is not.</summary>
    public abstract long? ContentLength { get; }

    /// <summary>The body.</summary>
    public abstract Stream Body { get; }

    /// <summary>The header's value, several joined by commas; null when absent.</summary>
    public abstract string? Header(string name);

    /// <summary>The decoded query parameter (the first of several); null when absent.</summary>
    public abstract string? Query(string name);

    /// <summary>Reads the whole body.</summary>
    /// <exception cref="ProblemException">413: it has more than <paramref name="limit"/> bytes. 408: it came too slowly. 503: this process holds all it can.</exception>
    public async Task<ReadOnlyMemory<byte>> ReadBodyAsync(int limit, CancellationToken cancellationToken)
    {
        // A web server refuses a negative length; a head that reads the header by itself may hand one on.
        long? announced = ContentLength is >= 0 ? ContentLength : null;
        if (announced > limit)
        {
            throw Problems.TooLarge($"The body has more than {limit.ToString(CultureInfo.InvariantCulture)} bytes.");
        }

        // What is announced is not there yet: memory follows what has come, and what has come is what counts.
        byte[] buffer = new byte[(int)Math.Min(announced ?? FirstBuffer, FirstBuffer) + 1];
        bool isRented = false;
        int filled = 0;
        Stream body = Body;
        while (true)
        {
            int read = _pace is null
                ? await body.ReadAsync(buffer.AsMemory(filled), cancellationToken)
                : await _pace.ReadAsync(body, buffer.AsMemory(filled));
            filled += read;
            if (filled > limit)
            {
                throw Problems.TooLarge($"The body has more than {limit.ToString(CultureInfo.InvariantCulture)} bytes.");
            }

            if (read == 0)
            {
                _rented = isRented ? buffer : null;
                return buffer.AsMemory(0, filled);
            }

            if (filled == read)
            {
                Hold(buffer.Length + BesideItsBody);
            }

            if (filled == buffer.Length)
            {
                // Both are there while one is copied into the other.
                int before = buffer.Length;
                int next = (int)Math.Min((before * 2L) + 1, Math.Max(announced ?? limit, filled) + 1);
                bool isPooled = next <= LargestPooled;
                next = isPooled ? (int)BitOperations.RoundUpToPowerOf2((uint)next) : next;
                Hold(next);
                byte[] larger = isPooled ? ArrayPool<byte>.Shared.Rent(next) : new byte[next];
                buffer.AsSpan(0, filled).CopyTo(larger);
                GiveBackBuffer(isRented ? buffer : null);
                (buffer, isRented) = (larger, isPooled);
                GiveBack(before);
                _pace ??= next > BytesInFlight.Small && _inFlight is not null ? new BodyPace(_inFlight.Time, cancellationToken) : null;
            }
        }
    }

    /// <summary>From now on what is held for this request counts.</summary>
    internal void CountIn(BytesInFlight inFlight) => _inFlight = inFlight;

    /// <summary>Holds this many bytes more.</summary>
    /// <exception cref="ProblemException">503: this process holds all it can.</exception>
    public void Hold(long bytes)
    {
        if (_inFlight is { } inFlight)
        {
            _held += inFlight.TryTake(bytes, _held) ? bytes : throw Overloaded();
        }
    }

    /// <summary>Holds this many bytes, instead of its body, which has been read and must not be looked at any more, and whatever else.</summary>
    /// <exception cref="ProblemException">503: this process holds all it can.</exception>
    public void HoldInstead(long bytes)
    {
        GiveBackBuffer(_rented);
        _rented = null;
        if (bytes > _held)
        {
            Hold(bytes - _held);
        }
        else
        {
            GiveBack(_held - bytes);
        }
    }

    /// <summary>503: this process holds all it can.</summary>
    public ProblemException Overloaded() => Problems.Unavailable(
        "overloaded", "This process holds all the requests it can; nothing was accepted.", _inFlight?.RetryAfterSeconds ?? 1);

    /// <inheritdoc/>
    public void Dispose()
    {
        GiveBack(_held);
        GiveBackBuffer(_rented);
        _rented = null;
        _pace?.Dispose();
        GC.SuppressFinalize(this);
    }

    // Only whole bodies' buffers come here: into one whose reading was cut off, the connection may still be writing.
    private static void GiveBackBuffer(byte[]? buffer)
    {
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Whole number of a query parameter, cut to its maximum; <paramref name="unset"/> when it is absent.</summary>
    /// <exception cref="ProblemException">400: it is not a whole number of at least <paramref name="minimum"/>.</exception>
    public int QueryInteger(string name, int unset, int minimum, int maximum) =>
        Query(name) is { } text ? ParseInteger(name, text, minimum, maximum) : unset;

    /// <summary>A whole number in a parameter, cut to its maximum.</summary>
    /// <exception cref="ProblemException">400: it is not a whole number of at least <paramref name="minimum"/>.</exception>
    public static int ParseInteger(string name, string text, int minimum, int maximum)
    {
        bool isNumber = text.Length > 0 && text.AsSpan().IndexOfAnyExceptInRange('0', '9') < 0;
        if (!isNumber)
        {
            throw Problems.Validation(name, $"must be a whole number of at least {minimum.ToString(CultureInfo.InvariantCulture)}");
        }

        // Digits that overflow are above every maximum.
        int value = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int parsed) ? parsed : maximum;
        return value < minimum
            ? throw Problems.Validation(name, $"must be a whole number of at least {minimum.ToString(CultureInfo.InvariantCulture)}")
            : Math.Min(value, maximum);
    }

    /// <summary>The media type without its parameters, lower case; empty when absent.</summary>
    /// <exception cref="ProblemException">415: another charset than UTF-8, or an encoded body.</exception>
    public string MediaType()
    {
        if (Header("Content-Encoding") is { Length: > 0 } encoding && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            throw Problems.UnsupportedMediaType($"The body's encoding '{encoding}' is not supported; send it as it is.");
        }

        string type = Header("Content-Type") ?? "";
        if (type == Json)
        {
            return type;
        }

        string[] parts = type.Split(';', StringSplitOptions.TrimEntries);
        foreach (string parameter in parts.AsSpan(1))
        {
            string[] pair = parameter.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair.Length == 2 && pair[0].Equals("charset", StringComparison.OrdinalIgnoreCase)
                && !pair[1].AsSpan().Trim('"').Equals("utf-8", StringComparison.OrdinalIgnoreCase))
            {
                throw Problems.UnsupportedMediaType("JSON is UTF-8 here; no other charset is supported.");
            }
        }

        return parts[0].ToLowerInvariant();
    }

    /// <summary>Refuses a body that is not announced as JSON.</summary>
    /// <exception cref="ProblemException">415.</exception>
    public void RequireJson()
    {
        if (!IsJson(MediaType()))
        {
            throw Problems.UnsupportedMediaType("The body must be JSON, with Content-Type: application/json.");
        }
    }

    /// <summary>Whether a media type is JSON's or one of its family (<c>+json</c>).</summary>
    public static bool IsJson(string mediaType) =>
        mediaType == Json || (mediaType.StartsWith("application/", StringComparison.Ordinal) && mediaType.EndsWith("+json", StringComparison.Ordinal));

    private void GiveBack(long bytes)
    {
        if (bytes > 0)
        {
            _held -= bytes;
            _inFlight?.GiveBack(bytes);
        }
    }
}
