using FinanceIngest.Hosting;

namespace FinanceIngest.Tests.Hosting;

/// <summary>What a program asks of the system for its threads.</summary>
public sealed class ProgramThreadsTests
{
    [Fact]
    public void A_thread_with_a_short_slice_hands_it_on_to_those_that_it_starts()
    {
        (bool isTaken, ulong own, ulong started) = (false, 0, 0);
        OnNewThread(() =>
        {
            isTaken = ProgramThreads.TryShortenSlices();
            own = ProgramThreads.CurrentSlice();
            OnNewThread(() => started = ProgramThreads.CurrentSlice());
        });

        // Linux before 6.12 takes the value without keeping it, and other systems have no such thing.
        Assert.SkipUnless(isTaken && own != 0, "This system's threads have no slices.");
        Assert.Equal((ProgramThreads.Slice, ProgramThreads.Slice), (own, started));
    }

    [Fact]
    public void The_pool_has_a_second_thread_on_a_single_core_and_is_otherwise_left_alone()
    {
        ThreadPool.GetMinThreads(out int before, out int completions);
        try
        {
            Assert.True(ThreadPool.SetMinThreads(1, completions));
            OnNewThread(ProgramThreads.Prepare);
            Assert.Equal((ProgramThreads.Least, completions), MinThreads());

            Assert.True(ThreadPool.SetMinThreads(7, completions));
            OnNewThread(ProgramThreads.Prepare);
            Assert.Equal((7, completions), MinThreads());
        }
        finally
        {
            ThreadPool.SetMinThreads(before, completions);
        }
    }

    private static (int Workers, int Completions) MinThreads()
    {
        ThreadPool.GetMinThreads(out int workers, out int completions);
        return (workers, completions);
    }

    private static void OnNewThread(Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        thread.Join();
    }
}
