namespace FinanceIngest.Transactions;

/// <summary>
/// The errors of a transaction or a baseline by field, in the order in which they were found. A field has one message, the first, so that an item has no more
/// messages than there are fields, however often one of them stands in it.
/// </summary>
public sealed class ValidationErrors
{
    /// <summary>The field name of an error that concerns the whole item.</summary>
    public const string Whole = "$";

    private readonly Dictionary<string, List<string>> _messages = [];

    /// <summary>The messages by field.</summary>
    public IReadOnlyDictionary<string, List<string>> Messages => _messages;

    /// <summary>Whether there are no errors.</summary>
    public bool IsEmpty => _messages.Count == 0;

    /// <summary>Adds a message, unless the field has one: a phrase of which the field's name is the subject, such as "is required".</summary>
    public void Add(string field, string message)
    {
        if (!_messages.ContainsKey(field))
        {
            _messages.Add(field, [message]);
        }
    }

    /// <summary>Returns all errors on one line, for logs and tables.</summary>
    public override string ToString() => string.Join("; ", _messages.Select(field => $"{field.Key} {string.Join(", ", field.Value)}"));
}
