using System.Globalization;

namespace FinanceIngest.Http;

/// <summary>The texts that stand in a request's path where its route's template has parameters.</summary>
public readonly struct RouteValues
{
    private readonly string[] _names;
    private readonly string[] _texts;

    internal RouteValues(string[] names, string[] texts) => (_names, _texts) = (names, texts);

    /// <summary>The text of a parameter, never empty.</summary>
    /// <exception cref="ArgumentException">The template has no parameter of that name.</exception>
    public string this[string name] => Array.IndexOf(_names, name) is >= 0 and var index
        ? _texts[index]
        : throw new ArgumentException($"The route has no parameter '{name}'.", nameof(name));

    /// <summary>The UUID in a parameter, with hyphens and without braces; null where the text is something else.</summary>
    /// <exception cref="ArgumentException">The template has no parameter of that name.</exception>
    public Guid? Uuid(string name) => Guid.TryParseExact(this[name], "D", out Guid value) ? value : null;

    /// <summary>The number in a parameter, 1 … 2^63−1 in digits alone; null where the text is something else.</summary>
    /// <exception cref="ArgumentException">The template has no parameter of that name.</exception>
    public long? Number(string name) =>
        long.TryParse(this[name], NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= 1 ? value : null;
}
