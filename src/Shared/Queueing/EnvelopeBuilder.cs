using FinanceIngest.Transactions;

namespace FinanceIngest.Queueing;

/// <summary>Gathers transactions into an <see cref="Envelope"/>: as many as fit into one message.</summary>
internal sealed class EnvelopeBuilder
{
    private readonly List<Transaction> _transactions = [];
    private readonly string? _traceParent;
    private int _jsonLength;

    /// <param name="traceParent">W3C trace context of the sender, if any.</param>
    public EnvelopeBuilder(string? traceParent)
    {
        _traceParent = traceParent;
        _jsonLength = Envelope.EmptyLength(traceParent);
    }

    /// <summary>Transactions so far.</summary>
    public int Count => _transactions.Count;

    /// <summary>Adds a transaction unless the message would grow over the queue's limit.</summary>
    public bool TryAdd(Transaction transaction)
    {
        // The first transaction has no comma before it.
        int length = _jsonLength + Envelope.LengthOf(transaction) - (Count == 0 ? 1 : 0);
        if (length > MessageText.MaximumJsonLength)
        {
            return false;
        }

        _jsonLength = length;
        _transactions.Add(transaction);
        return true;
    }

    /// <summary>The finished message.</summary>
    public MessageBody ToBody() => new(new Envelope(_traceParent, _transactions, _jsonLength));
}
