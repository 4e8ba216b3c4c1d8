using System.IO.Pipelines;
using FinanceIngest.KestrelHead;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Http;

/// <summary>Which connection makes room for another, on a clock that stands still and without a network.</summary>
public sealed class ConnectionPlacesTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ConnectionPlaces _places;

    public ConnectionPlacesTests() => _places = new ConnectionPlaces(2, _time);

    [Fact]
    public void One_that_has_sent_no_request_for_a_second_goes_before_the_idle_ones()
    {
        Caller idle = Open(sends: true);
        idle.Answer();
        Caller silent = Open(sends: false);
        _time.Advance(TimeSpan.FromSeconds(1));

        Caller newcomer = Open(sends: true);

        Assert.False(silent.Place!.TryBegin());
        Assert.False(newcomer.Place!.IsReserved);
        Assert.True(idle.Place!.TryBegin());
    }

    [Fact]
    public void The_longest_idle_one_goes_before_one_whose_request_is_on_its_way()
    {
        Caller first = Open(sends: true);
        Caller second = Open(sends: true);
        second.Answer();
        first.Answer();
        Caller third = Open(sends: true);
        Caller fourth = Open(sends: true);

        Assert.False(second.Place!.TryBegin());
        Assert.False(first.Place!.TryBegin());
        Assert.True(third.Place!.TryBegin());
        Assert.True(fourth.Place!.TryBegin());
    }

    [Fact]
    public async Task While_all_have_requests_in_hand_or_on_their_way_there_are_places_for_probes_and_no_more()
    {
        Caller working = Open(sends: true);
        Assert.True(working.Place!.TryBegin());
        Caller young = Open(sends: true);
        Caller[] probes = [.. Enumerable.Range(0, ConnectionPlaces.Reserved).Select(_ => Open(sends: true))];
        Assert.All(probes, probe => Assert.True(probe.Place!.IsReserved));

        // All places are taken, so the oldest without a request goes after all: its place is an ordinary one.
        Caller more = Open(sends: true);
        Assert.False(young.Place!.TryBegin());
        Assert.False(more.Place!.IsReserved);

        Assert.All([more, .. probes], probe => Assert.True(probe.Place!.TryBegin()));
        Caller refused = Open(sends: true);
        Assert.Null(refused.Place);
        await refused.Served;
        Assert.True(working.Place!.TryBegin());
    }

    [Fact]
    public async Task Nothing_is_served_that_sends_nothing_in_time()
    {
        Caller silent = Open(sends: false);
        _time.Advance(ConnectionPlaces.FirstByte - TimeSpan.FromMilliseconds(1));
        Assert.False(silent.Served.IsCompleted);

        _time.Advance(TimeSpan.FromMilliseconds(1));

        await silent.Served;
        Assert.False(silent.WasServed);
    }

    [Fact]
    public async Task A_connection_that_is_cut_while_it_is_silent_is_no_failure()
    {
        Caller silent = Open(sends: false);
        silent.Cut();
        await silent.Served;
        Assert.False(silent.WasServed);
    }

    private Caller Open(bool sends) => new(_places, sends);

    private sealed class Caller
    {
        private readonly Pipe _input = new(new PipeOptions(readerScheduler: PipeScheduler.Inline, writerScheduler: PipeScheduler.Inline));
        private readonly TaskCompletionSource _end = new();
        private readonly IFeatureCollection _features;

        public Caller(ConnectionPlaces places, bool sends)
        {
            var transport = new Duplex(_input.Reader, new Pipe().Writer);
            var connection = new DefaultConnectionContext("caller", transport, transport);
            _features = connection.Features;
            if (sends)
            {
                _input.Writer.WriteAsync(new byte[1]).AsTask().GetAwaiter().GetResult();
            }

            Served = places.ServeAsync(connection, _ =>
            {
                WasServed = true;
                return _end.Task;
            });
        }

        public Task Served { get; }

        public bool WasServed { get; private set; }

        public ConnectionPlaces.Place? Place => _features.Get<ConnectionPlaces.Place>();

        public void Answer()
        {
            Assert.True(Place!.TryBegin());
            Place.End();
        }

        public void Cut() => _input.Writer.Complete(new IOException("The connection was cut."));

        private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
    }
}
