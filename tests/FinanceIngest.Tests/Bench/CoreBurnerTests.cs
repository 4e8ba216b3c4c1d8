using System.IO.Pipelines;
using FinanceIngest.Bench.Load;
using Microsoft.Extensions.Time.Testing;

namespace FinanceIngest.Tests.Bench;

/// <summary>A process that keeps a core busy beside a benchmark ends by itself, whatever becomes of the benchmark.</summary>
public sealed class CoreBurnerTests
{
    [Theory]
    [InlineData("5", 5)]
    [InlineData("3600", 3600)]
    public void The_argument_gives_the_time(string text, int seconds)
    {
        Assert.True(CoreBurner.IsAskedFor([CoreBurner.Argument, text], out TimeSpan atMost));
        Assert.Equal(TimeSpan.FromSeconds(seconds), atMost);
    }

    [Theory]
    [InlineData]
    [InlineData("latency")]
    [InlineData(CoreBurner.Argument)]
    [InlineData(CoreBurner.Argument, "0")]
    [InlineData(CoreBurner.Argument, "-1")]
    [InlineData(CoreBurner.Argument, "for ever")]
    [InlineData(CoreBurner.Argument, "1", "2")]
    public void Other_arguments_ask_for_no_burner(params string[] arguments) => Assert.False(CoreBurner.IsAskedFor(arguments, out _));

    [Fact]
    public async Task A_burner_computes_until_its_time_is_over()
    {
        var time = new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.FromMilliseconds(1) };
        var open = new Pipe();

        long looks = CoreBurner.Burn(TimeSpan.FromSeconds(1), open.Reader.AsStream(), time);

        Assert.Equal(999, looks);
        await open.Writer.CompleteAsync();
    }

    [Fact]
    public async Task A_burner_ends_with_the_program_that_started_it()
    {
        var input = new Pipe();
        Task<long> burning = Task.Run(() => CoreBurner.Burn(TimeSpan.FromDays(1), input.Reader.AsStream(), new FakeTimeProvider()));
        await input.Writer.WriteAsync("what is written means nothing"u8.ToArray(), TestContext.Current.CancellationToken);
        Assert.False(burning.IsCompleted);

        await input.Writer.CompleteAsync();

        Assert.True(await burning.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken) >= 0);
    }
}
