using System.Text;
using FinanceIngest.Http;

namespace FinanceIngest.Fuzz.Api;

/// <summary>A request in memory.</summary>
internal sealed class FuzzRequest(string method, string path, byte[] body) : ApiRequest
{
    private readonly Dictionary<string, string> _headers = new(StringComparer.OrdinalIgnoreCase);
    private string _query = "";

    /// <inheritdoc/>
    public override string Method => method;

    /// <inheritdoc/>
    public override string Path => path;

    /// <inheritdoc/>
    public override long? ContentLength =>
        _headers.TryGetValue("Content-Length", out string? text) ? (long.TryParse(text, out long length) ? length : null) : body.Length;

    /// <inheritdoc/>
    public override Stream Body { get; } = new MemoryStream(body, writable: false);

    /// <summary>
    /// Reads a request from text: <c>METHOD /path?query</c>, lines of headers, an empty line, the body. Any bytes give some request.
    /// </summary>
    public static FuzzRequest Parse(byte[] text)
    {
        int end = text.AsSpan().IndexOf("\n\n"u8);
        string[] lines = Encoding.UTF8.GetString(text.AsSpan(0, end < 0 ? text.Length : end)).Split('\n');
        string[] start = lines[0].Split(' ', 2);
        string[] target = (start.Length > 1 ? start[1] : "").Split('?', 2);
        var request = new FuzzRequest(start[0], "/" + Uri.UnescapeDataString(target[0]).TrimStart('/'), end < 0 ? [] : text[(end + 2)..]);
        request.SetQuery(target.Length > 1 ? target[1] : "");
        foreach (string line in lines.Skip(1))
        {
            string[] pair = line.Split(':', 2);
            if (pair.Length == 2)
            {
                request.With(pair[0].Trim(), pair[1].Trim());
            }
        }

        return request;
    }

    /// <summary>Adds a header. Several headers of one name are joined, as the heads do.</summary>
    public FuzzRequest With(string name, string value)
    {
        _headers[name] = _headers.TryGetValue(name, out string? before) ? $"{before}, {value}" : value;
        return this;
    }

    /// <summary>Sets the query from its text.</summary>
    public FuzzRequest SetQuery(string query)
    {
        _query = query;
        return this;
    }

    /// <inheritdoc/>
    public override string? Header(string name) => _headers.GetValueOrDefault(name);

    /// <inheritdoc/>
    public override string QueryText => _query;
}
