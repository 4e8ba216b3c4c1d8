using FinanceIngest.Ground;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Ground;

public sealed class BulkPaceTests
{
    private readonly FakeTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(40, 40)]
    [InlineData(1000, 1000)]
    [InlineData(30_000, 1000)]
    public void A_rest_is_as_long_as_the_piece_but_never_longer_than_a_second(int took, int expected)
    {
        long began = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromMilliseconds(took));

        Task rest = BulkPace.RestAsync(_time, began, Token);

        _time.Advance(TimeSpan.FromMilliseconds(expected) - TimeSpan.FromTicks(1));
        Assert.False(rest.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.True(rest.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_piece_that_took_no_time_is_followed_by_none() => Assert.True(BulkPace.RestAsync(_time, _time.GetTimestamp(), Token).IsCompletedSuccessfully);

    [Fact]
    public async Task A_rest_ends_with_its_program()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        long began = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(1));
        Task rest = BulkPace.RestAsync(_time, began, stop.Token);

        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => rest);
    }
}
