using FinanceIngest.Http;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Http;

/// <summary>The limit on the bytes that requests hold together, tested without a server.</summary>
public sealed class BytesInFlightTests
{
    private const int Mebibyte = 1024 * 1024;
    private readonly FakeTimeProvider _time = new();
    private readonly BytesInFlight _inFlight;

    public BytesInFlightTests() => _inFlight = new BytesInFlight(32 * Mebibyte, _time);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public void A_request_that_would_go_beyond_the_limit_is_refused_and_holds_what_it_held()
    {
        Assert.True(_inFlight.TryTake(20 * Mebibyte, 0));
        Assert.False(_inFlight.TryTake(9 * Mebibyte, 0));
        Assert.Equal(20 * Mebibyte, _inFlight.Current);
        _inFlight.GiveBack(20 * Mebibyte);
        Assert.True(_inFlight.TryTake(9 * Mebibyte, 0));
    }

    [Fact]
    public void The_last_eighth_is_for_small_requests()
    {
        Assert.True(_inFlight.TryTake(28 * Mebibyte, 0));
        Assert.False(_inFlight.TryTake(BytesInFlight.Small, 1));
        for (int i = 0; i < 4 * Mebibyte / BytesInFlight.Small; i++)
        {
            Assert.True(_inFlight.TryTake(BytesInFlight.Small, 0));
        }

        Assert.False(_inFlight.TryTake(1, 0));
        Assert.Equal(_inFlight.Limit, _inFlight.Current);
    }

