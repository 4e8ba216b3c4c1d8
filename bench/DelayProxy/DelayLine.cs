using System.Buffers;
using System.Net.Sockets;

namespace FinanceIngest.Bench.Delay;

/// <summary>
/// One direction of a connection. A thread reads and stamps, another waits and sends, so that data that is on its way delays none that follows: as on a wire,
/// any number of pieces is under way at once, and each arrives a fixed time after it was sent, in order. The end of the stream travels like data.
/// </summary>
internal sealed class DelayLine(Socket from, Socket to, long delay, DelayClock clock, Lateness lateness)
{
    // What the line holds at most. At a delay of 2.5 ms that is 25 GB/s, so that the line is no limit: it only keeps a receiver that stands still from
    // filling the memory.
    internal const int Capacity = 64 * 1024 * 1024;

    private const int PieceLength = 64 * 1024;
    private readonly Queue<Piece> _pieces = [];
    private long _held;
    private bool _failed;

    /// <summary>Reads until the stream ends. Runs on a thread of its own.</summary>
    public void Read()
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(PieceLength);
        try
        {
            int read;
            while ((read = from.Receive(buffer, 0, PieceLength, SocketFlags.None)) > 0)
            {
                Put(new Piece(clock.Now + delay, buffer, read));
                buffer = ArrayPool<byte>.Shared.Rent(PieceLength);
            }

            Put(new Piece(clock.Now + delay, [], 0));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Fail();
        }
    }

    /// <summary>Sends each piece when it is due, until the stream ends. Runs on a thread of its own.</summary>
    public void Write(CancellationToken cancellationToken)
    {
        // A receiver that does not read holds up what follows; that is not the proxy's lateness.
        long free = 0;
        try
        {
            while (Take() is { } piece)
            {
                clock.WaitUntil(piece.Due, cancellationToken);
                lateness.Add(Math.Max(clock.Now - Math.Max(piece.Due, free), 0));
                if (piece.Length == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }

                for (int sent = 0; sent < piece.Length;)
                {
                    sent += to.Send(piece.Data, sent, piece.Length - sent, SocketFlags.None);
                }

                free = clock.Now;
                ArrayPool<byte>.Shared.Return(piece.Data);
                Release(piece.Length);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            Fail();
        }
    }

    // A connection that breaks in one direction is closed in both, as a reset does.
    private void Fail()
    {
        lock (_pieces)
        {
            _failed = true;
            Monitor.PulseAll(_pieces);
        }

        from.Dispose();
        to.Dispose();
    }

    private void Put(Piece piece)
    {
        lock (_pieces)
        {
            while (_held > Capacity && !_failed)
            {
                Monitor.Wait(_pieces);
            }

            _held += piece.Length;
            _pieces.Enqueue(piece);
            lateness.Enter();
            Monitor.PulseAll(_pieces);
        }
    }

    private Piece? Take()
    {
        lock (_pieces)
        {
            while (_pieces.Count == 0 && !_failed)
            {
                Monitor.Wait(_pieces);
            }

            return _failed ? null : _pieces.Dequeue();
        }
    }

    private void Release(int length)
    {
        lock (_pieces)
        {
            _held -= length;
            Monitor.PulseAll(_pieces);
        }
    }

    // Length 0 is the end of the stream.
    private sealed record Piece(long Due, byte[] Data, int Length);
}
