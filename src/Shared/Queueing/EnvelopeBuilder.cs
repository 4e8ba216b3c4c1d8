using FinanceIngest.Commands;
using FinanceIngest.Transactions;

namespace FinanceIngest.Queueing;

/// <summary>
/// Gathers transactions, or commands, into an <see cref="Envelope"/>: as many as fit into one message. What was put in first decides what a message holds:
/// transactions, transactions of a history, or commands. They are never mixed.
/// </summary>
internal sealed class EnvelopeBuilder
{
    private readonly List<Transaction> _transactions = [];
    private readonly List<ReadOnlyMemory<byte>> _commands = [];
    private readonly string? _traceParent;
    private bool _isHistory;
    private int _jsonLength;

    /// <param name="traceParent">W3C trace context of the sender, if any.</param>
    public EnvelopeBuilder(string? traceParent) => _traceParent = traceParent;

    /// <summary>Transactions and commands so far.</summary>
    public int Count => _transactions.Count + _commands.Count;

    /// <summary>Transactions so far.</summary>
    public int TransactionCount => _transactions.Count;

    /// <summary>Adds a transaction, unless the message would grow over the queue's limit or holds something of another kind.</summary>
    public bool TryAdd(Transaction transaction)
    {
        if (_commands.Count > 0 || (_transactions.Count > 0 && _isHistory != transaction.IsHistory)
            || !TryGrow(Envelope.LengthOf(transaction), Count > 0 ? _jsonLength : Envelope.EmptyLength(_traceParent, transaction.IsHistory)))
        {
            return false;
        }

        _isHistory = transaction.IsHistory;
        _transactions.Add(transaction);
        return true;
    }

    /// <summary>Adds a command, unless the message would grow over the queue's limit or holds transactions.</summary>
    public bool TryAdd(Command command)
    {
        ReadOnlyMemory<byte> json = CommandJson.Write(command);
        if (_transactions.Count > 0 || !TryGrow(json.Length + 1, Count > 0 ? _jsonLength : Envelope.EmptyLengthOfCommands(_traceParent)))
        {
            return false;
        }

        _commands.Add(json);
        return true;
    }

    /// <summary>The finished message.</summary>
    public MessageBody ToBody() => new(new Envelope(_traceParent, _transactions, Count == 0 ? Envelope.EmptyLength(_traceParent) : _jsonLength)
    {
        Commands = _commands,
        IsHistory = _isHistory,
    });

    // The first item has no comma before it.
    private bool TryGrow(int itemWithComma, int before)
    {
        int length = before + itemWithComma - (Count == 0 ? 1 : 0);
        if (length > MessageText.MaximumJsonLength)
        {
            return false;
        }

        _jsonLength = length;
        return true;
    }
}
