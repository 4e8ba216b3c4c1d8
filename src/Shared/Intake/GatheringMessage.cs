using System.Diagnostics;
using FinanceIngest.Observability;
using FinanceIngest.Queueing;

namespace FinanceIngest.Intake;

/// <summary>A message that gathers transactions, or commands, and knows whose they are. It belongs to the loop that fills it, then to its send.</summary>
/// <param name="queue">Name of the queue that it goes to.</param>
/// <param name="telemetry">Makes the span of the message.</param>
internal sealed class GatheringMessage(string queue, Telemetry telemetry)
{
    // Requests are answered in groups of this size on the thread pool: a switch costs about as much as one answer.
    private const int AnswersTogether = 8;

    private readonly List<(Submission Submission, int From, int To)> _parts = [];
    private EnvelopeBuilder? _envelope;
    private bool _isFull;

    // The request that is being put into messages, and the index of its first item that no message holds yet.
    private Submission? _current;
    private int _position;

    public MessageFill Fill => _envelope is null ? MessageFill.Empty : _isFull ? MessageFill.Full : MessageFill.Partial;

    /// <summary>How many transactions and commands the message holds.</summary>
    public int Count => _envelope?.Count ?? 0;

    /// <summary>How many transactions the message holds.</summary>
    public int Transactions => _envelope?.TransactionCount ?? 0;

    /// <summary>The span that covers filling and sending the message; null while the message is empty, and where nobody listens.</summary>
    public Activity? Span { get; private set; }

    /// <summary>Takes requests until the message is full or none waits.</summary>
    public void FillFrom(WaitingSubmissions waiting)
    {
        while (!_isFull && (_current is not null || waiting.TryTake(out _current)))
        {
            if (_envelope is null)
            {
                Span = telemetry.StartSend(queue, _current.TraceParent);
                _envelope = new EnvelopeBuilder(Span?.Id ?? _current.TraceParent);
            }
            else if (_parts[^1].Submission != _current)
            {
                Telemetry.Join(Span, _current.TraceParent);
            }

            int from = _position;
            while (_position < _current.Count && !_isFull)
            {
                _isFull = !_current.TryAddTo(_envelope, _position);
                _position += _isFull ? 0 : 1;
            }

            if (_position > from)
            {
                _parts.Add((_current, from, _position));
            }

            if (_position == _current.Count)
            {
                _current = null;
                _position = 0;
            }
        }
    }

    /// <summary>The message after this one, with what did not fit into it.</summary>
    public GatheringMessage Next() => new(queue, telemetry) { _current = _current, _position = _position };

    public MessageBody ToBody() => _envelope!.ToBody();

    /// <summary>Answers the requests whose last transactions were in this message.</summary>
    /// <param name="failure">Why the message is not known to be durable; null: it is durable.</param>
    public Task CompleteAsync(Exception? failure)
    {
        if (_parts.Count <= AnswersTogether)
        {
            Complete(_parts, failure);
            return Task.CompletedTask;
        }

        return Task.WhenAll(_parts.Chunk(AnswersTogether).Select(parts => Task.Run(() => Complete(parts, failure))));
    }

    private static void Complete(IEnumerable<(Submission Submission, int From, int To)> parts, Exception? failure)
    {
        foreach ((Submission submission, int from, int to) in parts)
        {
            submission.Complete(from, to, failure);
        }
    }
}
