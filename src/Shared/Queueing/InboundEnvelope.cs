using FinanceIngest.Transactions;

namespace FinanceIngest.Queueing;

/// <summary>Gathers the inbound queue's message: as many transactions as fit into one.</summary>
internal sealed class InboundEnvelope
{
    /// <summary>The message that keeps the queue from looking empty while alerts are unsent (see <c>Alerts/AlertMarker</c>).</summary>
    public static readonly string AlertMarkerText = MessageText.Encode("""{"v":1,"marker":"unsent-alerts","transactions":[]}""");

    private readonly List<Transaction> _transactions = [];
    private readonly string? _traceParent;
    private int _jsonLength;

    /// <param name="traceParent">W3C trace context of the sender, if any.</param>
    public InboundEnvelope(string? traceParent)
    {
        _traceParent = traceParent;
        _jsonLength = EnvelopeContent.EmptyLength(traceParent);
    }

    /// <summary>Transactions so far.</summary>
    public int Count => _transactions.Count;

    /// <summary>Adds a transaction unless the message would grow over the queue's limit.</summary>
    public bool TryAdd(Transaction transaction)
    {
        int length = _jsonLength + EnvelopeContent.LengthOf(transaction) - (Count == 0 ? 1 : 0);
        if (length > MessageText.MaximumJsonLength)
        {
            return false;
        }

        _jsonLength = length;
        _transactions.Add(transaction);
        return true;
    }

    /// <summary>The finished message.</summary>
    public MessageBody ToBody() => new(new EnvelopeContent(_traceParent, _transactions, _jsonLength));
}
