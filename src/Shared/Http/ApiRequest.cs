using System.Buffers;
using System.Globalization;
using System.Net;
using System.Numerics;
using FinanceIngest.Configuration;

namespace FinanceIngest.Http;

/// <summary>An HTTP request as the endpoints see it; each HTTP head (Kestrel, Azure Functions) has one translation.</summary>
/// <remarks>The head disposes of a request after its answer, written or not, which returns the request's share of <see cref="BytesInFlight"/>.</remarks>
public abstract class ApiRequest : IDisposable
{
    /// <summary>Bytes that a request with a body is counted for beside the body itself, such as its transaction and its answer.</summary>
    public const int BesideItsBody = 1024;

    private const string Json = "application/json";
    private const int FirstBuffer = 4 * 1024;

    // The pool lends arrays whose length is a power of two, and keeps those that come back for good, so large ones are not taken from it.
    private const int LargestPooled = 1024 * 1024;

    private BytesInFlight? _inFlight;
    private long _held;
    private byte[]? _rented;
    private BodyPace? _pace;
    private QueryParameters? _parameters;

    /// <summary>The HTTP method, upper case.</summary>
    public abstract string Method { get; }

    /// <summary>The decoded path, starting with a slash.</summary>
    public abstract string Path { get; }

    /// <summary>The announced length of the body in bytes; null when none is announced.</summary>
    public abstract long? ContentLength { get; }

    /// <summary>The body.</summary>
    public abstract Stream Body { get; }

    /// <summary>The address from which the connection comes, a proxy's where there is one; null when the head does not know it.</summary>
    public virtual IPAddress? RemoteAddress => null;

    /// <summary>
    /// Whether commands need a token beside the key: a platform checks the key, and everybody who may submit has it. False where the API checks its own keys.
    /// </summary>
    public virtual bool CommandsNeedToken => false;

    /// <summary>The caller; null on open routes.</summary>
    internal Caller? Caller { get; set; }

    /// <summary>The name of the caller, by which limits count; empty on open routes.</summary>
    internal string CallerName => Caller?.Name ?? "";

    /// <summary>The header's value, several joined by commas; null when absent.</summary>
    public abstract string? Header(string name);

    /// <summary>The query as it was sent, with or without its question mark; empty when there is none.</summary>
    public abstract string QueryText { get; }

    /// <summary>The parameters of the query, decoded, in their order.</summary>
    internal QueryParameters Parameters => _parameters ??= QueryParameters.Parse(QueryText);

    /// <summary>The decoded query parameter (the first of several); null when absent. The case of its name is ignored.</summary>
    public string? Query(string name) => Parameters.First(name);

