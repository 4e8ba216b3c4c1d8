namespace FinanceIngest.Chaos.Receivers;

/// <summary>What one channel's receiver took: messages by their ids, and alerts by theirs.</summary>
internal sealed class ChannelLog(string name)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<Guid, (string Alerts, int Times)> _messages = [];
    private readonly Dictionary<Guid, Guid> _messageOfAlert = [];
    private readonly Dictionary<Guid, Guid> _transactionOfAlert = [];
    private readonly List<string> _violations = [];

    /// <summary>The channel's name.</summary>
    public string Name => name;

    /// <summary>The number of different alerts that were taken.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _messageOfAlert.Count;
            }
        }
    }

    /// <summary>The ids of the alerts that were taken.</summary>
    public HashSet<Guid> Alerts
    {
        get
        {
            lock (_gate)
            {
                return [.. _messageOfAlert.Keys];
            }
        }
    }

    /// <summary>The transactions of the alerts, where the messages name them.</summary>
    public IReadOnlyDictionary<Guid, Guid> Transactions
    {
        get
        {
            lock (_gate)
            {
                return new Dictionary<Guid, Guid>(_transactionOfAlert);
            }
        }
    }

    /// <summary>The number of different messages.</summary>
    public int Messages
    {
        get
        {
            lock (_gate)
            {
                return _messages.Count;
            }
        }
    }

    /// <summary>The messages that came under an id which had come before.</summary>
    public int Again
    {
        get
        {
            lock (_gate)
            {
                return _messages.Values.Sum(message => message.Times - 1);
            }
        }
    }

    /// <summary>What a receiver that understands ids would have seen and must not see.</summary>
    public IReadOnlyList<string> Violations
    {
        get
        {
            lock (_gate)
            {
                return [.. _violations];
            }
        }
    }

    /// <summary>Keeps a message. A message that comes again has the same alerts, and an alert is in one message alone.</summary>
    /// <param name="messageId">The id by which a receiver tells a repetition.</param>
    /// <param name="alerts">The message's alerts, with their transactions where it names them.</param>
    public void Take(Guid messageId, IReadOnlyList<(Guid AlertId, Guid? TransactionId)> alerts)
    {
        string text = string.Join(' ', alerts.Select(alert => alert.AlertId));
        lock (_gate)
        {
            if (_messages.TryGetValue(messageId, out (string Alerts, int Times) known))
            {
                _messages[messageId] = (known.Alerts, known.Times + 1);
                if (known.Alerts != text)
                {
                    _violations.Add($"{name}: message {messageId} came with other alerts than before");
                }

                return;
            }

            _messages[messageId] = (text, 1);
            foreach ((Guid alert, Guid? transaction) in alerts)
            {
                if (!_messageOfAlert.TryAdd(alert, messageId))
                {
                    _violations.Add($"{name}: alert {alert} is in the messages {_messageOfAlert[alert]} and {messageId}");
                }

                if (transaction is { } named)
                {
                    _transactionOfAlert[alert] = named;
                }
            }
        }
    }

    /// <summary>Adds something that must not be.</summary>
    public void Violate(string what)
    {
        lock (_gate)
        {
            _violations.Add($"{name}: {what}");
        }
    }
}
