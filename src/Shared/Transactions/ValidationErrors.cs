namespace FinanceIngest.Transactions;

/// <summary>The errors of a transaction or a baseline by field, in the order in which they were found.</summary>
public sealed class ValidationErrors
{
    /// <summary>The field name of an error that concerns the whole item.</summary>
    public const string Whole = "$";

    private readonly Dictionary<string, List<string>> _messages = [];

    /// <summary>The messages by field.</summary>
    public IReadOnlyDictionary<string, List<string>> Messages => _messages;

    /// <summary>Whether there are no errors.</summary>
    public bool IsEmpty => _messages.Count == 0;

    /// <summary>Adds a message: a phrase of which the field's name is the subject, such as "is required".</summary>
    public void Add(string field, string message)
    {
        if (!_messages.TryGetValue(field, out List<string>? messages))
        {
            _messages.Add(field, messages = []);
        }

        messages.Add(message);
    }

    /// <summary>Returns all errors on one line, for logs and tables.</summary>
    public override string ToString() => string.Join("; ", _messages.Select(field => $"{field.Key} {string.Join(", ", field.Value)}"));
}