    /// <summary>Reads the whole body.</summary>
    /// <exception cref="ProblemException">
    /// 413: the body has more than <paramref name="limit"/> bytes. 408: it arrives too slowly. 503: this process holds all it can.
    /// </exception>
    public async Task<ReadOnlyMemory<byte>> ReadBodyAsync(int limit, CancellationToken cancellationToken)
    {
        // Kestrel refuses a negative length, but another head may hand one on.
        long? announced = ContentLength is >= 0 ? ContentLength : null;
        if (announced > limit)
        {
            throw Problems.TooLarge($"The body has more than {limit.ToString(CultureInfo.InvariantCulture)} bytes.");
        }

        // The announced length reserves nothing: the buffer grows with the bytes that have arrived, and only they are counted.
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
                // Both buffers exist while the smaller one is copied, so both are counted until then.
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

    /// <summary>Counts from now on what this request holds.</summary>
    internal void CountIn(BytesInFlight inFlight) => _inFlight = inFlight;

    /// <summary>Counts this many bytes more for this request.</summary>
    /// <exception cref="ProblemException">503: this process holds all it can.</exception>
    public void Hold(long bytes)
    {
        if (_inFlight is { } inFlight)
        {
            _held += inFlight.TryTake(bytes, _held) ? bytes : throw Overloaded();
        }
    }

    /// <summary>Counts this many bytes in place of everything that this request held so far. Its body is given back and must not be used after this.</summary>
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

    // Only buffers whose read has completed come here: the connection may still write into one whose read was cut off.
    private static void GiveBackBuffer(byte[]? buffer)
    {
        if (buffer is not null)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>The whole number in a query parameter, cut to its maximum; <paramref name="unset"/> when the parameter is absent.</summary>
    /// <exception cref="ProblemException">400: the parameter is not a whole number of at least <paramref name="minimum"/>.</exception>
    public int QueryInteger(string name, int unset, int minimum, int maximum) =>
        Query(name) is { } text ? ParseInteger(name, text, minimum, maximum) : unset;

    /// <summary>The query parameter that is <c>true</c> or <c>false</c>; false when it is absent.</summary>
    /// <exception cref="ProblemException">400: the parameter is something else.</exception>
    internal bool QueryFlag(string name) => Query(name) switch
    {
        null or "false" => false,
        "true" => true,
        _ => throw Problems.Validation(name, "must be true or false"),
    };

    /// <summary>
    /// Requires a scope, by the rule of all routes, for what the route takes only from some callers. Where <see cref="CommandsNeedToken"/>, only a token gives
    /// the scopes <c>manage</c> and <c>admin</c>.
    /// </summary>
    /// <exception cref="ProblemException">403: the caller lacks it.</exception>
    internal void RequireScope(Scopes scope)
    {
        string name = scope.ToString().ToLowerInvariant();
        if (Caller is { HasToken: false } && CommandsNeedToken && scope is Scopes.Manage or Scopes.Admin)
        {
            throw Problems.NeedsToken(name);
        }

        if (Caller is { } caller && !caller.Scopes.HasFlag(scope))
        {
            throw caller.HasToken ? BearerTokens.LacksScope(name) : Problems.Forbidden(name);
        }
    }

    /// <summary>The id of a user or category in a query parameter, 1 … 2^63−1; null when the parameter is absent.</summary>
    /// <exception cref="ProblemException">400: the parameter is no such number.</exception>
    internal long? QueryId(string name) =>
        Query(name) is not { } text ? null
        : long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= 1 ? value
        : throw Problems.Validation(name, "must be from 1 to 9223372036854775807");

    /// <summary>The whole number that a parameter's text says, cut to its maximum.</summary>
    /// <exception cref="ProblemException">400: the text is not a whole number of at least <paramref name="minimum"/>.</exception>
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
    /// <exception cref="ProblemException">
    /// 415: the charset is not UTF-8, the body has a content encoding, or the header is given more than once with different media types.
    /// </exception>
    public string MediaType()
    {
        if (Header("Content-Encoding") is { Length: > 0 } encoding && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            throw Problems.UnsupportedMediaType($"The content encoding '{encoding}' is not supported; send the body without one.");
        }

        string type = Header("Content-Type") ?? "";
        if (type == Json)
        {
            return type;
        }

        List<string> lines = HeaderLines.Split(type);
        string mediaType = MediaType(lines[0]);
        return lines.TrueForAll(line => MediaType(line) == mediaType)
            ? mediaType
            : throw Problems.UnsupportedMediaType("The header Content-Type is given more than once, with different media types.");
    }

    private static string MediaType(string line)
    {
        string[] parts = line.Split(';', StringSplitOptions.TrimEntries);
        foreach (string parameter in parts.AsSpan(1))
        {
            string[] pair = parameter.Split('=', 2, StringSplitOptions.TrimEntries);
            if (pair.Length == 2 && pair[0].Equals("charset", StringComparison.OrdinalIgnoreCase) && !IsUtf8(pair[1].AsSpan().Trim('"')))
            {
                throw Problems.UnsupportedMediaType("JSON must be UTF-8; no other charset is supported.");
            }
        }

        return parts[0].ToLowerInvariant();
    }

    // The second name is not registered, but much software writes it.
    private static bool IsUtf8(ReadOnlySpan<char> charset) =>
        charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase) || charset.Equals("utf8", StringComparison.OrdinalIgnoreCase);

    /// <summary>Refuses a body that is not announced as JSON.</summary>
    /// <exception cref="ProblemException">415: the media type is not JSON's.</exception>
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
