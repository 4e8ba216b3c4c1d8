namespace FinanceIngest.Chaos.Receivers;

/// <summary>Waits for the next message at a receiver, and keeps its answer back until the sender is dead.</summary>
internal sealed class Ambush
{
    private TaskCompletionSource? _taken;
    private TaskCompletionSource? _over;

    /// <summary>Lies in wait.</summary>
    /// <returns>A task that ends when a message was taken and is not answered.</returns>
    public Task Begin()
    {
        _over = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _taken, taken);
        return taken.Task;
    }

    /// <summary>Lets answers pass again.</summary>
    public void End()
    {
        Interlocked.Exchange(ref _taken, null);
        _over?.TrySetResult();
    }

    /// <summary>The receiver calls it for each message that it took and has not answered.</summary>
    /// <returns>True: the answer was kept back, and its sender is dead.</returns>
    public async Task<bool> PassAsync()
    {
        if (Volatile.Read(ref _taken) is not { } taken || _over is not { } over)
        {
            return false;
        }

        taken.TrySetResult();
        await over.Task;
        return true;
    }
}
