using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace FinanceIngest.Queueing;

/// <summary>
/// What a message says. A queue that others write to, or read from, holds it as a <see cref="Text"/>. One that is ours alone may hold one of our envelopes
/// <see cref="PackedTransactions">packed</see>, in a fifth of the space; its text is the same as if it had never been packed, and is made when somebody asks for it. So is
/// that of a message that was received as base64 and is held decoded: most are read once, and full ones are large.
/// </summary>
public sealed class MessageBody
{
    private string? _text;
    private byte[]? _packed;
    private byte[]? _json;
    private EnvelopeContent? _content;

    /// <param name="text">The text exactly as it is.</param>
    public MessageBody(string text) => _text = text;

    /// <param name="content">An envelope of ours.</param>
    internal MessageBody(EnvelopeContent content) => _content = content;

    private MessageBody()
    {
    }

    /// <summary>The text: base64 of JSON for messages of ours.</summary>
    public string Text => _text ??= _json is not null ? MessageText.Encode(_json) : TryGetContent(out EnvelopeContent? content) ? MessageText.Encode(content.ToJson()) : MessageText.Encode(_packed);

    /// <summary>Bytes of the text.</summary>
    public int Length =>
        _text is not null ? Encoding.UTF8.GetByteCount(_text)
        : _json is not null ? MessageText.LengthOf(_json.Length)
        : _content is not null ? MessageText.LengthOf(_content.JsonLength)
        : MessageText.LengthOf(PackedTransactions.TryReadJsonLength(_packed, out int json) ? json : _packed!.Length);

    /// <summary>Bytes that came with it from its queue: of a packed one about a seventh of its text.</summary>
    public int ReceivedLength => _packed?.Length ?? Length;

    /// <summary>What <see cref="Unpack"/> takes; null for a text.</summary>
    public byte[]? Packed => _packed ??= _content is null ? null : PackedTransactions.Pack(_content);

    /// <summary>A message that was packed. Bytes that are none make a message that is no JSON either: poison, which keeps them.</summary>
    public static MessageBody Unpack(byte[] packed) => new() { _packed = packed };

    /// <summary>A text as a queue gave it.</summary>
    /// <param name="text">UTF-8.</param>
    public static MessageBody Received(ReadOnlySpan<byte> text) =>
        MessageText.TryDecodeExactly(text, out byte[] json) ? new() { _json = json } : new(Encoding.UTF8.GetString(text));

    /// <summary>The JSON in it, as <see cref="MessageText.TryDecode"/> finds it.</summary>
    public bool TryDecode(out byte[] json)
    {
        json = _json ?? [];
        return _json is not null || MessageText.TryDecode(Text, out json);
    }

    /// <summary>A text.</summary>
    public static implicit operator MessageBody(string text) => new(text);

    /// <summary>The envelope, where this was made of one.</summary>
    internal bool TryGetContent([NotNullWhen(true)] out EnvelopeContent? content)
    {
        if (_content is null && _packed is not null && PackedTransactions.TryUnpack(_packed, out EnvelopeContent? unpacked))
        {
            _content = unpacked;
        }

        content = _content;
        return content is not null;
    }
}
