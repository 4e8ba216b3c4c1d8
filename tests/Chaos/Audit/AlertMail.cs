using System.Text;
using System.Text.Json;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Audit;

/// <summary>What the alert queue's consumer has received: which alerts, how often, for which transactions.</summary>
internal sealed class AlertMail(Installation installation)
{
    private readonly Dictionary<Guid, (Guid TransactionId, int Times)> _received = [];

    /// <summary>Alert ids with their transaction and how often they came.</summary>
    public IReadOnlyDictionary<Guid, (Guid TransactionId, int Times)> Received => _received;

    /// <summary>One alert id that came for two transactions, if any did.</summary>
    public string? Problem { get; private set; }

    /// <summary>Takes what is on the queue.</summary>
    public async Task CollectAsync(CancellationToken cancellationToken)
    {
        foreach (string text in await installation.Queue(Installation.AlertQueue).TakeAllAsync(cancellationToken))
        {
            JsonElement alert = JsonDocument.Parse(Encoding.UTF8.GetString(Convert.FromBase64String(text))).RootElement;
            Guid id = alert.GetProperty("alert_id").GetGuid();
            Guid transaction = alert.GetProperty("transaction_id").GetGuid();
            (Guid TransactionId, int Times) before = _received.GetValueOrDefault(id, (transaction, 0));
            _received[id] = (before.TransactionId, before.Times + 1);
            if (before.TransactionId != transaction)
            {
                Problem = $"alert {id} came for {before.TransactionId} and for {transaction}";
            }
        }
    }
}
