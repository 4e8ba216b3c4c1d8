using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace FinanceIngest.KestrelHead;

/// <summary>
/// Gives each connection one of a limited number of places, so that connections which do nothing never keep out one that asks. When all places are taken, a
/// new connection gets the place of the oldest connection that has not sent a request for a second, or else of the one that has been idle for longest. Only
/// when every connection has a request in hand, or on the way, does it get one of a few reserved places, where nothing but probes is answered.
/// </summary>
/// <remarks>
/// Kestrel's own limit closes the newest connection instead, and a probe is always the newest: with the limit reached by silence alone, a supervisor would take
/// the process for dead.
/// </remarks>
/// <param name="maximum">The places.</param>
/// <param name="time">The clock of <see cref="FirstByte"/>.</param>
internal sealed class ConnectionPlaces(int maximum, TimeProvider time)
{
    /// <summary>The time in which a connection must send its first byte.</summary>
    public static readonly TimeSpan FirstByte = TimeSpan.FromSeconds(10);

    /// <summary>Places beyond the maximum in which probes alone are answered.</summary>
    public const int Reserved = 64;

    // A connection that has just been opened has its request on the way, and goes last, when the reserved places are taken as well.
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();

    // Connections that have sent no request yet, in the order of their arrival, and idle ones, in the order in which they became so.
    private readonly LinkedList<Place> _unproven = new();
    private readonly LinkedList<Place> _idle = new();
    private int _ordinary;
    private int _reserved;

    /// <summary>Serves a connection in a place of its own; the connection is closed when this returns.</summary>
    /// <param name="connection">The connection, before TLS and HTTP.</param>
    /// <param name="next">Serves the connection.</param>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var place = new Place(this, connection);
        if (!TryEnter(place))
        {
            return;
        }

        try
        {
            connection.Features.Set(place);
            if (await SendsAsync(place))
            {
                await next(connection);
            }
        }
        finally
        {
            Leave(place);
        }
    }

    // Waits for the first byte, which stays unread. A connection that sends nothing costs no more than its socket until then.
    private async Task<bool> SendsAsync(Place place)
    {
        PipeReader input = place.Connection.Transport.Input;
        try
        {
            ValueTask<ReadResult> reading = input.ReadAsync();
            if (reading.IsCompleted)
            {
                return IsSent(await reading, input);
            }

            CancellationToken stopping = place.Connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
            using var timer = new CancellationTokenSource(FirstByte, time);
            await using CancellationTokenRegistration expired = timer.Token.UnsafeRegister(Cancel, input);
            await using CancellationTokenRegistration stopped = stopping.UnsafeRegister(Cancel, input);
            return IsSent(await reading, input);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException)
        {
            // The client has cut the connection, or another one has its place.
            return false;
        }

        static void Cancel(object? reader) => ((PipeReader)reader!).CancelPendingRead();
    }

    private static bool IsSent(ReadResult result, PipeReader input)
    {
        bool sent = !result.Buffer.IsEmpty;
        input.AdvanceTo(result.Buffer.Start);
        return sent && !result.IsCanceled;
    }

    private bool TryEnter(Place place)
    {
        Place? evicted = null;
        lock (_gate)
        {
            if (_ordinary >= maximum)
            {
                evicted = Evict(alsoYoung: _reserved >= Reserved);
                if (evicted is null && _reserved >= Reserved)
                {
                    return false;
                }
            }

            place.EnteredAt = time.GetTimestamp();
            place.IsReserved = _ordinary >= maximum;
            CountPlace(place, 1);
            _unproven.AddLast(place.Node);
        }

        // Outside of the lock, because closing runs callbacks of others.
        evicted?.Close();
        return true;
    }

    // The place is free from here on; its connection ends a little later.
    private Place? Evict(bool alsoYoung)
    {
        Place? silent = _unproven.First?.Value;
        bool isLate = silent is not null && time.GetElapsedTime(silent.EnteredAt) >= s_grace;
        if ((isLate ? silent : _idle.First?.Value ?? (alsoYoung ? silent : null)) is not { } oldest)
        {
            return null;
        }

        oldest.WasUnproven = oldest.Node.List == _unproven;
        oldest.Node.List!.Remove(oldest.Node);
        oldest.IsEvicted = true;
        CountPlace(oldest, -1);
        return oldest;
    }

    private void Leave(Place place)
    {
        lock (_gate)
        {
            if (!place.IsEvicted)
            {
                place.Node.List?.Remove(place.Node);
                place.IsEvicted = true;
                CountPlace(place, -1);
            }
        }
    }

    private void CountPlace(Place place, int number)
    {
        _reserved += place.IsReserved ? number : 0;
        _ordinary += place.IsReserved ? 0 : number;
    }

    /// <summary>The place of one connection, as a feature of the connection.</summary>
    internal sealed class Place
    {
        private readonly ConnectionPlaces _places;

        public Place(ConnectionPlaces places, ConnectionContext connection)
        {
            _places = places;
            Connection = connection;
            Node = new LinkedListNode<Place>(this);
        }

        /// <summary>The connection.</summary>
        public ConnectionContext Connection { get; }

        /// <summary>Whether probes alone are answered here.</summary>
        public bool IsReserved { get; set; }

        /// <summary>Whether the connection lost its place, or has ended.</summary>
        internal bool IsEvicted { get; set; }

        internal bool WasUnproven { get; set; }

        internal long EnteredAt { get; set; }

        internal LinkedListNode<Place> Node { get; }

        // How many requests are in hand: over HTTP/2 there may be several.
        private int InHand { get; set; }

        /// <summary>Notes that a request is in hand, so that the connection keeps its place; false: the place is gone already.</summary>
        public bool TryBegin()
        {
            lock (_places._gate)
            {
                if (IsEvicted)
                {
                    return false;
                }

                InHand++;
                Node.List?.Remove(Node);
                return true;
            }
        }

        /// <summary>Notes that a request was answered.</summary>
        public void End()
        {
            lock (_places._gate)
            {
                InHand--;
                if (InHand == 0 && !IsEvicted)
                {
                    _places._idle.AddLast(Node);
                }
            }
        }

        /// <summary>
        /// Ends a connection that lost its place. An idle one is closed as Kestrel closes it at a stop, so that a request that arrives at this moment is still
        /// answered.
        /// </summary>
        internal void Close()
        {
            if (WasUnproven)
            {
                Connection.Abort(new ConnectionAbortedException("Another connection took the place of this one, which had not sent a request."));
            }
            else
            {
                Connection.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            }
        }
    }
}
