using System.Text;
using System.Text.Json;
using FinanceIngest.Chaos.Storage;

namespace FinanceIngest.Chaos.Audit;

/// <summary>A consumer of the alert queue, which remembers the alerts that it received.</summary>
internal sealed class AlertMail(Installation installation)
{
    private readonly Dictionary<Guid, (Guid TransactionId, int Times)> _received = [];

    /// <summary>The received alert ids, each with its transaction and the number of times that it was received.</summary>
    public IReadOnlyDictionary<Guid, (Guid TransactionId, int Times)> Received => _received;

    /// <summary>Names an alert id that was received for two transactions; null when there is none.</summary>
    public string? Problem { get; private set; }

    /// <summary>Receives all messages that are on the queue.</summary>
    public async Task CollectAsync(CancellationToken cancellationToken)
    {
        foreach (string text in await installation.Queue(Installation.AlertQueue).TakeAllAsync(cancellationToken))
        {
            JsonElement alert = JsonDocument.Parse(Encoding.UTF8.GetString(Convert.FromBase64String(text))).RootElement;

            // A notifier's marker is no alert.
            if (!alert.TryGetProperty("marker", out _))
            {
                Take(alert.GetProperty("alert_id").GetGuid(), alert.GetProperty("transaction_id").GetGuid());
            }
        }
    }

    /// <summary>Remembers an alert that was received.</summary>
    public void Take(Guid id, Guid transaction)
    {
        (Guid TransactionId, int Times) before = _received.GetValueOrDefault(id, (transaction, 0));
        _received[id] = (before.TransactionId, before.Times + 1);
        if (before.TransactionId != transaction)
        {
            Problem = $"alert {id} was received for {before.TransactionId} and for {transaction}";
        }
    }
}
