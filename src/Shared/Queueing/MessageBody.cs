using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace FinanceIngest.Queueing;

/// <summary>
/// A message's form on a queue. A queue that other programs write to or read from holds the <see cref="Text"/>. A queue that belongs to this system alone may
/// hold an <see cref="EnvelopePacking">envelope packed</see> in about a seventh of the space. A message that was received as base64 is held decoded, because
/// most are read once and full ones are large. In each case the text is the one that was sent, and is made only when it is asked for.
/// </summary>
public sealed class MessageBody
{
    private string? _text;
    private byte[]? _packed;
    private byte[]? _json;
    private Envelope? _envelope;

    /// <param name="text">The text exactly as it is or was sent.</param>
    public MessageBody(string text) => _text = text;

    /// <param name="envelope">What the message says.</param>
    internal MessageBody(Envelope envelope) => _envelope = envelope;

    private MessageBody()
    {
    }

    /// <summary>The text: base64 of JSON for messages of ours.</summary>
    public string Text => _text ??=
        _json is not null ? MessageText.Encode(_json)
        : TryGetEnvelope(out Envelope? envelope) ? MessageText.Encode(envelope.ToJson())
        : MessageText.Encode(_packed);

    /// <summary>Bytes of the text.</summary>
    public int Length =>
        _text is not null ? Encoding.UTF8.GetByteCount(_text)
        : _json is not null ? MessageText.LengthOf(_json.Length)
        : _envelope is not null ? MessageText.LengthOf(_envelope.JsonLength)
        : MessageText.LengthOf(EnvelopePacking.TryReadJsonLength(_packed, out int json) ? json : _packed!.Length);

    /// <summary>Bytes that the queue held: those of the packed envelope, about a seventh of its text, or those of the text.</summary>
    public int ReceivedLength => _packed?.Length ?? Length;

    /// <summary>The packed envelope, as <see cref="Unpack"/> takes it; null for a body that was made of a text, or of commands.</summary>
    public byte[]? Packed => _packed ??= _envelope is null or { Commands.Count: > 0 } ? null : EnvelopePacking.Pack(_envelope);

    /// <summary>
    /// A body of a packed envelope. Bytes that are no packed envelope make a message that is no JSON either: it becomes poison, which keeps them.
    /// </summary>
    public static MessageBody Unpack(byte[] packed) => new() { _packed = packed };

    /// <summary>A body of a text as a queue gave it.</summary>
    /// <param name="text">UTF-8.</param>
    public static MessageBody Received(ReadOnlySpan<byte> text) =>
        MessageText.TryDecodeExactly(text, out byte[] json) ? new() { _json = json } : new(Encoding.UTF8.GetString(text));

    /// <summary>Finds the JSON in the message, as <see cref="MessageText.TryDecode"/> does.</summary>
    public bool TryDecode(out byte[] json)
    {
        json = _json is null ? [] : MessageText.WithoutMark(_json);
        return _json is null ? MessageText.TryDecode(Text, out json) : json.Length > 0;
    }

    /// <summary>A body of a text.</summary>
    public static implicit operator MessageBody(string text) => new(text);

    /// <summary>The envelope, where the body was made of one.</summary>
    internal bool TryGetEnvelope([NotNullWhen(true)] out Envelope? envelope)
    {
        if (_envelope is null && _packed is not null && EnvelopePacking.TryUnpack(_packed, out Envelope? unpacked))
        {
            _envelope = unpacked;
        }

        envelope = _envelope;
        return envelope is not null;
    }
}
