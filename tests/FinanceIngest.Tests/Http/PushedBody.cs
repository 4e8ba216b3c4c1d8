using System.Threading.Channels;

namespace FinanceIngest.Tests.Http;

/// <summary>A request body whose bytes arrive when the test pushes them.</summary>
internal sealed class PushedBody : Stream
{
    private readonly Channel<int> _pushed = Channel.CreateUnbounded<int>();
    private readonly Channel<bool> _waiting = Channel.CreateUnbounded<bool>();
    private int _rest;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Lets this many bytes arrive; 0 ends the body.</summary>
    public void Push(int bytes) => _pushed.Writer.TryWrite(bytes);

    /// <summary>Breaks the connection off.</summary>
    public void Break() => _pushed.Writer.TryComplete(new IOException("The client is gone."));

    /// <summary>Waits until the reader has consumed every pushed byte and asks for more.</summary>
    public async Task AskedAsync() => await _waiting.Reader.ReadAsync();

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_rest == 0)
        {
            if (!_pushed.Reader.TryRead(out _rest))
            {
                _waiting.Writer.TryWrite(true);
                try
                {
                    _rest = await _pushed.Reader.ReadAsync(cancellationToken);
                }
                catch (ChannelClosedException e)
                {
                    throw e.InnerException ?? e;
                }
            }

            if (_rest == 0)
            {
                return 0;
            }
        }

        int read = Math.Min(_rest, buffer.Length);
        _rest -= read;
        return read;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
