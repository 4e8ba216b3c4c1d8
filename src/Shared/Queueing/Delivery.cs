using FinanceIngest.Commands;
using FinanceIngest.Ground;
using FinanceIngest.Transactions;

namespace FinanceIngest.Queueing;

/// <summary>A received message with what was read from it: what can be scored, what can't, and why.</summary>
/// <param name="message">The message, under a lease.</param>
internal sealed class Delivery(LeasedMessage message)
{
    /// <summary>The message, under a lease.</summary>
    public LeasedMessage Message => message;

    /// <summary>The transactions that can be scored.</summary>
    public List<Transaction> Transactions { get; } = [];

    /// <summary>The transactions that can't be scored, as far as they could be read.</summary>
    public List<FailedTransaction> Unreadable { get; } = [];

    /// <summary>The commands that can be carried out.</summary>
    public List<Command> Commands { get; } = [];

    /// <summary>W3C trace context of the sender.</summary>
    public string? TraceParent { get; set; }

    /// <summary>
    /// Whether transactions take something from the message that they came in: an id that derives from its id, or its insertion as their acceptance. In another
    /// message they would be other transactions.
    /// </summary>
    public bool HasDerivedIds { get; set; }

    /// <summary>The most characters of a reason that are kept and logged: a message of 64 KiB may hold thousands of errors.</summary>
    public const int LongestReason = 1000;

    private string? _poisonReason;

    /// <summary>Why the message is poison; null when all of it can be scored.</summary>
    public string? PoisonReason
    {
        get => _poisonReason;
        set => _poisonReason = value is null ? null : SafeText.Cut(value, LongestReason);
    }

    /// <summary>Some of the transactions, as a delivery of their own that can be written apart from the rest.</summary>
    /// <param name="start">Index of the first.</param>
    /// <param name="count">How many.</param>
    public Delivery Only(int start, int count)
    {
        var part = new Delivery(message) { TraceParent = TraceParent };
        part.Transactions.AddRange(Transactions.GetRange(start, count));
        return part;
    }

    /// <summary>Some of the commands, as a delivery of their own that can be written apart from the rest.</summary>
    /// <param name="start">Index of the first.</param>
    /// <param name="count">How many.</param>
    public Delivery OnlyCommands(int start, int count)
    {
        var part = new Delivery(message) { TraceParent = TraceParent };
        part.Commands.AddRange(Commands.GetRange(start, count));
        return part;
    }

    /// <summary>What the message holds beside transactions that can be scored and commands that can be carried out.</summary>
    public Delivery WithoutItems()
    {
        var rest = new Delivery(message) { TraceParent = TraceParent, PoisonReason = PoisonReason };
        rest.Unreadable.AddRange(Unreadable);
        return rest;
    }

    /// <summary>Takes back what was read, so that none of it is scored or carried out.</summary>
    public void Forget()
    {
        ForgetTransactions();
        Commands.Clear();
        PoisonReason = null;
    }

    /// <summary>Takes back the transactions that were read.</summary>
    public void ForgetTransactions()
    {
        Transactions.Clear();
        Unreadable.Clear();
        HasDerivedIds = false;
        PoisonReason = null;
    }

    /// <summary>Makes every transaction part of a history that is put in.</summary>
    public void MarkAsHistory()
    {
        for (int i = 0; i < Transactions.Count; i++)
        {
            Transactions[i] = Transactions[i] with { IsHistory = true };
        }
    }
}