    [Fact]
    public void Retry_after_is_when_half_is_free_at_the_rate_of_the_last_seconds()
    {
        Assert.Equal(1, _inFlight.RetryAfterSeconds);
        _inFlight.TryTake(28 * Mebibyte, 0);
        for (int second = 0; second < 20; second++)
        {
            // Requests of 2 MiB arrive and 2 MiB are given back in each second.
            _inFlight.GiveBack(2 * Mebibyte);
            _inFlight.TryTake(2 * Mebibyte, 0);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.False(_inFlight.TryTake(1 * Mebibyte, 0));
        Assert.InRange(_inFlight.RetryAfterSeconds, 6, 8);

        // At half the rate, half of the limit takes twice as long to become free.
        for (int second = 0; second < 20; second++)
        {
            _inFlight.GiveBack(1 * Mebibyte);
            _inFlight.TryTake(1 * Mebibyte, 0);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(_inFlight.RetryAfterSeconds, 12, 16);
    }

    [Fact]
    public void While_nothing_is_given_back_it_is_as_long_as_that_has_been_so()
    {
        _inFlight.TryTake(28 * Mebibyte, 0);
        foreach (int second in new[] { 1, 4, 30, 60 })
        {
            _time.SetUtcNow(_time.Start.AddSeconds(second));
            Assert.False(_inFlight.TryTake(1 * Mebibyte, 0));
            Assert.Equal(second, _inFlight.RetryAfterSeconds);
        }

        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(_inFlight.TryTake(1 * Mebibyte, 0));
        Assert.Equal(60, _inFlight.RetryAfterSeconds);
    }

    [Fact]
    public async Task What_is_announced_and_has_not_come_holds_nothing()
    {
        var body = new PushedBody();
        using var request = new Request(body, 16 * Mebibyte);
        request.CountIn(_inFlight);
        Task<ReadOnlyMemory<byte>> read = request.ReadBodyAsync(16 * Mebibyte, Token);
        await body.AskedAsync();
        Assert.Equal(0, _inFlight.Current);

        body.Push(1000);
        await body.AskedAsync();
        Assert.InRange(_inFlight.Current, 1000, 8 * 1024);

        body.Push(3 * Mebibyte);
        await body.AskedAsync();
        Assert.InRange(_inFlight.Current, 3 * Mebibyte, (4 * Mebibyte) + (8 * 1024));

        body.Push(0);
        Assert.Equal((3 * Mebibyte) + 1000, (await read).Length);
        request.HoldInstead(5000);
        Assert.Equal(5000, _inFlight.Current);
    }

    [Fact]
    public async Task Half_read_bodies_are_refused_when_they_cannot_grow_and_give_all_back()
    {
        for (int round = 0; round < 3; round++)
        {
            List<(PushedBody Body, Request Request, Task Read)> clients = [.. Enumerable.Range(0, 64).Select(_ =>
            {
                var body = new PushedBody();
                var request = new Request(body, 16 * Mebibyte);
                request.CountIn(_inFlight);
                return (body, request, (Task)request.ReadBodyAsync(16 * Mebibyte, Token));
            })];
            int refused = 0;
            foreach ((PushedBody body, _, Task read) in clients)
            {
                await body.AskedAsync();
                body.Push(8 * Mebibyte);
                if (await Task.WhenAny(read, body.AskedAsync()) == read)
                {
                    ProblemException refusal = await Assert.ThrowsAsync<ProblemException>(() => read);
                    Assert.Equal((503, "overloaded"), (refusal.Problem.Status, refusal.Problem.Kind));
                    Assert.Contains(refusal.Problem.Headers, header => header.Name == "Retry-After");
                    refused++;
                }

                Assert.InRange(_inFlight.Current, 0, _inFlight.Limit);
            }

            Assert.InRange(refused, 60, 63);
            foreach ((PushedBody body, Request request, Task read) in clients)
            {
                // The body of each remaining client breaks off.
                body.Break();
                await Assert.ThrowsAnyAsync<Exception>(() => read);
                request.Dispose();
                request.Dispose();
            }

            Assert.Equal(0, _inFlight.Current);
        }
    }

    [Fact]
    public async Task The_largest_body_passes_when_it_is_alone()
    {
        var body = new PushedBody();
        using var request = new Request(body, 16 * Mebibyte);
        request.CountIn(_inFlight);
        Task<ReadOnlyMemory<byte>> read = request.ReadBodyAsync(16 * Mebibyte, Token);
        body.Push(16 * Mebibyte);
        body.Push(0);
        Assert.Equal(16 * Mebibyte, (await read).Length);
    }

    [Fact]
    public async Task A_large_body_that_stands_still_is_408_however_much_of_it_came_before()
    {
        var body = new PushedBody();
        using var request = new Request(body, 16 * Mebibyte);
        request.CountIn(_inFlight);
        Task<ReadOnlyMemory<byte>> read = request.ReadBodyAsync(16 * Mebibyte, Token);
        await body.AskedAsync();
        body.Push(8 * Mebibyte);
        await body.AskedAsync();

        // A trickle does not help: a body has 15 s in advance, and one more second for each 32 KiB.
        for (int i = 0; i < 3; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(4));
            Assert.False(read.IsCompleted);
            body.Push(1024);
            await body.AskedAsync();
        }

        _time.Advance(TimeSpan.FromSeconds(4));
        Problem problem = (await Assert.ThrowsAsync<ProblemException>(() => read)).Problem;
        Assert.Equal((408, "too-slow"), (problem.Status, problem.Kind));
        request.Dispose();
        Assert.Equal(0, _inFlight.Current);
    }

    [Fact]
    public async Task A_large_body_at_a_steady_rate_may_take_its_time()
    {
        var body = new PushedBody();
        using var request = new Request(body, Mebibyte);
        request.CountIn(_inFlight);
        Task<ReadOnlyMemory<byte>> read = request.ReadBodyAsync(16 * Mebibyte, Token);
        for (int second = 0; second < 32; second++)
        {
            await body.AskedAsync();
            _time.Advance(TimeSpan.FromSeconds(1));
            body.Push(32 * 1024);
        }

        await body.AskedAsync();
        body.Push(0);
        Assert.Equal(Mebibyte, (await read).Length);
    }

    private sealed class Request(Stream body, long? length) : ApiRequest
    {
        public override string Method => "POST";

        public override string Path => "/";

        public override long? ContentLength => length;

        public override Stream Body => body;

        public override string? Header(string name) => null;

        public override string QueryText => "";
    }
}
