namespace FinanceIngest.Transactions;

/// <summary>What is wrong with a transaction or a baseline: field → messages, in the order found.</summary>
public sealed class ValidationErrors
{
    /// <summary>The name under which an error of the whole item stands.</summary>
    public const string Whole = "$";

    private readonly Dictionary<string, List<string>> _messages = [];

    /// <summary>Field → messages.</summary>
    public IReadOnlyDictionary<string, List<string>> Messages => _messages;

    /// <summary>Whether nothing is wrong.</summary>
    public bool IsEmpty => _messages.Count == 0;

    /// <summary>Adds one message, a phrase that reads after the field's name.</summary>
    public void Add(string field, string message)
    {
        if (!_messages.TryGetValue(field, out List<string>? messages))
        {
            _messages.Add(field, messages = []);
        }

        messages.Add(message);
    }

    /// <summary>All of it on one line, for logs and tables.</summary>
    public override string ToString() => string.Join("; ", _messages.Select(field => $"{field.Key} {string.Join(", ", field.Value)}"));
}
