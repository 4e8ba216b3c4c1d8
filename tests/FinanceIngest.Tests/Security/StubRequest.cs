using FinanceIngest.Http;

namespace FinanceIngest.Tests.Security;

/// <summary>A request with these headers. A name that starts with a question mark is a query parameter.</summary>
internal sealed class StubRequest(params (string Name, string Value)[] parts) : ApiRequest
{
    /// <summary>Whether the request is one of a function app.</summary>
    public bool IsFunction { get; init; }

    public override bool CommandsNeedToken => IsFunction;

    public override string Method => "GET";

    public override string Path => "/";

    public override long? ContentLength => null;

    public override Stream Body => Stream.Null;

    public override string? Header(string name)
    {
        string[] values = [.. parts.Where(part => part.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(part => part.Value)];
        return values.Length > 0 ? string.Join(", ", values) : null;
    }

    public override string QueryText => string.Join('&', parts.Where(part => part.Name[0] == '?')
        .Select(part => $"{Uri.EscapeDataString(part.Name[1..])}={Uri.EscapeDataString(part.Value)}"));
}
